"""The application behind CometBFT as a process: its database, its socket, and how it ends.

It refuses to start where another process has the database. It ends in good order on SIGTERM and SIGINT, and with the
reason where the application failed; CometBFT halts then, and both are started again together.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

from chainpos.engine.cometbft.application import Application, create_application
from chainpos.engine.cometbft.server import AbciServer
from chainpos.errors import EXIT_USAGE, UserFacingError
from chainpos.node.clock import Clock, SystemClock
from chainpos.node.home import Home
from chainpos.node.run import Ready, run_until_told
from chainpos.node.verified import VerifiedSignatures

DEFAULT_SNAPSHOT_EVERY = 1_000
_log = logging.getLogger(__name__)


def default_address(folder: Path) -> str:
    """The socket in the home: CometBFT's proxy_app where nothing else is said. Windows has none for asyncio."""
    if sys.platform == "win32":
        return "tcp://127.0.0.1:26658"
    return f"unix://{Path(os.path.abspath(folder)) / 'data' / 'abci.sock'}"  # noqa: PTH100 - links stay as they are


async def run_application(
    folder: Path,
    address: str,
    clock: Clock | None = None,
    *,
    snapshot_every: int = DEFAULT_SNAPSHOT_EVERY,
    ready: Ready,
    stop: asyncio.Event,
) -> None:
    """Serve the application whose home is `folder` until `stop` is set. `ready` is told once, when it listens.

    Raises UserFacingError, StoreError where it cannot start, and whatever the application fails with.
    """
    database = Home(folder).application
    if not database.exists():
        # CometBFT's own `init` makes homes too: the genesis file is all that is needed.
        await asyncio.to_thread(_create, Home(folder))
    application = Application.open(
        database, clock or SystemClock(), verify=VerifiedSignatures().verify, snapshot_every=snapshot_every
    )
    try:
        async with AbciServer(application, address) as server:
            ready({
                "ready": True, "abci": server.address, "mode": "application", "chain_id": application.chain_id,
                "height": application.point.height,
            })  # fmt: skip
            _log.info("ready at height %d", application.point.height)
            stopping = asyncio.create_task(stop.wait(), name="stop")
            failing = asyncio.create_task(server.failed(), name="failure")
            await asyncio.wait((stopping, failing), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if failing.done():
                await failing
            failing.cancel()
            _log.info("stopping")
    finally:
        application.close()


def start_application(
    folder: Path, address: str, *, snapshot_every: int = DEFAULT_SNAPSHOT_EVERY, until_stdin_ends: bool = False
) -> None:
    """Serve the application as this process; see `run_application` and `run.start_node`."""

    async def run(ready: Ready, stop: asyncio.Event) -> None:
        await run_application(folder, address, snapshot_every=snapshot_every, ready=ready, stop=stop)

    run_until_told(run, until_stdin_ends=until_stdin_ends, log=Home(folder).log)


def _create(home: Home) -> None:
    try:
        genesis = home.genesis.read_bytes()
    except OSError as error:
        raise UserFacingError(
            f"There is no genesis file at {home.genesis}.",
            next_step="Make homes with: chainpos network init.",
            exit_code=EXIT_USAGE,
        ) from error
    home.application.parent.mkdir(parents=True, exist_ok=True)
    create_application(home.application, genesis)

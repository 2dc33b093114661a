"""The application behind CometBFT as a process: its database, its socket, and how it ends.

It refuses to start where another process has the database. It ends in good order on SIGTERM and SIGINT, and with the
reason where the application failed; CometBFT halts then, and both are started again together.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from chainpos.core.contracts.context import Violation
from chainpos.engine.cometbft.application import Application, create_application
from chainpos.engine.cometbft.server import AbciServer
from chainpos.errors import EXIT_USAGE, UserFacingError
from chainpos.node.clock import Clock, SystemClock
from chainpos.node.home import Home
from chainpos.node.money_watch import MoneyWatch
from chainpos.node.run import Ready, run_until_told
from chainpos.node.verified import VerifiedSignatures
from chainpos.node.watching import MONEY_BROKEN
from chainpos.rpc.backend import AlarmReport

DEFAULT_SNAPSHOT_EVERY = 1_000
_log = logging.getLogger(__name__)


def default_address(folder: Path) -> str:
    """The socket in the home: CometBFT's proxy_app where nothing else is said. Windows has none for asyncio."""
    if sys.platform == "win32":
        return "tcp://127.0.0.1:26658"
    return f"unix://{Path(os.path.abspath(folder)) / 'data' / 'abci.sock'}"  # noqa: PTH100 - links stay as they are


class MoneyAlarm:
    """What the application tells of the last look at its money."""

    def __init__(self, application: Application, now_ns: Callable[[], int]) -> None:
        self._application = application
        self._now_ns = now_ns

    def looked_at(self, found: list[Violation]) -> None:
        """What did not hold; the alarm keeps its first time for as long as anything does not."""
        before = self._application.alarms
        if not found:
            self._application.alarms = ()
            return
        detail = f"{found[0].invariant}: {found[0].detail}"
        if not before:
            _log.critical("the money does not add up: %s", detail)
        since_ns = before[0].since_ns if before else self._now_ns()
        self._application.alarms = (AlarmReport(MONEY_BROKEN, detail, since_ns),)


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
    clock = clock or SystemClock()
    application = Application.open(database, clock, verify=VerifiedSignatures().verify, snapshot_every=snapshot_every)
    try:
        async with AbciServer(application, address) as server:
            ready({
                "ready": True, "abci": server.address, "mode": "application", "chain_id": application.chain_id,
                "height": application.point.height,
            })  # fmt: skip
            _log.info("ready at height %d", application.point.height)
            watch = MoneyWatch(database, clock.monotonic_ns, MoneyAlarm(application, clock.now_ns).looked_at)
            watching = asyncio.create_task(watch.run(), name="money")
            stopping = asyncio.create_task(stop.wait(), name="stop")
            failing = asyncio.create_task(server.failed(), name="failure")
            ended, going = await asyncio.wait((stopping, failing, watching), return_when=asyncio.FIRST_COMPLETED)
            for task in going:
                task.cancel()
            for task in ended:
                await task
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

"""A running node: its parts put together, its tasks, and how it ends.

It refuses to start where another process has the home, where the key is another's, and where the records are damaged.
It ends in good order on SIGTERM and SIGINT, and loses nothing that was acknowledged however it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

from chainpos.engine.embedded import require_only_validator
from chainpos.engine.keys import load_node_key, load_validator_key
from chainpos.engine.sign_state import Signer
from chainpos.errors import StoreError, UserFacingError
from chainpos.node.clock import Clock, SystemClock
from chainpos.node.config import NodeSettings, load_settings, split_address
from chainpos.node.executor import Executor
from chainpos.node.home import Home
from chainpos.node.ledger import Ledger
from chainpos.node.logs import start_logging
from chainpos.node.parts import Opened, Parts
from chainpos.node.verified import VerifiedSignatures
from chainpos.rpc.limits import Limits
from chainpos.rpc.server import RpcServer
from chainpos.store.chain import ChainReader

# The executor gives the interpreter up this often, so that the event loop answers while a block executes.
SWITCH_INTERVAL_S: Final = 5e-4
# Not by __name__: run as a program, this module is called __main__, and its lines would be nobody's.
_log = logging.getLogger("chainpos.node.run")
Ready = Callable[[dict[str, object]], None]


async def run_node(
    folder: Path, settings: NodeSettings | None = None, clock: Clock | None = None, *, ready: Ready, stop: asyncio.Event
) -> None:
    """Run the node whose home is `folder` until `stop` is set. `ready` is told once, when the RPC answers.

    `settings` overrides those of the home. Raises UserFacingError, StoreError, OSError where it cannot start.
    """
    home = Home(folder)
    chosen = settings or load_settings(home.settings)
    async with _opened(home, chosen, clock or SystemClock()) as parts:
        host, port = split_address(chosen.listen)
        server = RpcServer(parts.backend, parts.hub, host=host, port=port, limits=Limits(), names=chosen.hosts)
        async with server:
            parts.listening(*server.address)
            with _told_where(home.listening, str(parts.ready_facts()["rpc"])):
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(work, name=name) for name, work in parts.tasks()]
                    ready(parts.ready_facts())
                    _log.info("ready at height %d", parts.view.tip.height)
                    await stop.wait()
                    _log.info("stopping")
                    for task in tasks:
                        task.cancel()


@contextlib.contextmanager
def _told_where(file: Path, address: str) -> Iterator[None]:
    """Other programs of this machine find the node by its folder, whatever port it took."""
    with contextlib.suppress(OSError):
        file.write_text(address, encoding="ascii")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def _opened(home: Home, settings: NodeSettings, clock: Clock) -> AsyncIterator[Parts]:
    """The parts of a node, and everything that must be let go again, in reverse order."""
    async with contextlib.AsyncExitStack() as stack:
        signer = None
        if settings.mode == "validator":
            signer = Signer(load_validator_key(home.validator_key), home.sign_state)
            stack.callback(signer.close)
        verified = VerifiedSignatures()
        # The ledger is opened in this thread and used in the executor's alone from then on.
        ledger = Ledger.open(home.database, verify=verified.verify)
        stack.callback(ledger.close)
        if signer is not None:
            require_only_validator(ledger.tip.validators, signer.key.address)
        reader, searched = ChainReader.open(home.database), ChainReader.open(home.database)
        stack.callback(reader.close)
        stack.callback(searched.close)
        # A peer's blocks are background work: who looks at it on the same machine goes first. A validator's are not.
        executor = Executor("ledger", gives_way=settings.mode == "peer")
        reading, searching = Executor("reader"), Executor("searches")
        stack.push_async_callback(searching.close)
        stack.push_async_callback(reading.close)
        stack.push_async_callback(executor.close)
        node_key = load_node_key(home.node_key)
        opened = Opened(
            home, settings, clock, ledger, reader, executor, reading, searched, searching, verified, node_key, signer
        )
        yield Parts(opened)


def start_node(folder: Path, settings: NodeSettings | None = None, *, until_stdin_ends: bool = False) -> None:
    """Run a node as this process, until SIGTERM or SIGINT, or until whoever started it is gone.

    One JSON line on stdout says that it is ready; the log goes to stderr. Raises as `run_node`.
    """

    async def run(ready: Ready, stop: asyncio.Event) -> None:
        await run_node(folder, settings, ready=ready, stop=stop)

    run_until_told(run, until_stdin_ends=until_stdin_ends, log=Home(folder).log)


def run_until_told(
    run: Callable[[Ready, asyncio.Event], Awaitable[None]], *, until_stdin_ends: bool, log: Path
) -> None:
    """Run something as this process until it is told to end; it says that it is ready, and ends when told to.

    Its log goes to stderr and to `log`, if that file's home is there.
    """
    start_logging(log if log.parent.parent.is_dir() else None)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    asyncio.run(_until_told(run, until_stdin_ends=until_stdin_ends))


async def _until_told(run: Callable[[Ready, asyncio.Event], Awaitable[None]], *, until_stdin_ends: bool) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:
            # Windows: the handler runs between two bytecodes of this thread and must only wake the loop.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    watching = asyncio.create_task(_stdin_ended(stop), name="stdin") if until_stdin_ends else None
    try:
        await run(_say_ready, stop)
    finally:
        if watching is not None:
            watching.cancel()


def _say_ready(facts: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()
    # What is loaded by now stays; looking through it again and again would only make the node stutter.
    gc.collect()
    gc.freeze()


async def _stdin_ended(stop: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while await reader.read(4096):
            pass
        stop.set()
    finally:
        transport.close()


def main(arguments: list[str]) -> None:
    """`python -m chainpos.node.run HOME`: for those who start nodes as processes. The command line has its own."""
    try:
        start_node(Path(arguments[0]), until_stdin_ends=True)
    except UserFacingError as error:
        sys.exit(f"{error.what} {error.next_step}")
    except StoreError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main(sys.argv[1:])

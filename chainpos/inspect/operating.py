"""What an operator's screens ask of one node: over RPC how it is, and of its own folder what lies there.

It refuses to change anything unless it was opened for that; what it changes then is never the ledger. A node that does
not know our methods is asked what every node answers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from chainpos.core.values.text import clean
from chainpos.errors import EXIT_UNREACHABLE, EXIT_USAGE, MalformedBytes, StoreError, UserFacingError
from chainpos.inspect.connection import NodeConnection
from chainpos.inspect.explain import Page, explain
from chainpos.inspect.generic_node import GenericNode
from chainpos.inspect.inspector import node_view
from chainpos.inspect.node_home import look_into
from chainpos.inspect.node_log import NodeLog
from chainpos.inspect.operating_views import LogLine, MempoolView, SignerRow, StoreView, WaitingRow
from chainpos.inspect.views import NodeView, PeerRow
from chainpos.node.backup import BackedUp, back_up, restore
from chainpos.node.config import NodeSettings, load_settings, split_address
from chainpos.node.home import Home, require_full
from chainpos.rpc.backend import Network
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.rpc.protocol import METHOD_NOT_FOUND
from chainpos.rpc.waiting import MempoolReport

T = TypeVar("T")
CALL_TIMEOUT_S: Final = 5.0
MAX_PEERS: Final = 200
MAX_ADDRESS: Final = 300


class OperatorDesk:
    """Asks one node. `home` is its folder, where that is on this machine; `may_change` opens what changes things."""

    def __init__(
        self, address: str, now_ns: Callable[[], int], *, home: Path | None = None, may_change: bool = False
    ) -> None:
        self.address = address
        self.home = home
        self.may_change = may_change and home is not None
        self._now_ns = now_ns
        self._connection = NodeConnection(address, timeout_s=CALL_TIMEOUT_S)
        self._generic: GenericNode | None = None
        self._log = None if home is None else NodeLog(Home(home).log)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="operator")

    @property
    def name(self) -> str:
        """What is looked at, for a screen."""
        return self.address if self.home is None else str(self.home)

    # -- over RPC; each raises UserFacingError

    async def node(self) -> NodeView:
        """How the node is."""
        return await self._ask(self._node)

    async def waiting(self) -> MempoolView:
        """What waits, by account and by age."""
        return await self._ask(self._waiting)

    async def _node(self, client: RpcClient) -> NodeView:
        if self._generic is None:
            try:
                return node_view(await client.report())
            except RpcError as error:
                if error.code != METHOD_NOT_FOUND:
                    raise
                self._generic = GenericNode()
        view = node_view(await self._generic.report(client, self._now_ns()))
        return msgspec.structs.replace(view, generic=True, store_bytes=-1, peers=_peers(await client.net_info()))

    async def _waiting(self, client: RpcClient) -> MempoolView:
        if self._generic is None:
            try:
                return _mempool(await client.mempool())
            except RpcError as error:
                if error.code != METHOD_NOT_FOUND:
                    raise
        return await (self._generic or GenericNode()).waiting(client)

    async def _ask(self, question: Callable[[RpcClient], Awaitable[T]]) -> T:
        try:
            client = self._connection.client
            if client is None or not client.is_open:
                await self._connection.close()
                # Another node may have come up at the address.
                self._generic = None
                client = await self._connection.open()
            return await question(client)
        except Disconnected as error:
            await self._connection.close()
            raise UserFacingError(
                "The node stopped answering.",
                next_step="Wait a moment: it is asked again by itself.",
                money_moved="",
                exit_code=EXIT_UNREACHABLE,
            ) from error
        except (RpcError, MalformedBytes, ValueError) as error:
            raise UserFacingError(
                "The node could not answer that.", next_step="Look at its log, then ask again.", money_moved=""
            ) from error

    # -- of the node's own folder; each raises UserFacingError

    async def store(self, *, measured: bool = False) -> StoreView:
        """What lies on the disk; `measured` reads the whole database to tell its tables apart."""
        home = self._folder()
        return await self._in_thread(lambda: look_into(home, measured=measured))

    async def log(self, least: str = "debug", words: str = "") -> tuple[LogLine, ...]:
        """The log's lines of a level or graver with all these words, the newest first."""
        log = self._log
        if log is None:
            self._folder()
            return ()
        return await self._in_thread(lambda: log.matching(least, words))

    async def back_up(self, to: Path) -> BackedUp:
        """A checked copy of the chain in one file; the node may be running."""
        home = self._changing()
        return await self._in_thread(lambda: back_up(home, to))

    async def restore(self, backup: Path, folder: Path) -> BackedUp:
        """A new peer's home out of a backup; it follows whom this node follows. Nothing that is there is touched."""
        home = self._changing()

        def made() -> BackedUp:
            settings = load_settings(Home(home).settings)
            upstreams = settings.upstreams or (settings.listen,)
            return restore(
                backup, folder, NodeSettings(mode="peer", moniker="restored", listen="127.0.0.1:0", upstreams=upstreams)
            )

        return await self._in_thread(made)

    def explain(self, code: str) -> Page | None:
        """The page of an alarm or a refusal, by its name or number."""
        return explain(code)

    async def close(self) -> None:
        """Let go of the node and its folder."""
        await self._connection.close()
        if self._log is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._log.close)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _folder(self) -> Path:
        if self.home is None:
            raise UserFacingError(
                "What lies in a node's folder is told on its own machine alone.",
                next_step="Open the console there, with --home.",
                money_moved="",
                exit_code=EXIT_USAGE,
            )
        return self.home

    def _changing(self) -> Path:
        home = self._folder()
        if not self.may_change:
            raise UserFacingError(
                "This console is for looking alone.",
                next_step="Open it with --operate to take backups and the like.",
                money_moved="",
                exit_code=EXIT_USAGE,
            )
        return home

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (StoreError, OSError) as error:
            told = error.strerror or "the disk refused it" if isinstance(error, OSError) else str(error)
            raise UserFacingError(
                f"The folder could not be used: {clean(str(told))}.",
                next_step="Check the path and the room on the disk.",
                money_moved="",
            ) from error


def address_of_home(folder: Path) -> str:
    """Where the node of a folder answers, or would by its settings if it does not run.

    Raises UserFacingError, also for a light node, which answers nobody.
    """
    require_full(folder)
    home = Home(folder)
    with contextlib.suppress(OSError, UnicodeDecodeError, UserFacingError):
        address = home.listening.read_text(encoding="ascii")[:MAX_ADDRESS]
        split_address(address)
        return address
    return load_settings(home.settings).listen


def _mempool(report: MempoolReport) -> MempoolView:
    return MempoolView(
        total=report.total,
        total_bytes=report.total_bytes,
        told=report.total,
        most=report.most,
        signers=tuple(
            SignerRow(clean(each.address), each.transactions, each.size_bytes, each.oldest_ns)
            for each in report.signers
        ),
        oldest=tuple(
            WaitingRow(clean(each.hash), clean(each.address), clean(each.kind), each.size_bytes, each.since_ns)
            for each in report.oldest
        ),
    )


def _peers(network: Network) -> tuple[PeerRow, ...]:
    return tuple(
        PeerRow(clean(each.remote_ip), clean(each.node.moniker), clean(each.node.version), each.is_outbound)
        for each in network.peers[:MAX_PEERS]
    )

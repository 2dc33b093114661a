"""A shop at work: a validator, the shop's own peer, a till, and customers' wallets, all of them real, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.checkout.matching import SaleState
from chainpos.core.values.amount import Amount
from chainpos.node.clock import Clock, SystemClock
from chainpos.rpc.client import RpcClient, RpcError
from chainpos.store.shop import ShopBook
from chainpos.till.counter import Till
from chainpos.till.home import TillHome, TillSettings
from chainpos.till.identity import Noticed
from chainpos.till.pin import Cost, set_pin
from chainpos.till.printing.pictures import _CHINESE_FONTS
from chainpos.till.views import CounterView, Link, SaleView
from chainpos.wallet.client import Wallet
from chainpos.wallet.keys import Key
from chainpos.wallet.network import Network
from chainpos.wallet.offer import PaymentOffer, RefusedOffer
from tests.core.contracts.conftest import CNY, key_of
from tests.node.conftest import Nodes, RunningNode, validator_home

TIMEOUT_S = 90.0
PIN = "4711"
MERCHANT = "TEAHOUSE"


def cny(minor: int) -> Amount:
    return Amount(minor, CNY)


def signing_key(name: str) -> Key:
    """The key of a customer, a till ("TEAHOUSE.till"), an institution or an office of the test network."""
    return Key(key_of(name).seed)


class ShiftedClock:
    """The machine's clock, wrong by so much."""

    def __init__(self, shift_s: float = 0) -> None:
        self.shift_s = shift_s

    def now_ns(self) -> int:
        return time.time_ns() + int(self.shift_s * 1e9)

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


class HandClock:
    """Both clocks by hand: one that somebody may set, and one that nobody can."""

    def __init__(self, now_ns: int = 1_790_000_000 * 10**9) -> None:
        self.wall_ns, self.steady_ns = now_ns, 10**12

    def now_ns(self) -> int:
        return self.wall_ns

    def monotonic_ns(self) -> int:
        return self.steady_ns

    def go_on(self, seconds: int) -> None:
        self.wall_ns += seconds * 10**9
        self.steady_ns += seconds * 10**9

    def restart(self) -> None:
        """The machine is started anew: what nobody can set begins anywhere."""
        self.steady_ns = 10**9


class Shop:
    """`till` is started by `open_till`; `noticed` is what it noticed."""

    def __init__(self, nodes: Nodes, folder: Path) -> None:
        self.nodes = nodes
        self.folder = folder
        self.noticed: list[Noticed] = []
        self.validator: RunningNode
        self.peer: RunningNode
        self._tills: list[Till] = []
        self._wallets: list[Wallet] = []

    @property
    def genesis(self) -> bytes:
        return self.nodes.genesis

    async def open_city(self) -> None:
        # Two hours old, so that a settlement's cut-off has passed since.
        begun_ns = time.time_ns() - 7_200 * 10**9
        self.nodes.genesis = validator_home(self.folder / "validator", genesis_time_ns=begun_ns)
        self.validator = await self.nodes.validator()
        self.peer = await self.nodes.peer(self.validator.rpc)

    async def restart_peer(self) -> None:
        self.peer = await self.nodes.start(self.peer.folder, listen=self.peer.rpc, upstreams=(self.validator.rpc,))

    async def restart_validator(self) -> None:
        self.validator = await self.nodes.start(self.validator.folder, listen=self.validator.rpc)

    def till_home(self, merchant: str = MERCHANT, *, life_s: int = 120, node: str = "") -> TillHome:
        home = TillHome(self.folder / f"till-{merchant}")
        if not home.settings_path.exists():
            settings = TillSettings(merchant, node or self.peer.rpc, CNY, life_s=life_s)
            home.create(self.genesis, settings, signing_key(f"{merchant}.till"))
            with ShopBook.open(home.book_path) as book:
                set_pin(book, PIN, cost=Cost())
        return home

    async def open_till(self, merchant: str = MERCHANT, *, clock: Clock | None = None, life_s: int = 120) -> Till:
        till = Till.open(self.till_home(merchant, life_s=life_s), clock, observer=self.noticed.append)
        self._tills.append(till)
        await till.start()
        return till

    async def close_till(self, till: Till) -> None:
        self._tills.remove(till)
        await till.stop()

    def wallet(self, name: str, *addresses: str) -> Wallet:
        network = Network(load_genesis(self.genesis), addresses or (self.validator.rpc,), SystemClock())
        key = signing_key(name)
        wallet = Wallet(network, key.public_key, key=key)
        self._wallets.append(wallet)
        return wallet

    async def in_block(self, client: RpcClient, tx_hash: bytes) -> None:
        """Wait until a block has the transaction, and the next one is there too."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                with contextlib.suppress(RpcError):
                    found = await client.tx(tx_hash)
                    if (await client.status()).latest.height > found.height:
                        assert found.result.code == 0, found.result.log
                        return
                await asyncio.sleep(0.02)

    def states(self, reference: str) -> list[SaleState]:
        return [noticed.state for noticed in self.noticed if noticed.reference == reference]

    async def close(self) -> None:
        for wallet in self._wallets:
            await wallet.close()
        for till in self._tills:
            await till.stop()


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    made = Nodes(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def shop(nodes: Nodes, tmp_path: Path) -> AsyncIterator[Shop]:
    made = Shop(nodes, tmp_path)
    await made.open_city()
    yield made
    await made.close()


@pytest.fixture
def chinese_font() -> Path:
    """A font for pictures with Chinese, where this machine has one."""
    found = next((Path(path) for path in _CHINESE_FONTS if Path(path).is_file()), None)
    if found is None:
        pytest.skip("no font with Chinese characters is installed (fonts-wqy-zenhei is one)")
    return found


async def view_where(till: Till, holds: Callable[[CounterView], bool], *, timeout_s: float = TIMEOUT_S) -> CounterView:
    """The first view of which something holds."""
    async with asyncio.timeout(timeout_s), contextlib.aclosing(till.changes()) as changes:
        async for view in changes:
            if holds(view):
                return view
    raise AssertionError("the till stopped")


async def sale_where(till: Till, reference: str, *states: SaleState, timeout_s: float = TIMEOUT_S) -> SaleView:
    """The sale, once it is in one of the states."""

    def found(view: CounterView) -> SaleView | None:
        sales = [view.sale] if view.sale is not None else []
        return next((each for each in [*sales, *view.recent] if each.reference == reference), None)

    def holds(view: CounterView) -> bool:
        sale = found(view)
        return sale is not None and sale.state in states

    sale = found(await view_where(till, holds, timeout_s=timeout_s))
    assert sale is not None
    return sale


async def online(till: Till) -> CounterView:
    return await view_where(till, lambda view: view.network.link is Link.ONLINE)


async def offer_of(wallet: Wallet, link: str) -> PaymentOffer:
    """The offer behind a link, once the till's node serves it: a node that just came back may not know the till yet."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                return await wallet.offer(link)
            except RefusedOffer as refused:
                if refused.reason != "unknown_request":
                    raise
            await asyncio.sleep(0.05)

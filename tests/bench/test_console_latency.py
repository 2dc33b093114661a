"""How soon the operator's console answers a key, in a terminal of its own, while its node syncs at full speed.

Three processes: a node that has a long chain, a peer that fetches and executes it, and the console that looks at the
peer. The same keys are timed on a chain at rest first, so that the figure can be read on a slow day too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import pytest

from chainpos.console.widgets.line_list import Column, LineList
from chainpos.node.config import NodeSettings
from chainpos.node.home import Home, init_peer
from chainpos.rpc.client import RpcClient
from chainpos.store.chain import ChainReader
from tests.bench.long_chain import long_chain
from tests.bench.terminal import Answer, Terminal
from tests.measured import hold, target
from tests.node.conftest import NodeProcess

pytestmark = pytest.mark.bench
PAYMENTS = int(os.environ.get("CHAINPOS_BENCH_SYNCED", "40000"))
KEY_MS = 50
# Sharing a processor makes the same work dearer, and a poll may fall between; more than this would be work of the sync.
MORE_WHILE_SYNCING = 3.0
PARTS = ((b"2", b"WHO SIGNED"), (b"3", b"Account"), (b"1", b"THIS NODE"))
ROUNDS = 20


def peer_of(folder: Path, genesis: bytes, *upstreams: str) -> Path:
    init_peer(
        folder, NodeSettings(mode="peer", moniker="p", listen="127.0.0.1:0", upstreams=upstreams), genesis=genesis
    )
    return folder


@contextlib.contextmanager
def running(folder: Path) -> Iterator[NodeProcess]:
    node = NodeProcess(folder)
    try:
        yield node
    finally:
        node.kill()


def timed(terminal: Terminal, rounds: int) -> list[Answer]:
    return [terminal.answer(*PARTS[number % len(PARTS)]) for number in range(rounds * len(PARTS))]


def height_of(node: NodeProcess) -> int:
    async def asked() -> int:
        async with await RpcClient.connect(node.url, 30.0) as client:
            return (await client.report()).height

    return asyncio.run(asked())


def told(name: str, found: list[Answer], busy_s: float) -> None:
    print(f"\n{name}, {len(found)} keys; {busy_s * 1_000 / len(found):.1f} ms of processor time a key, polls included")
    for kind, times in (
        ("on the wall", [each.wall_ms for each in found]),
        ("without waiting for a processor", [each.alone_ms for each in found]),
        ("of the processor", [each.cpu_ms for each in found]),
    ):
        print(f"  {kind}: median {median(times):.1f}, 95 % within {late(times):.1f}, worst {max(times):.1f} ms")


def late(times: list[float]) -> float:
    return sorted(times)[len(times) * 95 // 100]


def test_keys_are_answered_while_the_node_syncs_at_full_speed(tmp_path: Path) -> None:
    kept = os.environ.get("CHAINPOS_BENCH_CACHE")
    database = long_chain(Path(kept) if kept else tmp_path / "long", PAYMENTS)
    with ChainReader.open(database) as reader:
        genesis, tip = reader.genesis_json(), reader.tip_height()
    has_it = peer_of(tmp_path / "has", genesis)
    shutil.copy(database, Home(has_it).database)
    with running(has_it) as source:
        terminal = Terminal("console", "--node", source.rpc, config=tmp_path / "a")
        try:
            terminal.until(b"THIS NODE")
            timed(terminal, 2)
            busy_s = terminal.busy_s()
            at_rest = timed(terminal, ROUNDS)
            told("at rest", at_rest, terminal.busy_s() - busy_s)
        finally:
            terminal.close()
        with running(peer_of(tmp_path / "syncs", genesis, source.rpc)) as syncing:
            terminal = Terminal("console", "--node", syncing.rpc, config=tmp_path / "b")
            try:
                terminal.until(b"THIS NODE")
                timed(terminal, 2)
                low, begun, busy_s = height_of(syncing), time.monotonic(), terminal.busy_s()
                found: list[Answer] = []
                while len(found) < ROUNDS * len(PARTS) and height_of(syncing) < tip:
                    found += timed(terminal, 1)
                high, spent, busy_s = height_of(syncing), time.monotonic() - begun, terminal.busy_s() - busy_s
            finally:
                terminal.close()
    print(f"\nsynced {(high - low) / spent:.0f} blocks a second meanwhile")
    if len(found) < ROUNDS:
        pytest.skip("the chain was synced before enough keys were timed; take more with CHAINPOS_BENCH_SYNCED")
    told("while syncing", found, busy_s)
    hold(median(each.cpu_ms for each in found) / median(each.cpu_ms for each in at_rest), MORE_WHILE_SYNCING,
         "times the processor time of a key at rest, while the node syncs")  # fmt: skip
    target(median(each.wall_ms for each in found), KEY_MS, "ms, a key while the node syncs, median")
    target(late([each.alone_ms for each in found]), KEY_MS, "ms alone, a key while the node syncs, 95 of 100")
    target(late([each.wall_ms for each in found]), KEY_MS, "ms, a key while the node syncs, 95 of 100")


class _Rows(LineList[int]):
    pass


async def test_ux25_a_hundred_thousand_rows_are_scrolled_without_a_stall(tmp_path: Path) -> None:
    from textual.app import App, ComposeResult

    from chainpos.console.language import load_texts

    class Long(App[None]):
        texts = load_texts("en")

        def compose(self) -> ComposeResult:
            yield _Rows((Column("", 12), Column("")), lambda n: ((f"{n:,}", ""), (f"row {n}", "")), lambda n: n, id="l")

    app = Long()
    async with app.run_test(size=(120, 40)) as pilot:
        rows = app.query_one(_Rows)
        begun = time.perf_counter()
        rows.show(range(100_000))
        await pilot.pause()
        shown_ms = (time.perf_counter() - begun) * 1_000
        spent = []
        pages, steps = [partial(rows.action_page, 1)] * 40, [partial(rows.action_move, 1)] * 40
        for move in pages + steps + [partial(rows.action_go, -1), partial(rows.action_go, 0)] * 10:
            begun = time.perf_counter()
            move()
            for y in range(40):
                rows.render_line(y)
            spent.append((time.perf_counter() - begun) * 1_000)
            await pilot.pause()
        assert rows.cursor == 0
    spent.sort()
    print(f"\n100,000 rows shown in {shown_ms:.1f} ms; a key: median {median(spent):.1f}, worst {spent[-1]:.1f} ms")
    target(median(spent), KEY_MS, "ms, a key in a list of 100,000 rows")

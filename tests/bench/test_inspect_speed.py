"""How long support waits on a chain of the sample day and many generated payments: search, traces, past records.

CHAINPOS_BENCH_TRANSACTIONS says how many (a million are the target; README.md has their figures), and
CHAINPOS_BENCH_CACHE a folder where the chain is kept for the next time.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import apsw
import pytest

from chainpos.core.contracts.balances.records import ACCOUNTS, Account
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import format_rfc3339
from chainpos.inspect.divergence import diverge
from chainpos.inspect.search import Search
from chainpos.inspect.source import StoreSource
from chainpos.inspect.trace import trace_transaction
from chainpos.store.chain import ChainReader
from tests.bench.long_chain import long_chain
from tests.measured import target

pytestmark = pytest.mark.bench
GENERATED = int(os.environ.get("CHAINPOS_BENCH_TRANSACTIONS", "100000"))
DIVERGING = 100_000
SEARCH_MS, TRACE_MS, RECORD_MS, DIVERGE_S = 200, 300, 50, 30
SAMPLES = 40
RECORDED_BLOCKS = 1_200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = os.environ.get("CHAINPOS_BENCH_CACHE")
    return Path(kept) if kept else tmp_path_factory.mktemp("long")


@pytest.fixture
def source(folder: Path) -> Iterator[StoreSource]:
    with ChainReader.open(long_chain(folder, GENERATED)) as reader:
        yield StoreSource(reader, "long")


def _places(source: StoreSource) -> list[tuple[int, int]]:
    draw, tip = random.Random(7), source.span().tip
    found: list[tuple[int, int]] = []
    while len(found) < SAMPLES:
        # Half of them in the full blocks, which come after the recorded day.
        height = draw.randrange(draw.choice((2, RECORDED_BLOCKS + 1)), tip + 1)
        block = source.found(height)
        if block is not None and block.block.txs:
            found.append((height, draw.randrange(len(block.block.txs))))
    return found


def _measured(name: str, target_ms: int, work: list[Callable[[], object]]) -> None:
    """Says the wall time, which somebody waits, and the processor's, which holds also beside busy neighbours."""
    spent, busy = [], []
    for each in work:
        begun, begun_busy = perf_counter(), process_time()
        each()
        spent.append((perf_counter() - begun) * 1_000)
        busy.append((process_time() - begun_busy) * 1_000)
    spent.sort()
    busy.sort()
    print(
        f"\n{name}: median {median(spent):.1f} ms, worst of {len(spent)} {spent[-1]:.1f} ms;"
        f" of processor time {median(busy):.1f} and {busy[-1]:.1f} ms"
    )
    target(median(spent), target_ms, f"ms, {name}")


def test_search(source: StoreSource) -> None:
    questions: dict[str, list[str]] = {"hash": [], "reference": [], "account and time": [], "amount": []}
    for height, index in _places(source):
        found = source.found(height)
        assert found is not None
        told = {each.key: each.value for event in found.results[index].events for each in event.attributes}
        questions["hash"].append(sha256(found.block.txs[index]).hex())
        if "payer" in told and "amount_minor" in told:
            minute = format_rfc3339(found.block.header.time_ns)[:16]
            questions["reference"].append(told["reference"])
            questions["account and time"].append(f"{told['payer']} {minute}Z")
            questions["amount"].append(f"{int(told['amount_minor']) // 100}.{int(told['amount_minor']) % 100:02d}")
    search = Search(source)
    for name, asked in questions.items():
        assert search.find(asked[0]).hits
        _measured(f"search by {name}", SEARCH_MS, [lambda text=each: search.find(text) for each in asked])  # type: ignore[misc]


def test_traces(source: StoreSource) -> None:
    places = _places(source)
    trace_transaction(source, *places[0])
    _measured("trace", TRACE_MS, [lambda place=each: trace_transaction(source, *place) for each in places])  # type: ignore[misc]


def test_records_at_any_height(source: StoreSource) -> None:
    draw, tip = random.Random(8), source.span().tip
    keys = [key for key, _ in source.records_under(b"ba", 1_000)]
    asked = [(draw.choice(keys), draw.randrange(1, tip + 1)) for _ in range(SAMPLES)]
    _measured("record", RECORD_MS, [lambda each=each: source.record_at(*each) for each in asked])  # type: ignore[misc]
    total, history = source.reader.connection.execute(
        "SELECT (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size),"
        " (SELECT sum(length(key) + coalesce(length(value), 0) + 8) FROM history)"
    ).fetchone()  # type: ignore[misc]
    assert isinstance(total, int)
    assert isinstance(history, int)
    print(f"\nhistory is {history / 1e6:.1f} MB of {total / 1e6:.1f} MB ({100 * history / total:.0f} %)")


def test_ux33_a_planted_divergence(folder: Path, tmp_path: Path) -> None:
    ours, theirs = long_chain(folder, DIVERGING), tmp_path / "chain.db"
    shutil.copy(ours, theirs)
    with ChainReader.open(ours) as reader:
        middle = reader.tip_height() * 3 // 4
    connection = apsw.Connection(str(theirs))
    (key, height), *_ = connection.execute(
        "SELECT key, height FROM history WHERE key > CAST('bacustomer' AS BLOB) AND height > ? LIMIT 1", (middle,)
    ).fetchall()
    planted = ACCOUNTS.encode(Account(1))
    connection.execute("UPDATE history SET value = ? WHERE key = ? AND height = ?", (planted, key, height))
    connection.close()
    begun = perf_counter()
    with ChainReader.open(ours) as one, ChainReader.open(theirs) as other:
        found = diverge(StoreSource(one, "ours"), StoreSource(other, "theirs"))
    target(perf_counter() - begun, DIVERGE_S, f"s to name a planted record among {DIVERGING:,} transactions")
    assert (found.kind, found.height, found.wrong) == ("record", height, "right")
    assert found.hash

"""Searching: the index and the stored results together answer exactly what the query language says, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chainpos.core.chain.results import Event, EventAttribute, TxResult
from chainpos.core.values.hashes import sha256
from chainpos.rpc.query import Query, attributes_of, parse_query
from chainpos.store import chain_search
from chainpos.store.chain import ChainStore
from chainpos.store.chain_packing import MAX_INDEXED_VALUE_BYTES, attribute_rows
from chainpos.store.chain_search import SearchTooWide
from tests.store.conftest import SampleLedger

QUERIES = [
    "payments.paid.merchant = 'M1'",
    "payments.paid.merchant = 'M1' AND tx.height > 6",
    "payments.paid.merchant = 'M1' AND tx.height > 6 AND tx.height <= 19",
    "payments.paid.merchant = 'M2' AND fees.charged.payer = 'P1'",
    "payments.paid.merchant = 'M2' AND fees.charged.payer = 'P1' AND payments.paid.amount >= 100",
    "payments.paid.reference = 'R7-1'",
    "payments.paid.reference CONTAINS '7-'",
    "payments.paid.amount > 400",
    "payments.paid.amount > 400 AND payments.paid.amount < 450 AND payments.paid.merchant CONTAINS 'M'",
    "payments.paid.amount = 83",
    "fees.charged.payer EXISTS",
    "fees.charged EXISTS AND payments.paid.merchant = 'M0'",
    "payments EXISTS",
    "payments.paid.memo = 'tea'",
    "payments.paid.merchant = 'nobody'",
    "nothing.there = 'x'",
    "nothing.there EXISTS",
    "tx.height = 7",
    "tx.height = '7'",
    "tx.height >= 28",
    "tx.height < 9 AND tx.height > 6",
    "tx.height <= 8 AND tx.height >= 7",
    "tx.height > 5.5 AND tx.height < 7.5",
    "tx.height EXISTS AND payments.paid.amount < 20",
    "tx.height < 3 AND tx.height > 20",
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ChainStore, SampleLedger]]:
    ledger = SampleLedger()
    with ledger.create(tmp_path_factory.mktemp("search") / "chain.db") as store:
        for height in range(1, 41):
            store.append(ledger.add(height % 5).packed)
        yield store, ledger


def everything(ledger: SampleLedger) -> list[tuple[tuple[int, int], dict[str, list[str]]]]:
    """Every transaction's place and indexed attributes, oldest first."""
    found = []
    for written in ledger.blocks:
        height = written.packed.height
        for index, result in enumerate(written.stored.results):
            indexed = [(each.type, [(a.key, a.value) for a in each.attributes if a.index]) for each in result.events]
            attributes = attributes_of(indexed)
            attributes |= {"tx.height": [str(height)], "tx.hash": [sha256(written.block.txs[index]).hex().upper()]}
            found.append(((height, index), attributes))
    return found


def expected(ledger: SampleLedger, query: Query) -> list[tuple[int, int]]:
    return [place for place, attributes in everything(ledger) if query.matches(attributes)]


@pytest.mark.parametrize("text", QUERIES)
def test_a_search_finds_what_the_query_says_and_nothing_else(
    filled: tuple[ChainStore, SampleLedger], text: str
) -> None:
    store, ledger = filled
    query = parse_query(text)
    places = expected(ledger, query)
    assert store.search(query, 1_000, newest_first=False) == places
    assert store.search(query, 1_000) == places[::-1]
    for limit in (0, 1, 3):
        assert store.search(query, limit) == places[::-1][:limit]


@pytest.mark.parametrize("text", QUERIES)
def test_a_search_answers_the_same_where_the_index_is_too_busy_to_be_sorted(
    filled: tuple[ChainStore, SampleLedger], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_search, "MAX_SORTED_ROWS", 2)
    store, ledger = filled
    assert store.search(parse_query(text), 1_000, newest_first=False) == expected(ledger, parse_query(text))


def test_the_queries_find_something_each_in_its_way(filled: tuple[ChainStore, SampleLedger]) -> None:
    counts = {text: len(filled[0].search(parse_query(text), 1_000)) for text in QUERIES}
    empty = {text for text, count in counts.items() if count == 0}
    assert empty == {
        "payments EXISTS", "payments.paid.memo = 'tea'", "payments.paid.merchant = 'nobody'", "nothing.there = 'x'",
        "nothing.there EXISTS", "tx.height < 3 AND tx.height > 20",
    }  # fmt: skip


def test_a_transaction_is_found_by_its_hash_within_the_other_conditions(
    filled: tuple[ChainStore, SampleLedger],
) -> None:
    store, ledger = filled
    tx_hash = sha256(ledger.blocks[8].block.txs[2]).hex().upper()
    assert store.search(parse_query(f"tx.hash = '{tx_hash}'"), 10) == [(9, 2)]
    assert store.search(parse_query(f"tx.hash = '{tx_hash}' AND tx.height = 9"), 10) == [(9, 2)]
    assert store.search(parse_query(f"tx.hash = '{tx_hash}' AND tx.height > 9"), 10) == []
    assert store.search(parse_query(f"tx.hash = '{tx_hash}' AND payments.paid.merchant = 'nobody'"), 10) == []
    for odd in ("", "zz", "00", tx_hash[:-2] + "00"):
        assert store.search(parse_query(f"tx.hash = '{odd}'"), 10) == []


def test_a_search_that_would_read_too_much_is_refused(
    filled: tuple[ChainStore, SampleLedger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_search, "MAX_SORTED_ROWS", 2)
    monkeypatch.setattr(chain_search, "MAX_EXAMINED_TRANSACTIONS", 20)
    store, _ = filled
    with pytest.raises(SearchTooWide, match="height range or an exact value"):
        store.search(parse_query("payments.paid.amount > 100000"), 10)
    assert store.search(parse_query("payments.paid.amount > 100000 AND tx.height > 35"), 10) == []
    assert store.search(parse_query("payments.paid.merchant = 'M1'"), 1_000)


def test_a_search_lets_go_of_the_writers_log(filled: tuple[ChainStore, SampleLedger]) -> None:
    store, _ = filled
    assert len(store.search(parse_query("payments.paid.merchant = 'M1'"), 1)) == 1
    assert store._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0][0] == 0


def result_with(*values: str, kind: str = "a.b", index: bool = True) -> TxResult:
    return TxResult(events=(Event(kind, tuple(EventAttribute("c", value, index) for value in values)),))


def test_one_row_holds_all_of_a_blocks_transactions_with_a_value() -> None:
    rows = attribute_rows([result_with("x", "x"), result_with("y"), result_with("x")])
    assert rows == (("a.b.c", (b"001x\x00\x00\x00\x00\x00\x02", b"001y\x00\x00\x01")),)


def test_what_a_block_tells_by_itself_is_at_none_of_its_transactions() -> None:
    own = result_with("x", "z").events
    assert attribute_rows([], own) == (("a.b.c", (b"001x", b"001z")),)
    rows = attribute_rows([result_with("y"), result_with("x")], own)
    assert rows == (("a.b.c", (b"001x\x00\x00\x01", b"001z", b"001y\x00\x00\x00")),)


@pytest.mark.parametrize(
    "result",
    [
        result_with("x", index=False),
        result_with("x", kind=""),
        result_with("x" * 257),
        result_with("中" * 86),
        TxResult(),
    ],
)
def test_what_may_not_be_searched_for_is_not_indexed(result: TxResult) -> None:
    assert attribute_rows([result]) == ()


@pytest.mark.parametrize("value", ["", "中文", "x" * MAX_INDEXED_VALUE_BYTES, "a'b", "%_", "nul\x00inside"])
def test_values_of_any_text_are_found(value: str, tmp_path: Path) -> None:
    ledger = SampleLedger()
    with ledger.create(tmp_path / "chain.db") as store:
        ledger._result = lambda *_: result_with(value)  # type: ignore[method-assign]
        store.append(ledger.add(2).packed)
        assert store.problems() == []
        if "'" not in value:
            assert store.search(parse_query(f"a.b.c = '{value}'"), 10) == [(1, 1), (1, 0)]

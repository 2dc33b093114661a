"""anchors.record: hashes of a till's documents, each at its place, once; every reason to refuse, without a trace."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.contracts.anchors import codes, invariants
from chainpos.core.contracts.anchors.events import RECORDED
from chainpos.core.contracts.anchors.genesis import load_genesis
from chainpos.core.contracts.anchors.messages import MAX_SEQUENCE, Record, record_subject
from chainpos.core.contracts.anchors.records import (
    ANCHORS,
    DAILY_LIMIT,
    DAYS,
    SERIES,
    Anchor,
    Day,
    Series,
    anchor_key,
    series_key,
)
from chainpos.core.contracts.merchants.codes import TILL_REVOKED, UNKNOWN_TILL
from chainpos.core.contracts.merchants.messages import RevokeTill, Suspend
from chainpos.core.state.tables import Table
from tests.core.contracts.conftest import BANK, World, events_of, genesis_values, key_of, make_app_state

DAY_S: Final = 86_400
TILL: Final = "TEAHOUSE.till"


def z(sequence: int, digest: bytes = b"\x01" * 32, *, merchant: str = "TEAHOUSE", kind: str = "z_report") -> Record:
    return Record(merchant, kind, sequence, digest)


def test_a_till_records_a_hash_that_everybody_can_find(world: World) -> None:
    result = world.accepted(z(1), TILL)
    till = key_of(TILL).public
    kept = world.state.get(ANCHORS, anchor_key(till, "z_report", 1))
    assert kept == Anchor("TEAHOUSE", b"\x01" * 32, world.height, world.time_s)
    assert events_of(result, RECORDED) == [
        {"merchant": "TEAHOUSE", "till": till.hex(), "kind": "z_report", "sequence": "1", "digest": "01" * 32}
    ]
    assert record_subject(z(1)) == {"digest": "01" * 32}


def test_what_is_recorded_is_never_replaced_and_the_series_only_goes_on(world: World) -> None:
    world.accepted(z(3), TILL)
    for sequence in (1, 2, 3):
        world.refused(z(sequence, b"\x02" * 32), TILL, codes.ANCHOR_NOT_AFTER)
    world.accepted(z(7), TILL)
    assert world.state.get(SERIES, series_key(key_of(TILL).public, "z_report")) == Series(7, 2)


def test_each_till_and_each_kind_has_a_series_of_its_own(world: World) -> None:
    world.accepted(z(5), TILL)
    world.accepted(z(1, kind="stock_list"), TILL)
    world.accepted(z(1, merchant="NOODLES"), "NOODLES.till")


@pytest.mark.parametrize("signer", ["TEAHOUSE.owner", "NOODLES.till", BANK, "nobody"])
def test_only_a_till_of_the_shop_records_for_it(world: World, signer: str) -> None:
    world.refused(z(1), signer, UNKNOWN_TILL)


def test_a_revoked_till_records_nothing(world: World) -> None:
    world.accepted(RevokeTill("TEAHOUSE", key_of(TILL).public), "TEAHOUSE.owner")
    world.refused(z(1), TILL, TILL_REVOKED)


def test_a_suspended_shop_may_still_close_its_books(world: World) -> None:
    world.accepted(Suspend("TEAHOUSE", "audit"), BANK)
    world.accepted(z(1), TILL)


@pytest.mark.parametrize("kind", ["", "Z", "z report", "x" * 33, "z\n", "报告"])
def test_a_kind_without_a_plain_name_is_refused(world: World, kind: str) -> None:
    world.refused(z(1, kind=kind), TILL, codes.BAD_ANCHOR_KIND)


def test_a_till_records_so_many_a_day_and_goes_on_the_next(world: World) -> None:
    for sequence in range(1, DAILY_LIMIT + 1):
        world.run(z(sequence), TILL)
    world.refused(z(DAILY_LIMIT + 1), TILL, codes.TOO_MANY_ANCHORS)
    world.refused(z(1, kind="stock_list"), TILL, codes.TOO_MANY_ANCHORS)
    world.accepted(z(1, merchant="NOODLES"), "NOODLES.till")
    world.advance(DAY_S)
    world.accepted(z(DAILY_LIMIT + 1), TILL)


@pytest.mark.parametrize("fields", [("T", "z", 0, b"1" * 32), ("T", "z", MAX_SEQUENCE + 1, b"1" * 32),
                                    ("T", "z", 1, b"1" * 31), ("T", "z", 1, b"1" * 33)])  # fmt: skip
def test_what_is_no_number_or_no_hash_cannot_even_be_read(fields: tuple[str, str, int, bytes]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(fields), type=Record)


@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["z_report", "x"])), max_size=30))
def test_a_series_holds_what_a_plain_list_would(tries: list[tuple[int, str]]) -> None:
    world, plain = World(genesis_values(make_app_state())), dict[str, list[int]]()
    for sequence, kind in tries:
        taken = world.run(z(sequence, bytes([sequence]) * 32, kind=kind), TILL).code == 0
        series = plain.setdefault(kind, [])
        assert taken == (sequence > max(series, default=0) and sum(map(len, plain.values())) < DAILY_LIMIT)
        if taken:
            series.append(sequence)
    kept = sorted((key[40:].decode(), int.from_bytes(key[32:40], "big")) for key, _ in world.state.records(ANCHORS))
    assert kept == sorted((kind, sequence) for kind, series in plain.items() for sequence in series)
    world.check()


class OneTable:
    """A ledger with records of one table that no rule wrote."""

    def __init__(self, world: World, table: Table[msgspec.Struct], key: bytes, record: msgspec.Struct) -> None:
        self.world, self.table, self.planted = world, table, (key, record)

    def records(self, table: Table[msgspec.Struct]) -> list[tuple[bytes, msgspec.Struct]]:
        found = [pair for pair in self.world.state.records(table) if pair[0] != self.planted[0]]
        return [*found, self.planted] if table is self.table else found


@pytest.mark.parametrize(
    ("table", "key", "record"),
    [
        (ANCHORS, anchor_key(bytes(32), "z", 1), Anchor("T", b"1" * 32, 1, 1)),
        (SERIES, series_key(bytes(32), "z"), Series(1, 1)),
        (DAYS, bytes(32), Day(1, DAILY_LIMIT + 1)),
    ],
)
def test_the_invariants_find_what_no_rule_would_write(
    world: World, table: Table[msgspec.Struct], key: bytes, record: msgspec.Struct
) -> None:
    world.accepted(z(1), TILL)
    scan = OneTable(world, table, key, record)
    found = invariants.series_end_at_their_last_anchor(scan) + invariants.tills_keep_to_their_day(scan)  # type: ignore[arg-type]
    assert found


def test_genesis_names_no_anchors(world: World) -> None:
    load_genesis(world.context(), {})
    with pytest.raises(msgspec.ValidationError):
        load_genesis(world.context(), {"anchors": []})

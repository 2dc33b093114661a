"""A shift's figures against an independent count, and each planted difference found and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.reconciling import (
    KINDS,
    PAYMENT,
    REFUND,
    WALL,
    Difference,
    Entry,
    differences,
    reconcile,
    unread,
)
from chainpos.core.checkout.takings import CASH, Drawn, Taxed, Tendered, cash_difference, takings
from chainpos.core.checkout.z_report import (
    RefusedReport,
    ZReport,
    decode_report,
    encode_file,
    encode_report,
    sign_report,
    verify_file,
)
from tests.core.contracts.conftest import CHAIN_ID, key_of

TILL = key_of("TEAHOUSE.till")
minors = st.integers(1, 10**9)
times = st.integers(1_790_000_000, 1_790_086_399)
people = st.sampled_from(["Mei", "Wang", ""])


class Day:
    """Movements as a child would note them: (what, minor, tip, fee, time, who) in one plain list."""

    def __init__(self, moves: list[tuple[str, int, int, int, int, str]]) -> None:
        self.moves = moves

    def ledger(self) -> list[Entry]:
        return [
            Entry(
                kind=what, id=f"id{at}", reference=f"R{at}", amount_minor=minor, tip_minor=tip, fee_minor=fee,
                height=at + 1, time_s=time_s, where="available",
            )
            for at, (what, minor, tip, fee, time_s, _) in enumerate(self.moves)
            if what in (PAYMENT, REFUND, WALL)
        ]  # fmt: skip

    def book(self) -> list[Entry]:
        """The book knows no tip, of a refund no fee, of the wall's code nothing."""
        return [
            msgspec.structs.replace(
                entry, tip_minor=0, where="", staff=self.moves[entry.height - 1][5],
                fee_minor=0 if entry.kind == REFUND else entry.fee_minor,
            )
            for entry in self.ledger()
            if entry.kind != WALL
        ]  # fmt: skip

    def tendered(self) -> list[Tendered]:
        return [
            Tendered(kind=what[:4], reference=f"B{at}", amount_minor=minor, time_s=time_s, returned=what.endswith("-"),
                     staff=who)
            for at, (what, minor, _, _, time_s, who) in enumerate(self.moves)
            if what in ("cash", "cash-", "card", "card-")
        ]  # fmt: skip

    def drawn(self) -> list[Drawn]:
        return [
            Drawn(kind=what, amount_minor=minor, reason="x", time_s=time_s, staff=who)
            for what, minor, _, _, time_s, who in self.moves
            if what in ("in", "out")
        ]


@st.composite
def days(draw: st.DrawFn) -> Day:
    whats = [PAYMENT, REFUND, WALL, "cash", "cash-", "card", "card-", "in", "out"]
    moves = []
    for _ in range(draw(st.integers(0, 25))):
        what, minor = draw(st.sampled_from(whats)), draw(minors)
        tip = draw(st.integers(0, 500)) if what in (PAYMENT, WALL) else 0
        moves.append((what, minor, tip, draw(st.integers(0, minor)), draw(times), draw(people)))
    return Day(moves)


@given(days(), st.integers(0, 10**9), st.integers(-1, 10**10))
def test_the_figures_of_any_day_are_those_of_a_plain_count(day: Day, float_minor: int, counted_minor: int) -> None:
    lines = reconcile(day.book(), day.ledger())
    assert differences(lines) == ()
    found = takings(
        lines,
        day.tendered(),
        [],
        day.drawn(),
        float_minor=float_minor,
        counted_minor=counted_minor,
        utc_offset_s=28_800,
    )
    came, went, drawer, fees, tips = 0, 0, float_minor, 0, 0
    tenders: Counter[str] = Counter()
    hours: Counter[str] = Counter()
    staff: Counter[str] = Counter()
    for what, minor, tip, fee, time_s, who in day.moves:
        sign = -1 if what in (REFUND, "cash-", "card-") else 1
        if what in ("in", "out"):
            drawer += minor if what == "in" else -minor
            continue
        ledger = what in (PAYMENT, REFUND, WALL)
        came += minor + tip if sign > 0 else 0
        went += minor if sign < 0 else 0
        tips += tip
        fees += sign * fee if ledger else 0
        drawer += sign * minor if what.startswith("cash") else 0
        tenders["ledger" if ledger else what[:4]] += sign * (minor + tip)
        hours[f"{(time_s // 3_600 + 8) % 24:02d}"] += sign * (minor + tip)
        staff["" if what == WALL else who] += sign * (minor + tip)
    assert (found.received_minor, found.returned_minor, found.tip_minor, found.fee_minor) == (came, went, tips, fees)
    assert found.net_minor == came - went - fees
    assert found.drawer.expected_minor == drawer
    for sums, counted in ((found.by_tender, tenders), (found.by_hour, hours), (found.by_staff, staff)):
        assert {each.name: each.net_minor for each in sums} == dict(counted)
    differs = cash_difference(found.drawer)
    if counted_minor < 0 or counted_minor == drawer:
        assert differs == ()
    else:
        assert [each.kind for each in differs] == ["cash_over" if counted_minor > drawer else "cash_short"]
    settled = sum(each.net_minor for each in found.by_settlement)
    assert settled == sum(line.net_minor for line in lines)


MOVES = [
    (PAYMENT, 1_000, 0, 4, 1_790_000_000, "Mei"),
    (PAYMENT, 2_000, 100, 8, 1_790_000_060, "Mei"),
    (REFUND, 300, 0, 1, 1_790_000_120, "Wang"),
    (WALL, 500, 0, 2, 1_790_000_180, ""),
]
Sides = tuple[list[Entry], list[Entry]]


def _without(side: int, at: int) -> Callable[[Sides], None]:
    def plant(sides: Sides) -> None:
        del sides[side][at]

    return plant


def _changed(side: int, at: int, **fields: object) -> Callable[[Sides], None]:
    def plant(sides: Sides) -> None:
        sides[side][at] = msgspec.structs.replace(sides[side][at], **fields)

    return plant


@pytest.mark.parametrize(
    ("name", "plant", "reference", "book_minor", "ledger_minor"),
    [
        ("not_in_book", _without(0, 0), "R0", 0, 1_000),
        ("not_on_ledger", _without(1, 1), "R1", 2_000, 0),
        ("twice_in_book", lambda sides: sides[0].append(sides[0][0]), "R0", 1_000, 0),
        ("amount_differs", _changed(0, 1, amount_minor=2_001), "R1", 2_001, 2_000),
        ("fee_differs", _changed(0, 0, fee_minor=5), "R0", 1_000, 1_000),
        ("refund_not_in_book", _without(0, 2), "R2", 0, 300),
        ("refund_not_on_ledger", _without(1, 2), "R2", 300, 0),
        ("amount_differs", _changed(0, 2, amount_minor=299), "R2", 299, 300),
        ("not_settled", _changed(1, 0, where=""), "R0", 1_000, 1_000),
        ("not_settled", _changed(1, 3, where=""), "R3", 0, 500),
    ],
)
def test_each_planted_difference_is_found_and_named(
    name: str, plant: Callable[[Sides], None], reference: str, book_minor: int, ledger_minor: int
) -> None:
    day = Day(MOVES)
    sides = (day.book(), day.ledger())
    plant(sides)
    found = differences(reconcile(*sides))
    assert found == (Difference(kind=name, reference=reference, book_minor=book_minor, ledger_minor=ledger_minor),)


def test_every_kind_of_difference_says_what_it_means_and_what_to_do_in_both_languages() -> None:
    for kind in KINDS:
        assert kind.what_en.isascii()
        assert kind.next_en.isascii()
        assert kind.what_zh.endswith("。")
        assert kind.next_zh.endswith("。")


def test_what_the_book_invents_counts_nowhere() -> None:
    day = Day(MOVES[:1])
    lines = reconcile([*day.book(), msgspec.structs.replace(day.book()[0], id="x", reference="FAKE")], day.ledger())
    found = takings(lines, [], [], [], float_minor=0)
    assert (found.received_minor, found.fee_minor) == (1_000, 4)


def test_an_unread_ledger_leaves_the_books_own_figures() -> None:
    found = takings(unread(Day(MOVES[:1]).book()), [], [], [], float_minor=0)
    assert (found.received_minor, found.by_settlement) == (1_000, ())


def report(day: Day, *, counted_minor: int = 0) -> ZReport:
    lines = reconcile(day.book(), day.ledger())
    taxed = (Taxed(60_000, 1_060, 60),)
    tendered, drawn = tuple(day.tendered()), tuple(day.drawn())
    found = takings(lines, tendered, taxed, drawn, float_minor=0, counted_minor=counted_minor)
    return ZReport(
        chain_id=CHAIN_ID, merchant="TEAHOUSE", till=TILL.public.hex(), sequence=1, previous="", currency="CNY",
        opened_s=1_790_000_000, opened_by="Mei", closed_s=1_790_050_000, closed_by="Wang", from_height=1, to_height=9,
        utc_offset_s=0, float_minor=0, counted_minor=counted_minor, lines=lines, tendered=tendered, taxed=taxed,
        drawn=drawn, requests=(), takings=found,
        differences=(*differences(lines), *cash_difference(found.drawer)),
    )  # fmt: skip


@given(days())
def test_the_same_shift_gives_the_same_bytes_and_they_read_back(day: Day) -> None:
    document = encode_report(report(day))
    assert document == encode_report(report(Day(list(day.moves))))
    assert encode_report(decode_report(document)) == document


def test_a_signed_report_is_verified_by_anybody_who_has_the_file() -> None:
    signed = sign_report(report(Day([*MOVES, ("cash", 50, 0, 0, 1_790_000_000, "Mei")]), counted_minor=50), TILL.sign)
    read, proof = verify_file(encode_file(signed, "cHJvb2Y="))
    assert (read, proof) == (signed, "cHJvb2Y=")
    assert read.report.is_reconciled


@pytest.mark.parametrize(
    ("reason", "bend"),
    [
        ("malformed", lambda _: b"[]"),
        ("malformed", lambda content: content[:100]),
        ("not_canonical", lambda content: content.replace(b'"version":1', b'"version": 1')),
        ("bad_signature", lambda content: content.replace(b'"closed_by":"Wang"', b'"closed_by":"Wong"')),
        ("bad_signature", lambda content: content.replace(CHAIN_ID.encode(), b"other-net")),
        ("malformed", lambda _: b" " * 17_000_000),
    ],
)  # fmt: skip
def test_a_file_that_was_bent_is_refused_by_name(reason: str, bend: Callable[[bytes], bytes]) -> None:
    content = encode_file(sign_report(report(Day(MOVES)), TILL.sign))
    with pytest.raises(RefusedReport) as refused:
        verify_file(bend(content))
    assert refused.value.reason == reason


def test_a_report_whose_sums_do_not_follow_from_its_lines_is_refused_though_it_is_signed() -> None:
    true = report(Day(MOVES))
    wrong = msgspec.structs.replace(true, takings=msgspec.structs.replace(true.takings, received_minor=1))
    silent_lines = reconcile(Day(MOVES).book()[1:], Day(MOVES).ledger())
    silent = msgspec.structs.replace(
        true, lines=silent_lines, takings=takings(silent_lines, (), true.taxed, (), float_minor=0, counted_minor=0)
    )
    for each in (wrong, silent):
        with pytest.raises(RefusedReport) as refused:
            verify_file(encode_file(sign_report(each, TILL.sign)))
        assert refused.value.reason == "wrong_figures"


def test_money_beside_the_ledger_is_named_by_its_tender() -> None:
    found = takings([], Day([("cash", 5, 0, 0, 1, "")]).tendered(), [], [], float_minor=0)
    assert [each.name for each in found.by_tender] == [CASH]

"""Anything can be searched, and what is not there is absent in a way that has a name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chainpos.core.checkout.frames import to_frames
from chainpos.core.checkout.request import link_id
from chainpos.core.values.hashes import sha256
from chainpos.core.values.text import is_safe
from chainpos.core.values.timestamps import SECOND_NS, format_rfc3339, parse_rfc3339
from chainpos.errors import UserFacingError
from chainpos.inspect import absence
from chainpos.inspect.asking import meant_by, words_of
from chainpos.inspect.lookups import Lookups
from chainpos.inspect.search import Answer, Search
from chainpos.inspect.source import Span, StoreSource
from chainpos.inspect.statements.period import day_period
from chainpos.store.chain import ChainReader
from tests.inspect.recorded import first_place

HOSTILE = (
    "\x1b]0;x\x07", "\u202ePAID", "[@click=app.quit]x[/]", "' OR tx.height>0 AND x='", "%", "\ud800", "a" * 5_000,
    "9" * 400, "1e9", "-5", "0", "/", "CNY/99999999999", "\r\nPAID",
)  # fmt: skip


# The sample city's clock is eight hours ahead of UTC.
AHEAD_NS = 8 * 3_600 * SECOND_NS


@pytest.fixture
def paid(day: StoreSource) -> dict[str, str]:
    height, index = first_place(day, kind="payments.paid")
    found = day.found(height)
    assert found is not None
    event = next(event for event in found.results[index].events if event.type == "payments.paid")
    told = {attribute.key: attribute.value for attribute in event.attributes}
    told["hash"] = sha256(found.block.txs[index]).hex()
    told["height"] = str(height)
    told["time"] = format_rfc3339(found.block.header.time_ns + AHEAD_NS)[:16]
    told["block"] = found.block_id.hash.hex()
    return told


def _kinds(answer: Answer) -> set[str]:
    return {hit.kind for hit in answer.hits}


@pytest.mark.parametrize("by", ["hash", "reference", "request", "payment"])
def test_a_payment_is_found_by_what_people_have_in_hand(day: StoreSource, paid: dict[str, str], by: str) -> None:
    answer = Search(day).find(paid[by])
    assert paid["hash"] in {hit.name for hit in answer.hits}
    assert absence.UNKNOWN not in {each.kind for each in answer.absences}


def test_a_payment_is_found_by_its_link(day: StoreSource, paid: dict[str, str]) -> None:
    link = link_id(bytes.fromhex(paid["request"]))
    for text in (link, link.lower(), f"HTTP://192.168.1.5:8080/P/{link}"):
        assert paid["hash"] in {hit.name for hit in Search(day).find(text).hits}


def test_words_together_narrow(day: StoreSource, paid: dict[str, str]) -> None:
    amount = f"{int(paid['amount_minor']) // 100}.{int(paid['amount_minor']) % 100:02d}"
    for text in (
        f"{paid['payer']} {paid['time']}",
        f"{paid['payer']} {amount}",
        f"{paid['merchant']} {amount} {paid['time'][:10]}",
        f"{paid['merchant']} {paid['reference']}",
        f"{amount} CNY {paid['time']}",
    ):
        assert paid["hash"] in {hit.name for hit in Search(day).find(text).hits}, text
    assert [each.kind for each in Search(day).find(f"{paid['payer']} 123,456.78").absences] == [absence.UNKNOWN]


def test_words_together_find_refunds_cancellations_and_refusals_as_they_find_payments(day: StoreSource) -> None:
    for kind, word, other in (
        ("refunds.refunded", "reference", "merchant"), ("refunds.refunded", "payment", "merchant"),
        ("refunds.refunded", "payer", "reference"), ("payments.cancelled", "reference", "merchant"),
        ("chainpos.rejected", "signer", "reference"), ("chainpos.rejected", "reference", "merchant"),
    ):  # fmt: skip
        height, index = first_place(day, kind=kind)
        found = day.found(height)
        assert found is not None
        told = {a.key: a.value for e in found.results[index].events if e.type == kind for a in e.attributes}
        when = format_rfc3339(found.block.header.time_ns)
        for text in (f"{told[word]} {told[other]}", f"{told[word]} {when}"):
            answer = Search(day).find(text)
            assert (height, index) in {(hit.height, hit.index) for hit in answer.hits}, (kind, text)
            assert absence.UNPAID not in {each.kind for each in answer.absences}
        if "amount_minor" in told:
            amount = f"{int(told['amount_minor']) // 100}.{int(told['amount_minor']) % 100:02d}"
            hits = Search(day).find(f"{told['merchant']} {amount} {when}").hits
            assert (height, index) in {(hit.height, hit.index) for hit in hits}


def test_words_that_narrow_to_nothing_never_say_that_no_money_moved(day: StoreSource, paid: dict[str, str]) -> None:
    for text in (f"{paid['reference']} 9,999.99", f"{paid['reference']} {paid['payer']} HF02 1.23"):
        answer = Search(day).find(text)
        assert not answer.hits
        assert ["oney moved." in each.sentence_en for each in answer.absences] == [False]
        assert "fewer words" in answer.absences[0].sentence_en


def test_what_people_copy_is_read_as_it_was_meant(day: StoreSource, paid: dict[str, str]) -> None:
    amount = f"{int(paid['amount_minor']) // 100:,}.{int(paid['amount_minor']) % 100:02d}"
    for text in (
        f"0x{paid['hash']}", f"0X{paid['hash'].upper()}", f"{paid['merchant']} ¥{amount}",
        f"{paid['payer']} {amount}元",
        f"0x{paid['payer']} ￥ {amount}", f"{paid['payer']} {paid['time'].replace('T', ' ')}",
        f"{paid['time'].replace('T', ' ')}",
    ):  # fmt: skip
        assert paid["hash"] in {hit.name for hit in Search(day).find(text).hits}, text
    assert words_of("2026-03-02 9:31 XM13 ¥ 1，234.50元", 0) == ["2026-03-02T09:31", "XM13", "1，234.50元"]
    assert [each.minor for each in meant_by("1，234.50元").amounts if each.currency == "CNY"] == [123_450]


@pytest.mark.parametrize("before", ["", "0x"])
def test_a_part_of_a_hash_is_told_by_how_many_digits_it_has(
    day: StoreSource, paid: dict[str, str], before: str
) -> None:
    for digits in (63, 32, 65):
        told = [each.sentence_en for each in Search(day).find(f"{before}{(paid['hash'] * 2)[:digits]}").absences]
        assert told[1:] == [f"A hash has 64 digits and an account 40; this has {digits}. Copy it whole."]
    for text in ("NOSUCHNAME", "ab" * 32, "20260302093100012345"):
        assert not any("digits" in each.sentence_en for each in Search(day).find(text).absences)


def test_a_code_of_a_proof_is_told_as_one_and_never_as_nothing_of_that_name(day: StoreSource) -> None:
    for code in to_frames(bytes(range(250)) * 4, 90):
        (told,) = Search(day).find(code).absences
        assert "chainpos receipt verify" in told.sentence_en
        assert "chainpos receipt verify" in told.sentence_zh


def test_a_day_in_a_search_is_the_day_of_the_statement_for_it_and_z_says_utc(day: StoreSource) -> None:
    period = day_period(day, "2026-03-02")
    assert meant_by("2026-03-02", Lookups(day).utc_offset_s()).window_ns == (
        period.from_ns,
        period.from_ns + 24 * 3_600 * SECOND_NS,
    )
    # The shops open at 9 by their own clock, which is 1 by UTC.
    for text in ("2026-03-02T09:00", "2026-03-02 9:00", "2026-03-02T01:00Z", "2026-03-02T09:00:00+08:00"):
        assert 1 in {hit.height for hit in Search(day).find(text).hits}, text
    (missed,) = Search(day).find("XM13 9,999.99 2026-03-02").absences
    assert "by the network's clock, UTC+08:00" in missed.sentence_en
    assert "UTC+08:00" in missed.sentence_zh


def test_a_payment_s_reference_finds_what_came_back_of_it_and_the_refund_that_was_refused(day: StoreSource) -> None:
    assert [(hit.height, hit.code) for hit in Search(day).find("HF02-00001").hits] == [(2, 0), (17, 0)]
    refused = Search(day).find("XM02-00224")
    assert [(hit.height, hit.code) for hit in refused.hits] == [(74, 0), (197, 807)]
    # The payment stands: that its refund was refused does not make it unpaid.
    assert [each.kind for each in refused.absences] == [absence.REJECTED]


def test_a_time_of_day_alone_is_the_last_such_time_that_the_ledger_came_to(day: StoreSource) -> None:
    search = Search(day)
    newest_ns = parse_rfc3339("2026-03-02T19:00:30Z")
    for text, meant in (("19:00", "2026-03-02T19:00"), ("19:01", "2026-03-01T19:01"), ("9:05", "2026-03-02T09:05")):
        assert words_of(text, newest_ns) == [meant]
    assert words_of("2026-03-05 19:01", newest_ns) == ["2026-03-05T19:01"]
    assert search.find("9:30").hits == search.find("2026-03-02T09:30").hits != ()
    assert search.find("XM13 9:30").hits == search.find("XM13 2026-03-02T09:30").hits != ()


def test_a_time_without_a_block_says_so_and_names_those_beside_it(day: StoreSource) -> None:
    (missed,) = Search(day).find("2026-03-02 12:14").absences
    told = [int(number) for number in re.findall(r"(?:is|it) (\d+)", missed.sentence_en)]
    times = [Lookups(day).source.header(height).time_ns for height in told]  # type: ignore[union-attr]
    window = meant_by("2026-03-02T12:14", Lookups(day).utc_offset_s()).window_ns
    assert window is not None
    assert times[0] < window[0] < window[1] <= times[1]
    assert "UTC+08:00" in missed.sentence_en
    assert "UTC+08:00" in missed.sentence_zh
    assert [each.kind for each in Search(day).find("XM13 2026-03-02T12:14").absences] == [absence.UNKNOWN]


def test_everything_else_is_found_by_its_name(day: StoreSource, paid: dict[str, str]) -> None:
    search = Search(day)
    assert _kinds(search.find(paid["payer"])) == {"account"}
    assert "merchant" in _kinds(search.find(paid["merchant"]))
    assert "institution" in _kinds(search.find(paid["institution"]))
    assert "cycle" in _kinds(search.find("CNY/1"))
    assert _kinds(search.find(paid["block"])) == {"block"}
    assert "till" in _kinds(search.find(paid["till"]))
    assert {"block", "transaction"} <= _kinds(search.find(paid["time"]))
    assert "block" in _kinds(search.find(paid["height"]))
    height, index = first_place(day, kind="settlement.payout_requested")
    found = day.found(height)
    assert found is not None
    told = {
        each.key: each.value
        for event in found.results[index].events
        if event.type == "settlement.payout_requested"
        for each in event.attributes
    }
    payout = f"{told['merchant']}/{told['currency']}/{told['number']}"
    assert _kinds(search.find(payout)) == {"payout"}


def test_hits_of_an_amount_have_that_amount(day: StoreSource) -> None:
    hits = [hit for hit in Search(day).find("90.00").hits if hit.kind == "transaction"]
    assert hits
    assert all("90.00 CNY" in hit.summary for hit in hits)
    assert [hit.height for hit in hits] == sorted((hit.height for hit in hits), reverse=True)


def test_absence_has_a_type(day: StoreSource) -> None:
    search, tip = Search(day), day.span().tip

    def only(text: str) -> tuple[str, int]:
        answer = search.find(text)
        assert not answer.hits
        (one,) = answer.absences
        assert one.sentence_en
        assert one.sentence_zh
        return one.kind, one.height

    assert only(str(tip + 7)) == (absence.NOT_SYNCED, tip)
    assert only("2031-01-01") == (absence.NOT_SYNCED, tip)
    assert only("ee" * 32) == (absence.UNKNOWN, tip)
    assert only(link_id(b"\x07" * 32)) == (absence.UNPAID, tip)
    assert only("NO-SUCH-REFERENCE") == (absence.UNKNOWN, tip)


def test_a_refused_payment_is_absent_by_its_code(day: StoreSource) -> None:
    height, index = first_place(day, "underpaid")
    found = day.found(height)
    assert found is not None
    answer = Search(day).find(sha256(found.block.txs[index]).hex())
    assert [hit.code for hit in answer.hits] == [504]
    assert [(each.kind, each.code, each.height) for each in answer.absences] == [(absence.REJECTED, 504, height)]
    told = {a.key: a.value for e in found.results[index].events for a in e.attributes}
    kinds = {each.kind for each in Search(day).find(told["reference"]).absences}
    assert kinds == {absence.REJECTED, absence.UNPAID}


def test_a_cancelled_request_says_so(day: StoreSource) -> None:
    height, index = first_place(day, kind="payments.cancelled")
    found = day.found(height)
    assert found is not None
    told = {a.key: a.value for e in found.results[index].events for a in e.attributes}
    answer = Search(day).find(told["request"])
    assert answer.hits
    assert answer.hits[0].height == height


class _Pruned(StoreSource):
    """A source that keeps the later half only, as a pruning CometBFT node does."""

    def span(self) -> Span:
        return Span(600, super().span().tip)


def test_nothing_is_told_of_a_height_that_is_not_here(day_database: Path) -> None:
    with ChainReader.open(day_database) as reader:
        whole, pruned = StoreSource(reader, "whole"), _Pruned(reader, "pruned")
        with pytest.raises(UserFacingError, match="Not synced past height 1200"):
            Lookups.as_of(whole, 99_999)
        with pytest.raises(UserFacingError, match="Pruned: this node keeps blocks from height 600 on"):
            Lookups.as_of(pruned, 3)
        assert Lookups.as_of(whole, 0).height == Lookups.as_of(whole, 1_200).height == 1_200
        assert Lookups.as_of(whole, 5).named("block", "5") is not None
        assert Lookups.as_of(whole, 3).named("block", "5") is None


def test_what_was_pruned_says_so(day_database: Path) -> None:
    with ChainReader.open(day_database) as reader:
        answer = Search(_Pruned(reader, "pruned")).find("12")
    assert (absence.PRUNED, 600) in {(each.kind, each.height) for each in answer.absences}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_questions_find_nothing_and_show_nothing(day: StoreSource, text: str) -> None:
    answer = Search(day).find(text)
    shown = [answer.text, *(each.detail for each in answer.absences), *(hit.summary for hit in answer.hits)]
    assert all(is_safe(each) and len(each) <= 200 for each in shown)
    assert not any(hit.kind == "transaction" for hit in answer.hits)


class _Without(_Pruned):
    """Such a node's index, which has nothing of what it does not keep."""

    def transaction(self, tx_hash: bytes) -> tuple[int, int] | None:
        place = super().transaction(tx_hash)
        return None if place is None or place[0] < 600 else place


def test_a_node_without_the_first_blocks_says_pruned_and_not_unpaid_of_what_may_be_in_those(day_database: Path) -> None:
    with ChainReader.open(day_database) as reader:
        whole = StoreSource(reader, "whole")
        early = next(found for height in range(1, 600) if (found := whole.found(height)) and found.block.txs)
        paid_early = sha256(early.block.txs[0]).hex()
        assert Search(whole).find(paid_early).hits
        for text in (paid_early, "NOSUCHREFERENCE", "ab" * 32):
            assert {each.kind for each in Search(_Without(reader, "pruned")).find(text).absences} == {absence.PRUNED}

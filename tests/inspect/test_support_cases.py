"""Ten things that customers and shops say, each answered from the ledger with evidence that verifies elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chainpos.core.checkout.request import link_id
from chainpos.core.values.amount import Amount
from chainpos.core.values.hashes import sha256
from chainpos.inspect import absence
from chainpos.inspect.case import Case
from chainpos.inspect.case_file import make_case
from chainpos.inspect.case_open import open_case
from chainpos.inspect.currencies import trace_told
from chainpos.inspect.explain import explain
from chainpos.inspect.lookups import Lookups
from chainpos.inspect.search import Search
from chainpos.inspect.source import StoreSource
from chainpos.inspect.steps import CHECK, FAILED
from chainpos.inspect.timeline import Timeline, timeline
from chainpos.inspect.trace import trace_transaction
from chainpos.store.chain import ChainReader
from chainpos.store.shop_reading import BookReader
from tests.inspect.recorded import NEVER_SENT, book_of_a_lost_sale, day_until, first_place, places


def _told(source: StoreSource, height: int, index: int, kind: str) -> dict[str, str]:
    found = source.found(height)
    assert found is not None
    event = next(event for event in found.results[index].events if event.type == kind)
    return {each.key: each.value for each in event.attributes}


def _proved(source: StoreSource, word: str, book: BookReader | None = None) -> Case:
    """The case file, as a machine with nothing but the genesis reads it."""
    opened = open_case(make_case(source, word, book=book), source.genesis_json())
    assert [check for check in opened.checks if not check.holds] == []
    assert opened.case is not None
    return opened.case


def _stages(story: Timeline) -> set[str]:
    return {moment.stage for moment in story.moments}


@pytest.fixture
def book(tmp_path: Path, day: StoreSource) -> BookReader:
    return BookReader(book_of_a_lost_sale(tmp_path / "shop.db", day))


def test_1_paid_to_the_wrong_shop(day: StoreSource) -> None:
    told = _told(day, *first_place(day, kind="payments.paid"), "payments.paid")
    amount = f"{int(told['amount_minor']) // 100}.{int(told['amount_minor']) % 100:02d}"
    # The shop that was meant knows nothing; the customer's own account does.
    elsewhere = Search(day).find(f"HF01 {amount} 2026-03-02T09:31")
    assert {each.kind for each in elsewhere.absences} == {absence.UNKNOWN}
    hits = [hit for hit in Search(day).find(f"{told['payer']} {amount}").hits if told["reference"] in hit.summary]
    (hit,) = [hit for hit in hits if hit.summary.startswith("payments.")]
    assert told["merchant"] in hit.summary
    assert _proved(day, hit.name).timeline.merchant == told["merchant"]


def test_ux30_2_paid_twice(day: StoreSource) -> None:
    height, index = first_place(day, "already_paid")
    told = _told(day, height, index, "chainpos.rejected")
    case = _proved(day, told["reference"])
    assert {"paid", "refused"} <= {moment.stage for moment in case.timeline.moments}
    assert [each.code for each in case.timeline.absences if each.kind == absence.REJECTED] == [507]
    # The second one moved nothing: its only write is the mark that it was there.
    assert [write.name.split()[0] for write in trace_transaction(day, height, index).writes] == ["seen_bodies"]


def test_3_says_paid_but_it_expired(day: StoreSource, book: BookReader) -> None:
    answer = Search(day, book).find("XM13-LOST")
    assert {"sale"} == {hit.kind for hit in answer.hits}
    assert absence.UNPAID in {each.kind for each in answer.absences}
    case = _proved(day, "XM13-LOST", book)
    assert [record.value for record in case.records] == [None, None]
    assert {"requested", "expired"} <= {moment.stage for moment in case.timeline.moments}
    # What the shop wrote for itself stays there.
    assert b"Mr Li" not in make_case(day, "XM13-LOST", book=book)


def test_ux30_4_the_refund_is_missing(day: StoreSource) -> None:
    told = _told(day, *first_place(day, kind="refunds.refunded"), "refunds.refunded")
    case = _proved(day, told["reference"])
    (refund,) = [moment for moment in case.timeline.moments if moment.stage == "refunded"][:1]
    assert told["reference"] in refund.detail
    request = Lookups(day).request(bytes.fromhex(told["payment"]))
    assert request is not None
    assert any(heading.startswith("refund ") for heading, _ in request.parts)


def test_a_refund_that_was_refused_is_in_its_payment_s_story_and_what_it_lacked_is_an_amount(day: StoreSource) -> None:
    refusals = ((height, index) for height, index, _ in places(day, "not_enough_available"))
    height, index = next(
        place for place in refusals if _told(day, *place, "chainpos.rejected")["kind"] == "refunds.refund"
    )
    row = Lookups(day).transaction(height, index)
    assert row is not None
    payment = _told(day, height, index, "chainpos.rejected")["payment"]
    merchant, reference, refund = row.summary.split()
    assert (reference.startswith(merchant), refund[0], str(row.amount)) == (True, "R", "70.00 CNY")
    case = _proved(day, reference)
    (refused,) = [moment for moment in case.timeline.moments if moment.stage == "refused"]
    assert (refused.height, refused.index) == (height, index)
    assert [case.timeline.refused(each) for each in case.timeline.absences] == [refused]
    # The story of what was never paid is told by the same hash, and is no refusal.
    unpaid = timeline(day, Lookups(day).transaction(*first_place(day, "over_single_limit")).hash)  # type: ignore[union-attr]
    assert [unpaid.refused(each) is not None for each in unpaid.absences] == [
        each.kind == absence.REJECTED for each in unpaid.absences
    ]
    asked = Lookups(day).request(bytes.fromhex(payment))
    assert asked is not None
    assert (height, index) in {(each.height, each.index) for each in asked.transactions}
    card = Lookups(day).transaction_card(height, index)
    assert card is not None
    fields = dict(card.parts)
    assert dict(fields["transaction"])["detail"] == "lacks 13.07 CNY"
    assert dict(fields["message"])["amount_minor"] == "70.00 CNY"
    # What is read is in its currency; what a case holds is what the run told.
    run = trace_transaction(day, height, index)
    assert (run.detail, trace_told(run).detail) == ("lacks 1307", "lacks 13.07 CNY")
    assert dict(trace_told(run).message)["amount_minor"] == "70.00 CNY"


def test_a_refund_s_record_is_told_in_its_payment_s_currency(day: StoreSource) -> None:
    told = trace_told(trace_transaction(day, *first_place(day, kind="refunds.refunded")))
    (written,) = [each.fields_after for each in told.writes if each.name.startswith("refunds ")]
    assert written is not None
    assert all(value.endswith(" CNY") for name, value in written if name.endswith("_minor"))


def test_cards_of_the_customer_and_of_the_shop_tell_what_came_back(day: StoreSource) -> None:
    height, index = first_place(day, kind="refunds.refunded")
    told = _told(day, height, index, "refunds.refunded")
    for card in (Lookups(day).account(bytes.fromhex(told["payer"])), Lookups(day).merchant(told["merchant"])):
        assert card is not None
        (row,) = [each for each in card.transactions if (each.height, each.index) == (height, index)]
        assert (row.kind, row.amount) == ("refunds.refund", Amount(int(told["amount_minor"]), "CNY"))
        assert told["reference"] in row.summary


def test_5_the_account_is_frozen(day: StoreSource) -> None:
    height, index = first_place(day, "frozen_account")
    trace = trace_transaction(day, height, index)
    assert "Order 2026-17" in trace.detail
    page = explain(str(trace.code))
    assert page is not None
    assert "did not move" in page.tell_en
    card = Lookups(day, height).account(bytes.fromhex(trace.signer))
    assert card is not None
    assert "freeze" in {heading for heading, _ in card.parts}
    assert _proved(day, trace.hash).trace == trace


def test_6_over_the_limit(day: StoreSource) -> None:
    height, index = first_place(day, "over_single_limit")
    trace = trace_transaction(day, height, index)
    refusal = trace.steps[trace.refused_at]
    assert refusal.where.startswith("contracts/customers/")
    checked = [step for step in trace.steps if step.kind == CHECK and step.outcome == FAILED]
    assert any("single_minor" in step.condition for step in checked)
    assert _proved(day, trace.hash).trace is not None


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[StoreSource]:
    with ChainReader.open(day_until(tmp_path / "behind.db", 40)) as reader:
        yield StoreSource(reader, "behind")


def test_7_the_shops_peer_is_behind(day: StoreSource, behind: StoreSource) -> None:
    assert {each.kind for each in Search(behind).find("59").absences} == {absence.NOT_SYNCED}
    here = Search(behind).find("XM13-00180")
    assert [(each.kind, each.height) for each in here.absences] == [(absence.UNKNOWN, 40)]
    assert any(hit.kind == "transaction" and not hit.code for hit in Search(day).find("XM13-00180").hits)
    assert "paid" in _stages(timeline(day, "XM13-00180"))


def test_8_orphaned(day: StoreSource, book: BookReader) -> None:
    answer = Search(day, book).find(NEVER_SENT.hex())
    assert [each.kind for each in answer.absences] == [absence.ORPHANED]
    story = timeline(day, "XM13-LOST", book)
    assert absence.ORPHANED in {each.kind for each in story.absences}
    assert "sent" in _stages(story)


def test_ux30_9_the_payout_failed(day: StoreSource) -> None:
    told = _told(day, *first_place(day, kind="settlement.payout_failed"), "settlement.payout_failed")
    card = Lookups(day).payout(told["merchant"], told["currency"], int(told["number"]))
    assert card is not None
    fields = dict(card.parts[0][1])
    assert (fields["state"], fields["reason"]) == ("failed", "account closed")
    assert {row.kind for row in card.transactions} >= {"settlement.request_payout", "settlement.fail_payout"}


def test_10_the_receipt_is_forged(day: StoreSource) -> None:
    forged = sha256(b"a receipt from a printer")
    assert [each.kind for each in Search(day).find(forged.hex()).absences] == [absence.UNKNOWN]
    assert [each.kind for each in Search(day).find(link_id(forged)).absences] == [absence.UNPAID]
    # And that it is absent can be proved to whoever holds the paper.
    case = _proved(day, forged.hex())
    assert [record.value for record in case.records] == [None, None]
    assert [each.kind for each in case.timeline.absences] == [absence.UNPAID]

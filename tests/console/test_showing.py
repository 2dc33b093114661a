"""What the counter shows, decided in one place: PAID only for paid, no code that cannot be paid (ux 4 to 6)."""

from __future__ import annotations

import pytest

from chainpos.console.showing import PAID_STAYS_NS, LastPaid, Stage, showing
from chainpos.till.views import SaleState, TenderKind
from tests.console.prepared_figures import NOON_NS, SECOND, cny
from tests.console.prepared_till import LIFE_NS, PreparedTill, sale_of

MONEY = {SaleState.PAID, SaleState.CONFIRMED}


@pytest.mark.parametrize("state", list(SaleState))
def test_paid_is_shown_for_a_paid_sale_and_no_other(state: SaleState) -> None:
    shown = showing(sale_of("A", 100, state), None, NOON_NS)
    assert (shown.stage is Stage.PAID) == (state in MONEY)


@pytest.mark.parametrize("state", list(SaleState))
@pytest.mark.parametrize("later_ns", [0, LIFE_NS - 1, LIFE_NS, LIFE_NS + SECOND])
def test_a_code_is_shown_only_while_it_can_be_paid(state: SaleState, later_ns: int) -> None:
    shown = showing(sale_of("A", 100, state), None, NOON_NS + later_ns)
    if shown.shows_code:
        assert state is SaleState.WAITING
        assert later_ns < LIFE_NS


def test_a_sale_that_is_seen_does_not_expire_on_the_screen() -> None:
    assert showing(sale_of("A", 100, SaleState.SEEN), None, NOON_NS + 2 * LIFE_NS).stage is Stage.SEEN


def test_a_refused_sale_shows_its_code_again_when_asked_and_only_its_own() -> None:
    sale = sale_of("A", 100, SaleState.REFUSED)
    assert showing(sale, None, NOON_NS).stage is Stage.REFUSED
    assert showing(sale, None, NOON_NS, again="A").shows_code
    assert not showing(sale, None, NOON_NS, again="B").shows_code
    assert not showing(sale, None, NOON_NS + LIFE_NS, again="A").shows_code


def test_a_payment_stays_two_seconds_after_the_till_forgot_it() -> None:
    last = LastPaid(sale_of("A", 100, SaleState.PAID), NOON_NS)
    assert showing(None, None, NOON_NS + PAID_STAYS_NS - 1, last_paid=last).stage is Stage.PAID
    assert showing(None, None, NOON_NS + PAID_STAYS_NS, last_paid=last).stage is Stage.ENTRY


def test_the_next_amount_can_be_keyed_beside_a_payment_and_shows_as_the_amount() -> None:
    paid = sale_of("A", 100, SaleState.PAID)
    shown = showing(paid, cny(250), NOON_NS)
    assert (shown.stage, shown.amount) == (Stage.PAID, cny(250))


def test_the_payment_before_is_named_beside_the_next_sale_for_a_while() -> None:
    last = LastPaid(sale_of("A", 100, SaleState.PAID), NOON_NS)
    after = sale_of("B", 200)
    assert showing(after, None, NOON_NS + SECOND, last_paid=last).also_paid == last.sale
    assert showing(after, None, NOON_NS + 30 * SECOND, last_paid=last).also_paid is None
    assert showing(last.sale, None, NOON_NS + SECOND, last_paid=last).also_paid is None


def test_nothing_in_hand_and_nothing_keyed_is_ready() -> None:
    shown = showing(None, None, NOON_NS)
    assert (shown.stage, shown.amount, shown.sale) == (Stage.ENTRY, None, None)


async def test_a_bill_is_never_shown_as_paid_by_what_came_beside_the_ledger(till: PreparedTill) -> None:
    await till.bills.add("tea")
    assert showing(None, None, NOON_NS, bill=till.bills.view()).stage is Stage.RINGING
    await till.bills.receive(TenderKind.CASH, cny(200))
    part = showing(None, None, NOON_NS, bill=till.bills.view())
    assert (part.stage, part.amount) == (Stage.PART, cny(1_000))
    paid = sale_of("A", 100, SaleState.PAID)
    assert showing(paid, None, NOON_NS, bill=till.bills.view()).stage is Stage.PART
    await till.bills.receive(TenderKind.CASH, cny(1_500))
    taken = showing(None, None, NOON_NS, bill=till.bills.view())
    assert (taken.stage, taken.amount) == (Stage.TAKEN, cny(500))
    await till.stop()

"""One bell a payment (ux 5, 6)."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from chainpos.console.chime import MONEY, Chime
from chainpos.till.views import CounterView, SaleState
from tests.console.prepared_till import SHOP, network_of, sale_of

EMPTY = CounterView(shop=SHOP, network=network_of())


def view(*states: tuple[str, SaleState]) -> CounterView:
    sales = tuple(sale_of(reference, 100, state) for reference, state in states)
    return msgspec.structs.replace(EMPTY, sale=sales[0] if sales else None, recent=sales)


def test_what_was_paid_before_the_console_opened_is_silent() -> None:
    chime = Chime()
    assert chime.newly_paid(view(("A", SaleState.PAID))) == ()
    assert chime.newly_paid(view(("A", SaleState.CONFIRMED))) == ()


def test_a_payment_rings_once_through_paid_confirmed_and_refunded() -> None:
    chime = Chime()
    chime.newly_paid(view(("A", SaleState.WAITING)))
    heard = [
        [sale.reference for sale in chime.newly_paid(view(("A", state)))]
        for state in (SaleState.SEEN, SaleState.PAID, SaleState.SEEN, SaleState.CONFIRMED, SaleState.PART_REFUNDED)
    ]
    assert heard == [[], ["A"], [], [], []]


def test_two_payments_in_one_view_ring_twice() -> None:
    chime = Chime()
    chime.newly_paid(EMPTY)
    paid = chime.newly_paid(view(("B", SaleState.PAID), ("A", SaleState.PAID)))
    assert {sale.reference for sale in paid} == {"A", "B"}


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(list(SaleState))), max_size=30))
def test_no_reference_ever_rings_twice_and_none_without_money(steps: list[tuple[str, SaleState]]) -> None:
    chime, heard = Chime(), []
    chime.newly_paid(EMPTY)
    for step in steps:
        rung = chime.newly_paid(view(step))
        assert all(sale.state in MONEY for sale in rung)
        heard += [sale.reference for sale in rung]
    assert len(heard) == len(set(heard))

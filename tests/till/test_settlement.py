"""Where the shop's money is: pending in the payer's bank's batch, available once netted, requested, paid out."""

from __future__ import annotations

import itertools
import time

import msgspec
import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.core.contracts.ports import Placement
from chainpos.core.contracts.settlement.messages import Close, ConfirmPayout
from chainpos.core.contracts.settlement.records import Batch, Payout, Pending, Position
from chainpos.errors import UserFacingError
from chainpos.store.shop import SaleRow
from chainpos.till.counter import RefusedByLedger, Till
from chainpos.till.settlement import NOTHING_KNOWN, Money, settlement_view
from chainpos.till.views import SettlementView
from tests.core.blocks import transaction

from .conftest import Shop, cny, online, sale_where

NONCES = itertools.count(1)


async def _send(shop: Shop, message: msgspec.Struct, signer: str) -> None:
    client = await shop.nodes.client(shop.peer)
    wire = transaction(message, signer, nonce=next(NONCES), expires_s=int(time.time()) + 600)
    answer = await client.broadcast_tx_sync(wire)
    assert answer.code == 0, answer.log
    await shop.in_block(client, answer.hash)


def _figures(view: SettlementView) -> tuple[int, int, int, int]:
    return view.pending.minor, view.available.minor, view.payout_requested.minor, view.paid_out.minor


async def _paid_sale(shop: Shop, till: Till, payer: str) -> str:
    sale = await till.request(cny(10_000))
    wallet = shop.wallet(payer)
    await wallet.pay(await wallet.offer(sale.link))
    await sale_where(till, sale.reference, SaleState.CONFIRMED)
    return sale.reference


async def test_money_goes_from_pending_to_paid_out_and_every_screen_follows(shop: Shop) -> None:
    """Bob's money is at another institution than the tea house's: it must be netted first. 100.00 less 0.38 %."""
    till = await shop.open_till()
    await online(till)
    reference = await _paid_sale(shop, till, "bob")
    view = await till.settlement()
    assert _figures(view) == (9_962, 0, 0, 0)
    assert [(row.debtor, row.amount, row.rolled_over) for row in view.pending_by_debtor] == [
        ("westpay", cny(9_962), False)
    ]
    assert view.fees_total == cny(38)
    assert view.next_cutoff_ns > time.time_ns()
    assert (await till.sales(reference))[0].money_state == "pending"
    with pytest.raises(RefusedByLedger) as refused:
        await till.request_payout(cny(1))
    assert refused.value.refusal.name == "not_enough_available"

    await _send(shop, Close("", "CNY"), "operator")
    view = await till.settlement()
    assert _figures(view) == (0, 9_962, 0, 0)
    assert (await till.sales(reference))[0].money_state == "available"
    assert view.last_cycle is not None
    assert (view.last_cycle.number, view.last_cycle.settled, view.last_cycle.saved) == (1, cny(10_000), cny(0))
    assert {row.institution: row.delta_minor for row in view.last_cycle.nets} == {
        "westpay": -10_000,
        "eastbank": 10_000,
    }
    view = await till.request_payout(cny(9_962))
    assert _figures(view) == (0, 0, 9_962, 0)
    assert [(row.number, row.amount, row.state) for row in view.payouts] == [(1, cny(9_962), "requested")]
    assert (await till.sales(reference))[0].money_state == "payout_requested"

    await _send(shop, ConfirmPayout("TEAHOUSE", "CNY", 1, "BANK-REF-1"), "eastbank")
    view = await till.settlement()
    assert _figures(view) == (0, 0, 0, 9_962)
    assert [(row.state, row.bank_reference) for row in view.payouts] == [("paid_out", "BANK-REF-1")]
    assert (await till.sales(reference))[0].money_state == "paid_out"
    parts = await till.payout_parts(1)
    assert [(part.reference, part.net) for part in parts.sales] == [(reference, cny(9_962))]
    assert (parts.amount, parts.opening, parts.closing, parts.others_minor) == (cny(9_962), cny(0), cny(0), 0)
    with pytest.raises(UserFacingError, match="no payout 2"):
        await till.payout_parts(2)


async def test_money_from_the_same_institution_is_available_at_once(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    reference = await _paid_sale(shop, till, "erin")
    assert _figures(await till.settlement()) == (0, 9_962, 0, 0)
    assert (await till.sales(reference))[0].money_state == "available"


async def test_without_its_node_the_settlement_says_that_it_cannot_be_read(shop: Shop) -> None:
    till = await shop.open_till()
    await online(till)
    await shop.peer.stop()
    with pytest.raises(UserFacingError):
        await till.settlement()
    with pytest.raises(UserFacingError):
        await till.request_payout(cny(1))


def test_a_batch_that_settled_counts_as_available_before_the_position_is_written_again() -> None:
    position = Position(100, (Pending("westpay", 1, 40), Pending("northpay", 2, 7)), 20, 5)
    money = Money(9, position, {"westpay": Batch(2), "northpay": Batch(2, 1)}, (), 0)
    view = settlement_view(money, "CNY", 3)
    assert _figures(view) == (7, 140, 20, 5)
    assert [(row.debtor, row.rolled_over) for row in view.pending_by_debtor] == [("northpay", True)]
    assert view.height == 9


def test_a_sales_money_is_told_by_its_placement(sale_row: SaleRow) -> None:
    assert NOTHING_KNOWN.state_of(sale_row) == ""
    placed = msgspec.structs.replace(sale_row, height=5, debtor="westpay", batch=1)
    assert Money(5, batches={"westpay": Batch(1)}).state_of(placed) == "pending"
    assert Money(5, batches={"westpay": Batch(2)}).state_of(placed) == "available"
    assert Money(4).state_of(placed) == ""
    instant = msgspec.structs.replace(sale_row, height=5, entry=1)
    payout = Payout("eastbank", "CN-1", 10, "payout_requested", 0, 0, 1, (), b"", 6, 0)
    assert Money(6, payouts=(payout,)).state_of(instant) == "payout_requested"
    assert Placement("", 0, 1) == Placement(instant.debtor, instant.batch, instant.entry)


@pytest.fixture
def sale_row() -> SaleRow:
    return SaleRow(
        number=1,
        reference="r",
        request_id=bytes(32),
        request=b"",
        signature=b"",
        presented="link",
        amount_minor=10,
        currency="CNY",
        memo="",
        created_ns=0,
        expires_ns=0,
        state="confirmed",
    )

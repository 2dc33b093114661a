"""What a payment may not be, end to end: each refused by its own code and a sentence, and not one cent moved."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec
import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.request import SignedRequest
from chainpos.core.contracts.balances.records import ACCOUNTS, account_key, customer_account, merchant_account
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.payments.messages import Pay
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.inspect.records import record_at
from chainpos.inspect.sentences import sentence_of
from chainpos.rpc.client import RpcClient
from chainpos.till.counter import Till
from tests.core.blocks import transaction
from tests.core.contracts.conftest import BANK, CNY, WALLET, key_of

from .conftest import ShiftedClock, Shop, cny, online, sale_where

DONE = (SaleState.PAID, SaleState.CONFIRMED)
HOLDERS = (
    customer_account(key_of("alice").address, BANK),
    customer_account(key_of("dave").address, WALLET),
    customer_account(key_of("erin").address, BANK),
    merchant_account("TEAHOUSE", BANK),
    merchant_account("NOODLES", WALLET),
)


class Case:
    """One sale at the counter, and transactions that try to pay it wrongly."""

    def __init__(self, shop: Shop, till: Till, client: RpcClient, signed: SignedRequest) -> None:
        self.shop = shop
        self.till = till
        self.client = client
        self.signed = signed
        self.nonce = 100

    def pay(self, **changes: object) -> Pay:
        request = self.signed.request
        message = Pay(self.signed.encoded, self.signed.signature, request.merchant, request.amount_minor, 0, CNY)
        return msgspec.structs.replace(message, **changes)

    def wire(self, message: msgspec.Struct, signer: str = "erin", **options: object) -> bytes:
        self.nonce += 1
        options.setdefault("expires_s", int(time.time()) + 300)
        return transaction(message, signer, nonce=self.nonce, **options)  # type: ignore[arg-type]

    async def money(self) -> list[int]:
        height = (await self.client.status()).latest.height
        held = [await record_at(self.client, ACCOUNTS, account_key(account, CNY), height) for account in HOLDERS]
        return [0 if account is None else account.balance_minor for account in held]

    async def apply(self, message: msgspec.Struct, signer: str) -> None:
        answer = await self.client.broadcast_tx_sync(self.wire(message, signer))
        assert answer.code == 0, answer.log
        await self.shop.in_block(self.client, answer.hash)


@pytest.fixture
async def case(shop: Shop) -> Case:
    till = await shop.open_till()
    await online(till)
    sale = await till.request(cny(1_000))
    watched = till._run.desk.find(sale.reference)
    assert watched is not None
    return Case(shop, till, await shop.nodes.client(shop.peer), watched.signed)


Wire = Callable[[Case], bytes]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda case: case.wire(case.pay(amount_minor=999)), "underpaid"),
        (lambda case: case.wire(case.pay(amount_minor=1_001)), "overpaid"),
        (lambda case: case.wire(case.pay(amount_minor=0)), "nothing_to_pay"),
        (lambda case: case.wire(case.pay(tip_minor=1)), "tip_not_allowed"),
        (lambda case: case.wire(case.pay(currency="JPY")), "wrong_currency"),
        (lambda case: case.wire(case.pay(merchant="NOODLES")), "wrong_merchant"),
        (lambda case: case.wire(case.pay(till_signature=bytes(64))), "bad_signature"),
        (lambda case: case.wire(case.pay(request=b"junk")), "malformed_request"),
        (lambda case: case.wire(case.pay(), "nobody"), "unknown_customer"),
        (lambda case: case.wire(case.pay(), expires_s=int(time.time()) - 10**4), "transaction_expired"),
        (lambda case: case.wire(case.pay(), expires_s=int(time.time()) + 10**6), "expiry_too_far"),
        (lambda case: case.wire(case.pay(), chain_id="othernet-1"), "other_chain"),
        (lambda case: case.wire(case.pay(), kind="payments.bribe"), "unknown_kind"),
        (lambda case: case.wire(case.pay())[:-1], "malformed"),
        (lambda case: bytes(64) + case.wire(case.pay())[64:], "bad_signature"),
        (lambda _: b"junk", "malformed"),
        (lambda case: case.wire(case.pay()) + bytes(4096), "oversized"),
    ],
)
async def test_a_wrong_payment_is_refused_by_name_and_moves_nothing(case: Case, make: Wire, name: str) -> None:
    before = await case.money()
    answer = await case.client.broadcast_tx_sync(make(case))
    sentence = sentence_of(answer.code)
    assert sentence.name == name
    assert all((sentence.what_en, sentence.what_zh, sentence.next_en, sentence.next_zh))
    # A right payment behind it is taken: the refusal cost the sale nothing, and only that payment moved money.
    await case.apply(case.pay(), "erin")
    assert (await sale_where(case.till, case.signed.request.reference, *DONE)).problem is None
    after = await case.money()
    moved = [new - old for old, new in zip(before, after, strict=True)]
    assert moved == [0, 0, -1_000, 996, 0]


async def test_over_a_limit_and_without_the_money_is_refused(case: Case) -> None:
    """Dave's tier lets him pay 2,000.00 at once, and he has no more; Alice's lets her pay 5,000.00."""
    for minor, payer, name in ((200_001, "dave", "over_single_limit"), (500_001, "alice", "over_single_limit")):
        sale = await case.till.request(cny(minor))
        watched = case.till._run.desk.find(sale.reference)
        assert watched is not None
        big = Case(case.shop, case.till, case.client, watched.signed)
        before = await case.money()
        answer = await case.client.broadcast_tx_sync(big.wire(big.pay(), payer))
        assert sentence_of(answer.code).name == name
        assert await case.money() == before
    sale = await case.till.request(cny(10_000_001))
    watched = case.till._run.desk.find(sale.reference)
    assert watched is not None
    over = Case(case.shop, case.till, case.client, watched.signed)
    answer = await case.client.broadcast_tx_sync(over.wire(over.pay()))
    assert sentence_of(answer.code).name == "over_till_limit"


@pytest.mark.parametrize(
    ("subject", "name"),
    [(account_subject(key_of("erin").address), "frozen_account"), (merchant_subject("TEAHOUSE"), "frozen_merchant")],
)
async def test_a_frozen_payer_and_a_frozen_shop_are_refused(case: Case, subject: bytes, name: str) -> None:
    await case.apply(Freeze(subject, "Order 17/2026", int(time.time()) + 3_600), "regulator")
    before = await case.money()
    answer = await case.client.broadcast_tx_sync(case.wire(case.pay()))
    assert sentence_of(answer.code).name == name
    assert await case.money() == before
    assert not set(case.shop.states(case.signed.request.reference)) & set(DONE)


async def test_a_second_and_a_replayed_payment_are_refused(case: Case) -> None:
    wire = case.wire(case.pay())
    first = await case.client.broadcast_tx_sync(wire)
    assert first.code == 0
    await case.shop.in_block(case.client, first.hash)
    before = await case.money()
    again = await case.client.broadcast_tx_sync(wire)
    assert sentence_of(again.code).name == "replayed"
    second = await case.client.broadcast_tx_sync(case.wire(case.pay(), "alice"))
    assert sentence_of(second.code).name == "already_paid"
    assert await case.money() == before


async def test_a_request_that_came_too_late_is_refused(shop: Shop) -> None:
    till = await shop.open_till(clock=ShiftedClock(-119))
    await online(till)
    sale = await till.request(cny(1_000))
    watched = till._run.desk.find(sale.reference)
    assert watched is not None
    case = Case(shop, till, await shop.nodes.client(shop.peer), watched.signed)
    await asyncio.sleep(1.2)
    before = await case.money()
    answer = await case.client.broadcast_tx_sync(case.wire(case.pay()))
    assert sentence_of(answer.code).name == "request_expired"
    assert await case.money() == before

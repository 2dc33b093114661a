"""A refund that a node refused may be on the ledger all the same; made again, it is refunded once."""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.request import Terms, make_request
from chainpos.core.contracts.refunds.codes import ALREADY_REFUNDED, EXCEEDS_PAYMENT
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.values.amount import Amount
from chainpos.node.clock import SystemClock
from chainpos.store.shop import Fact, ShopBook
from chainpos.till.book_thread import BookThread
from chainpos.till.outbox import DONE, EXPIRED, REFUSED, Outbox
from chainpos.till.refunds import Asked, sign_refund
from chainpos.till.sales import LINK, new_row
from chainpos.wallet.keys import demo_key
from tests.core.contracts.conftest import CHAIN_ID

TILL = demo_key("till/1")


async def approved() -> str:
    return "Mei"


async def test_a_refund_made_again_after_a_refusal_has_the_same_reference_until_that_is_used(tmp_path: Path) -> None:
    """The refusal may be a lie of a node that passed the first one on: the ledger takes one reference once."""
    clock = SystemClock()
    now_s = clock.now_ns() // 10**9
    with ShopBook(tmp_path / "shop.db") as book:
        signed = make_request(
            Terms("TEAHOUSE", "S1", Amount(1_000, "CNY"), now_s, now_s + 60), CHAIN_ID, TILL.public_key, TILL.sign
        )
        row = msgspec.structs.replace(new_row(1, signed, LINK, clock.now_ns()), state=SaleState.CONFIRMED.value)
        book.add_sale(row, Fact("requested", 0))
        used: list[str] = []
        for state, height, code in (
            (REFUSED, 0, EXCEEDS_PAYMENT.number),
            (REFUSED, 7, EXCEEDS_PAYMENT.number),
            (EXPIRED, 0, 0),
            (DONE, 8, 0),
            (REFUSED, 0, ALREADY_REFUNDED.number),
            (DONE, 9, 0),
        ):
            thread = BookThread(book)
            box = Outbox(thread, clock, TILL, CHAIN_ID, secrets.token_bytes)
            await sign_refund(thread, box, row, Amount(5, "CNY"), Asked(approved, "5"))
            (waiting,) = book.waiting()
            message = msgspec.msgpack.decode(decode_envelope(waiting.wire).body.message, type=Refund)
            used.append(message.reference)
            assert waiting.staff == "Mei"
            book.settle(waiting.tx_hash, state, height=height, code=code)
    assert used == ["S1/R1", "S1/R1", "S1/R1", "S1/R1", "S1/R2", "S1/R3"]

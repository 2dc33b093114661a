"""A refund at the counter: the PIN and the amount typed again, then a signed transaction that cannot be made twice.

It refuses refunds of what was not paid, of more than is left of it, and without the PIN. The ledger judges again: two
tills may refund at the same time, and only it knows both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from chainpos.core.checkout.keyed import keyed_amount
from chainpos.core.contracts.refunds.codes import ALREADY_REFUNDED
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.values.amount import Amount, AmountError, format_amount
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import MAY_MOVE_MONEY, UserFacingError
from chainpos.store.shop import OutboxRow, SaleRow
from chainpos.till.book_thread import BookThread
from chainpos.till.outbox import DONE, REFUSED, Outbox
from chainpos.till.sales import is_money

KIND: Final = "refunds.refund"
# Long enough to outlast an outage of the network, short enough to know the same day.
LIFE_S: Final = 3600


def require_refundable(row: SaleRow, amount: Amount) -> None:
    """Raises UserFacingError for what can be known without the ledger."""
    if not is_money(row):
        raise UserFacingError(
            f"Sale {row.reference} was not paid: there is nothing to refund.",
            next_step="Cancel it instead, if it is still open.",
        )
    left_minor = row.amount_minor - row.refunded_minor
    if amount.currency != row.currency or not 0 < amount.minor <= left_minor:
        left = format_amount(Amount(left_minor, row.currency))
        raise UserFacingError(
            f"Of sale {row.reference} at most {left} can be refunded.", next_step="Type an amount up to that."
        )


def require_typed(amount: Amount, typed_amount: str) -> None:
    """Raises UserFacingError unless the amount was typed again, as on the keypad."""
    try:
        typed = keyed_amount(typed_amount, amount.currency)
    except AmountError:
        typed = None
    if typed != amount:
        raise UserFacingError(
            "The amount typed again is not the amount of the refund.",
            next_step=f"Type {format_amount(amount, with_currency=False)} to confirm.",
        )


class Asked(NamedTuple):
    """Who may is asked last, by `approved`, which says who it is; the amount typed again; why, for the ledger."""

    approved: Callable[[], Awaitable[str]]
    typed_amount: str
    reason: str = ""


async def sign_refund(
    book: BookThread, outbox: Outbox, row: SaleRow, amount: Amount, asked: Asked
) -> asyncio.Future[OutboxRow]:
    """Check everything that can be checked here, then sign and keep the refund. Raises UserFacingError."""
    require_refundable(row, amount)
    require_typed(amount, asked.typed_amount)
    if outbox.waits_for(KIND, row.number):
        raise UserFacingError(
            f"A refund of sale {row.reference} is on its way already.",
            next_step="Wait for its answer, then refund what is left.",
            money_moved=MAY_MOVE_MONEY,
        )
    staff, now_ns = await asked.approved(), outbox.clock.now_ns()
    sent = await book.call(lambda: book.book.outbox_of(row.number))
    # The ledger takes each reference once for a payment. One that a node refused may be on its way to a block all the
    # same: made again under the same reference, it is refunded once.
    used = sum(_took_its_reference(earlier) for earlier in sent)
    message = Refund(row.request_id, amount.minor, f"{row.reference}/R{used + 1}", asked.reason)
    expires_s = now_ns // SECOND_NS + LIFE_S
    return await outbox.sign(KIND, message, expires_s=expires_s, number=row.number, amount=amount, staff=staff)


def _took_its_reference(sent: OutboxRow) -> bool:
    return sent.kind == KIND and (sent.state == DONE or sent.code == ALREADY_REFUNDED.number)


def unanswered(what: str) -> UserFacingError:
    """What is said when a signed transaction has no answer in time; it goes on being sent."""
    return UserFacingError(
        f"The {what} was signed, and the network has not answered yet.",
        money_moved=MAY_MOVE_MONEY,
        next_step="Do not repeat it: it is sent by itself until it is answered or an hour has passed. Look again soon.",
    )


def was_refused(ended: OutboxRow) -> bool:
    """Whether the contract, or a node at its door, said no."""
    return ended.state == REFUSED

"""A customer's code as it was scanned, before anything is charged to it. It refuses what cannot pay the amount now."""

from __future__ import annotations

import asyncio

from chainpos.core.checkout.code import CODE_MARK, RefusedCode, SignedCode, parse_code, require_covers
from chainpos.core.contracts.payments.messages import Charge
from chainpos.core.values.amount import Amount, format_amount
from chainpos.errors import EXIT_UNREACHABLE, UserFacingError
from chainpos.inspect.views import Link
from chainpos.store.shop import OutboxRow
from chainpos.till.desk import CHARGE
from chainpos.till.running import RunningTill
from chainpos.till.sales import Sale


class MustConfirm(UserFacingError):
    """The code is good, but for less: what is over it the customer confirms with their own hands."""

    def __init__(self, amount: Amount, granted: Amount) -> None:
        super().__init__(
            f"The code grants {format_amount(granted)}: {format_amount(amount)} the customer must confirm.",
            next_step="Show the sale's code with Enter: they scan it and confirm on their own screen.",
        )


def is_customer_code(text: str) -> bool:
    """Whether a scan is meant as a customer's code; else it is looked for among the articles."""
    return text[: len(CODE_MARK)].upper() == CODE_MARK


def read_code(text: str, chain_id: str, amount: Amount, now_s: int) -> SignedCode:
    """The code, if it covers the amount. Raises MustConfirm where it grants less, else UserFacingError."""
    try:
        code = parse_code(text, chain_id, now_s=now_s)
        if code.code.currency == amount.currency and code.code.max_minor < amount.minor:
            raise MustConfirm(amount, Amount(code.code.max_minor, code.code.currency))
        require_covers(code, amount)
    except RefusedCode as error:
        raise UserFacingError(
            f"The code was not charged: {error}.", next_step="Ask the customer to show a new code, and scan again."
        ) from error
    return code


def require_within_floor(run: RunningTill, amount: Amount) -> None:
    """Raises UserFacingError where a code may not be charged now: offline, beyond what the shop lets be at risk."""
    link, limit = run.network.link, Amount(run.settings.offline_codes_minor, amount.currency)
    if link is Link.ONLINE:
        return
    if not limit.minor or link is Link.HALTED:
        raise UserFacingError(
            "A customer's code cannot be charged while the network is out of reach.",
            next_step="Wait until the till is online, and ask for a new code.",
            exit_code=EXIT_UNREACHABLE,
        )
    at_risk = Amount(run.outbox.waiting_minor(CHARGE) + amount.minor, amount.currency)
    if at_risk.minor > limit.minor:
        raise UserFacingError(
            f"Offline at most {format_amount(limit)} may be at risk, and this would make it {format_amount(at_risk)}.",
            next_step="Show the sale's code with Enter, or wait until the till is online.",
            exit_code=EXIT_UNREACHABLE,
        )


async def sign_charge(run: RunningTill, sale: Sale, code: SignedCode, *, offline: bool) -> asyncio.Future[OutboxRow]:
    """The charge of a code for a new sale, signed and kept; `offline` where it was accepted without the network."""
    row = sale.row
    return await run.outbox.sign(
        CHARGE,
        Charge(sale.signed.encoded, code.encoded, code.signature),
        expires_s=sale.signed.request.expires_s,
        number=row.number,
        amount=Amount(row.amount_minor, row.currency),
        staff=row.staff,
        offline=offline,
    )

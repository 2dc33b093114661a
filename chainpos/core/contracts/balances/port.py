"""The one way in which money moves: balanced postings between accounts. Imported by the capabilities that lie above.

It refuses what an account does not hold and what no record can hold; a posting whose legs do not sum to zero is a
bug of the rule that made it, and halts.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.chain.results import Event, EventAttribute
from chainpos.core.contracts.balances import codes
from chainpos.core.contracts.balances.events import POSTED, Leg, encode_legs
from chainpos.core.contracts.balances.records import (
    ACCOUNTS,
    CENTRAL_BANK,
    FIRST_DEPOSIT,
    SUPPLY,
    Account,
    Supply,
    account_key,
    central_issued_account,
    is_contra,
    issued_account,
    supply_key,
    within_limits,
)
from chainpos.core.contracts.context import Context
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.currency import CURRENCIES
from chainpos.errors import Rejected, StateMismatch

__all__ = [
    "MAX_REFERENCE_BYTES", "Leg", "balance", "issue", "post", "redeem", "require_amount",
    "require_currency", "require_reference",
]  # fmt: skip
MAX_REFERENCE_BYTES = 64
# What the events of all postings in a currency share.
_TOLD_CURRENCY: Final = {code: EventAttribute("currency", code, False) for code in CURRENCIES}


def balance(ctx: Context, account: str, currency: str) -> int:
    """What the account holds, in minor units; 0 where it was never used."""
    held = ctx.views[ACCOUNTS][account_key(account, currency)]
    return 0 if held is None else held.balance_minor


def post(ctx: Context, currency: str, legs: tuple[tuple[str, int], ...]) -> None:
    """Move money along `legs`, each a `Leg` or as much as one, in their order, and tell it in one event.

    Legs of zero are left out. Raises Rejected: UNKNOWN_CURRENCY, INSUFFICIENT_FUNDS, BALANCE_OVERFLOW. Raises
    StateMismatch where the legs do not sum to zero, or mix central-bank money with deposits: no input may bring that
    about.
    """
    try:
        told_currency = _TOLD_CURRENCY[currency]
    except KeyError:
        raise Rejected(codes.UNKNOWN_CURRENCY, currency) from None
    accounts = ctx.views[ACCOUNTS]
    total_minor = central = 0
    told = []
    for account, delta_minor in legs:
        if not delta_minor:
            continue
        # As `account_key` makes it; a call for each leg is felt.
        key = f"{account}/{currency}".encode()
        held = accounts[key]
        after_minor = delta_minor if held is None else held.balance_minor + delta_minor
        # The one comparison that nearly every leg passes; what else it may be comes after.
        if not 0 <= after_minor <= MAX_MINOR:
            _require_recordable(account, after_minor)
        accounts.put(key, Account(after_minor))
        total_minor += delta_minor
        if account < FIRST_DEPOSIT:
            central += 1
        # As `encode_legs` says it; a format with a sign costs as much again.
        told.append(f"{account}:{'+' if delta_minor > 0 else ''}{delta_minor}")
    if total_minor != 0:
        raise StateMismatch(f"a posting that does not balance: {encode_legs(legs)}")
    if central and central != len(told):
        raise StateMismatch(f"a posting that mixes central-bank money and deposits: {encode_legs(legs)}")
    if told:
        ctx.events.append(Event(POSTED, (told_currency, EventAttribute("legs", ";".join(told), False))))


def _require_recordable(account: str, after_minor: int) -> None:
    if after_minor < 0 and not is_contra(account):
        raise Rejected(codes.INSUFFICIENT_FUNDS, f"{account} lacks {-after_minor}")
    if not within_limits(after_minor):
        raise Rejected(codes.BALANCE_OVERFLOW, account)


def issue(ctx: Context, issuer: str, account: str, currency: str, amount_minor: int) -> None:
    """Bring money into being on `account`, against the contra account of `issuer` (or CENTRAL_BANK).

    Raises Rejected: BAD_AMOUNT, UNKNOWN_CURRENCY, BALANCE_OVERFLOW.
    """
    require_amount(ctx, amount_minor, currency)
    key = supply_key(issuer, currency)
    supply = ctx.get(SUPPLY, key) or Supply()
    issued_minor = supply.issued_minor + amount_minor
    ctx.require(within_limits(issued_minor), codes.BALANCE_OVERFLOW, "supply")
    ctx.put(SUPPLY, key, Supply(issued_minor, supply.redeemed_minor))
    post(ctx, currency, (Leg(_contra(issuer), -amount_minor), Leg(account, amount_minor)))


def redeem(ctx: Context, issuer: str, account: str, currency: str, amount_minor: int) -> None:
    """Take money on `account` out of being: it left the ledger, as cash or to a bank account elsewhere.

    An institution may redeem more than it issued: its depositors may have been paid by another's.
    Raises Rejected: BAD_AMOUNT, UNKNOWN_CURRENCY, INSUFFICIENT_FUNDS, BALANCE_OVERFLOW.
    """
    require_amount(ctx, amount_minor, currency)
    key = supply_key(issuer, currency)
    supply = ctx.get(SUPPLY, key) or Supply()
    redeemed_minor = supply.redeemed_minor + amount_minor
    ctx.require(within_limits(redeemed_minor), codes.BALANCE_OVERFLOW, "supply")
    ctx.put(SUPPLY, key, Supply(supply.issued_minor, redeemed_minor))
    post(ctx, currency, (Leg(account, -amount_minor), Leg(_contra(issuer), amount_minor)))


def require_currency(ctx: Context, currency: str) -> None:
    """Refuses a currency that the network does not carry."""
    ctx.require(currency in CURRENCIES, codes.UNKNOWN_CURRENCY)


def require_amount(ctx: Context, amount_minor: int, currency: str) -> None:
    """Refuses what is not 1..2^63-1 minor units of a known currency."""
    ctx.require(0 < amount_minor <= MAX_MINOR, codes.BAD_AMOUNT)
    require_currency(ctx, currency)


def require_reference(ctx: Context, text: str) -> None:
    """Refuses a reference that is not 1 to 64 bytes of safe text."""
    ctx.require_text(text, codes.BAD_REFERENCE, max_bytes=MAX_REFERENCE_BYTES)


def _contra(issuer: str) -> str:
    return central_issued_account() if issuer == CENTRAL_BANK else issued_account(issuer)

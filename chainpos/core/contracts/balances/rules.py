"""Issue and redeem: the issuer alone brings deposits into being and takes them out, for its own customers.

They refuse another's customer, more than the account may hold, taking money out of a frozen account (money may come
in, as a freeze is on what leaves), a reason that is not listed, and text that may not be shown.
"""

from __future__ import annotations

from chainpos.core.contracts.balances import codes, port
from chainpos.core.contracts.balances.events import ISSUED, REDEEMED
from chainpos.core.contracts.balances.messages import Issue, Redeem
from chainpos.core.contracts.balances.records import ISSUE_REASONS, REDEEM_REASONS, customer_account
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.ports import account_subject


def issue(ctx: Context, message: Issue) -> bytes:
    """The customer's account holds `amount_minor` more."""
    account = _checked_account(ctx, message)
    after_minor = port.balance(ctx, account, message.currency) + message.amount_minor
    ctx.ports.customers.require_room(ctx, message.account, after_minor, message.currency)
    port.issue(ctx, message.institution, account, message.currency, message.amount_minor)
    _tell(ctx, ISSUED, message)
    return b""


def redeem(ctx: Context, message: Redeem) -> bytes:
    """The customer's account holds `amount_minor` less."""
    account = _checked_account(ctx, message)
    ctx.ports.compliance.require_free(ctx, account_subject(message.account))
    port.redeem(ctx, message.institution, account, message.currency, message.amount_minor)
    _tell(ctx, REDEEMED, message)
    return b""


def _checked_account(ctx: Context, message: Issue | Redeem) -> str:
    ctx.ports.institutions.require_signer(ctx, message.institution, ctx.signer)
    port.require_amount(ctx, message.amount_minor, message.currency)
    reasons = ISSUE_REASONS if isinstance(message, Issue) else REDEEM_REASONS
    ctx.require(message.reason in reasons, codes.BAD_REASON)
    port.require_reference(ctx, message.reference)
    party = ctx.ports.customers.party(ctx, message.account)
    ctx.require(party.institution == message.institution, codes.WRONG_INSTITUTION)
    return customer_account(message.account, message.institution)


def _tell(ctx: Context, kind: str, message: Issue | Redeem) -> None:
    ctx.emit(
        kind,
        institution=message.institution,
        account=message.account,
        currency=message.currency,
        amount_minor=message.amount_minor,
        reason=message.reason,
        reference=message.reference,
    )

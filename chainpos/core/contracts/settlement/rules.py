"""Closing a cycle, settling what was rolled over, and a merchant's payouts.

They refuse whoever may not, what is before its time, and work that would change nothing.
"""

from __future__ import annotations

import msgspec

from chainpos.core.contracts.balances import port as balances
from chainpos.core.contracts.balances.records import merchant_account
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.ports import merchant_subject
from chainpos.core.contracts.settlement import codes
from chainpos.core.contracts.settlement.clearing import net, open_batch, owing_batches, settle, waiting_batches
from chainpos.core.contracts.settlement.events import PAYOUT_CONFIRMED, PAYOUT_FAILED, PAYOUT_REQUESTED, tell_payout
from chainpos.core.contracts.settlement.messages import Close, ConfirmPayout, FailPayout, RequestPayout, Resolve
from chainpos.core.contracts.settlement.port import fold
from chainpos.core.contracts.settlement.records import (
    CLOCKS,
    CYCLE,
    FAILED,
    NO_MONEY,
    PAID_OUT,
    PAYOUTS,
    POSITIONS,
    REQUESTED,
    RESOLUTION,
    TIMETABLES,
    Clock,
    Payout,
    Position,
    Through,
    last_cutoff,
    payout_key,
    position_key,
)
from chainpos.errors import StateMismatch

MAX_BANK_REFERENCE_BYTES = 35  # ISO 20022's Max35Text
MAX_REASON_BYTES = 140  # and Max140Text


def close(ctx: Context, message: Close) -> bytes:
    """After a cut-off, net all that institutions owe each other, and settle what reserves cover.

    Returns the netting's number, 4 bytes, big-endian.
    """
    _require_closer(ctx, message.institution)
    currency = message.currency
    timetable = ctx.found(ctx.get(TIMETABLES, currency.encode()), codes.CURRENCY_NOT_SETTLED)
    clock = ctx.get(CLOCKS, currency.encode()) or Clock()
    cutoff_s = last_cutoff(timetable, ctx.block.time_s)
    ctx.require(cutoff_s > clock.cutoff_s, codes.BEFORE_CUTOFF)
    batches = owing_batches(ctx, currency)
    ctx.require(bool(batches), codes.NOTHING_TO_SETTLE)
    number = settle(ctx, currency, net(ctx, currency, batches), batches, CYCLE, cutoff_s)
    return number.to_bytes(4, "big")


def resolve(ctx: Context, message: Resolve) -> bytes:
    """Between cut-offs, settle such batches as were rolled over and reserves now cover, against each other.

    Reserves that come do this by themselves; what refunds have lessened since has to be asked for.
    Returns the netting's number, 4 bytes, big-endian.
    """
    _require_closer(ctx, message.institution)
    currency = message.currency
    batches = waiting_batches(ctx, currency)
    netting = net(ctx, currency, batches)
    ctx.require(bool(netting.settled), codes.NOTHING_RESOLVED)
    number = settle(ctx, currency, netting, batches, RESOLUTION)
    return number.to_bytes(4, "big")


def request_payout(ctx: Context, message: RequestPayout) -> bytes:
    """Set available money aside for the merchant's bank account. Returns the payout's number, 4 bytes, big-endian.

    Any of its tills may ask: the money can only go to the merchant's own account.
    """
    merchant, currency, amount_minor = message.merchant, message.currency, message.amount_minor
    terms = ctx.ports.merchants.terms(ctx, merchant)
    if not ctx.ports.merchants.is_owner(ctx, merchant, ctx.signer):
        ctx.ports.merchants.require_till(ctx, merchant, ctx.signer)
    ctx.ports.compliance.require_free(ctx, merchant_subject(merchant))
    ctx.require(amount_minor > 0, codes.NOTHING_TO_PAY_OUT)
    key = position_key(merchant, currency)
    position = fold(ctx, ctx.get(POSITIONS, key) or NO_MONEY, currency)
    ctx.require(amount_minor <= position.available_minor, codes.NOT_ENOUGH_AVAILABLE, f"of {position.available_minor}")
    before = ctx.get(PAYOUTS, payout_key(merchant, currency, position.payouts))
    number = position.payouts + 1
    payout = Payout(
        acquirer=terms.acquirer,
        payout_account=ctx.ports.merchants.payout_account(ctx, merchant),
        amount_minor=amount_minor,
        state=REQUESTED,
        opening_minor=0 if before is None else before.closing_minor,
        closing_minor=position.available_minor - amount_minor,
        entry_through=position.entries,
        through=tuple(
            Through(part.debtor, open_batch(ctx, part.debtor, currency).number - 1) for part in position.pending
        ),
        requested_by=ctx.signer,
        requested_height=ctx.block.height,
        requested_s=ctx.block.time_s,
    )
    after = msgspec.structs.replace(
        position,
        available_minor=payout.closing_minor,
        requested_minor=position.requested_minor + amount_minor,
        payouts=number,
    )
    ctx.put(POSITIONS, key, after)
    ctx.put(PAYOUTS, payout_key(merchant, currency, number), payout)
    tell_payout(ctx, PAYOUT_REQUESTED, merchant, currency, number, payout)
    return number.to_bytes(4, "big")


def confirm_payout(ctx: Context, message: ConfirmPayout) -> bytes:
    """The money arrived at the bank: it leaves the ledger."""
    payout, position = _undecided(ctx, message)
    ctx.require_text(message.bank_reference, codes.BAD_BANK_REFERENCE, max_bytes=MAX_BANK_REFERENCE_BYTES)
    amount_minor = payout.amount_minor
    account = merchant_account(message.merchant, payout.acquirer)
    balances.redeem(ctx, payout.acquirer, account, message.currency, amount_minor)
    decided = msgspec.structs.replace(
        payout,
        state=PAID_OUT,
        decided_height=ctx.block.height,
        decided_s=ctx.block.time_s,
        bank_reference=message.bank_reference,
    )
    after = msgspec.structs.replace(
        position,
        requested_minor=position.requested_minor - amount_minor,
        paid_out_minor=position.paid_out_minor + amount_minor,
    )
    _decide(ctx, message, decided, after, PAYOUT_CONFIRMED)
    return b""


def fail_payout(ctx: Context, message: FailPayout) -> bytes:
    """The money could not be sent: it is available again."""
    payout, position = _undecided(ctx, message)
    ctx.require_text(message.reason, codes.BAD_FAILURE_REASON, max_bytes=MAX_REASON_BYTES)
    entry = position.entries + 1
    decided = msgspec.structs.replace(
        payout,
        state=FAILED,
        decided_height=ctx.block.height,
        decided_s=ctx.block.time_s,
        reason=message.reason,
        returned_entry=entry,
    )
    after = msgspec.structs.replace(
        position,
        available_minor=position.available_minor + payout.amount_minor,
        requested_minor=position.requested_minor - payout.amount_minor,
        entries=entry,
    )
    _decide(ctx, message, decided, after, PAYOUT_FAILED)
    return b""


def _require_closer(ctx: Context, institution: str) -> None:
    if institution:
        ctx.ports.institutions.require_signer(ctx, institution, ctx.signer)
    else:
        ctx.ports.governance.require_role(ctx, "operator", ctx.signer)


def _undecided(ctx: Context, message: ConfirmPayout | FailPayout) -> tuple[Payout, Position]:
    key = payout_key(message.merchant, message.currency, message.number)
    payout = ctx.found(ctx.get(PAYOUTS, key), codes.UNKNOWN_PAYOUT)
    ctx.ports.institutions.require_signer(ctx, payout.acquirer, ctx.signer)
    ctx.require(payout.state == REQUESTED, codes.PAYOUT_DECIDED, payout.state)
    position = ctx.get(POSITIONS, position_key(message.merchant, message.currency))
    if position is None:
        raise StateMismatch(f"a payout of {message.merchant}, which has no position")
    return payout, position


def _decide(ctx: Context, message: ConfirmPayout | FailPayout, payout: Payout, position: Position, kind: str) -> None:
    ctx.put(POSITIONS, position_key(message.merchant, message.currency), position)
    ctx.put(PAYOUTS, payout_key(message.merchant, message.currency, message.number), payout)
    tell_payout(ctx, kind, message.merchant, message.currency, message.number, payout)

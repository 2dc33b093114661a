"""Pay, charge, cancel: each a ladder of refusals, then the postings and the record.

The request's own faults come first, then the shop's, then the payer's, money last: who is told no learns the first
reason that he can do something about. Signatures were verified before (messages.pay_signatures, charge_signatures).
"""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.balances.port import post
from chainpos.core.contracts.balances.records import NETWORK_HOLDER, customer_account, fee_account, merchant_account
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.payments import codes
from chainpos.core.contracts.payments.events import tell_cancelled, tell_paid
from chainpos.core.contracts.payments.messages import (
    CODE_LIFE_S,
    Cancel,
    Charge,
    CustomerCode,
    Pay,
    Request,
    decode_code,
    open_request,
    static_payment_id,
)
from chainpos.core.contracts.payments.records import (
    CANCELLED,
    NEVER_S,
    OFFLINE_CODES,
    ONLY,
    PAYMENTS,
    Cancellation,
    OfflineSchedule,
    Payment,
)
from chainpos.core.contracts.ports import (
    CUSTOMER_CODE,
    DYNAMIC_QR,
    STATIC_QR,
    MerchantTerms,
    Party,
    account_subject,
    merchant_subject,
)
from chainpos.errors import MalformedBytes, Rejected

# How far a phone's clock may run ahead of block time; as the light client allows a header.
CLOCK_DRIFT_S: Final = 10


def pay(ctx: Context, message: Pay) -> bytes:
    """The payer pays a request that a till signed. Returns the payment's ID."""
    request, requested = _open(ctx, message.request)
    _require_agreed(message, request)
    _require_payable(ctx, request, requested)
    amount_minor, tip_minor = message.amount_minor, message.tip_minor
    terms = _require_shop(ctx, request, amount_minor + tip_minor)
    payer = ctx.ports.customers.payer(ctx, ctx.signer)
    payment_id = static_payment_id(requested, ctx.body_hash) if request.instrument == STATIC_QR else requested
    _take(ctx, request, requested, payment_id, terms, payer, amount_minor, tip_minor, request.instrument)
    return payment_id


def charge(ctx: Context, message: Charge) -> bytes:
    """A till takes its own request's amount from a customer's code. Returns the payment's ID, the request's."""
    request, requested = _open(ctx, message.request)
    try:
        code = decode_code(message.code)
    except MalformedBytes as error:
        raise Rejected(codes.MALFORMED_CODE, str(error)) from error
    require = ctx.require
    require(ctx.signer == request.till_key, codes.NOT_THE_TILL)
    require(request.instrument == DYNAMIC_QR, codes.STATIC_NOT_CHARGEABLE)
    require(code.currency == request.currency, codes.WRONG_CURRENCY, request.currency)
    _require_payable(ctx, request, requested)
    require(code.issued_s <= ctx.block.time_s + CLOCK_DRIFT_S, codes.CODE_FROM_FUTURE)
    require(request.amount_minor <= code.max_minor, codes.OVER_CODE_LIMIT)
    if ctx.block.time_s > code.issued_s + CODE_LIFE_S:
        _require_accepted_offline(ctx, request, code)
    terms = _require_shop(ctx, request, request.amount_minor)
    payer = ctx.ports.customers.payer(ctx, code.payer_key)
    _take(ctx, request, requested, requested, terms, payer, request.amount_minor, 0, CUSTOMER_CODE)
    return requested


def _require_accepted_offline(ctx: Context, request: Request, code: CustomerCode) -> None:
    """The till accepted the code in its minute, as its request says, and governance lets it bring such a one so late.

    When it was accepted the till alone says: hence the caps.
    """
    bounds = (ctx.get(OFFLINE_CODES, ONLY) or OfflineSchedule()).in_force(ctx.block.time_s)
    in_its_minute = code.issued_s - CLOCK_DRIFT_S <= request.created_s <= code.issued_s + CODE_LIFE_S
    late_s = ctx.block.time_s - request.created_s
    cap_minor = bounds.cap_minor(request.currency)
    if not in_its_minute or late_s > bounds.window_s or not cap_minor:
        raise Rejected(codes.CODE_EXPIRED)
    if request.amount_minor > cap_minor:
        raise Rejected(codes.OVER_OFFLINE_CAP, f"{cap_minor} at most")


def cancel(ctx: Context, message: Cancel) -> bytes:
    """A till withdraws its request, or the owner any of the shop's. Returns the request's ID."""
    request, requested = _open(ctx, message.request)
    if not ctx.ports.merchants.is_owner(ctx, request.merchant, ctx.signer):
        ctx.require(ctx.signer == request.till_key, codes.NOT_THE_TILL)
        ctx.ports.merchants.require_till(ctx, request.merchant, ctx.signer)
    _require_payable(ctx, request, requested)
    expires_s = request.expires_s or NEVER_S
    cancelled = Cancellation(
        request.merchant, request.till_key, request.reference, ctx.block.height, ctx.block.time_s, expires_s
    )
    ctx.put(CANCELLED, requested, cancelled)
    tell_cancelled(ctx, requested, request)
    return requested


def _open(ctx: Context, encoded: bytes) -> tuple[Request, bytes]:
    """The request and its ID."""
    try:
        request, _, requested = open_request(ctx.block.chain_id, encoded)
    except MalformedBytes as error:
        raise Rejected(codes.MALFORMED_REQUEST, str(error)) from error
    return request, requested


def _require_agreed(message: Pay, request: Request) -> None:
    """What the payer agreed to is what the till asked for. Plain `if`s, as in all that every payment passes."""
    if message.merchant != request.merchant:
        raise Rejected(codes.WRONG_MERCHANT, request.merchant)
    if message.currency != request.currency:
        raise Rejected(codes.WRONG_CURRENCY, request.currency)
    if message.tip_minor and not request.tip_allowed:
        raise Rejected(codes.TIP_NOT_ALLOWED)
    if message.amount_minor == 0:
        raise Rejected(codes.NOTHING_TO_PAY)
    if request.amount_minor:
        if message.amount_minor < request.amount_minor:
            raise Rejected(codes.UNDERPAID, f"{request.amount_minor} due")
        if message.amount_minor > request.amount_minor:
            raise Rejected(codes.OVERPAID, f"{request.amount_minor} due")


def _require_payable(ctx: Context, request: Request, requested: bytes) -> None:
    """The first payment outlives cancellation and expiry, as it is what a second payer needs to hear of."""
    if request.instrument == DYNAMIC_QR and ctx.views[PAYMENTS][requested] is not None:
        raise Rejected(codes.ALREADY_PAID)
    if ctx.views[CANCELLED][requested] is not None:
        raise Rejected(codes.REQUEST_CANCELLED)
    if request.expires_s and ctx.block.time_s >= request.expires_s:
        raise Rejected(codes.REQUEST_EXPIRED)


def _require_shop(ctx: Context, request: Request, total_minor: int) -> MerchantTerms:
    """The shop may be paid through this till, and so much. Raises with codes of merchants and compliance, too."""
    ports = ctx.ports
    terms = ports.merchants.terms(ctx, request.merchant)
    most_minor = ports.merchants.require_till(ctx, request.merchant, request.till_key)
    if total_minor > most_minor:
        raise Rejected(codes.OVER_TILL_LIMIT, f"{most_minor} at most")
    ports.compliance.require_free(ctx, merchant_subject(request.merchant))
    return terms


def _take(
    ctx: Context,
    request: Request,
    requested: bytes,
    payment_id: bytes,
    terms: MerchantTerms,
    payer: Party,
    amount_minor: int,
    tip_minor: int,
    instrument: str,
) -> None:
    """Move the money, record and tell it. Raises with codes of others, too: see README.md."""
    ports, currency, acquirer = ctx.ports, request.currency, terms.acquirer
    gross_minor = amount_minor + tip_minor
    ports.compliance.require_free(ctx, account_subject(payer.account))
    ports.customers.spend(ctx, payer.account, gross_minor, currency, instrument)
    fee = ports.fees.quote(ctx, terms.fee_class, instrument, currency, amount_minor)
    net_minor = gross_minor - fee.acquirer_minor - fee.network_minor
    legs = (
        (customer_account(payer.account, payer.institution), -gross_minor),
        (merchant_account(terms.merchant, acquirer), net_minor),
        (fee_account(acquirer, acquirer), fee.acquirer_minor),
        (fee_account(NETWORK_HOLDER, acquirer), fee.network_minor),
    )
    post(ctx, currency, legs)
    placement = ports.settlement.credit(ctx, terms, payer.institution, currency, gross_minor, net_minor)
    # By position, in the record's order: names would cost as much again.
    payment = Payment(
        requested,
        terms.merchant,
        acquirer,
        request.till_key,
        request.reference,
        payer.account,
        payer.institution,
        currency,
        amount_minor,
        tip_minor,
        fee.acquirer_minor,
        fee.network_minor,
        instrument,
        placement.debtor,
        placement.batch,
        placement.entry,
        ctx.block.height,
        ctx.block.time_s,
    )
    ctx.views[PAYMENTS].put(payment_id, payment)
    tell_paid(ctx, payment_id, payment)

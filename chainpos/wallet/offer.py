"""From a link to an offer: everything that is checked before a customer is asked for a yes.

It refuses, by name: links whose host serves another request than the link's; requests that no authorised till signed;
shops that the network did not certify; requests that are expired, paid or cancelled; wallets without an account; and
what a frozen wallet would pay, or a frozen shop be paid: a node refuses that at the door, where nothing is proved.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.checkout.offered import disagreement, read_offered
from chainpos.core.checkout.request import (
    Link,
    MalformedLink,
    SignedRequest,
    names,
    open_request,
)
from chainpos.core.contracts.balances.records import ACCOUNTS, account_key, customer_account
from chainpos.core.contracts.compliance.records import FREEZES, Freeze
from chainpos.core.contracts.customers.records import CUSTOMER_KEYS, CUSTOMERS
from chainpos.core.contracts.merchants.records import MERCHANTS, OPEN, TILLS, Merchant, Till, merchant_key
from chainpos.core.contracts.payments.messages import request_id
from chainpos.core.contracts.payments.records import CANCELLED, PAYMENTS
from chainpos.core.contracts.ports import DYNAMIC_QR, account_subject, merchant_subject
from chainpos.core.values.amount import Amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS, format_rfc3339
from chainpos.errors import MalformedBytes, UserFacingError
from chainpos.rpc.client import Disconnected, http_get, read_link_answer
from chainpos.wallet.network import Network

MAX_ANSWER_BYTES: Final = 8192
FETCH_TIMEOUT_S: Final = 8.0
_FOUND: Final = 200
_NOT_FOUND: Final = 404


class RefusedOffer(UserFacingError):
    """A link that this wallet will not pay. `reason` names why, for programs."""

    def __init__(self, reason: str, what: str, next_step: str) -> None:
        super().__init__(what, next_step=next_step)
        self.reason = reason


class Account(msgspec.Struct, frozen=True):
    """Whose money a key signs for: the 20-byte address, and who holds the money. Proved on the ledger."""

    address: bytes
    institution: str
    tier: str


class PaymentOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What the customer is asked. Names, category and city are what the network certified, not what the link said.

    `balance` is the payer's before the payment; `as_of_height` the oldest height at which any of this was proved.
    """

    link: Link
    signed: SignedRequest
    merchant: str
    name_en: str
    name_zh: str
    category: str
    city: str
    till_label: str
    memo: str
    account: Account
    balance: Amount
    as_of_height: int
    chosen_minor: int = 0

    @property
    def amount(self) -> Amount:
        """What is asked, or what the payer chose where it is left to them; zero while they have not."""
        return self.signed.amount if self.signed.request.amount_minor else Amount(self.chosen_minor, self.currency)

    @property
    def currency(self) -> str:
        """The request's."""
        return self.signed.request.currency

    @property
    def leaves_amount(self) -> bool:
        """Whether the payer types the amount: a code on a wall."""
        return not self.signed.request.amount_minor

    def choosing(self, amount: Amount) -> PaymentOffer:
        """The offer with the amount that the payer typed. Raises RefusedOffer where it is not theirs to choose."""
        if amount.currency != self.currency or not amount.minor:
            raise RefusedOffer("no_amount", "That is nothing to pay.", "Type the amount that the shop asked for.")
        if not self.leaves_amount and amount != self.amount:
            raise RefusedOffer("fixed_amount", f"The shop asks for {self.amount}.", "Pay that, or ask for a new code.")
        return msgspec.structs.replace(self, chosen_minor=amount.minor)

    @property
    def expires_s(self) -> int:
        """Payable before this unix second; 0 for a request that never ends."""
        return self.signed.request.expires_s


async def make_offer(link_text: str, network: Network, public_key: bytes) -> PaymentOffer:
    """The offer behind a link or an EMVCo code, for the wallet with this key. Raises RefusedOffer, UserFacingError."""
    try:
        link, code = read_offered(link_text)
    except MalformedLink as error:
        raise RefusedOffer("no_link", f"This is no payment link: {error}.", "Scan the code again.") from error
    signed = await fetch_request(link, network.chain_id)
    if code is not None and (what := disagreement(code, signed)):
        raise RefusedOffer(
            "altered_code",
            f"The code shows another {what} than the shop's till signed.",
            "Ask the shop for a new code.",
        )
    now_s = network.clock.now_ns() // SECOND_NS
    await network.sync()
    merchant, till, height = await _require_shop(network, signed)
    height = min(height, await _require_payable(network, signed, now_s))
    account, balance, account_height = await read_account(network, public_key, signed.request.currency)
    height = min(height, await _require_free(network, account, signed.request.merchant))
    return PaymentOffer(
        link=link,
        signed=signed,
        merchant=signed.request.merchant,
        name_en=clean(merchant.name_en),
        name_zh=clean(merchant.name_zh),
        category=clean(merchant.category),
        city=clean(merchant.city),
        till_label=clean(till.label),
        memo=clean(signed.request.memo),
        account=account,
        balance=balance,
        as_of_height=min(height, account_height),
    )


async def fetch_request(link: Link, chain_id: str) -> SignedRequest:
    """The request that a link names, exactly: its hash is the link's ID and its till signed it. Raises RefusedOffer."""
    try:
        answer = await http_get(link.url, MAX_ANSWER_BYTES, FETCH_TIMEOUT_S)
        if answer.status == _NOT_FOUND:
            raise RefusedOffer(
                "unknown_request",
                "The shop's till knows no such request: it expired, or was withdrawn.",
                "Ask the shop for a new code.",
            )
        if answer.status != _FOUND:
            raise RefusedOffer("no_request", "The shop's till did not answer rightly.", "Ask the shop for a new code.")
        served = read_link_answer(answer.body)
    except Disconnected as error:
        raise RefusedOffer(
            "unreachable", "The shop's till cannot be reached.", "Check the connection, or ask for a new code."
        ) from error
    except MalformedBytes as error:
        raise RefusedOffer(
            "no_request", "The shop's till answered nonsense.", "Ask the shop for a new code."
        ) from error
    if not names(link.id, request_id(chain_id, served.request)):
        raise RefusedOffer(
            "altered_request",
            "The link leads to another request than the code named.",
            "Do not pay: somebody altered it on the way. Tell the shop.",
        )
    try:
        return open_request(chain_id, served.request, served.signature)
    except MalformedBytes as error:
        raise RefusedOffer(
            "forged_request", "No till signed this request.", "Do not pay: the code is forged. Tell the shop."
        ) from error


async def read_account(network: Network, public_key: bytes, currency: str) -> tuple[Account, Amount, int]:
    """The account of a key, what it holds in a currency, and the height of the proofs. Raises RefusedOffer."""
    holder = await network.record(CUSTOMER_KEYS, public_key)
    if holder.record is None:
        raise RefusedOffer(
            "no_account",
            f"This wallet has no account on the network as of height {holder.height}.",
            "Ask your bank or wallet company to open one for this key.",
        )
    address = holder.record.account
    customer = await network.record(CUSTOMERS, address)
    if customer.record is None:
        raise RefusedOffer("no_account", "The account of this wallet was closed.", "Ask your bank.")
    if customer.record.key != public_key:
        raise RefusedOffer(
            "key_replaced",
            "Another key signs for this wallet's account now.",
            "Pay from the device that holds the new key.",
        )
    institution = customer.record.institution
    held = await network.record(ACCOUNTS, account_key(customer_account(address, institution), currency))
    # An account that never held the currency has no record; nobody's account is below zero but the issuers' own.
    balance = Amount(max(held.record.balance_minor, 0) if held.record is not None else 0, currency)
    account = Account(address, institution, customer.record.tier)
    return account, balance, min(holder.height, customer.height, held.height)


async def freeze_in_force(network: Network, subject: bytes) -> tuple[Freeze | None, int]:
    """The freeze that holds a subject as of the proof's own time, or None; and the proof's height."""
    found = await network.record(FREEZES, subject)
    freeze = found.record
    holds = freeze is not None and freeze.from_s <= found.time_ns // SECOND_NS < freeze.until_s
    return freeze if holds else None, found.height


async def _require_free(network: Network, account: Account, merchant: str) -> int:
    freeze, height = await freeze_in_force(network, account_subject(account.address))
    if freeze is not None:
        raise RefusedOffer(
            "frozen_account",
            f"This wallet is frozen {frozen_by(freeze)}, proved as of height {height}.",
            f"Ask {account.institution}, which opened the wallet. The shop may take another way of paying.",
        )
    freeze, shop_height = await freeze_in_force(network, merchant_subject(merchant))
    if freeze is not None:
        raise RefusedOffer(
            "frozen_merchant",
            f"The shop is frozen {frozen_by(freeze)}, proved as of height {shop_height}.",
            "It can take no money on this network: tell the shop.",
        )
    return min(height, shop_height)


def frozen_by(freeze: Freeze) -> str:
    """By which order, and until when."""
    until = format_rfc3339(freeze.until_s * SECOND_NS)[:16].replace("T", " ")
    return f"by order ({clean(freeze.legal_reference)}) until {until} UTC"


async def _require_shop(network: Network, signed: SignedRequest) -> tuple[Merchant, Till, int]:
    request = signed.request
    till = await network.record(TILLS, request.till_key)
    if till.record is None or till.record.merchant != request.merchant or till.record.status != OPEN:
        raise RefusedOffer(
            "unauthorised_till",
            f"The device that asks is no till of {request.merchant}.",
            "Do not pay: the code is not this shop's. Tell the shop.",
        )
    merchant = await network.record(MERCHANTS, merchant_key(request.merchant))
    if merchant.record is None or merchant.record.status != OPEN:
        raise RefusedOffer(
            "uncertified_merchant",
            f"{request.merchant} is not a shop that the network lets take payments.",
            "Do not pay by this code.",
        )
    certified = merchant.record.as_of(merchant.time_ns // SECOND_NS)
    return certified, till.record, min(till.height, merchant.height)


async def _require_payable(network: Network, signed: SignedRequest, now_s: int) -> int:
    request = signed.request
    if request.expires_s and now_s >= request.expires_s:
        raise RefusedOffer("expired", "The request has expired.", "Ask the shop for a new code.")
    if request.instrument != DYNAMIC_QR:
        return network.light.trusted.height
    payment = await network.record(PAYMENTS, signed.id)
    if payment.record is not None:
        raise RefusedOffer(
            "already_paid",
            f"The request was paid already, at height {payment.record.height}.",
            "Ask the shop for a new code if more is to be paid.",
        )
    cancelled = await network.record(CANCELLED, signed.id)
    if cancelled.record is not None:
        raise RefusedOffer("cancelled", "The shop withdrew the request.", "Ask the shop for a new code.")
    return min(payment.height, cancelled.height)

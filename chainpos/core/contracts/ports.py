"""What capabilities offer each other. They are strangers: one asks another only for what stands here.

The functions of each capability's `port.py` fulfil one of these protocols; the registry puts them together.
Every function may raise Rejected with a code of the capability that refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from chainpos.core.contracts.context import Change, Context

# How a payment was presented; limits and fees depend on it.
DYNAMIC_QR = "dynamic_qr"
STATIC_QR = "static_qr"
CUSTOMER_CODE = "customer_code"


class Party(msgspec.Struct, frozen=True, gc=False):
    """A customer: the 20-byte account, and the institution that holds the money."""

    account: bytes
    institution: str


class MerchantTerms(msgspec.Struct, frozen=True, gc=False):
    """What payments and settlement need to know of a merchant. `settlement_mode` is "instant" or "netted"."""

    merchant: str
    acquirer: str
    fee_class: str
    settlement_mode: str


class FeeSplit(msgspec.Struct, frozen=True, gc=False):
    """A fee in minor units, by who earns it."""

    acquirer_minor: int
    network_minor: int

    @property
    def total_minor(self) -> int:
        """What the merchant pays."""
        return self.acquirer_minor + self.network_minor


class Placement(msgspec.Struct, frozen=True, gc=False):
    """Where money went, or was taken from: a debtor's batch, pending until it settles; or available at once.

    At once means debtor "" and batch 0; then `entry` is its number, from 1, among the merchant's movements of available
    money in that currency.
    """

    debtor: str
    batch: int
    entry: int = 0


class PaymentFacts(NamedTuple):
    """A recorded payment, as refunds see it; amounts in minor units. The fee is of `amount_minor`, without the tip."""

    payment_id: bytes
    merchant: str
    acquirer: str
    payer: Party
    currency: str
    amount_minor: int
    tip_minor: int
    fee: FeeSplit
    refunded_minor: int
    fee_refunded: FeeSplit
    placement: Placement

    @property
    def paid_minor(self) -> int:
        """What the payer paid, the tip included: the most that can be refunded."""
        return self.amount_minor + self.tip_minor


class GovernancePort(Protocol):
    """Roles of the network itself: "operator", "regulator", "central_bank", "city"."""

    def require_role(self, ctx: Context, role: str, public_key: bytes) -> None:
        """Refuses unless the key holds the role."""


class ChangesPort(Protocol):
    """All that governance may decide, whichever capability it belongs to."""

    def find(self, kind: str) -> Change | None:
        """The kind of change of that name ("customers.tier"), or None."""

    def decode(self, known: Change, encoded: bytes) -> msgspec.Struct:
        """A change in its shape. Raises MalformedBytes where it is not that shape, or not in canonical form."""


class InstitutionsPort(Protocol):
    """Banks and wallet companies."""

    def require_signer(self, ctx: Context, institution: str, public_key: bytes) -> None:
        """Refuses unless the key acts for the institution and it is in good standing."""

    def is_signer(self, ctx: Context, institution: str, public_key: bytes) -> bool:
        """Whether the key acts for the institution and it is in good standing."""

    def require_active(self, ctx: Context, institution: str) -> None:
        """Refuses a suspended institution: its customers do not pay, its merchants are not paid."""

    def require_known(self, ctx: Context, institution: str) -> None:
        """Refuses a name that no institution has."""

    def all_institutions(self, ctx: Context) -> tuple[str, ...]:
        """Their names, ascending."""

    def net_debit_cap(self, ctx: Context, institution: str, currency: str) -> int:
        """How much it may owe all others together, in minor units."""


class CustomersPort(Protocol):
    """Customers, their tiers and limits."""

    def payer(self, ctx: Context, public_key: bytes) -> Party:
        """The open account that this key signs for."""

    def party(self, ctx: Context, account: bytes) -> Party:
        """An account by its address."""

    def institution_of(self, ctx: Context, account: bytes) -> str:
        """Whose customer an account is, open or not."""

    def spend(self, ctx: Context, account: bytes, amount_minor: int, currency: str, instrument: str) -> None:
        """Refuses over the tier's single or daily limit or the instrument's cap; else counts it to the day."""

    def require_room(self, ctx: Context, account: bytes, balance_after_minor: int, currency: str) -> None:
        """Refuses a balance over the tier's limit."""


class MerchantsPort(Protocol):
    """Merchants and their tills."""

    def terms(self, ctx: Context, merchant: str) -> MerchantTerms:
        """Of an open merchant."""

    def payout_account(self, ctx: Context, merchant: str) -> str:
        """Where its money is paid out to now."""

    def acquirer_of(self, ctx: Context, merchant: str) -> str:
        """The acquirer of a merchant, open or not."""

    def require_till(self, ctx: Context, merchant: str, till_key: bytes) -> int:
        """The most that it takes in one payment. Refuses a key that is not, or no longer, a till of this merchant."""

    def require_owner(self, ctx: Context, merchant: str, public_key: bytes) -> None:
        """Refuses a key that is not the owner's."""

    def is_owner(self, ctx: Context, merchant: str, public_key: bytes) -> bool:
        """Whether the key is the owner's."""

    def count_refund(self, ctx: Context, merchant: str, till_key: bytes, amount_minor: int) -> None:
        """Refuses over the till's daily refund limit; else counts it to the day."""


class FeesPort(Protocol):
    """The dated fee schedule."""

    def quote(self, ctx: Context, fee_class: str, instrument: str, currency: str, amount_minor: int) -> FeeSplit:
        """What the merchant pays for receiving the amount now; never more than the amount."""

    def returned(self, ctx: Context, payment: PaymentFacts, refund_minor: int) -> FeeSplit:
        """What of the payment's fee goes back to the merchant with this refund."""


class SettlementPort(Protocol):
    """Between institutions, and the states of a merchant's money."""

    def credit(
        self,
        ctx: Context,
        terms: MerchantTerms,
        payer_institution: str,
        currency: str,
        gross_minor: int,
        net_minor: int,
    ) -> Placement:
        """The payer's institution owes the acquirer `gross`; the merchant's `net` becomes available or pending."""

    def debit(
        self, ctx: Context, terms: MerchantTerms, payment: PaymentFacts, gross_minor: int, net_minor: int
    ) -> Placement:
        """A refund: takes `net` from the payment's own batch while that is open, else from available.

        Out of the batch, the payer's institution owes `gross` less; else the acquirer pays or owes it the `gross`.
        Returns where it was taken from. Postings are the caller's.
        """

    def settle_with_new_reserves(self, ctx: Context, institution: str, currency: str) -> None:
        """Reserves came to the institution: what was rolled over, and settles with them, does. Refuses nothing."""


class PaymentsPort(Protocol):
    """Recorded payments."""

    def payment(self, ctx: Context, payment_id: bytes) -> PaymentFacts:
        """A payment on the ledger."""

    def record_refund(self, ctx: Context, payment_id: bytes, refund_minor: int, fee_returned: FeeSplit) -> None:
        """Count a refund to its payment. The caller has checked that the sum stays within what was paid.

        Raises StateMismatch where it does not.
        """


class CompliancePort(Protocol):
    """Freezes, and what is watched for."""

    def require_free(self, ctx: Context, subject: bytes) -> None:
        """Refuses while a freeze on the subject (`account_subject`, `merchant_subject`) is in force."""

    def observe(self, ctx: Context, account: bytes, amount_minor: int, currency: str) -> None:
        """Counts a payment by the alert rules in force, and tells what they find; stops nothing."""


class Ports(msgspec.Struct, frozen=True):
    """All that capabilities offer each other."""

    governance: GovernancePort
    institutions: InstitutionsPort
    customers: CustomersPort
    merchants: MerchantsPort
    fees: FeesPort
    settlement: SettlementPort
    payments: PaymentsPort
    compliance: CompliancePort
    changes: ChangesPort


def account_subject(account: bytes) -> bytes:
    """How compliance names a customer's account."""
    return b"a" + account


def merchant_subject(merchant: str) -> bytes:
    """How compliance names a merchant."""
    return b"m" + merchant.encode()

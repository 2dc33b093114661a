"""What may be asked of balances: an institution brings deposits into being, or takes them out."""

from __future__ import annotations

import msgspec


class Issue(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "balances.issue", signed by the institution: its customer brought money in.

    `account` is the customer's 20-byte address; `reason` is one of ISSUE_REASONS; `reference` 1 to 64 bytes
    of safe text, the bank's own for the money that came in.
    """

    institution: str
    account: bytes
    currency: str
    amount_minor: int
    reason: str
    reference: str


class Redeem(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "balances.redeem", signed by the institution: its customer took money out.

    `reason` is one of REDEEM_REASONS; the other fields as of `Issue`.
    """

    institution: str
    account: bytes
    currency: str
    amount_minor: int
    reason: str
    reference: str

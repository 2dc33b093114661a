"""Accounts and what they hold, and how much was ever issued and redeemed.

An account's name is plain ASCII and says what it is, whose it is and who owes the money. Names are made here and
nowhere else; their parts come from alphabets without a slash, so that no two accounts share a name.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from chainpos.core.state.tables import Table
from chainpos.core.values.amount import MAX_MINOR
from chainpos.errors import MalformedBytes

# Parts of names that no institution can have: theirs are lower case.
CENTRAL_BANK: Final = "CENTRAL"
NETWORK_HOLDER: Final = "NETWORK"
CENTRAL_PREFIX: Final = "central/"
# Every name of central-bank money comes before this one, and every name of a deposit does not.
FIRST_DEPOSIT: Final = "customer/"
_ISSUED_PREFIX: Final = "issued/"
_CENTRAL_ISSUED: Final = "central/issued"
_PARTS: Final = {"customer": 3, "merchant": 3, "fees": 3, "issued": 2}

# Why money comes into being and goes out of it. A list, so that it can be added up.
ISSUE_REASONS: Final = ("cash", "correction", "interest", "opening", "transfer")
REDEEM_REASONS: Final = ("cash", "charge", "closing", "correction", "transfer")


class Account(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an account holds in minor units of one currency; below zero in the contra accounts alone."""

    balance_minor: int


class Supply(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How much one issuer ever issued and redeemed in one currency, in minor units."""

    issued_minor: int = 0
    redeemed_minor: int = 0


ACCOUNTS: Final = Table("accounts", b"ba", Account)
SUPPLY: Final = Table("supply", b"bs", Supply)


def customer_account(address: bytes, institution: str) -> str:
    """A customer's deposit at an institution; `address` is 20 bytes."""
    return f"customer/{address.hex()}/{institution}"


def merchant_account(merchant: str, acquirer: str) -> str:
    """A merchant's deposit at its acquirer, in all states of settlement together."""
    return f"merchant/{merchant}/{acquirer}"


def fee_account(holder: str, institution: str) -> str:
    """Fees that `holder` (an institution, or NETWORK_HOLDER) earned, held at an institution."""
    return f"fees/{holder}/{institution}"


def reserve_account(institution: str) -> str:
    """An institution's central-bank money."""
    return f"central/reserve/{institution}"


def issued_account(institution: str) -> str:
    """The contra account of an institution's deposits: less than zero by what it issued and did not redeem."""
    return _ISSUED_PREFIX + institution


def central_issued_account() -> str:
    """The contra account of central-bank money."""
    return _CENTRAL_ISSUED


def account_key(account: str, currency: str) -> bytes:
    """The record's key in ACCOUNTS."""
    return f"{account}/{currency}".encode()


def read_account_key(key: bytes) -> tuple[str, str]:
    """The account and the currency of a record's key in ACCOUNTS."""
    account, _, currency = key.decode(errors="replace").rpartition("/")
    return account, currency


def supply_key(issuer: str, currency: str) -> bytes:
    """The record's key in SUPPLY; `issuer` is an institution or CENTRAL_BANK."""
    return b"%s/%s" % (issuer.encode(), currency.encode())


def is_contra(account: str) -> bool:
    """Whether the account may be below zero."""
    return account.startswith(_ISSUED_PREFIX) or account == _CENTRAL_ISSUED


def within_limits(balance_minor: int) -> bool:
    """Whether a balance, of either sign, can be recorded."""
    return -MAX_MINOR <= balance_minor <= MAX_MINOR


class AccountName(NamedTuple):
    """An account's name, read: `kind` is "customer", "merchant", "fees", "issued", "reserve" or "central_issued".

    `holder` is a 40-digit address, a merchant or an institution; `institution` is who owes the money. Either is ""
    where the kind has none.
    """

    kind: str
    holder: str
    institution: str


def parse_account(account: str) -> AccountName:
    """What an account's name says, for screens and reports. Raises MalformedBytes."""
    if not account.isascii():
        raise MalformedBytes("an account's name is ASCII")
    kind, *rest = account.split("/")
    if kind == "central" and rest == ["issued"]:
        return AccountName("central_issued", "", "")
    if kind == "central" and len(rest) == 2 and rest[0] == "reserve":
        return AccountName("reserve", rest[1], "")
    if _PARTS.get(kind) != len(rest) + 1:
        raise MalformedBytes(f"no account is named {account[:80]!r}")
    return AccountName(kind, rest[0] if len(rest) == 2 else "", rest[-1])

"""The pieces that bank messages share: amounts, moments, institutions, parties, accounts, names of messages."""

from __future__ import annotations

from typing import Any, Final

from chainpos.core.values.currency import currency as known
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import format_rfc3339

Tree = dict[str, Any]
CLEARING_SYSTEM: Final = "CHAINPOS"
CREDIT: Final = "CRDT"
DEBIT: Final = "DBIT"
MAX_NAME: Final = 140
# A reference of the ledger may be longer than the 35 characters that the schemas allow.
MAX_REFERENCE: Final = 35
NOT_PROVIDED: Final = "NOTPROVIDED"


def digits(minor: int, currency: str) -> str:
    """A decimal number without sign or grouping: "12.50"."""
    exponent = known(currency).exponent
    whole, part = divmod(abs(minor), 10**exponent)
    return f"{whole}.{part:0{exponent}}" if exponent else str(whole)


def money(minor: int, currency: str) -> Tree:
    """An amount; which way it went is said beside it."""
    return {"value": digits(minor, currency), "Ccy": currency}


def direction(minor: int) -> str:
    """CRDT for what came in, or nothing; DBIT for what went out."""
    return CREDIT if minor >= 0 else DEBIT


def moment(time_ns: int) -> str:
    """A date and time in UTC."""
    return format_rfc3339(time_ns)


def date(time_ns: int) -> str:
    """Its date in UTC."""
    return format_rfc3339(time_ns)[:10]


def reference(text: str) -> str:
    """A reference within the schemas' bounds: the text, or where it is longer its beginning and a mark of the rest."""
    if len(text) <= MAX_REFERENCE:
        return text or NOT_PROVIDED
    return f"{text[:26]}-{sha256(text.encode()).hex()[:8]}"


def agent(name: str, name_en: str) -> Tree:
    """An institution, by its name in this clearing system: it need not have a BIC."""
    identity: Tree = {"Nm": name_en[:MAX_NAME] or name}
    if name:
        identity["ClrSysMmbId"] = {"ClrSysId": {"Prtry": CLEARING_SYSTEM}, "MmbId": name}
    return {"FinInstnId": identity}


def party(name: str, name_en: str) -> Tree:
    """A merchant or an institution as the party to a payment."""
    return {"Nm": name_en[:MAX_NAME] or name, "Id": {"OrgId": {"Othr": [{"Id": name}]}}}


def account(name: str) -> Tree:
    """An account, by at most 34 characters."""
    return {"Id": {"Othr": {"Id": name}}}


def message_id(message: str, *parts: object) -> str:
    """The message's own name, the same for the same content's source: at most 35 characters."""
    told = "\0".join([message, *(str(part) for part in parts)])
    return f"{message[:8]}-{sha256(told.encode()).hex()[:24]}"

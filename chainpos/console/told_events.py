"""An event of the ledger as a sentence, in the language of the screen, for those that people should read.

It refuses nothing: an event without a sentence, or without what its sentence needs, has none.
"""

from __future__ import annotations

from chainpos.console.language import Texts
from chainpos.console.phrases import short
from chainpos.core.values.amount import MAX_MINOR, Amount, format_amount
from chainpos.core.values.currency import CURRENCIES

_LONG = 16


def event_words(texts: Texts, kind: str, told: dict[str, str]) -> str:
    """The sentence, or nothing. Amounts are written in their currency, long names are cut."""
    sentence = texts.known(f"event.{kind}", "")
    if not sentence:
        return ""
    values = {name: _value(name, value, told.get("currency", "")) for name, value in told.items()}
    try:
        return sentence.format_map(values)
    except (KeyError, ValueError, IndexError):
        return ""


def _value(name: str, value: str, currency: str) -> str:
    if name.endswith("_minor") and currency in CURRENCIES and value.isascii() and value.isdigit():
        minor = int(value)
        return format_amount(Amount(minor, currency)) if minor <= MAX_MINOR else value
    return short(value, _LONG) if name in ("account", "subject", "payer") else value

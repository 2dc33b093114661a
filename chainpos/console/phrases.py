"""How values are put into words and marks: states, times, ages, hashes. Pure but for the texts it is given."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final, Literal

from chainpos.console.language import Texts
from chainpos.core.values.amount import Amount, format_amount
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import UserFacingError
from chainpos.till.views import Link, SaleState, Sentence

Tone = Literal["", "muted", "accent", "good", "warn", "bad"]

STATE_MARKS: Final[dict[SaleState, tuple[str, Tone]]] = {
    SaleState.WAITING: ("○", "accent"),
    SaleState.SEEN: ("◐", "warn"),
    SaleState.PROVED: ("◈", "warn"),
    SaleState.PAID: ("✓", "good"),
    SaleState.CONFIRMED: ("✓", "good"),
    SaleState.REFUSED: ("✗", "bad"),
    SaleState.EXPIRED: ("–", "muted"),
    SaleState.CANCELLED: ("⊘", "muted"),
    SaleState.PART_REFUNDED: ("↩", "warn"),
    SaleState.REFUNDED: ("↩", "warn"),
}
# Four shapes, so that they differ without colour.
LINK_MARKS: Final[dict[Link, tuple[str, Tone]]] = {
    Link.ONLINE: ("●", "good"),
    Link.SYNCING: ("◐", "warn"),
    Link.OFFLINE: ("○", "warn"),
    Link.HALTED: ("■", "bad"),
}


def at(time_ns: int, zone: tzinfo | None) -> datetime:
    """A ledger time on the shop's own clock."""
    return datetime.fromtimestamp(time_ns // SECOND_NS, tz=zone).astimezone(zone)


def clock(time_ns: int, zone: tzinfo | None, *, seconds: bool = True) -> str:
    """ "14:03:27", or nothing for no time."""
    return at(time_ns, zone).strftime("%H:%M:%S" if seconds else "%H:%M") if time_ns else ""


def day_and_clock(time_ns: int, zone: tzinfo | None) -> str:
    """ "2026-03-01 14:03:27", or nothing for no time."""
    return at(time_ns, zone).strftime("%Y-%m-%d %H:%M:%S") if time_ns else ""


def countdown(left_ns: int) -> str:
    """ "4:32"; a begun second counts whole, so that 0:00 is over."""
    seconds = max(0, -(-left_ns // SECOND_NS))
    return f"{seconds // 60}:{seconds % 60:02d}"


def age(texts: Texts, passed_ns: int) -> str:
    """How long ago, in the largest unit that fits: "3 min"."""
    seconds = max(0, passed_ns // SECOND_NS)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return texts(f"age.{unit}", count=seconds // size)
    return texts("age.second", count=seconds)


def signed(minor: int, currency: str) -> str:
    """A leg's amount with its sign: "-12.50"."""
    text = format_amount(Amount(abs(minor), currency), with_currency=False)
    return f"-{text}" if minor < 0 else f"+{text}"


def short(hexadecimal: str, kept: int = 10) -> str:
    """The beginning of a hash or address."""
    return hexadecimal if len(hexadecimal) <= kept else hexadecimal[:kept] + "…"


def size_of(count: int) -> str:
    """Bytes in a unit that a person reads: "3.4 MB"."""
    if count < 1_000:
        return f"{count} B"
    for unit, size in (("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)):
        if count < size * 1_000 or unit == "GB":
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def parts_of(texts: Texts, error: UserFacingError) -> tuple[str, str, str]:
    """What happened, whether money moved, what to do, in the language of the texts."""
    refusal = getattr(error, "refusal", None)
    if isinstance(refusal, Sentence):
        what, next_step = texts.either(refusal.what_en, refusal.what_zh), texts.either(refusal.next_en, refusal.next_zh)
        return what, texts.told(error.money_moved), next_step
    return texts.told(error.what), texts.told(error.money_moved), texts.told(error.next_step)

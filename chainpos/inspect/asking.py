"""What a person may have meant by a word: a hash, a height, an account, a reference, an amount, a time, and so on.

It refuses nothing: a word may mean several things, and a word that means none is sought as a reference or a name.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from chainpos.core.checkout.frames import looks_like_frame
from chainpos.core.values.amount import Amount, AmountError, parse_amount
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.timestamps import DAY_S, SECOND_NS, MalformedTime, format_rfc3339, parse_rfc3339
from chainpos.inspect.absence import Absence, miscounted, proof_code

_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")
_ADDRESS: Final = re.compile(r"[0-9a-fA-F]{40}")
_LINK: Final = re.compile(r"[A-Za-z2-7]{26}")
_AMOUNT: Final = re.compile(r"[0-9]{1,3}(?:,?[0-9]{3})*(?:\.[0-9]{1,3})?|[0-9]+(?:\.[0-9]{1,3})?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MINUTE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}")
_SECOND: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_CYCLE: Final = re.compile(r"([A-Z]{3})/([0-9]{1,9})")
_PAYOUT: Final = re.compile(r"([A-Za-z0-9_-]{1,32})/([A-Z]{3})/([0-9]{1,9})")
# As the contracts have them: nothing else may stand in a query.
REFERENCE: Final = re.compile(r"[A-Za-z0-9._/#-]{1,25}")
NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_CLOCK: Final = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?Z?")
# Longer than any reference; as other programs write a hash.
_PREFIXED: Final = re.compile(r"0[xX]([0-9a-fA-F]{26,})")
# Long enough to be a part of a hash or an account, and no plain number.
_PART: Final = re.compile(r"(?=[0-9]*[a-fA-F])[0-9a-fA-F]{12,}|[0-9]{26,}")
_MONEY: Final = "¥￥元圆"
MAX_WORDS: Final = 8
MAX_WORD: Final = 100
HASH_DIGITS: Final = 64
ACCOUNT_DIGITS: Final = 40


class Meant(msgspec.Struct, frozen=True, kw_only=True):
    """All that one word may mean; a field that does not apply is empty. `window_ns` is from, and up to but without."""

    word: str
    hash: bytes = b""
    address: bytes = b""
    link: bytes = b""
    height: int = 0
    amounts: tuple[Amount, ...] = ()
    window_ns: tuple[int, int] | None = None
    cycle: tuple[str, int] | None = None
    payout: tuple[str, str, int] | None = None
    reference: str = ""
    name: str = ""


def meant_by(word: str, offset_s: int = 0) -> Meant:
    """Every reading of one word. "sale:", "height:", "amount:", "ref:" and the like before it leave one alone.

    A day or a time without a zone is by a clock so far east of UTC.
    """
    kind, colon, rest = word.partition(":")
    if colon and kind in ("height", "amount", "ref", "merchant", "account", "hash", "time") and rest:
        return _only(kind, _read(rest, offset_s))
    return _read(word, offset_s)


def words_of(text: str, newest_ns: int) -> list[str]:
    """The words of a question; a currency beside an amount says nothing more. A day and the time after it are one.

    A time of day alone is the last such time that the ledger has come to; `newest_ns` is where it is, by its own clock.
    """
    words: list[str] = []
    for word in text.split():
        if _CLOCK.fullmatch(word):
            clock = word if word[2] == ":" else f"0{word}"
            day = words.pop() if words and _DATE.fullmatch(words[-1]) else _last_day(clock, newest_ns)
            words.append(f"{day}T{clock}")
        elif word not in CURRENCIES and word.strip(_MONEY):
            words.append(word[:MAX_WORD])
    return words[:MAX_WORDS]


def _last_day(clock: str, newest_ns: int) -> str:
    newest = format_rfc3339(newest_ns)
    later = clock > newest[11:19]
    return format_rfc3339(newest_ns - DAY_S * SECOND_NS)[:10] if later else newest[:10]


def told_by_form(height: int, words: Iterable[Meant]) -> Iterator[Absence]:
    """What is to be said of words that found nothing, by their form alone: codes of proofs, hashes that were cut."""
    for word in words:
        if looks_like_frame(word.word):
            yield proof_code(height)
        digits = digits_of_part(word.word)
        if digits:
            yield miscounted(height, digits)


def digits_of_part(word: str) -> int:
    """How many digits a word has that looks like a part of a hash or of an account; 0 for any other word."""
    bare = _bare(word)
    whole = (HASH_DIGITS, ACCOUNT_DIGITS)
    return len(bare) if _PART.fullmatch(bare) and len(bare) not in whole and len(word) < MAX_WORD else 0


def _bare(word: str) -> str:
    prefixed = _PREFIXED.fullmatch(word)
    return prefixed[1] if prefixed else word


def _only(kind: str, every: Meant) -> Meant:
    kept = {
        "height": ("height",), "amount": ("amounts",), "ref": ("reference",), "merchant": ("name",),
        "account": ("address",), "hash": ("hash",), "time": ("window_ns",),
    }[kind]  # fmt: skip
    return Meant(word=every.word, **{name: getattr(every, name) for name in kept})


def _read(word: str, offset_s: int) -> Meant:
    word = _bare(word)
    cycle, payout = _CYCLE.fullmatch(word), _PAYOUT.fullmatch(word)
    return Meant(
        word=word,
        hash=bytes.fromhex(word) if _HASH.fullmatch(word) else b"",
        address=bytes.fromhex(word) if _ADDRESS.fullmatch(word) else b"",
        link=_link(word),
        height=int(word) if word.isascii() and word.isdecimal() and len(word) < 16 else 0,
        amounts=_amounts(word),
        window_ns=_window(word, offset_s),
        cycle=(cycle[1], int(cycle[2])) if cycle else None,
        payout=(payout[1], payout[2], int(payout[3])) if payout else None,
        reference=word if REFERENCE.fullmatch(word) else "",
        name=word if NAME.fullmatch(word) else "",
    )


def _link(word: str) -> bytes:
    """The 16 bytes that a link's 26 letters stand for; also out of the link itself."""
    last = word.rstrip("/").rpartition("/")[2]
    if not _LINK.fullmatch(last):
        return b""
    try:
        return base64.b32decode(last.upper() + "======")
    except binascii.Error:
        return b""


def _amounts(word: str) -> tuple[Amount, ...]:
    """The amount in each currency that can have it."""
    word = word.strip(_MONEY).replace("，", ",")
    if not _AMOUNT.fullmatch(word):
        return ()
    found = []
    for code in CURRENCIES:
        try:
            amount = parse_amount(word.replace(",", ""), code)
        except AmountError:
            continue
        if amount.minor:
            found.append(amount)
    return tuple(found)


def _window(word: str, offset_s: int) -> tuple[int, int] | None:
    try:
        for pattern, rest, length_s in ((_DATE, "T00:00:00", DAY_S), (_MINUTE, ":00", 60), (_SECOND, "", 1)):
            if pattern.fullmatch(word):
                begin = parse_rfc3339(f"{word}{rest}Z") - offset_s * SECOND_NS
                return begin, begin + length_s * SECOND_NS
        if _MINUTE.fullmatch(word.removesuffix("Z")):
            begin = parse_rfc3339(f"{word.removesuffix('Z')}:00Z")
            return begin, begin + 60 * SECOND_NS
        begin = parse_rfc3339(word)
    except MalformedTime:
        return None
    return begin, begin + SECOND_NS

"""PINs: of the owner and of each member of staff, kept as scrypt hashes in the shop's book with their wrong guesses.

It refuses guesses that come too fast: from the fifth wrong one a growing wait, from the tenth half an hour, across
restarts. A PIN never encrypts a key: four digits protect nothing that can be copied.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import UserFacingError
from chainpos.store.shop import ShopBook

OWNER: Final = ""
SETTING: Final = "pin"
APPROVALS: Final = "pin-approvals"
MIN_DIGITS: Final = 4
MAX_DIGITS: Final = 12
FREE_GUESSES: Final = 4
LOCK_OUT_GUESSES: Final = 10
FIRST_WAIT_S: Final = 5
LOCK_OUT_S: Final = 1800


class Cost(msgspec.Struct, frozen=True):
    """What one guess costs: 32 MiB three times over, which asks as much of a thief as 128 MiB once and fits a small
    counter. Below the floor nothing is read, so that nobody weakens a PIN in the file; above the ceiling neither."""

    n: Annotated[int, msgspec.Meta(ge=2**14, le=2**17)] = 2**14
    r: Annotated[int, msgspec.Meta(ge=8, le=8)] = 8
    p: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1


COST: Final = Cost(n=2**15, p=3)


class PinRecord(msgspec.Struct, frozen=True):
    """The hash (hex) and what it cost, and how often in a row, and until when, it was guessed wrong."""

    salt: str
    digest: str
    wrong: int = 0
    closed_until_ns: int = 0
    cost: Cost = Cost()


class Door(msgspec.Struct, frozen=True):
    """Guesses at a PIN that may be of several people: how many in a row were wrong, and until when it is closed."""

    wrong: int = 0
    closed_until_ns: int = 0


def set_pin(book: ShopBook, pin: str, whose: str = OWNER, *, cost: Cost | None = None) -> None:
    """Write a new PIN, and forget wrong guesses. Raises UserFacingError for one that is not 4 to 12 digits."""
    if not (pin.isascii() and pin.isdigit() and MIN_DIGITS <= len(pin) <= MAX_DIGITS):
        raise UserFacingError(
            f"A PIN has {MIN_DIGITS} to {MAX_DIGITS} digits.",
            next_step="Choose one that nobody at the counter guesses.",
        )
    salt, cost = secrets.token_bytes(16), cost or COST
    book.save_setting(_name(whose), PinRecord(salt.hex(), _digest(pin, salt, cost).hex(), cost=cost))


def has_pin(book: ShopBook, whose: str = OWNER) -> bool:
    """Whether a PIN was set."""
    return book.setting(_name(whose), PinRecord) is not None


def require_pin(book: ShopBook, pin: str, now_ns: int, whose: str = OWNER) -> None:
    """Raises UserFacingError unless `pin` is right and the door is not closed. Takes a few tenths of a second."""
    record = book.setting(_name(whose), PinRecord)
    if record is None:
        raise UserFacingError(
            "No PIN was set on this till.",
            next_step="Set one under Staff (Ctrl+G, p), or with `chainpos till --set-pin`, then refund.",
        )
    _require_open(record.closed_until_ns, now_ns)
    # Counted before it is checked: pulling the plug in between must not make the guess free.
    wrong = record.wrong + 1
    closed_until_ns = now_ns + wait_s(wrong) * SECOND_NS
    book.save_setting(_name(whose), msgspec.structs.replace(record, wrong=wrong, closed_until_ns=closed_until_ns))
    if not _fits(pin, record):
        raise _wrong()
    book.save_setting(_name(whose), msgspec.structs.replace(record, wrong=0, closed_until_ns=0))


def require_one_of(book: ShopBook, pin: str, now_ns: int, names: Sequence[str]) -> str:
    """Whose PIN of `names` it is. All guesses here are counted together. Raises UserFacingError."""
    door = book.setting(APPROVALS, Door) or Door()
    _require_open(door.closed_until_ns, now_ns)
    wrong = door.wrong + 1
    book.save_setting(APPROVALS, Door(wrong, now_ns + wait_s(wrong) * SECOND_NS))
    for name in names:
        record = book.setting(_name(name), PinRecord)
        if record is not None and _fits(pin, record):
            book.save_setting(APPROVALS, Door())
            return name
    raise _wrong()


def is_taken(book: ShopBook, pin: str, names: Sequence[str]) -> bool:
    """Whether one of `names` has this PIN already; not counted as a guess: for whoever sets PINs."""
    records = [book.setting(_name(name), PinRecord) for name in names]
    return any(record is not None and _fits(pin, record) for record in records)


def wait_s(wrong: int) -> int:
    """How long the door stays closed after so many wrong guesses in a row."""
    if wrong >= LOCK_OUT_GUESSES:
        return LOCK_OUT_S
    if wrong <= FREE_GUESSES:
        return 0
    return FIRST_WAIT_S << (wrong - FREE_GUESSES - 1)


def _name(whose: str) -> str:
    return f"{SETTING}/{whose}" if whose else SETTING


def _require_open(closed_until_ns: int, now_ns: int) -> None:
    if now_ns < closed_until_ns:
        seconds = -((now_ns - closed_until_ns) // SECOND_NS)
        raise UserFacingError(
            f"Too many wrong PINs: the next try is possible in {seconds} s.", next_step="Wait, or call the manager."
        )


def _wrong() -> UserFacingError:
    return UserFacingError("The PIN is wrong.", next_step="Type the PIN again.")


def _fits(pin: str, record: PinRecord) -> bool:
    return hmac.compare_digest(_digest(pin, bytes.fromhex(record.salt), record.cost).hex(), record.digest)


def _digest(pin: str, salt: bytes, cost: Cost) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost.n, r=cost.r, p=cost.p).derive(pin.encode(errors="surrogatepass"))

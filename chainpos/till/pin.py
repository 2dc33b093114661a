"""The PIN that stands before a refund: kept as a scrypt hash in the shop's book, with what was guessed wrong.

It refuses guesses that come too fast: from the fifth wrong one a growing wait, from the tenth half an hour, across
restarts. The PIN never encrypts a key: four digits protect nothing that can be copied.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final

import msgspec
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import UserFacingError
from chainpos.store.shop import ShopBook

SETTING: Final = "pin"
MIN_DIGITS: Final = 4
MAX_DIGITS: Final = 12
FREE_GUESSES: Final = 4
LOCK_OUT_GUESSES: Final = 10
FIRST_WAIT_S: Final = 5
LOCK_OUT_S: Final = 1800
# Sixteen megabytes and some 40 ms: a cashier does not feel it, and the waits do the rest.
_N: Final = 2**14
_R: Final = 8
_P: Final = 1


class PinRecord(msgspec.Struct, frozen=True):
    """The hash (hex), and how often in a row, and until when, it was guessed wrong."""

    salt: str
    digest: str
    wrong: int = 0
    closed_until_ns: int = 0


def set_pin(book: ShopBook, pin: str) -> None:
    """Write a new PIN, and forget wrong guesses. Raises UserFacingError for one that is not 4 to 12 digits."""
    if not (pin.isascii() and pin.isdigit() and MIN_DIGITS <= len(pin) <= MAX_DIGITS):
        raise UserFacingError(
            f"A PIN has {MIN_DIGITS} to {MAX_DIGITS} digits.",
            next_step="Choose one that nobody at the counter guesses.",
        )
    salt = secrets.token_bytes(16)
    book.save_setting(SETTING, PinRecord(salt.hex(), _digest(pin, salt).hex()))


def has_pin(book: ShopBook) -> bool:
    """Whether a PIN was set."""
    return book.setting(SETTING, PinRecord) is not None


def require_pin(book: ShopBook, pin: str, now_ns: int) -> None:
    """Raises UserFacingError unless `pin` is right and the door is not closed. Takes some 40 ms."""
    record = book.setting(SETTING, PinRecord)
    if record is None:
        raise UserFacingError(
            "No PIN was set on this till.", next_step="Set one with `chainpos till --set-pin`, then refund."
        )
    if now_ns < record.closed_until_ns:
        seconds = -((now_ns - record.closed_until_ns) // SECOND_NS)
        raise UserFacingError(
            f"Too many wrong PINs: the next try is possible in {seconds} s.", next_step="Wait, or call the manager."
        )
    # Counted before it is checked: pulling the plug in between must not make the guess free.
    wrong = record.wrong + 1
    book.save_setting(
        SETTING, msgspec.structs.replace(record, wrong=wrong, closed_until_ns=now_ns + wait_s(wrong) * SECOND_NS)
    )
    if not hmac.compare_digest(_digest(pin, bytes.fromhex(record.salt)).hex(), record.digest):
        raise UserFacingError("The PIN is wrong.", next_step="Type the PIN again.")
    book.save_setting(SETTING, msgspec.structs.replace(record, wrong=0, closed_until_ns=0))


def wait_s(wrong: int) -> int:
    """How long the door stays closed after so many wrong guesses in a row."""
    if wrong >= LOCK_OUT_GUESSES:
        return LOCK_OUT_S
    if wrong <= FREE_GUESSES:
        return 0
    return FIRST_WAIT_S << (wrong - FREE_GUESSES - 1)


def _digest(pin: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_N, r=_R, p=_P).derive(pin.encode(errors="surrogatepass"))

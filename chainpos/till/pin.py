"""PINs: of the owner and of each member of staff, kept as scrypt hashes in the shop's book with their wrong guesses.

It refuses guesses that come too fast: from the fifth wrong one a growing wait, from the tenth half an hour, across
restarts. While it runs no clock that somebody sets ends a wait, and none ever makes one longer. A PIN never encrypts a
key: four digits protect nothing that can be copied.
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
from chainpos.node.clock import Clock
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


class Guesses:
    """When each door opens again, by the clock that nobody sets; what the book has of it is where a restart goes on."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._opens_ns: dict[str, int] = {}

    def left_ns(self, name: str, left_by_wall_ns: int) -> int:
        """How long a door stays closed: as the wall clock has it when it is first asked, then by the other one."""
        now_ns = self.clock.monotonic_ns()
        return self._opens_ns.setdefault(name, now_ns + left_by_wall_ns) - now_ns

    def closed_until_ns(self, name: str, wrong: int) -> int:
        """A door is closed after so many wrong guesses in a row; until when, by the wall clock, for the book."""
        wait_ns = wait_s(wrong) * SECOND_NS
        self._opens_ns[name] = self.clock.monotonic_ns() + wait_ns
        return self.clock.now_ns() + wait_ns


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


def require_pin(book: ShopBook, pin: str, guesses: Guesses, whose: str = OWNER) -> None:
    """Raises UserFacingError unless `pin` is right and the door is not closed. Takes a few tenths of a second."""
    name = _name(whose)
    record = book.setting(name, PinRecord)
    if record is None:
        raise UserFacingError(
            "No PIN was set on this till.",
            next_step="Set one under Staff (Ctrl+G, p), or with `chainpos till --set-pin`, then refund.",
        )
    _require_open(book, name, record, guesses)
    # Counted before it is checked: pulling the plug in between must not make the guess free.
    wrong = record.wrong + 1
    closed_until_ns = guesses.closed_until_ns(name, wrong)
    book.save_setting(name, msgspec.structs.replace(record, wrong=wrong, closed_until_ns=closed_until_ns))
    if not _fits(pin, record):
        raise _wrong()
    book.save_setting(name, msgspec.structs.replace(record, wrong=0, closed_until_ns=0))


def require_one_of(book: ShopBook, pin: str, guesses: Guesses, names: Sequence[str]) -> str:
    """Whose PIN of `names` it is. All guesses here are counted together. Raises UserFacingError."""
    door = book.setting(APPROVALS, Door) or Door()
    _require_open(book, APPROVALS, door, guesses)
    wrong = door.wrong + 1
    book.save_setting(APPROVALS, Door(wrong, guesses.closed_until_ns(APPROVALS, wrong)))
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


def _require_open(book: ShopBook, name: str, door: PinRecord | Door, guesses: Guesses) -> None:
    longest_ns, now_ns = wait_s(door.wrong) * SECOND_NS, guesses.clock.now_ns()
    if not longest_ns:
        return
    if door.closed_until_ns - now_ns > longest_ns:
        # The wall clock was set back since: the wait begins anew, and ends, instead of lasting until then.
        door = msgspec.structs.replace(door, closed_until_ns=now_ns + longest_ns)
        book.save_setting(name, door)
    left_ns = guesses.left_ns(name, door.closed_until_ns - now_ns)
    if left_ns > 0:
        raise UserFacingError(
            f"Too many wrong PINs: the next try is possible in {-(-left_ns // SECOND_NS)} s.",
            next_step="Wait, or call the manager.",
        )


def _wrong() -> UserFacingError:
    return UserFacingError("The PIN is wrong.", next_step="Type the PIN again.")


def _fits(pin: str, record: PinRecord) -> bool:
    return hmac.compare_digest(_digest(pin, bytes.fromhex(record.salt), record.cost).hex(), record.digest)


def _digest(pin: str, salt: bytes, cost: Cost) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost.n, r=cost.r, p=cost.p).derive(pin.encode(errors="surrogatepass"))

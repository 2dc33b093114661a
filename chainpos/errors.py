"""What can go wrong, by kind; the lowest room, imported by all others and importing none.

It holds no sentence of any one room: codes and their sentences live with the capability that refuses.
"""

from __future__ import annotations

from typing import Final, NamedTuple

EXIT_OK: Final = 0
EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNREACHABLE: Final = 3
EXIT_CORRUPT: Final = 4


class Code(NamedTuple):
    """One named reason to refuse, the same on every machine and in every language.

    `number` is consensus: it enters the results hash and is never renumbered. The sentences are for screens: what
    happened, then what to do next. That no money moved is said by whoever shows them, as it is true of every code.
    """

    number: int
    name: str
    what_en: str
    what_zh: str
    next_en: str
    next_zh: str


class ChainposError(Exception):
    """Any failure that chainpos foresees."""


class Rejected(ChainposError):
    """A rule says no: caught in one place, which rolls the journal back. Never raised outside `core`."""

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(f"{code.name}: {detail}" if detail else code.name)
        self.code = code
        self.detail = detail


class MalformedBytes(ChainposError):
    """Bytes that are not what they claim to be, or not in canonical form; the sender is at fault."""


class StateMismatch(ChainposError):
    """Our own state disagrees with what the network committed to: halt and keep the evidence."""


class StoreError(ChainposError):
    """The database cannot be used as it is: locked by another process, from a newer version, damaged."""


class StoreInUse(StoreError):
    """Another process has the database; nothing is wrong with it."""


NO_MONEY_MOVED: Final = "No money moved."
MAY_MOVE_MONEY: Final = "It may still move money."


class UserFacingError(ChainposError):
    """A failure as a person is told of it: what happened, whether money moved, what to do next.

    `exit_code` is what a command ends with (EXIT_*).
    """

    def __init__(
        self, what: str, *, next_step: str, money_moved: str = NO_MONEY_MOVED, exit_code: int = EXIT_REFUSED
    ) -> None:
        super().__init__(what)
        self.what = what
        self.money_moved = money_moved
        self.next_step = next_step
        self.exit_code = exit_code

    def sentence(self) -> str:
        """All three parts in one line."""
        return " ".join(part for part in (self.what, self.money_moved, self.next_step) if part)

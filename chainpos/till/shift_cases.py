"""What a screen may ask of staff and shifts. `StaffDesk` and `ShiftDesk` fulfil it against a real till."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from chainpos.core.values.amount import Amount
from chainpos.till.shift_views import ShiftRowView, ShiftView


class StaffUseCases(Protocol):
    """Who stands at the till. Refusals are raised as `UserFacingError`."""

    async def sign_in(self, name: str, pin: str) -> None:
        """Somebody else stands here from now on."""

    def lock(self) -> None:
        """Nobody stands here until somebody signs in."""

    async def add(self, name: str, role: str, pin: str, *, approval: str) -> None:
        """Set somebody up; `approval` is the PIN of whoever is signed in, where there are PINs."""

    async def change_role(self, name: str, role: str, *, approval: str) -> None:
        """Give somebody another role."""

    async def reset_pin(self, name: str, pin: str, *, approval: str) -> None:
        """Give somebody, or the owner, another PIN."""

    async def remove(self, name: str, *, approval: str) -> None:
        """Take somebody out; what they did keeps their name."""


class ShiftUseCases(Protocol):
    """The shift. Refusals are raised as `UserFacingError`."""

    async def open(self, float_amount: Amount) -> ShiftView:
        """Begin one with so much in the drawer."""

    async def draw(self, kind: str, amount: Amount, reason: str) -> None:
        """Note cash put in ("in") or taken out ("out"), and why."""

    async def report(self) -> ShiftView:
        """The X report; `number` 0 where none is open."""

    async def close(self, counted: Amount) -> ShiftView:
        """The Z report: the shift is over."""

    async def closed(self, number: int) -> ShiftView:
        """A closed shift's report."""

    async def closed_numbers(self) -> tuple[int, ...]:
        """Of closed shifts, newest first."""

    async def all_closed(self) -> tuple[ShiftRowView, ...]:
        """Closed shifts, newest first."""

    async def export(self, number: int, folder: Path) -> tuple[Path, ...]:
        """Write a closed shift as files; which."""

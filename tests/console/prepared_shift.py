"""Prepared staff and shifts, for the screens' tests: PINs are plain here, and the ledger agrees unless told so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.values.amount import Amount
from chainpos.errors import UserFacingError
from chainpos.till.roles import AT_EASE, Member, StaffView
from chainpos.till.shift_views import (
    DifferenceView,
    Figure,
    LineView,
    ShiftRowView,
    ShiftView,
    difference_sentence,
)

SECOND: Final = 1_000_000_000
# 2026-03-02 00:58:07 UTC.
OPENED_NS: Final = 1_772_413_087 * SECOND
PINS: Final = {"Mei 梅": "1111", "Wang": "2222", "Support": "3333", "Li": "4444"}
PEOPLE: Final = StaffView(
    present=Member("Wang", "cashier"),
    members=(
        Member("Mei 梅", "manager"), Member("Wang", "cashier"), Member("Support", "support"), Member("Li", "operator")
    ),
    can_lock=True,
    named=True,
    lock_after_s=300,
)  # fmt: skip


def cny(minor: int) -> Amount:
    return Amount(minor, "CNY")


def move(reference: str, minor: int, at_s: int, **more: object) -> LineView:
    made = LineView(
        kind="payment", reference=reference, book=cny(minor), ledger=cny(minor), fee=cny(minor * 38 // 10_000),
        where="pending", height=1_200, time_ns=OPENED_NS + at_s * SECOND, staff="Wang",
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


MOVES: Final = (
    move("260302-KX-0041", 1_250, 600),
    move("260302-KX-0042", 128_800, 4_000, where="available", staff="Mei 梅"),
    move("260302-KX-0042/R1", 8_800, 9_000, kind="refund", where="", staff="Mei 梅"),
    move("wall-1", 4_600, 15_000, kind="wall", book=None, staff=""),
)
OPEN: Final = ShiftView(
    number=3,
    currency="CNY",
    opened_ns=OPENED_NS,
    opened_by="Mei 梅",
    height=1_234,
    float_amount=cny(50_000),
    received=cny(146_950),
    returned=cny(8_800),
    tips=cny(0),
    fees_minor=511,
    net_minor=137_639,
    put_in=cny(10_000),
    taken_out=cny(2_500),
    expected_minor=69_800,
    by_tender=(Figure("cash", cny(12_300), cny(0), 2), Figure("ledger", cny(134_650), cny(8_800), 3)),
    by_hour=(
        Figure("01", cny(1_250), cny(0), 1), Figure("02", cny(128_800), cny(0), 1), Figure("05", cny(16_900), cny(0), 3)
    ),
    by_staff=(Figure("Mei 梅", cny(128_800), cny(8_800), 1), Figure("Wang", cny(18_150), cny(0), 4)),
    by_tax=(Figure("60000", cny(12_300), cny(0), 0, 696),),
    lines=MOVES,
)  # fmt: skip
CLOSED: Final = msgspec.structs.replace(
    OPEN, number=2, closed_ns=OPENED_NS + 30_000 * SECOND, closed_by="Wang", counted=cny(69_800), digest="ab" * 32,
    anchor_height=1_190,
)  # fmt: skip
SHORT: Final = msgspec.structs.replace(
    CLOSED, number=1, counted=cny(69_000), anchor_height=0,
    lines=(*MOVES, move("260302-KX-0043", 700, 16_000, book=None, problem=difference_sentence("not_in_book"))),
    differences=(
        DifferenceView("260302-KX-0043", 0, 700, difference_sentence("not_in_book")),
        DifferenceView("", 69_800, 69_000, difference_sentence("cash_short")),
    ),
)  # fmt: skip


class PreparedStaff:
    """`change` is told the next view."""

    def __init__(self, change: Callable[[StaffView], None]) -> None:
        self.change = change
        self.view = AT_EASE
        self.tried: list[tuple[str, str]] = []
        self.decided: list[tuple[str, ...]] = []

    def put(self, view: StaffView) -> None:
        self.view = view
        self.change(view)

    async def sign_in(self, name: str, pin: str) -> None:
        self.tried.append((name, pin))
        member = next(each for each in self.view.members if each.name == name)
        if PINS.get(name) != pin:
            raise UserFacingError("The PIN is wrong.", next_step="Type the PIN again.")
        self.put(msgspec.structs.replace(self.view, present=member))

    def lock(self) -> None:
        if self.view.can_lock:
            self.put(msgspec.structs.replace(self.view, present=None))

    async def add(self, name: str, role: str, pin: str, *, approval: str) -> None:
        self._decide("add", name, role, pin, approval)
        self.put(
            msgspec.structs.replace(
                self.view, members=(*self.view.members, Member(name, role)), named=True, can_lock=True
            )
        )

    async def change_role(self, name: str, role: str, *, approval: str) -> None:
        self._decide("role", name, role, approval)
        members = tuple(Member(each.name, role if each.name == name else each.role) for each in self.view.members)
        self.put(msgspec.structs.replace(self.view, members=members))

    async def reset_pin(self, name: str, pin: str, *, approval: str) -> None:
        self._decide("pin", name, pin, approval)

    async def remove(self, name: str, *, approval: str) -> None:
        self._decide("remove", name, approval)
        members = tuple(each for each in self.view.members if each.name != name)
        self.put(msgspec.structs.replace(self.view, members=members))

    def _decide(self, *asked: str) -> None:
        present = self.view.present
        if self.view.can_lock and (present is None or PINS.get(present.name) != asked[-1]):
            raise UserFacingError("The PIN is wrong.", next_step="Type the PIN again.")
        self.decided.append(asked)


class PreparedShifts:
    """`asked` is what the screens asked for; `change` is told the open shift's number."""

    def __init__(self, change: Callable[[int], None]) -> None:
        self.change = change
        self.present = ShiftView(number=0, currency="CNY")
        self.old = {2: CLOSED, 1: SHORT}
        self.asked: list[tuple[object, ...]] = []

    def put(self, view: ShiftView) -> None:
        self.present = view
        self.change(view.number)

    async def open(self, float_amount: Amount) -> ShiftView:
        self.asked.append(("open", float_amount))
        self.put(msgspec.structs.replace(OPEN, float_amount=float_amount))
        return self.present

    async def draw(self, kind: str, amount: Amount, reason: str) -> None:
        self.asked.append(("draw", kind, amount, reason))

    async def report(self) -> ShiftView:
        return self.present

    async def close(self, counted: Amount) -> ShiftView:
        self.asked.append(("close", counted))
        self.old = {
            3: msgspec.structs.replace(self.present, closed_ns=OPENED_NS + SECOND, closed_by="Wang", counted=counted),
            **self.old,
        }
        self.put(ShiftView(number=0, currency="CNY"))
        return self.old[3]

    async def closed(self, number: int) -> ShiftView:
        return self.old[number]

    async def closed_numbers(self) -> tuple[int, ...]:
        return tuple(self.old)

    async def all_closed(self) -> tuple[ShiftRowView, ...]:
        return tuple(
            ShiftRowView(
                number=each.number, opened_ns=each.opened_ns, closed_ns=each.closed_ns, closed_by=each.closed_by,
                received=each.received or cny(0), differences=len(each.differences), anchor_height=each.anchor_height,
            )
            for each in self.old.values()
        )  # fmt: skip

    async def export(self, number: int, folder: Path) -> tuple[Path, ...]:
        self.asked.append(("export", number))
        return (folder / f"Z{number:04d}.csv",)

"""Who stands at the till, and what they may do there. A shop that set nobody up is its owner's, without ceremony.

It refuses whatever the present member's role does not hold, and everything but looking while nobody is signed in. Who
is signed in is not kept: a till with staff begins locked, also after it was killed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chainpos.core.values.text import HostileText, check_text
from chainpos.errors import UserFacingError
from chainpos.store.shop_shifts import ShopShifts, StaffRow
from chainpos.till.pin import OWNER, Guesses, has_pin, is_taken, require_one_of, require_pin, set_pin
from chainpos.till.roles import OWNER_MEMBER, OWNER_NAME, OWNER_ROLE, RIGHTS, ROLES, Member, Right, StaffView
from chainpos.till.running import RunningTill
from chainpos.till.whole import whole

MAX_NAME_BYTES: Final = 48
LOCK_AFTER_S: Final = 300


class StaffDesk:
    """The people of one till."""

    def __init__(self, run: RunningTill) -> None:
        self._book = run.book
        self._clock = run.clock
        self._guesses = Guesses(run.clock)
        self._changed = run.changed
        self._rows = ShopShifts(run.book.book).staff()
        self._owner_has_pin = has_pin(run.book.book)
        self._asked_lock_s = run.settings.lock_after_s
        self._present: Member | None = None if self._rows else OWNER_MEMBER

    @property
    def view(self) -> StaffView:
        """As the screens see it."""
        return StaffView(
            present=self._present,
            members=self._members(),
            can_lock=bool(self._rows) or self._owner_has_pin,
            named=bool(self._rows),
            lock_after_s=self._lock_after_s(),
        )

    def _lock_after_s(self) -> int:
        if self._asked_lock_s is not None:
            return self._asked_lock_s
        return LOCK_AFTER_S if self._rows else 0

    @property
    def name(self) -> str:
        """By which the book names whoever is signed in."""
        return self._present.name if self._present is not None else ""

    def require(self, right: Right) -> str:
        """The name of whoever is signed in, who may do that. Raises UserFacingError."""
        if self._present is None:
            raise UserFacingError("The till is locked.", next_step="Sign in with your PIN.")
        if right not in self._present.rights:
            raise UserFacingError(
                "Your role may not do this.", next_step="Ask somebody who may to sign in, and do it as them."
            )
        return self._present.name

    async def sign_in(self, name: str, pin: str) -> None:
        """Somebody else stands here from now on. Raises UserFacingError, also while the door is closed."""
        member = next((each for each in self._members() if each.name == name), None)
        if member is None:
            raise UserFacingError("Nobody of this name works here.", next_step="Choose a name from the list.")
        await self._book.call(lambda: require_pin(self._book.book, pin, self._guesses, _whose(member)))
        self._present = member
        self._changed()

    def lock(self) -> None:
        """Nobody stands here until somebody signs in. Without any PIN there is no way back, so then it stays open."""
        if self.view.can_lock and self._present is not None:
            self._present = None
            self._changed()

    async def approved(self, right: Right, pin: str) -> str:
        """Whose PIN it is, of those who may do that: their own, where whoever is signed in may. Raises UserFacingError.

        Nobody who is not signed in asks for an approval.
        """
        if self._present is None:
            self.require(right)
        guesses, book, present = self._guesses, self._book.book, self._present
        if present is not None and right in present.rights:
            await self._book.call(lambda: require_pin(book, pin, guesses, _whose(present)))
            return present.name
        able = {_whose(each): each.name for each in self._members() if right in each.rights}
        return able[await self._book.call(lambda: require_one_of(book, pin, guesses, list(able)))]

    async def add(self, name: str, role: str, pin: str, *, approval: str) -> None:
        """Set somebody up; `approval` is the PIN of whoever is signed in, where there are PINs. Raises UserFacingError.

        The first one ends the ease of a shop whose owner has no PIN: it is locked from then on.
        """
        now_ns = self._clock.now_ns()
        await self._decide(approval, lambda shifts: add_member(shifts, name, role, pin, now_ns))

    async def change_role(self, name: str, role: str, *, approval: str) -> None:
        """Give somebody another role. Raises UserFacingError."""
        await self._decide(approval, lambda shifts: change_role(shifts, name, role))

    async def reset_pin(self, name: str, pin: str, *, approval: str) -> None:
        """Give somebody, or the owner, another PIN. Raises UserFacingError."""
        await self._decide(approval, lambda shifts: reset_pin(shifts, name, pin))

    async def remove(self, name: str, *, approval: str) -> None:
        """Take somebody out. Raises UserFacingError."""
        await self._decide(approval, lambda shifts: remove_member(shifts, name))

    @whole
    async def _decide(self, approval: str, write: Callable[[ShopShifts], None]) -> None:
        self.require(Right.STAFF)
        if self.view.can_lock:
            await self.approved(Right.STAFF, approval)
        await self._book.call(lambda: write(ShopShifts(self._book.book)))
        self._rows, self._owner_has_pin = await self._book.call(
            lambda: (ShopShifts(self._book.book).staff(), has_pin(self._book.book))
        )
        self._stay(self._present)
        self._changed()

    def _stay(self, before: Member | None) -> None:
        # Whoever was taken out, and an owner who is not asked for a PIN in a shop with staff, stands here no longer.
        members = {each.name: each for each in self._members()}
        self._present = members.get(before.name) if before is not None else None

    def _members(self) -> tuple[Member, ...]:
        owner = (OWNER_MEMBER,) if self._owner_has_pin or not self._rows else ()
        return owner + tuple(Member(row.name, row.role) for row in self._rows)


def add_member(shifts: ShopShifts, name: str, role: str, pin: str, now_ns: int) -> None:
    """Set somebody up. Raises UserFacingError."""
    staff, name = shifts.staff(), name.strip()
    try:
        check_text(name, min_bytes=1, max_bytes=MAX_NAME_BYTES)
    except HostileText as error:
        raise UserFacingError(f"This is no name: {error}.", next_step="Write it in plain letters.") from error
    _require_role(role)
    if name == OWNER_NAME or any(row.name == name for row in staff):
        raise UserFacingError("Somebody of this name works here already.", next_step="Choose another name.")
    if role != "manager" and not _somebody_decides(shifts, staff):
        raise UserFacingError(
            "The first one must be a manager, or the owner needs a PIN.",
            next_step="Set the owner's (Staff: p, or `chainpos till --set-pin`), or add a manager first.",
        )
    _require_free(shifts, pin, [OWNER, *(row.name for row in staff)])
    set_pin(shifts.book, pin, name)
    shifts.add_staff(StaffRow(name, role, now_ns))


def change_role(shifts: ShopShifts, name: str, role: str) -> None:
    """Give somebody another role. Raises UserFacingError."""
    staff = shifts.staff()
    _require_member(staff, name)
    _require_role(role)
    after = [StaffRow(row.name, role, row.added_ns) if row.name == name else row for row in staff]
    _require_decider_left(shifts, after)
    shifts.change_role(name, role)


def reset_pin(shifts: ShopShifts, name: str, pin: str) -> None:
    """Give somebody another PIN; the owner too, by OWNER_NAME. Wrong guesses are forgotten. Raises UserFacingError."""
    staff = shifts.staff()
    if name != OWNER_NAME:
        _require_member(staff, name)
    whose = OWNER if name == OWNER_NAME else name
    _require_free(shifts, pin, [each for each in (OWNER, *(row.name for row in staff)) if each != whose])
    set_pin(shifts.book, pin, whose)


def remove_member(shifts: ShopShifts, name: str) -> None:
    """Take somebody out. What they did keeps their name. Raises UserFacingError."""
    staff = shifts.staff()
    _require_member(staff, name)
    _require_decider_left(shifts, [row for row in staff if row.name != name])
    shifts.remove_staff(name)


def decides(shifts: ShopShifts) -> list[str]:
    """Whose PINs may set staff up, as `pin.require_one_of` names them; none while the shop is nobody's yet."""
    owner = [OWNER] if has_pin(shifts.book) else []
    return owner + [row.name for row in shifts.staff() if Right.STAFF in RIGHTS[row.role]]


def _require_member(staff: list[StaffRow], name: str) -> None:
    if all(row.name != name for row in staff):
        raise UserFacingError("Nobody of this name works here.", next_step="`chainpos till staff list` shows who does.")


def _require_role(role: str) -> None:
    if role not in ROLES:
        raise UserFacingError("There is no such role.", next_step=f"Choose one of {', '.join(ROLES)}.")


def _require_free(shifts: ShopShifts, pin: str, others: list[str]) -> None:
    if is_taken(shifts.book, pin, others):
        raise UserFacingError("Somebody has this PIN already.", next_step="Choose another one.")


def _require_decider_left(shifts: ShopShifts, after: list[StaffRow]) -> None:
    if after and not _somebody_decides(shifts, after):
        raise UserFacingError(
            "Nobody who may refund and set staff up would be left.",
            next_step="Add another manager first, or set the owner's PIN (Staff: p, or `chainpos till --set-pin`).",
        )


def _somebody_decides(shifts: ShopShifts, staff: list[StaffRow]) -> bool:
    return has_pin(shifts.book) or any(Right.STAFF in RIGHTS[row.role] for row in staff)


def _whose(member: Member) -> str:
    return OWNER if member.role == OWNER_ROLE else member.name

"""Who stands at the till, and what they may do there. A shop that set nobody up is its owner's, without ceremony.

It refuses whatever the present member's role does not hold, and everything but looking while nobody is signed in. Who
is signed in is not kept: a till with staff begins locked, also after it was killed.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.values.text import HostileText, check_text
from chainpos.errors import UserFacingError
from chainpos.store.shop_shifts import ShopShifts, StaffRow
from chainpos.till.pin import OWNER, has_pin, is_taken, require_one_of, require_pin, set_pin
from chainpos.till.roles import OWNER_MEMBER, OWNER_NAME, OWNER_ROLE, RIGHTS, ROLES, Member, Right, StaffView
from chainpos.till.running import RunningTill

MAX_NAME_BYTES: Final = 48
LOCK_AFTER_S: Final = 300


class StaffDesk:
    """The people of one till."""

    def __init__(self, run: RunningTill) -> None:
        self._book = run.book
        self._clock = run.clock
        self._changed = run.changed
        self._rows = ShopShifts(run.book.book).staff()
        self._owner_has_pin = has_pin(run.book.book)
        asked = run.settings.lock_after_s
        self._lock_after_s = asked if asked is not None else LOCK_AFTER_S if self._rows else 0
        self._present: Member | None = None if self._rows else OWNER_MEMBER

    @property
    def view(self) -> StaffView:
        """As the screens see it."""
        return StaffView(
            present=self._present,
            members=self._members(),
            can_lock=bool(self._rows) or self._owner_has_pin,
            named=bool(self._rows),
            lock_after_s=self._lock_after_s,
        )

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
        await self._book.call(lambda: require_pin(self._book.book, pin, self._clock.now_ns(), _whose(member)))
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
        now_ns, book, present = self._clock.now_ns(), self._book.book, self._present
        if present is not None and right in present.rights:
            await self._book.call(lambda: require_pin(book, pin, now_ns, _whose(present)))
            return present.name
        able = {_whose(each): each.name for each in self._members() if right in each.rights}
        return able[await self._book.call(lambda: require_one_of(book, pin, now_ns, list(able)))]

    def _members(self) -> tuple[Member, ...]:
        owner = (OWNER_MEMBER,) if self._owner_has_pin or not self._rows else ()
        return owner + tuple(Member(row.name, row.role) for row in self._rows)


def add_member(shifts: ShopShifts, name: str, role: str, pin: str, now_ns: int) -> None:
    """Set somebody up. Raises UserFacingError."""
    staff = shifts.staff()
    try:
        check_text(name, min_bytes=1, max_bytes=MAX_NAME_BYTES)
    except HostileText as error:
        raise UserFacingError(f"This is no name: {error}.", next_step="Write it in plain letters.") from error
    if role not in ROLES:
        raise UserFacingError("There is no such role.", next_step=f"Choose one of {', '.join(ROLES)}.")
    if name == OWNER_NAME or any(row.name == name for row in staff):
        raise UserFacingError("Somebody of this name works here already.", next_step="Choose another name.")
    if role != "manager" and not _somebody_decides(shifts, staff):
        raise UserFacingError(
            "The first one must be a manager, or the owner needs a PIN.",
            next_step="Set the owner's with `chainpos till --set-pin`, or add a manager first.",
        )
    if is_taken(shifts.book, pin, [OWNER, *(row.name for row in staff)]):
        raise UserFacingError("Somebody has this PIN already.", next_step="Choose another one.")
    set_pin(shifts.book, pin, name)
    shifts.add_staff(StaffRow(name, role, now_ns))


def remove_member(shifts: ShopShifts, name: str) -> None:
    """Take somebody out. What they did keeps their name. Raises UserFacingError."""
    staff = shifts.staff()
    left = [row for row in staff if row.name != name]
    if len(left) == len(staff):
        raise UserFacingError("Nobody of this name works here.", next_step="`chainpos till staff list` shows who does.")
    if left and not _somebody_decides(shifts, left):
        raise UserFacingError(
            "Nobody who may refund and set staff up would be left.",
            next_step="Add another manager first, or set the owner's PIN with `chainpos till --set-pin`.",
        )
    shifts.remove_staff(name)


def decides(shifts: ShopShifts) -> list[str]:
    """Whose PINs may set staff up, as `pin.require_one_of` names them; none while the shop is nobody's yet."""
    owner = [OWNER] if has_pin(shifts.book) else []
    return owner + [row.name for row in shifts.staff() if Right.STAFF in RIGHTS[row.role]]


def _somebody_decides(shifts: ShopShifts, staff: list[StaffRow]) -> bool:
    return has_pin(shifts.book) or any(Right.STAFF in RIGHTS[row.role] for row in staff)


def _whose(member: Member) -> str:
    return OWNER if member.role == OWNER_ROLE else member.name

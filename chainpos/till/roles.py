"""What each role may do at a till, and who stands there. It knows no way to give anybody more than their role holds."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

OWNER_ROLE: Final = "owner"
# How the book names the owner.
OWNER_NAME: Final = "owner"


class Right(Enum):
    """What may be done at a till beyond looking."""

    SELL = "sell"
    SHIFT = "shift"
    DRAWER = "drawer"
    REFUND = "refund"
    PAYOUT = "payout"
    STAFF = "staff"
    OPERATE = "operate"
    # Looking into the whole ledger, where anybody's payments can be found.
    INSPECT = "inspect"


RIGHTS: Final[dict[str, frozenset[Right]]] = {
    OWNER_ROLE: frozenset(Right),
    "manager": frozenset(Right) - {Right.OPERATE},
    "cashier": frozenset({Right.SELL, Right.SHIFT, Right.DRAWER}),
    "support": frozenset({Right.INSPECT}),
    "operator": frozenset({Right.OPERATE, Right.INSPECT}),
}
ROLES: Final = ("cashier", "manager", "support", "operator")


class Member(msgspec.Struct, frozen=True):
    """Somebody who may sign in."""

    name: str
    role: str

    @property
    def rights(self) -> frozenset[Right]:
        """What they may do."""
        return RIGHTS[self.role]


class StaffView(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in, None while it is locked; `can_lock` if there is a PIN to come back with.

    `named` is whether staff was set up: then people are told apart.
    """

    present: Member | None
    members: tuple[Member, ...]
    can_lock: bool
    named: bool
    lock_after_s: int

    def may(self, right: Right) -> bool:
        """Whether whoever is signed in may do that."""
        return self.present is not None and right in self.present.rights


OWNER_MEMBER: Final = Member(OWNER_NAME, OWNER_ROLE)
# A shop that set nobody up.
AT_EASE: Final = StaffView(present=OWNER_MEMBER, members=(OWNER_MEMBER,), can_lock=False, named=False, lock_after_s=0)

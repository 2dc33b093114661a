"""Who holds which role in the network."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.state.tables import Table

ROLES: Final = ("central_bank", "city", "operator", "regulator")


class RoleHolder(msgspec.Struct, frozen=True, array_like=True):
    """That a key holds a role, since the second `since_s` of block time."""

    since_s: int


ROLE_HOLDERS: Final = Table("role_holders", b"gr", RoleHolder)


def role_key(role: str, public_key: bytes) -> bytes:
    """The record's key in ROLE_HOLDERS; `public_key` is 32 bytes."""
    return b"%s/%s" % (role.encode(), public_key)

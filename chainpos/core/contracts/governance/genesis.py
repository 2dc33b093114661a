"""Who holds which role from the first block on. It refuses roles that do not exist and a key named twice."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from chainpos.core.contracts.context import Context, HexKey, decode_section
from chainpos.core.contracts.governance.records import ROLE_HOLDERS, RoleHolder, role_key

MAX_HOLDERS: Final = 16


class _Roles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    central_bank: tuple[HexKey, ...] = ()
    city: tuple[HexKey, ...] = ()
    operator: tuple[HexKey, ...] = ()
    regulator: tuple[HexKey, ...] = ()


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    roles: _Roles


def load_genesis(ctx: Context, section: Any) -> None:
    """Writes the holders of each role."""
    read = decode_section(section, _Section)
    for role, keys in msgspec.structs.asdict(read.roles).items():
        if len(keys) > MAX_HOLDERS:
            raise ValueError(f"more than {MAX_HOLDERS} keys hold the role - at `$.roles.{role}`")
        for index, text in enumerate(keys):
            key = role_key(role, bytes.fromhex(text))
            if ctx.get(ROLE_HOLDERS, key) is not None:
                raise ValueError(f"the key is named twice - at `$.roles.{role}[{index}]`")
            ctx.put(ROLE_HOLDERS, key, RoleHolder(ctx.block.time_s))

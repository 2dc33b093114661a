"""Nothing is frozen at genesis: the section is an empty object."""

from __future__ import annotations

from typing import Any

import msgspec

from chainpos.core.contracts.context import Context, decode_section


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


def load_genesis(_: Context, section: Any) -> None:
    """Checks that the section is empty."""
    decode_section(section, _Section)

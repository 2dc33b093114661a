"""Genesis knows no anchors: a network begins with none. It refuses a section that names any."""

from __future__ import annotations

from typing import Any

import msgspec

from chainpos.core.contracts.context import Context, decode_section


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An empty section."""


def load_genesis(ctx: Context, section: Any) -> None:  # noqa: ARG001 - every capability has the same entry
    """Writes nothing. Raises msgspec.ValidationError where the section is not empty."""
    decode_section(section, _Section)

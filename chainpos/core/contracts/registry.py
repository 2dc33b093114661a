"""The one list of capabilities. It refuses two that share a message kind, a code number or a table prefix."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts import codes as envelope_codes
from chainpos.core.contracts.context import Capability, Message
from chainpos.errors import Code

# One line per capability, in the order in which genesis loads them. See PORTS below for what they offer each other.
CAPABILITIES: Final[tuple[Capability, ...]] = ()


def _by_unique(pairs: list[tuple[object, object]]) -> None:
    seen: dict[object, object] = {}
    for key, owner in pairs:
        if key in seen:
            raise ValueError(f"{key!r} belongs to both {seen[key]} and {owner}")
        seen[key] = owner


_by_unique([(message.kind, capability.name) for capability in CAPABILITIES for message in capability.messages])
_by_unique([(table.prefix, capability.name) for capability in CAPABILITIES for table in capability.tables])

MESSAGES: Final[dict[str, Message]] = {
    message.kind: message for capability in CAPABILITIES for message in capability.messages
}
ALL_CODES: Final[tuple[Code, ...]] = envelope_codes.CODES + tuple(
    code for capability in CAPABILITIES for code in capability.codes
)
_by_unique([(code.number, code.name) for code in ALL_CODES])
CODES_BY_NUMBER: Final[dict[int, Code]] = {code.number: code for code in ALL_CODES}

"""What institutions tell."""

from __future__ import annotations

from typing import Final

REGISTERED: Final = "institutions.registered"
RESERVE_FUNDED: Final = "institutions.reserve_funded"
RESERVE_DRAINED: Final = "institutions.reserve_drained"
KEY_CHANGED: Final = "institutions.key_changed"
SUSPENDED: Final = "institutions.suspended"
REINSTATED: Final = "institutions.reinstated"
CAPS_CHANGED: Final = "institutions.caps_changed"

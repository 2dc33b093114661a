"""What compliance tells."""

from __future__ import annotations

from typing import Final

FROZEN: Final = "compliance.frozen"
RELEASED: Final = "compliance.released"

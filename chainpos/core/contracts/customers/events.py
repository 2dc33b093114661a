"""What customers' accounts tell."""

from __future__ import annotations

from typing import Final

OPENED: Final = "customers.opened"

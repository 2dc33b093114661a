"""What merchants tell."""

from __future__ import annotations

from typing import Final

REGISTERED: Final = "merchants.registered"
TILL_ADDED: Final = "merchants.till_added"
TILL_REVOKED: Final = "merchants.till_revoked"

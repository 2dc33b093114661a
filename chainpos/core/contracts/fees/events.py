"""None of its own: a fee is told with the payment that it belongs to, and its return with the refund."""

from __future__ import annotations

"""Nothing is asked of refunds by others: what of a payment went back stands in the payment's own record."""

from __future__ import annotations

"""Nothing is asked of anchors by others: a hash on the ledger moves no money and decides nothing."""

from __future__ import annotations

"""Rows that stand behind their own hash, as no other hash in the chain database covers them; and what they are called.

It refuses a row whose hash does not fit.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.values.hashes import HASH_BYTES, sha256
from chainpos.errors import StoreError

# Names in the table `sealed`.
GENESIS: Final = "genesis"
GENESIS_CHANGES: Final = "genesis changes"
TIP: Final = "tip"
# The tip that a snapshot began with: there are no blocks up to it.
BEGAN: Final = "began"
# Tables of sealed rows by height, each in force until the next.
VALIDATOR_SETS: Final = "validator_sets"
PARAMS: Final = "params"


def sealed(value: bytes) -> bytes:
    """`value` behind its own hash."""
    return sha256(value) + value


def unsealed(stored: bytes, what: str) -> bytes:
    """The inverse of `sealed`. Raises StoreError, naming `what` it is."""
    value = stored[HASH_BYTES:]
    if sha256(value) != stored[:HASH_BYTES]:
        raise StoreError(f"{what} in the chain database is damaged")
    return value

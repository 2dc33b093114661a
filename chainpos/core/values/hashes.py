"""SHA-256 and the addresses made of it; the only hash of the formats here."""

from __future__ import annotations

import hashlib
from typing import Final

HASH_BYTES: Final = 32
ADDRESS_BYTES: Final = 20
PUBLIC_KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64


def sha256(data: bytes) -> bytes:
    """32 bytes."""
    return hashlib.sha256(data).digest()


def address_of(public_key: bytes) -> bytes:
    """The 20-byte address of an Ed25519 public key. Source: CometBFT crypto/ed25519 `PubKey.Address`."""
    return hashlib.sha256(public_key).digest()[:ADDRESS_BYTES]

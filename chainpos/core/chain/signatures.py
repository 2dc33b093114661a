"""Ed25519 signatures by ZIP-215, CometBFT's rule, for votes and transactions alike.

The rule is part of consensus: other libraries disagree with it on malleable and small-order encodings, so that a
node which used one would fork. Signing and keys are elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from ed25519_zebra import ed_verify

from chainpos.core.values.hashes import PUBLIC_KEY_BYTES, SIGNATURE_BYTES


class Signature(msgspec.Struct, frozen=True):
    """A claim to be checked: that the holder of `public_key` (32 bytes) signed `message`; `signature` is 64 bytes."""

    public_key: bytes
    message: bytes
    signature: bytes


# What checks many signatures at once; nodes under load pass one that works in other processes.
VerifyBatch = Callable[[Sequence[Signature]], list[bool]]


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature holds. Keys and signatures of the wrong length never do."""
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    return bool(ed_verify(signature, message, public_key))


def verify_batch(claims: Sequence[Signature]) -> list[bool]:
    """Each claim's answer, in order."""
    return [verify(claim.public_key, claim.message, claim.signature) for claim in claims]

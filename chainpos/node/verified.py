"""Signatures that were verified once: what the mempool checked is not checked again when its block is executed.

It remembers only what held. It refuses nothing that the verifier behind it accepts, and accepts nothing that it
did not accept, so that it can never change a block's outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from threading import Lock
from typing import Final

from chainpos.core.chain.signatures import Signature, VerifyBatch, verify_batch
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES, SIGNATURE_BYTES

DEFAULT_CAPACITY: Final = 20_000


class VerifiedSignatures:
    """A bounded memory before a verifier; the longest remembered is forgotten first.

    Blocks are executed in one thread and tills' requests looked at in another: both may ask at the same time.
    """

    def __init__(self, verifier: VerifyBatch = verify_batch, capacity: int = DEFAULT_CAPACITY) -> None:
        self._verifier = verifier
        self._capacity = capacity
        self._known: dict[bytes, None] = {}
        self._changing = Lock()
        self.verified = 0

    def verify(self, claims: Sequence[Signature]) -> list[bool]:
        """Each claim's answer, in order; a `VerifyBatch`."""
        names = [_name(claim) for claim in claims]
        unknown = [index for index, name in enumerate(names) if name not in self._known]
        answers = [True] * len(claims)
        if not unknown:
            return answers
        found = self._verifier([claims[index] for index in unknown])
        for index, holds in zip(unknown, found, strict=True):
            answers[index] = holds
        # Two threads that forget at once would fail, and a block that fails to execute halts the node.
        with self._changing:
            self.verified += len(unknown)
            self._known.update({names[index]: None for index in unknown if answers[index] and names[index]})
            while len(self._known) > self._capacity:
                del self._known[next(iter(self._known))]
        return answers


def _name(claim: Signature) -> bytes:
    # Both lengths are fixed before they are joined: otherwise two different claims could share a name.
    if len(claim.public_key) != PUBLIC_KEY_BYTES or len(claim.signature) != SIGNATURE_BYTES:
        return b""
    return sha256(claim.public_key + claim.signature + claim.message).digest()

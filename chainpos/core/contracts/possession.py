"""What a new key signs to show that somebody holds it, before anything is handed over to it.

It lies below the capabilities, as customers, merchants and institutions all replace keys. A key that nobody holds, by
a typing error or by malice, would lock its account for good: so it is refused with the envelope's other signatures.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.chain.signatures import Signature

_DOMAIN: Final = b"chainpos/possession/1\0"


def possession_bytes(chain_id: str, holder: bytes) -> bytes:
    """What the new key signs. `holder` names whose key it becomes: a subject of `ports`, or an institution."""
    return _DOMAIN + chain_id.encode() + b"\0" + holder


def institution_holder(institution: str) -> bytes:
    """How an institution is named in `possession_bytes`; never the same as an account or a merchant."""
    return b"i" + institution.encode()


def possession_claim(chain_id: str, holder: bytes, key: bytes, proof: bytes) -> tuple[Signature, ...]:
    """The one signature that a message with a new key needs beside its envelope's."""
    return (Signature(key, possession_bytes(chain_id, holder), proof),)

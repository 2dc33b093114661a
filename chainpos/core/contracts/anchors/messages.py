"""What may be asked of anchors: to record the hash of a document."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chainpos.core.values.hashes import HASH_BYTES

MAX_SEQUENCE = 2**53 - 1
Digest = Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
Sequence = Annotated[int, msgspec.Meta(ge=1, le=MAX_SEQUENCE)]


class Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "anchors.record", signed by a till of the merchant.

    `kind` names the series of documents ("z_report"), `sequence` the document in it, `digest` is its sha256.
    """

    merchant: str
    kind: str
    sequence: Sequence
    digest: Digest


def record_subject(message: Record) -> dict[str, str]:
    """By what a till finds the refusal of its document."""
    return {"digest": message.digest.hex()}

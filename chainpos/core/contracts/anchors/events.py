"""What anchors tell: a document was recorded, by its hash, by till and by merchant."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.anchors.messages import Record
from chainpos.core.contracts.context import Context

RECORDED: Final = "anchors.recorded"


def tell_recorded(ctx: Context, message: Record) -> None:
    """One document was recorded."""
    ctx.emit(
        RECORDED,
        merchant=message.merchant,
        till=ctx.signer,
        kind=message.kind,
        sequence=message.sequence,
        digest=message.digest,
    )

"""Record the hash of a shop's document, once, at its place in the till's series.

It refuses whoever is not a till of the shop, a place that was taken or passed, and more than a till's day allows.
"""

from __future__ import annotations

import re
from typing import Final

from chainpos.core.contracts.anchors import codes
from chainpos.core.contracts.anchors.events import tell_recorded
from chainpos.core.contracts.anchors.messages import Record
from chainpos.core.contracts.anchors.records import (
    ANCHORS,
    DAILY_LIMIT,
    DAYS,
    SERIES,
    Anchor,
    Day,
    Series,
    anchor_key,
    series_key,
)
from chainpos.core.contracts.context import Context
from chainpos.core.contracts.network import today

_KIND: Final = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)


def record(ctx: Context, message: Record) -> bytes:
    """The hash stands at its sequence from now on. Returns nothing."""
    ctx.require(_KIND.fullmatch(message.kind) is not None, codes.BAD_ANCHOR_KIND)
    ctx.ports.merchants.require_till(ctx, message.merchant, ctx.signer)
    series = ctx.get(SERIES, series_key(ctx.signer, message.kind)) or Series(0, 0)
    ctx.require(message.sequence > series.sequence, codes.ANCHOR_NOT_AFTER, f"{series.sequence} is the last")
    day = today(ctx)
    before = ctx.get(DAYS, ctx.signer)
    anchors = before.anchors if before is not None and before.day == day else 0
    ctx.require(anchors < DAILY_LIMIT, codes.TOO_MANY_ANCHORS)
    ctx.put(DAYS, ctx.signer, Day(day, anchors + 1))
    ctx.put(SERIES, series_key(ctx.signer, message.kind), Series(message.sequence, series.anchors + 1))
    ctx.put(
        ANCHORS,
        anchor_key(ctx.signer, message.kind, message.sequence),
        Anchor(message.merchant, message.digest, ctx.block.height, ctx.block.time_s),
    )
    tell_recorded(ctx, message)
    return b""

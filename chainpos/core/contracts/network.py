"""What the network says of itself: its name, whether it is for demonstration, its offset from UTC; set at genesis.

It lies below the capabilities, as all of them count days by the same clock. It refuses an offset of over a day.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from chainpos.core.contracts.context import Capability, Context, decode_section
from chainpos.core.state.tables import Table
from chainpos.core.values.text import check_text
from chainpos.core.values.timestamps import DAY_S
from chainpos.errors import StateMismatch

MAX_NAME_BYTES: Final = 64
_KEY: Final = b""


class Network(msgspec.Struct, frozen=True, array_like=True):
    """`demo` networks take keys that everyone knows; `utc_offset_s` is how far east of UTC its days begin."""

    name: str
    demo: bool
    utc_offset_s: int


NETWORK: Final = Table("network", b"nw", Network)


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    demo: bool
    utc_offset_s: Annotated[int, msgspec.Meta(gt=-DAY_S, lt=DAY_S)]


class _Clock(msgspec.Struct, frozen=True):
    utc_offset_s: int = 0


class _Genesis(msgspec.Struct, frozen=True):
    network: _Clock = _Clock()


def utc_offset_in(app_state: bytes) -> int:
    """Seconds that the network's own clock is east of UTC, out of its genesis; 0 where that does not say."""
    try:
        return msgspec.json.decode(app_state, type=_Genesis).network.utc_offset_s
    except msgspec.DecodeError:
        return 0


def network(ctx: Context) -> Network:
    """The network's record. Raises StateMismatch where genesis wrote none."""
    found = ctx.views[NETWORK][_KEY]
    if found is None:
        raise StateMismatch("the ledger has no network record")
    return found


def today(ctx: Context) -> int:
    """The day of the block by the network's own clock, counted from 1970-01-01."""
    return (ctx.block.time_s + network(ctx).utc_offset_s) // DAY_S


def _load_genesis(ctx: Context, section: Any) -> None:
    read = decode_section(section, _Section)
    check_text(read.name, min_bytes=1, max_bytes=MAX_NAME_BYTES)
    ctx.put(NETWORK, _KEY, Network(read.name, read.demo, read.utc_offset_s))


CAPABILITY: Final = Capability(
    name="network", codes=(), messages=(), tables=(NETWORK,), invariants=(), load_genesis=_load_genesis
)

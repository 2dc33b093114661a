"""A network that goes on elsewhere: a new genesis with every record of an older chain, and that chain's last block.

It refuses records that do not lead to the older chain's app hash, that are of no known kind, or beside anything else.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from chainpos.core.contracts.context import Capability, Context, decode_section
from chainpos.core.state.commitment import Commitment
from chainpos.core.state.tables import PREFIX_BYTES, Table
from chainpos.core.values.hashes import HASH_BYTES
from chainpos.errors import MalformedBytes, StateMismatch

NAME: Final = "moved"
_KEY: Final = b""


class Origin(msgspec.Struct, frozen=True, array_like=True):
    """The last block of the chain that this one goes on from, and the app hash after it."""

    chain_id: str
    height: int
    block_hash: bytes
    app_hash: bytes


ORIGIN: Final = Table("origin", b"no", Origin)


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    chain_id: str
    height: int
    block_hash: str
    app_hash: str
    # Each a key in hex and a value in base64, by ascending key.
    records: list[tuple[str, str]]


def dump(origin: Origin, records: Mapping[bytes, bytes]) -> dict[str, Any]:
    """The section of app_state that `load` reads."""
    return {
        "chain_id": origin.chain_id,
        "height": origin.height,
        "block_hash": origin.block_hash.hex(),
        "app_hash": origin.app_hash.hex(),
        "records": [[key.hex(), base64.b64encode(records[key]).decode()] for key in sorted(records)],
    }


def load(ctx: Context, section: Any, tables: Mapping[bytes, Table[Any]]) -> None:
    """Write the records of the older chain, and where they come from. Raises ValueError."""
    read = decode_section(section, _Section)
    try:
        records = {bytes.fromhex(key): base64.b64decode(value, validate=True) for key, value in read.records}
        origin = Origin(read.chain_id, read.height, bytes.fromhex(read.block_hash), bytes.fromhex(read.app_hash))
    except (ValueError, binascii.Error) as error:
        raise ValueError("records, hashes and keys are hex and base64 - at `$`") from error
    if len(origin.block_hash) != HASH_BYTES or Commitment(records).root != origin.app_hash:
        raise ValueError("the records do not lead to the app hash - at `$.records`")
    if origin.height != ctx.block.height:
        raise ValueError("the initial height does not follow - at `$.height`")
    for key in sorted(records):
        table = tables.get(key[:PREFIX_BYTES])
        if table is None:
            raise ValueError(f"no such kind of record: {key.hex()} - at `$.records`")
        try:
            record = table.decode(records[key])
        except (MalformedBytes, StateMismatch) as error:
            raise ValueError(f"not a record of its kind: {key.hex()} - at `$.records`") from error
        ctx.put(table, key[PREFIX_BYTES:], record)
    ctx.put(ORIGIN, _KEY, origin)


def origin_of(ctx: Context) -> Origin | None:
    """Where this chain goes on from, or None where it began by itself."""
    return ctx.get(ORIGIN, _KEY)


def _not_beside_others(_: Context, __: Any) -> None:
    raise ValueError("stands alone - at `$`")


CAPABILITY: Final = Capability(
    name=NAME, codes=(), messages=(), tables=(ORIGIN,), invariants=(), load_genesis=_not_beside_others
)

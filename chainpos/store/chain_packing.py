"""A block and all that follows from it, packed as bytes for one durable write; and the parts of it as they are read.

It refuses what the schema cannot hold: keys over 256 bytes and over 2^20 transactions in a block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

import msgspec

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.results import Event, TxResult
from chainpos.core.chain.tip import ChainTip, encode_tip
from chainpos.core.state.commitment import MAX_KEY_BYTES
from chainpos.core.state.journal import Change
from chainpos.errors import MalformedBytes

# A transaction's place in the chain as one number: its height, then its index in 20 bits.
INDEX_BITS: Final = 20
HASH_PREFIX_BYTES: Final = 8
# A longer attribute is not searched for; it is still in the results.
MAX_INDEXED_VALUE_BYTES: Final = 256
# Priorities move at every height, so a set's row tells the others' by advancing it: at most this often.
VALIDATORS_EVERY: Final = 100
_INDEX_BYTES: Final = 3


# A transaction's place: its block's height, and its index in it from 0.
Position: TypeAlias = tuple[int, int]


class StoredResults(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What executing a block gave. `params` are encoded ConsensusParams, or empty where they did not change."""

    results: tuple[TxResult, ...]
    events: tuple[Event, ...] = ()
    validator_updates: tuple[tuple[bytes, int], ...] = ()
    params: bytes = b""
    app_hash: bytes = b""

    def encode(self) -> bytes:
        """MessagePack."""
        return _encoder.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> StoredResults:
        """The inverse of `encode`. Raises MalformedBytes."""
        try:
            return _results_decoder.decode(data)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise MalformedBytes("not the results of a block") from error

    def param_updates(self) -> ConsensusParams | None:
        """The parameters in force from the next height on, where this block changed them. Raises MalformedBytes."""
        return ConsensusParams.decode(self.params) if self.params else None


class PackedBlock(msgspec.Struct, frozen=True, array_like=True):
    """One block's write: bytes only, so that another process may do the writing.

    `validators` and `params` are those of the next height, or empty where their row need not be written. `changes` and
    `attributes` are packed rows; see `change_row` and `attribute_rows`.
    """

    height: int
    block_hash: bytes
    block_id: bytes
    block: bytes
    commit: bytes
    results: bytes
    tip: bytes
    validators: bytes
    params: bytes
    tx_hashes: tuple[bytes, ...]
    changes: tuple[bytes, ...]
    attributes: tuple[tuple[str, tuple[bytes, ...]], ...]

    def digest(self) -> bytes:
        """32 bytes over what a block's row holds."""
        return row_digest(self.height, self.block_id, self.commit, self.results, self.block)

    def changes_digest(self) -> bytes:
        """32 bytes over the record changes, in the order of their keys."""
        return changes_digest(self.changes)


_encoder = msgspec.msgpack.Encoder()
_results_decoder = msgspec.msgpack.Decoder(StoredResults)


def pack_block(
    previous: ChainTip,
    tip: ChainTip,
    block: Block,
    commit: Commit,
    stored: StoredResults,
    changes: Sequence[Change],
    *,
    encoded: bytes | None = None,
) -> PackedBlock:
    """The write of `block`, which led from `previous` to `tip`; `commit` is for it. `encoded` saves encoding it again.

    Raises ValueError where the schema cannot hold it.
    """
    if len(block.txs) >= 1 << INDEX_BITS:
        raise ValueError(f"{len(block.txs)} transactions in one block")
    return PackedBlock(
        height=tip.height,
        block_hash=tip.block_id.hash,
        block_id=tip.block_id.encode(),
        block=block.encode() if encoded is None else encoded,
        commit=commit.encode(),
        results=stored.encode(),
        tip=encode_tip(tip),
        validators=_validators_row(previous, tip),
        params=b"" if tip.params == previous.params else tip.params.encode(),
        tx_hashes=tuple([sha256(tx).digest() for tx in block.txs]),
        changes=tuple([change_row(key, after) for key, _, after in changes]),
        attributes=attribute_rows(stored.results, stored.events),
    )


def change_row(key: bytes, value: bytes | None) -> bytes:
    """The key's length in three digits, "+" or "-" for a deletion, the key, the value."""
    if len(key) > MAX_KEY_BYTES:
        raise ValueError(f"a key of {len(key)} bytes")
    return b"%03d-%b" % (len(key), key) if value is None else b"%03d+%b%b" % (len(key), key, value)


def attribute_rows(
    results: Iterable[TxResult], events: Sequence[Event] = ()
) -> tuple[tuple[str, tuple[bytes, ...]], ...]:
    """By "type.attribute", one row a value: its length in three digits, the value, the indexes of three bytes each.

    What the block itself tells, by `events`, is found at its height and at none of its transactions.
    """
    found: dict[str, dict[str, list[int]]] = {}
    for name, value in indexed_attributes(events):
        found.setdefault(name, {}).setdefault(value, [])
    for index, result in enumerate(results):
        for name, value in indexed_attributes(result.events):
            indexes = found.setdefault(name, {}).setdefault(value, [])
            if not indexes or indexes[-1] != index:
                indexes.append(index)
    return tuple(
        [
            (name, tuple([_attribute_row(value, indexes) for value, indexes in values.items()]))
            for name, values in found.items()
        ]
    )


def indexed_attributes(events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    """("type.attribute", value) of what a search may find of one transaction's events, or of a block's own."""
    for event in events:
        for attribute in event.attributes:
            if attribute.index and event.type and attribute.key and is_indexed_value(attribute.value):
                yield f"{event.type}.{attribute.key}", attribute.value


def is_indexed_value(value: str) -> bool:
    """Whether an attribute's value is short enough to be searched for."""
    return len(value) <= MAX_INDEXED_VALUE_BYTES and len(value.encode()) <= MAX_INDEXED_VALUE_BYTES


def _attribute_row(value: str, indexes: Iterable[int]) -> bytes:
    text = value.encode()
    return b"%03d%b%b" % (len(text), text, pack_indexes(indexes))


def pack_indexes(indexes: Iterable[int]) -> bytes:
    """Transactions' indexes in three bytes each."""
    return b"".join([index.to_bytes(_INDEX_BYTES, "big") for index in indexes])


def unpack_indexes(packed: bytes) -> list[int]:
    """The inverse of `pack_indexes`."""
    return [int.from_bytes(packed[at : at + _INDEX_BYTES], "big") for at in range(0, len(packed), _INDEX_BYTES)]


def row_digest(height: int, *parts: bytes) -> bytes:
    """32 bytes over a row's parts and their lengths."""
    hasher = sha256(height.to_bytes(8, "big"))
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return hasher.digest()


def changes_digest(rows: Iterable[bytes]) -> bytes:
    """32 bytes over packed changes, in the order of their keys."""
    hasher = sha256()
    for row in rows:
        hasher.update(len(row).to_bytes(8, "big"))
        hasher.update(row)
    return hasher.digest()


def _validators_row(previous: ChainTip, tip: ChainTip) -> bytes:
    is_due = tip.next_height % VALIDATORS_EVERY == 0
    return tip.validators.encode() if is_due or tip.validators != previous.validators.advanced() else b""

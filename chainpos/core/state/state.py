"""The committed records in memory, with their commitment; it moves only when a staged block is committed.

It refuses to commit what was staged on another state, and changes that do not start from what it holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar, cast

import msgspec

from chainpos.core.state.commitment import Commitment, StagedTree, bucket_of
from chainpos.core.state.expiry import ExpiryIndex
from chainpos.core.state.journal import Change
from chainpos.core.state.proofs import AbsenceProof, PresenceProof, make_absence_proof
from chainpos.core.state.tables import PREFIX_BYTES, Table
from chainpos.errors import StateMismatch

R = TypeVar("R", bound=msgspec.Struct)
# Decoding costs a third of a record's way through a block, and the same accounts come again and again.
MAX_DECODED_RECORDS: Final = 32_768


class Staged(NamedTuple):
    """A block's effect, not yet committed: the 32-byte app hash it leads to, and the changes by ascending key."""

    app_hash: bytes
    changes: Sequence[Change]
    tree: StagedTree


class State:
    """All committed records. `tables` are all tables there are; `values` the records' bytes by full key.

    One thread at a time: whoever reads from another reads the store instead.
    """

    __slots__ = ("_by_prefix", "_commitment", "_decoded", "_expiry")

    def __init__(self, tables: Iterable[Table[Any]] = (), values: Mapping[bytes, bytes] | None = None) -> None:
        self._by_prefix: defaultdict[bytes, dict[bytes, bytes]] = defaultdict(dict)
        self._decoded: dict[bytes, Any] = {}
        self._expiry = ExpiryIndex(tables)
        self._commitment = Commitment(values)
        for full_key, value in (values or {}).items():
            self._by_prefix[full_key[:PREFIX_BYTES]][full_key] = value
            self._expiry.add(full_key, value)

    @property
    def app_hash(self) -> bytes:
        """The 32-byte commitment to all committed records."""
        return self._commitment.root

    def __len__(self) -> int:
        """How many records there are."""
        return sum(len(values) for values in self._by_prefix.values())

    def value(self, full_key: bytes) -> bytes | None:
        """The committed record's bytes, or None."""
        values = self._by_prefix.get(full_key[:PREFIX_BYTES])
        return None if values is None else values.get(full_key)

    def get(self, table: Table[R], key: bytes) -> R | None:
        """The committed record, or None."""
        full_key = table.prefix + key
        # Not through `value`: what is not there is asked for in every transaction, so that it is found out first.
        value = self._by_prefix[table.prefix].get(full_key)
        if value is None:
            return None
        found = self._decoded.get(full_key)
        if found is not None:
            return cast(R, found)
        record = table.decode(value)
        if len(self._decoded) >= MAX_DECODED_RECORDS:
            self._decoded.clear()
        self._decoded[full_key] = record
        return record

    def records(self, table: Table[R]) -> Iterator[tuple[bytes, R]]:
        """Every (key without prefix, record) of one table, by ascending key, as they are at the call."""
        values = sorted(self._by_prefix[table.prefix].items())
        return ((full_key[PREFIX_BYTES:], table.decode(value)) for full_key, value in values)

    def values(self) -> dict[bytes, bytes]:
        """Every record's bytes by full key, in ascending order: a copy."""
        tables = [self._by_prefix[prefix] for prefix in sorted(self._by_prefix)]
        return {key: values[key] for values in tables for key in sorted(values)}

    def expired(self, before_s: int, limit: int | None = None) -> list[tuple[Table[Any], bytes]]:
        """(table, key) of the records that may be forgotten before that Unix second; the oldest first, then by key."""
        return self._expiry.expired(before_s, limit)

    def records_in(self, bucket: int) -> int:
        """How many committed records a bucket holds."""
        return self._commitment.records_in(bucket)

    def stage(self, changes: Sequence[Change]) -> Staged:
        """What the state becomes with these changes, which ascend by key. Changes nothing.

        Raises StateMismatch where a change does not start from the committed value: it was made on another state.
        """
        previous = b""
        for key, before, _ in changes:
            if key <= previous or before != self._by_prefix[key[:PREFIX_BYTES]].get(key):
                raise StateMismatch(f"a change of {key.hex()} does not follow from the committed state")
            previous = key
        tree = self._commitment.stage([(key, after) for key, _, after in changes])
        return Staged(tree.root, changes, tree)

    def commit(self, staged: Staged) -> None:
        """Make a staged block the state, once it is durable. Raises StateMismatch if the state has moved since."""
        self._commitment.commit(staged.tree)
        for key, before, after in staged.changes:
            self._decoded.pop(key, None)
            values = self._by_prefix[key[:PREFIX_BYTES]]
            if before is not None:
                self._expiry.remove(key, before)
            if after is None:
                del values[key]
            else:
                values[key] = after
                self._expiry.add(key, after)

    def prove(self, full_key: bytes) -> PresenceProof | AbsenceProof:
        """That the record has the value it has, or that there is none, against `app_hash`."""
        bucket = bucket_of(full_key)
        upper = self._commitment.bucket_proof(bucket)
        if self.value(full_key) is not None:
            return PresenceProof(full_key, self._commitment.record_proof(full_key), upper)
        values = [(key, self._by_prefix[key[:PREFIX_BYTES]][key]) for key in self._commitment.keys_in(bucket)]
        return make_absence_proof(full_key, values, upper)

"""Which records may be forgotten, and from when; kept in memory and rebuilt from the records alone. And a view without.

It refuses nothing: execution decides when to delete, and on what limit.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from chainpos.core.state.journal import Records
from chainpos.core.state.tables import PREFIX_BYTES, Table

R = TypeVar("R", bound=msgspec.Struct)


class Unexpired:
    """Records as a block sees them that has forgotten what expired before `time_s`, without walking over them.

    After a quiet night they are thousands, and anybody may have a transaction checked. `tables` are by prefix.
    """

    __slots__ = ("_records", "_tables", "_time_s")

    def __init__(self, records: Records, tables: Mapping[bytes, Table[Any]], time_s: int) -> None:
        self._records = records
        self._tables = tables
        self._time_s = time_s

    def get(self, table: Table[R], key: bytes) -> R | None:
        """The record, or None; also where it has expired."""
        record = self._records.get(table, key)
        if record is None or table.expires is None or table.expires(record) >= self._time_s:
            return record
        return None

    def value(self, full_key: bytes) -> bytes | None:
        """The record's bytes, or None; also where it has expired."""
        table = self._tables[full_key[:PREFIX_BYTES]]
        if table.expires is not None and self.get(table, full_key[PREFIX_BYTES:]) is None:
            return None
        return self._records.value(full_key)


class ExpiryIndex:
    """Unix second -> keys, for the tables that declare `expires`."""

    __slots__ = ("_keys", "_seconds", "_tables")

    def __init__(self, tables: Iterable[Table[Any]]) -> None:
        self._tables = {table.prefix: table for table in tables if table.expires is not None}
        # Dicts for sets, as sets have no order. The seconds ascend in a list of their own: the oldest are asked for.
        self._keys: dict[int, dict[bytes, None]] = {}
        self._seconds: list[int] = []

    def add(self, full_key: bytes, value: bytes) -> None:
        """A record is there from now on."""
        second = self._second(full_key, value)
        if second is None:
            return
        keys = self._keys.get(second)
        if keys is None:
            keys = self._keys[second] = {}
            insort(self._seconds, second)
        keys[full_key] = None

    def remove(self, full_key: bytes, value: bytes) -> None:
        """The record with this value is no longer there."""
        second = self._second(full_key, value)
        if second is None:
            return
        keys = self._keys[second]
        del keys[full_key]
        if not keys:
            del self._keys[second]
            del self._seconds[bisect_left(self._seconds, second)]

    def expired(self, before_s: int, limit: int | None = None) -> list[tuple[Table[Any], bytes]]:
        """(table, key without prefix) of what expires before that second; by second, then by key; at most `limit`."""
        found: list[tuple[Table[Any], bytes]] = []
        for second in self._seconds:
            if second >= before_s or (limit is not None and len(found) >= limit):
                break
            found += [(self._tables[key[:PREFIX_BYTES]], key[PREFIX_BYTES:]) for key in sorted(self._keys[second])]
        return found if limit is None else found[:limit]

    def _second(self, full_key: bytes, value: bytes) -> int | None:
        table = self._tables.get(full_key[:PREFIX_BYTES])
        if table is None or table.expires is None:
            return None
        return table.expires(table.decode(value))

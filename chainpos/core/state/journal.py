"""What a block has changed so far, over the committed records; it can be rolled back to any mark.

It refuses nothing: rules do. Nothing that it holds is visible to readers until the whole block is committed.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol, TypeVar

import msgspec

from chainpos.core.state.tables import Table

R = TypeVar("R", bound=msgspec.Struct)


class Records(Protocol):
    """The committed records that a journal lies over."""

    def get(self, table: Table[R], key: bytes) -> R | None:
        """The committed record, or None."""

    def value(self, full_key: bytes) -> bytes | None:
        """The committed record's bytes, or None."""


class Change(NamedTuple):
    """One record's bytes before and after; None where there was or is none."""

    key: bytes
    before: bytes | None
    after: bytes | None


class _Missing:
    """Marks that a key had no entry in the journal."""


_MISSING: Final = _Missing()


class Journal:
    """Reads through to the committed records; writes stay here. Records are immutable, so keeping one is a copy."""

    __slots__ = ("_overlay", "_records", "_undo")

    def __init__(self, records: Records) -> None:
        self._records = records
        self._overlay: dict[bytes, tuple[Table[Any], Any]] = {}
        self._undo: list[tuple[bytes, Any]] = []

    def get(self, table: Table[R], key: bytes) -> R | None:
        """The record as this block sees it, or None."""
        entry = self._overlay.get(table.prefix + key)
        if entry is None:
            return self._records.get(table, key)
        record: R | None = entry[1]
        return record

    def put(self, table: Table[R], key: bytes, record: R) -> None:
        """Write one record."""
        self._set(table, key, record)

    def delete(self, table: Table[Any], key: bytes) -> None:
        """Remove one record; removing what is absent changes nothing."""
        self._set(table, key, None)

    def mark(self) -> int:
        """A point to roll back to."""
        return len(self._undo)

    def rollback(self, mark: int) -> None:
        """Forget every write since `mark`."""
        undo, overlay = self._undo, self._overlay
        while len(undo) > mark:
            full_key, previous = undo.pop()
            if previous is _MISSING:
                del overlay[full_key]
            else:
                overlay[full_key] = previous

    def created(self, mark: int = 0) -> list[bytes]:
        """The full keys of records that are there now and were not at `mark`, in the order of their first write."""
        first: dict[bytes, Any] = {}
        for full_key, previous in self._undo[mark:]:
            first.setdefault(full_key, previous)
        return [
            full_key
            for full_key, previous in first.items()
            if self._overlay[full_key][1] is not None
            and (self._records.value(full_key) if previous is _MISSING else previous[1]) is None
        ]

    def changes(self) -> list[Change]:
        """What differs from the committed records, by ascending key; a record put back as it was is no change."""
        changed = []
        for full_key in sorted(self._overlay):
            table, record = self._overlay[full_key]
            before = self._records.value(full_key)
            after = None if record is None else table.encode(record)
            if before != after:
                changed.append(Change(full_key, before, after))
        return changed

    def _set(self, table: Table[Any], key: bytes, record: msgspec.Struct | None) -> None:
        full_key = table.prefix + key
        self._undo.append((full_key, self._overlay.get(full_key, _MISSING)))
        self._overlay[full_key] = (table, record)

"""What a block has changed so far, over the committed records; it can be rolled back to any mark.

It refuses nothing: rules do. Nothing that it holds is visible to readers until the whole block is committed.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

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


# Where, its key, and what was there before it. It names the table and not its view, which knows the list of these: a
# journal holds no cycles, so that it goes with its block.
Write: TypeAlias = tuple[Table[Any], bytes, Any]


class View(Protocol[R]):
    """One table's records as a block sees them."""

    def __getitem__(self, key: bytes) -> R | None:
        """The record, or None."""

    def put(self, key: bytes, record: R) -> None:
        """Write one record."""


class Views(Protocol):
    """All records as a block sees them, by table and then by key: `views[TABLE][key]`."""

    def __getitem__(self, table: Table[R]) -> View[R]:
        """One table's."""


class _View(dict[bytes, Any]):
    """What was looked at, None where there is none; what was not is read through. Each write is noted in `undo`."""

    __slots__ = ("committed", "table", "undo")

    def __init__(self, committed: Records, table: Table[Any], undo: list[Write]) -> None:
        self.committed = committed
        self.table = table
        self.undo = undo

    def put(self, key: bytes, record: Any) -> None:
        self.undo.append((self.table, key, self[key]))
        self[key] = record

    def __missing__(self, key: bytes) -> Any:
        record = self[key] = self.committed.get(self.table, key)
        return record


class _Views(dict[Table[Any], _View]):
    """Every table's view, made when it is first asked for."""

    __slots__ = ("committed", "undo")

    def __init__(self, committed: Records, undo: list[Write]) -> None:
        self.committed = committed
        self.undo = undo

    def __missing__(self, table: Table[Any]) -> _View:
        view = self[table] = _View(self.committed, table, self.undo)
        return view


class Journal:
    """Reads through to the committed records; writes stay here. Records are immutable, so keeping one is a copy.

    What was read is kept as well: a block asks for the same few records again and again. So a journal is of one
    committed state, and ends with it.
    """

    __slots__ = ("_committed", "_undo", "_views")

    def __init__(self, committed: Records) -> None:
        self._committed = committed
        # Every write that stands, in their order.
        self._undo: list[Write] = []
        self._views = _Views(committed, self._undo)

    @property
    def views(self) -> Views:
        """All records as this block sees them: `get` without the call, and `put` with a cheaper one."""
        return self._views

    def get(self, table: Table[R], key: bytes) -> R | None:
        """The record as this block sees it, or None."""
        return self._views[table][key]  # type: ignore[no-any-return] # a name for it is felt: this is asked most

    def put(self, table: Table[R], key: bytes, record: R) -> None:
        """Write one record."""
        self._views[table].put(key, record)

    def delete(self, table: Table[Any], key: bytes) -> None:
        """Remove one record; removing what is absent changes nothing."""
        self._views[table].put(key, None)

    def mark(self) -> int:
        """A point to roll back to."""
        return len(self._undo)

    def rollback(self, mark: int) -> None:
        """Forget every write since `mark`."""
        undo = self._undo
        while len(undo) > mark:
            table, key, before = undo.pop()
            self._views[table][key] = before

    def created(self, mark: int = 0) -> list[bytes]:
        """The full keys of records that are there now and were not at `mark`, in the order of their first write.

        Only of tables whose keys are chosen: no other record may be refused for want of room.
        """
        first: dict[bytes, Write] = {}
        for table, key, before in self._undo[mark:]:
            if table.chosen_keys:
                first.setdefault(table.prefix + key, (table, key, before))
        return [
            full_key
            for full_key, (table, key, before) in first.items()
            if before is None and self._views[table][key] is not None
        ]

    def changes(self) -> list[Change]:
        """What differs from the committed records, by ascending key; a record put back as it was is no change."""
        written = {table.prefix + key: (table, key) for table, key, _ in self._undo}
        changed = []
        for full_key in sorted(written):
            table, key = written[full_key]
            record = self._views[table][key]
            before = self._committed.value(full_key)
            after = None if record is None else table.encode(record)
            if before != after:
                changed.append(Change(full_key, before, after))
        return changed

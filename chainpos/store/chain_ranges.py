"""Reading a stored chain by ranges: all records as they were, values that begin alike, what one block changed.

It refuses nothing. These reads are as long as what they return; the look-ups of `chain_reading.py` are the quick ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apsw

from chainpos.errors import StoreError
from chainpos.store.chain_connection import storage_faults
from chainpos.store.chain_reading import ChainReader

_RECORDS_AT = """
    SELECT key, value FROM (SELECT key, value, max(height) FROM history WHERE height <= ? GROUP BY key)
    WHERE value IS NOT NULL ORDER BY key
"""

# One statement for many keys: a look-up of its own costs ten times as much as what SQLite does for it.
_RECORDS_OF = """
    SELECT asked.value, (SELECT history.value FROM history WHERE key = asked.value AND height <= ?2
                         ORDER BY height DESC LIMIT 1)
    FROM carray(?1) AS asked
"""


def records_at(reader: ChainReader, height: int) -> dict[bytes, bytes]:
    """Every record after block `height`, by full key, ascending."""
    with storage_faults("reading all records of a height"):
        # SQLite takes the other columns from the row that has the maximum.
        return dict(reader.connection.cursor().execute(_RECORDS_AT, (height,)))


def records_of(reader: ChainReader, keys: Sequence[bytes], height: int) -> dict[bytes, bytes | None]:
    """Each of these records' bytes after block `height`, None where there was none; quickest where `keys` ascend."""
    with storage_faults("reading the history of records"):
        rows = reader.connection.execute(_RECORDS_OF, (apsw.carray(tuple(keys)), height)) if keys else ()
        return dict(rows)


def records_under(reader: ChainReader, prefix: bytes, limit: int = -1) -> Iterator[tuple[bytes, bytes]]:
    """(full key, value) of the latest records whose key begins so, ascending; at most `limit`, -1 for all."""
    with storage_faults("reading records"):
        yield from reader.connection.cursor().execute(
            "SELECT key, value FROM records WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3",
            (prefix, _after(prefix), limit),
        )


def history_rows(reader: ChainReader) -> Iterator[tuple[bytes, int, bytes | None]]:
    """(full key, height, value after it) of every change of every record, ascending by key, then height."""
    with storage_faults("reading the history of records"):
        yield from reader.connection.cursor().execute("SELECT key, height, value FROM history ORDER BY key, height")


def history_size(reader: ChainReader) -> int:
    """How many changes of records there are."""
    with storage_faults("counting the history of records"):
        return int(reader.connection.execute("SELECT count(*) FROM history").get)


def changes_between(reader: ChainReader, low: int, high: int) -> dict[int, dict[bytes, bytes | None]]:
    """By height from `low` to `high`, both included: each changed record's value after that block."""
    found: dict[int, dict[bytes, bytes | None]] = {}
    with storage_faults("reading the changes of blocks"):
        rows = reader.connection.cursor().execute(
            "SELECT height, key, value FROM history WHERE height BETWEEN ? AND ?", (low, high)
        )
        for height, key, value in rows:
            found.setdefault(height, {})[key] = value
    return found


def values_under(reader: ChainReader, attribute: str, beginning: str, limit: int) -> list[str]:
    """The different values of an event's attribute ("type.attribute") that begin so, ascending, at most `limit`."""
    number = reader.attribute_names().get(attribute)
    if number is None or not beginning:
        return []
    after = beginning[:-1] + chr(ord(beginning[-1]) + 1)
    with storage_faults("reading the index"):
        rows = reader.connection.cursor().execute(
            "SELECT DISTINCT value FROM attributes WHERE name = ? AND value >= ? AND value < ? LIMIT ?",
            (number, beginning, after, limit),
        )
        return [value for (value,) in rows]


def heights_telling(reader: ChainReader, attribute: str, limit: int, value: str = "") -> list[int]:
    """The blocks that told an attribute ("type.attribute"), or this value of it: heights, descending, at most `limit`.

    By themselves or by one of their transactions.
    """
    number = reader.attribute_names().get(attribute)
    if number is None:
        return []
    # Of one value the index has the heights in order; to sort those of all values, each of its rows is read.
    which, bindings = ("height", (number, limit, value)) if value else ("DISTINCT height", (number, limit))
    with storage_faults("reading the index"):
        rows = reader.connection.cursor().execute(
            f"SELECT {which} FROM attributes WHERE name = ?1 {'AND value = ?3' if value else ''}"  # noqa: S608 - our own words
            " ORDER BY height DESC LIMIT ?2",
            bindings,
        )
        return [int(height) for (height,) in rows]


def table_sizes(reader: ChainReader) -> dict[str, int]:
    """Bytes on the disk by table, its indexes with it, the largest first; reads every page of the database."""
    with storage_faults("measuring the tables"):
        rows = reader.connection.cursor().execute(
            "SELECT coalesce(s.tbl_name, d.name), sum(d.pgsize) AS size"
            " FROM dbstat AS d LEFT JOIN sqlite_schema AS s ON s.name = d.name"
            " WHERE d.aggregate = 1 GROUP BY 1 ORDER BY size DESC"
        )
        return {str(name): int(size) for name, size in rows}


def _after(prefix: bytes) -> bytes:
    """The least key that is above all keys with the prefix."""
    trimmed = prefix.rstrip(b"\xff")
    if not trimmed:
        raise StoreError("a range of records without a beginning")
    return trimmed[:-1] + bytes((trimmed[-1] + 1,))

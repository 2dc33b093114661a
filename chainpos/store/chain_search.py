"""Finding transactions by the attributes of their events: from the index where it can, else from stored results.

It refuses searches that would have to read too much. What a condition means is the query's own word (`matches`), so
that a search and a subscription with the same text agree.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

import apsw

from chainpos.core.chain.results import TxResult
from chainpos.core.values.hashes import HASH_BYTES, sha256
from chainpos.errors import StoreError
from chainpos.store.chain_connection import storage_faults
from chainpos.store.chain_packing import Position, StoredResults, indexed_attributes, is_indexed_value, unpack_indexes

if TYPE_CHECKING:
    from chainpos.store.chain_reading import ChainReader, StoredBlock

HEIGHT: Final = "tx.height"
HASH: Final = "tx.hash"
# Rows of one attribute that may be looked through and sorted; a busier one is searched block by block, newest first.
MAX_SORTED_ROWS: Final = 10_000
# Transactions whose stored results may be read in one search.
MAX_EXAMINED_TRANSACTIONS: Final = 100_000
_MAX_HEIGHT: Final = 2**43
# Heights in the order asked for, with the indexes that may match there.
_Candidates: TypeAlias = Generator[tuple[int, Iterable[int]], None, None]


class SearchTooWide(StoreError):
    """The search would read too much; a narrower one, by height or by an exact value, would not."""


class SearchCondition(Protocol):
    """One comparison, as rpc.query parses it."""

    @property
    def key(self) -> str:
        """The "type.attribute", "tx.height" or "tx.hash"."""

    @property
    def operator(self) -> str:
        """One of =, <, <=, >, >=, CONTAINS, EXISTS."""

    @property
    def kind(self) -> str:
        """What `text` is: "string", "number", "time", "date" or "none"."""

    @property
    def text(self) -> str:
        """The value as written."""

    def accepts(self, value: str) -> bool:
        """Whether one attribute value satisfies the comparison."""


class SearchQuery(Protocol):
    """Conditions that must all hold, as rpc.query parses them."""

    @property
    def conditions(self) -> Sequence[SearchCondition]:
        """The comparisons."""

    def matches(self, attributes: Mapping[str, Sequence[str]]) -> bool:
        """Whether one transaction's attributes satisfy all of them."""


class _Bounds(NamedTuple):
    low: int
    high: int


def search(
    reader: ChainReader, connection: apsw.Connection, query: SearchQuery, limit: int, *, newest_first: bool
) -> list[Position]:
    """See ChainReader.search."""
    with storage_faults("searching"):
        return list(_Search(reader, connection, query, newest_first=newest_first).found(limit))


class _Search:
    def __init__(
        self, reader: ChainReader, connection: apsw.Connection, query: SearchQuery, *, newest_first: bool
    ) -> None:
        self._reader = reader
        self._connection = connection
        self._query = query
        self._newest_first = newest_first
        self._names = reader.attribute_names()
        self._bounds, rest = _split(query.conditions)
        self._exact = [condition for condition in rest if _is_exact(condition)]
        self._others = [condition for condition in rest if not _is_exact(condition)]
        self._read = 0
        self._order = "DESC" if newest_first else "ASC"

    def found(self, limit: int) -> Iterator[Position]:
        if limit <= 0 or any(condition.key not in self._names for condition in self._exact):
            return
        left = limit
        with closing(self._candidates()) as candidates:
            for height, indexes in candidates:
                matching = self._examined(height, indexes) if self._others else indexes
                for index in sorted(matching, reverse=self._newest_first):
                    yield height, index
                    left -= 1
                    if not left:
                        return

    def _candidates(self) -> _Candidates:
        hashes = [condition for condition in self._others if _is_exact_hash(condition)]
        if hashes:
            return self._by_hash(hashes[0].text)
        if self._exact:
            return self._by_exact_values()
        counted = [(self._count(names), names) for names in map(self._names_of, self._others) if names is not None]
        if counted:
            count, names = min(counted)
            if count <= MAX_SORTED_ROWS:
                return self._by_names(names)
        return self._by_blocks()

    def _by_hash(self, text: str) -> _Candidates:
        wanted = _hash_of(text)
        position = None if wanted is None else self._reader.transaction(wanted)
        if position is not None and self._bounds.low <= position[0] <= self._bounds.high:
            yield position[0], [position[1]]

    def _by_exact_values(self) -> _Candidates:
        # The rarest value leads; the others are looked up at its heights.
        keyed = [(self._names[condition.key], condition.text) for condition in self._exact]
        keyed.sort(key=self._count_value)
        (name, value), others = keyed[0], keyed[1:]
        for height, packed in self._stream(
            f"SELECT height, positions FROM attributes WHERE name = ? AND value = ? AND height BETWEEN ? AND ?"  # noqa: S608
            f" ORDER BY height {self._order}",
            (name, value, *self._bounds),
        ):
            indexes = dict.fromkeys(unpack_indexes(packed))
            for other in others:
                rows = self._rows(
                    "SELECT positions FROM attributes WHERE name = ? AND value = ? AND height = ?", (*other, height)
                )
                here = set(unpack_indexes(rows[0][0])) if rows else set()
                indexes = {index: None for index in indexes if index in here}
            if indexes:
                yield height, indexes

    def _by_names(self, names: list[int]) -> _Candidates:
        places: dict[int, dict[int, None]] = {}
        for name in names:
            rows = self._rows(
                "SELECT height, positions FROM attributes WHERE name = ? AND height BETWEEN ? AND ?",
                (name, *self._bounds),
            )
            for height, packed in rows:
                places.setdefault(height, {}).update(dict.fromkeys(unpack_indexes(packed)))
        yield from sorted(places.items(), reverse=self._newest_first)

    def _by_blocks(self) -> _Candidates:
        for height, transactions in self._stream(
            f"SELECT height, transactions FROM blocks WHERE transactions > 0 AND height BETWEEN ? AND ?"  # noqa: S608
            f" ORDER BY height {self._order}",
            self._bounds,
        ):
            yield height, range(transactions)

    def _examined(self, height: int, indexes: Iterable[int]) -> list[int]:
        block = self._reader.block(height)
        if block is None:
            raise StoreError(f"the index names block {height}, which is not stored")
        results = StoredResults.decode(block.results).results
        self._read += len(results)
        if self._read > MAX_EXAMINED_TRANSACTIONS:
            raise SearchTooWide("the search is too wide: name a height range or an exact value")
        return [index for index in indexes if self._query.matches(self._attributes(block, results[index], index))]

    def _attributes(self, block: StoredBlock, result: TxResult, index: int) -> dict[str, list[str]]:
        found = {HEIGHT: [str(block.height)]}
        if any(condition.key == HASH for condition in self._others):
            found[HASH] = [sha256(self._reader.transaction_bytes(block, index)).hex().upper()]
        for name, value in indexed_attributes(result.events):
            found.setdefault(name, []).append(value)
        return found

    def _names_of(self, condition: SearchCondition) -> list[int] | None:
        """The attributes that could satisfy the condition; None where the index cannot tell."""
        if condition.key in (HEIGHT, HASH, "tx"):
            return None
        prefix = condition.key + "."
        is_type = condition.accepts("")
        return [
            number
            for name, number in self._names.items()
            if name == condition.key or (is_type and name.startswith(prefix) and "." not in name[len(prefix) :])
        ]

    def _count(self, names: list[int]) -> int:
        return sum(
            self._rows(
                "SELECT count(*) FROM (SELECT 1 FROM attributes WHERE name = ? LIMIT ?)", (name, MAX_SORTED_ROWS + 1)
            )[0][0]
            for name in names
        )

    def _count_value(self, keyed: tuple[int, str]) -> int:
        rows = self._rows(
            "SELECT count(*) FROM (SELECT 1 FROM attributes WHERE name = ? AND value = ? LIMIT ?)",
            (*keyed, MAX_SORTED_ROWS + 1),
        )
        return int(rows[0][0])

    def _rows(self, statement: str, bindings: tuple[Any, ...]) -> list[Any]:
        return self._connection.execute(statement, bindings).fetchall()

    def _stream(self, statement: str, bindings: tuple[Any, ...]) -> Iterator[Any]:
        # Closed as soon as nobody asks for more: an open cursor keeps the writer's log from being emptied.
        with closing(self._connection.cursor()) as cursor:
            yield from cursor.execute(statement, bindings)


def _split(conditions: Sequence[SearchCondition]) -> tuple[_Bounds, list[SearchCondition]]:
    low, high = 0, _MAX_HEIGHT
    rest: list[SearchCondition] = []
    for condition in conditions:
        if not (condition.key == HEIGHT and condition.kind == "number" and condition.text.isdecimal()):
            rest.append(condition)
            continue
        height = min(int(condition.text), _MAX_HEIGHT)
        if condition.operator in ("=", ">", ">="):
            low = max(low, height + 1 if condition.operator == ">" else height)
        if condition.operator in ("=", "<", "<="):
            high = min(high, height - 1 if condition.operator == "<" else height)
    return _Bounds(low, high), rest


def _is_exact(condition: SearchCondition) -> bool:
    # `=` with a number compares values, not text; the empty text also stands for an event's bare type.
    is_text = condition.operator == "=" and condition.kind == "string" and condition.text
    return bool(is_text) and condition.key not in (HEIGHT, HASH) and is_indexed_value(condition.text)


def _is_exact_hash(condition: SearchCondition) -> bool:
    return condition.key == HASH and condition.operator == "=" and condition.kind == "string"


def _hash_of(text: str) -> bytes | None:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return None
    return found if len(found) == HASH_BYTES else None

"""What is wrong with a chain database, found by reading all of it: structure, digests, and tables against each other.

It does not execute anything: that the records follow from the blocks is for whoever can run them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import apsw

from chainpos.core.chain.block import Block
from chainpos.core.chain.header import Header
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.results import results_hash
from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.values.hashes import sha256
from chainpos.errors import ChainposError, StoreError
from chainpos.store.chain_connection import storage_faults
from chainpos.store.chain_packing import (
    HASH_PREFIX_BYTES,
    INDEX_BITS,
    StoredResults,
    attribute_rows,
    change_row,
    changes_digest,
    unpack_indexes,
)
from chainpos.store.chain_sealing import GENESIS_CHANGES, PARAMS, VALIDATOR_SETS, unsealed

if TYPE_CHECKING:
    from chainpos.store.chain_reading import ChainReader

MAX_PROBLEMS: Final = 100
_HEADS_AT_ONCE: Final = 1_000
_RECORDS_UNLIKE_HISTORY: Final = """
    SELECT key, written, stored FROM (
        SELECT key, value AS written, max(height) FROM history GROUP BY key
    ) FULL JOIN (SELECT key, value AS stored FROM records) USING (key)
    WHERE written IS NOT stored
"""

_Check: TypeAlias = "Callable[[ChainReader, apsw.Connection], Iterator[Problem]]"


class Problem(NamedTuple):
    """One thing that is wrong: where, in one of this module's names, and what was found."""

    where: str
    detail: str


def find_problems(reader: ChainReader, connection: apsw.Connection) -> list[Problem]:
    """At most MAX_PROBLEMS, in the order of the checks; an empty list says that nothing is wrong.

    All checks see one snapshot, though a node may be writing. Until they are done its log cannot be emptied, and grows.
    """
    with storage_faults("checking the chain database"):
        connection.execute("BEGIN")
    try:
        found = _found_by(_structure, reader, connection)
        if found:
            # Columns need not even hold what the schema says: what else is wrong would be read from rubbish.
            return found
        for check in (_genesis, _blocks, _history, _records, _validators):
            found += _found_by(check, reader, connection)
        return found[:MAX_PROBLEMS]
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _found_by(check: _Check, reader: ChainReader, connection: apsw.Connection) -> list[Problem]:
    where = check.__name__.lstrip("_")
    found: list[Problem] = []
    try:
        with storage_faults(f"checking the {where}"):
            found += islice(check(reader, connection), MAX_PROBLEMS)
    except ChainposError as error:
        found.append(Problem(where, str(error)))
    return found


def _structure(_: ChainReader, connection: apsw.Connection) -> Iterator[Problem]:
    for (line,) in connection.execute(f"PRAGMA integrity_check({MAX_PROBLEMS})"):
        if line != "ok":
            yield Problem("structure", str(line))


def _blocks(reader: ChainReader, connection: apsw.Connection) -> Iterator[Problem]:
    """Every block's row, its transactions and its attributes in the index; nothing may be missing or too much."""
    tip = reader.tip()
    names = reader.attribute_names()
    transactions = attributes = 0
    previous: StoredResults | None = None
    base = reader.base_height()
    for height in range(base, tip.height + 1):
        stored = reader.block(height)
        if stored is None:
            yield Problem("blocks", f"block {height} is missing")
            continue
        block = Block.decode(stored.block)
        outcome = StoredResults.decode(stored.results)
        if block.block_id() != stored.block_id or reader.height_of_block_hash(stored.block_id.hash) != height:
            yield Problem("blocks", f"block {height} is not the one that its ID names")
        if previous is not None and not _follows(previous, block.header):
            yield Problem("blocks", f"block {height} does not follow from the results of the block before")
        transactions += len(block.txs)
        attributes += yield from _index_of(connection, height, block, outcome, names)
        previous = outcome
    yield from _counts(connection, tip.height - base + 1, transactions, attributes)
    if previous is not None and (tip.app_hash, tip.last_results_hash) != _outcome(previous):
        yield Problem("blocks", "the tip does not follow from the results of the last block")


def _outcome(stored: StoredResults) -> tuple[bytes, bytes]:
    return stored.app_hash, results_hash(stored.results)


def _follows(previous: StoredResults, header: Header) -> bool:
    return (header.app_hash, header.last_results_hash) == _outcome(previous)


def _index_of(
    connection: apsw.Connection, height: int, block: Block, outcome: StoredResults, names: dict[str, int]
) -> Any:
    """Yields what is wrong with one block's index; returns how many attribute rows it should have."""
    for index, tx in enumerate(block.txs):
        prefix, position = sha256(tx)[:HASH_PREFIX_BYTES], height << INDEX_BITS | index
        rows = connection.execute(
            "SELECT 1 FROM transactions WHERE hash_prefix = ? AND position = ?", (prefix, position)
        ).fetchall()
        if not rows:
            yield Problem("index", f"transaction {index} of block {height} is missing")
    count = 0
    for name, packed in attribute_rows(outcome.results, outcome.events):
        for row in packed:
            count += 1
            size = int(row[:3])
            stored = connection.execute(
                "SELECT positions FROM attributes WHERE name = ? AND value = ? AND height = ?",
                (names.get(name), row[3 : 3 + size].decode(), height),
            ).fetchall()
            if stored != [(row[3 + size :],)]:
                yield Problem("index", f"{name} of block {height} is not indexed as {unpack_indexes(row[3 + size :])}")
    return count


def _counts(connection: apsw.Connection, blocks: int, transactions: int, attributes: int) -> Iterator[Problem]:
    for table, expected in (("blocks", blocks), ("transactions", transactions), ("attributes", attributes)):
        count = connection.execute(f"SELECT count(*) FROM {table}").get  # noqa: S608 - our own names
        if count != expected:
            yield Problem(table, f"{count} rows where there should be {expected}")


def _history(reader: ChainReader, connection: apsw.Connection) -> Iterator[Problem]:
    """Every block's record changes against the digest that was stored with it."""
    digests: list[Any] = connection.execute("SELECT height, changes_digest FROM blocks").fetchall()
    expected: dict[int, bytes] = dict(digests)
    genesis = connection.execute("SELECT value FROM sealed WHERE name = ?", (GENESIS_CHANGES,)).get
    if not isinstance(genesis, bytes):
        raise StoreError("the digest of the first records is missing")
    expected[reader.base_height() - 1] = unsealed(genesis, "the digest of the first records")
    rows: list[bytes] = []
    current: int | None = None
    for height, key, value in connection.execute("SELECT height, key, value FROM history ORDER BY height, key"):
        if height != current:
            yield from _changes_problem(expected, current, rows)
            current, rows = height, []
        rows.append(change_row(key, value))
    yield from _changes_problem(expected, current, rows)
    nothing = changes_digest(())
    for height in sorted(height for height, digest in expected.items() if digest != nothing):
        yield Problem("history", f"the record changes of block {height} are missing")


def _changes_problem(expected: dict[int, bytes], height: int | None, rows: list[bytes]) -> Iterator[Problem]:
    if height is not None and expected.pop(height, None) != changes_digest(rows):
        yield Problem("history", f"the record changes of block {height} are not those that were written")


def _records(_: ChainReader, connection: apsw.Connection) -> Iterator[Problem]:
    """The latest records against the end of each one's history."""
    for key, written, stored in connection.execute(_RECORDS_UNLIKE_HISTORY):
        what = "is missing" if stored is None else "should not be there" if written is None else "has another value"
        yield Problem("records", f"record {bytes(key).hex()} {what}")


def _validators(reader: ChainReader, connection: apsw.Connection) -> Iterator[Problem]:
    """The rows of validators and parameters against the headers that commit to them."""
    tip = reader.tip()
    validators = {height: ValidatorSet.decode(value).hash() for height, value in _unsealed(connection, VALIDATOR_SETS)}
    params = {height: ConsensusParams.decode(value).hash() for height, value in _unsealed(connection, PARAMS)}
    in_force = (b"", b"")
    for low in range(reader.base_height(), tip.height + 1, _HEADS_AT_ONCE):
        for head in reader.heads(low, min(low + _HEADS_AT_ONCE - 1, tip.height)):
            in_force = validators.get(head.height, in_force[0]), params.get(head.height, in_force[1])
            if in_force != (head.header.validators_hash, head.header.consensus_hash):
                yield Problem("validators", f"the header of height {head.height} names others")


def _unsealed(connection: apsw.Connection, table: str) -> Iterator[tuple[int, bytes]]:
    for height, value in connection.execute(f"SELECT height, value FROM {table}"):  # noqa: S608 - our own names
        yield height, unsealed(value, f"{table} of height {height}")


def _genesis(reader: ChainReader, _: apsw.Connection) -> Iterator[Problem]:
    """The genesis document against its digest; it raises, and so never yields."""
    reader.genesis_json()
    yield from ()

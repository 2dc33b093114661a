"""The chain database's schema, as numbered steps; `user_version` says how many of them a database has been through.

It refuses a database from a newer version, a half-made one, and files that are not chain databases at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import cache
from typing import Final

import apsw

from chainpos.errors import StoreError

# "cpCH" in SQLite's header, so that neither another program's database nor our other one is taken for a chain.
APPLICATION_ID: Final = 0x63704348

_FIRST: Final = """
CREATE TABLE sealed(name TEXT NOT NULL UNIQUE, value BLOB NOT NULL) STRICT;

CREATE TABLE blocks(
    height INTEGER PRIMARY KEY,
    block_hash BLOB NOT NULL,
    transactions INTEGER NOT NULL,
    digest BLOB NOT NULL,
    changes_digest BLOB NOT NULL,
    block_id BLOB NOT NULL,
    seen_commit BLOB NOT NULL,
    results BLOB NOT NULL,
    block BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX blocks_by_hash ON blocks(block_hash);

CREATE TABLE validator_sets(height INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE params(height INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT;

CREATE TABLE records(key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE history(
    key BLOB NOT NULL, height INTEGER NOT NULL, value BLOB, PRIMARY KEY (key, height)
) STRICT, WITHOUT ROWID;

CREATE TABLE transactions(
    hash_prefix BLOB NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (hash_prefix, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE attribute_names(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE attributes(
    name INTEGER NOT NULL, value TEXT NOT NULL, height INTEGER NOT NULL, positions BLOB NOT NULL,
    PRIMARY KEY (name, value, height)
) STRICT, WITHOUT ROWID;
"""

# Step n takes a database from version n - 1 to n. Steps that were released are never changed, only followed by others.
MIGRATIONS: Final[tuple[str, ...]] = (_FIRST,)


def schema_version(connection: apsw.Connection) -> int:
    """How many steps the database has been through; 0 for a new file. Raises StoreError for another program's."""
    version = _number(connection, "PRAGMA user_version")
    application = _number(connection, "PRAGMA application_id")
    tables = _number(connection, "SELECT count(*) FROM sqlite_schema")
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreError("the file is a database, but not of a chain")
    return version


def require_current(connection: apsw.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Returns where the schema is this version's. Raises StoreError otherwise; it changes nothing."""
    version = schema_version(connection)
    if version > len(migrations):
        raise StoreError(
            f"the chain database has schema {version}, made by a newer chainpos; this one knows {len(migrations)}"
        )
    if version == 0:
        raise StoreError("the chain database was never finished: remove it and begin again")
    if version < len(migrations):
        raise StoreError(f"the chain database has schema {version}: start the node once, it will bring it up to date")
    if _schema(connection) != _schema_after(tuple(migrations)):
        raise StoreError("the chain database is damaged: its tables are not those of its schema")


def migrate(connection: apsw.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Take the steps that are missing, within the caller's transaction. Raises StoreError for a newer database."""
    version = schema_version(connection)
    if version <= len(migrations):
        for number, step in enumerate(migrations[version:], version + 1):
            connection.execute(step)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    require_current(connection, migrations)


def _schema(connection: apsw.Connection) -> list[tuple[object, ...]]:
    # SQLite's own tables and indexes have no text, or come and go by themselves.
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
    return [(name, " ".join(str(sql).split())) for name, sql in rows]


@cache
def _schema_after(migrations: tuple[str, ...]) -> list[tuple[object, ...]]:
    with closing(apsw.Connection(":memory:")) as connection:
        for step in migrations:
            connection.execute(step)
        return _schema(connection)


def _number(connection: apsw.Connection, statement: str) -> int:
    found = connection.execute(statement).get
    if not isinstance(found, int):
        raise StoreError("the file is not a chain database")
    return found

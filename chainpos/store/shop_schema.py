"""The shop's book's tables, as numbered scripts; what was released is never edited, only followed by another.

It refuses a book that a newer chainpos wrote: what it does not know it must not overwrite.
"""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database

from chainpos.errors import StoreError

_FIRST: Final = """
CREATE TABLE sales (
    number         INTEGER PRIMARY KEY,
    reference      TEXT    NOT NULL UNIQUE,
    request_id     BLOB    NOT NULL UNIQUE CHECK (length(request_id) = 32),
    request        BLOB    NOT NULL,
    signature      BLOB    NOT NULL,
    presented      TEXT    NOT NULL,
    amount_minor   INTEGER NOT NULL CHECK (amount_minor > 0),
    currency       TEXT    NOT NULL,
    memo           TEXT    NOT NULL DEFAULT '',
    created_ns     INTEGER NOT NULL,
    expires_ns     INTEGER NOT NULL,
    state          TEXT    NOT NULL,
    watched        INTEGER NOT NULL DEFAULT 1 CHECK (watched IN (0, 1)),
    payer          TEXT    NOT NULL DEFAULT '',
    tx_hash        BLOB    NOT NULL DEFAULT x'',
    height         INTEGER NOT NULL DEFAULT 0,
    paid_ns        INTEGER NOT NULL DEFAULT 0,
    fee_minor      INTEGER NOT NULL DEFAULT 0,
    refunded_minor INTEGER NOT NULL DEFAULT 0,
    problem_code   INTEGER NOT NULL DEFAULT 0,
    debtor         TEXT    NOT NULL DEFAULT '',
    batch          INTEGER NOT NULL DEFAULT 0,
    entry          INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sales_by_time ON sales (created_ns);
CREATE INDEX sales_by_amount ON sales (amount_minor, created_ns);
CREATE INDEX sales_watched ON sales (number) WHERE watched = 1;

CREATE TABLE facts (
    id        INTEGER PRIMARY KEY,
    number    INTEGER NOT NULL REFERENCES sales (number),
    kind      TEXT    NOT NULL,
    at_ns     INTEGER NOT NULL,
    height    INTEGER NOT NULL DEFAULT 0,
    detail    TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX facts_by_sale ON facts (number);

CREATE TABLE outbox (
    tx_hash      BLOB    PRIMARY KEY CHECK (length(tx_hash) = 32),
    wire         BLOB    NOT NULL,
    kind         TEXT    NOT NULL,
    number       INTEGER NOT NULL DEFAULT 0,
    amount_minor INTEGER NOT NULL DEFAULT 0,
    currency     TEXT    NOT NULL DEFAULT '',
    created_ns   INTEGER NOT NULL,
    expires_s    INTEGER NOT NULL,
    state        TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'refused', 'expired')),
    height       INTEGER NOT NULL DEFAULT 0,
    code         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_waiting ON outbox (created_ns) WHERE state = 'waiting';
CREATE INDEX outbox_by_sale ON outbox (number);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
"""

_CATALOGUE: Final = """
CREATE TABLE articles (
    sku          TEXT    PRIMARY KEY,
    barcode      TEXT    NOT NULL DEFAULT '',
    name_en      TEXT    NOT NULL DEFAULT '',
    name_zh      TEXT    NOT NULL DEFAULT '',
    price_minor  INTEGER NOT NULL CHECK (price_minor >= 0),
    currency     TEXT    NOT NULL,
    tax_rate_ppm INTEGER NOT NULL CHECK (tax_rate_ppm BETWEEN 0 AND 1000000),
    tax_included INTEGER NOT NULL DEFAULT 1 CHECK (tax_included IN (0, 1)),
    unit         TEXT    NOT NULL DEFAULT 'piece',
    open_price   INTEGER NOT NULL DEFAULT 0 CHECK (open_price IN (0, 1)),
    favourite    INTEGER NOT NULL DEFAULT 0 CHECK (favourite IN (0, 1)),
    initials     TEXT    NOT NULL DEFAULT '',
    pinyin       TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX articles_by_barcode ON articles (barcode) WHERE barcode <> '';
"""

# The book's version is the number of scripts that ran, kept in the file's own header.
MIGRATIONS: Final[tuple[str, ...]] = (_FIRST, _CATALOGUE)


def migrate(db: Database, migrations: tuple[str, ...] = MIGRATIONS) -> int:
    """Bring the book to the newest tables; returns how many scripts ran. Raises StoreError for a newer book.

    Each script runs in one transaction with the change of the version, so that a book is never between two versions.
    """
    (row,) = db.query("PRAGMA user_version")
    version = int(row["user_version"])
    if version > len(migrations):
        raise StoreError(f"the shop's book is of version {version}; this chainpos knows {len(migrations)}: update it")
    for number, script in enumerate(migrations[version:], start=version + 1):
        with db.atomic():
            db.executescript(script)
            db.execute(f"PRAGMA user_version = {number}")
    return len(migrations) - version

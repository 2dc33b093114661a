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

_BILLS: Final = """
CREATE TABLE bills (
    number         INTEGER PRIMARY KEY,
    reference      TEXT    NOT NULL UNIQUE,
    state          TEXT    NOT NULL CHECK (state IN ('ringing', 'held', 'paying', 'complete', 'void')),
    cart           BLOB    NOT NULL,
    currency       TEXT    NOT NULL,
    items          INTEGER NOT NULL DEFAULT 0,
    gross_minor    INTEGER NOT NULL DEFAULT 0 CHECK (gross_minor >= 0),
    discount_minor INTEGER NOT NULL DEFAULT 0 CHECK (discount_minor >= 0),
    tax_minor      INTEGER NOT NULL DEFAULT 0 CHECK (tax_minor >= 0),
    due_minor      INTEGER NOT NULL DEFAULT 0 CHECK (due_minor >= 0),
    tip_minor      INTEGER NOT NULL DEFAULT 0 CHECK (tip_minor >= 0),
    charged_minor  INTEGER NOT NULL DEFAULT 0 CHECK (charged_minor = due_minor + tip_minor),
    created_ns     INTEGER NOT NULL,
    changed_ns     INTEGER NOT NULL,
    closed_ns      INTEGER NOT NULL DEFAULT 0 CHECK ((closed_ns > 0) = (state IN ('complete', 'void'))),
    ledger_minor   INTEGER NOT NULL DEFAULT 0 CHECK (ledger_minor >= 0)
) STRICT;
CREATE INDEX bills_open ON bills (number) WHERE closed_ns = 0;
CREATE INDEX bills_by_time ON bills (closed_ns) WHERE state = 'complete';
CREATE INDEX bills_beside_ledger ON bills (closed_ns) WHERE state = 'complete' AND ledger_minor = 0;

CREATE TABLE bill_lines (
    bill           INTEGER NOT NULL REFERENCES bills (number),
    position       INTEGER NOT NULL,
    sku            TEXT    NOT NULL,
    name_en        TEXT    NOT NULL,
    name_zh        TEXT    NOT NULL,
    unit_minor     INTEGER NOT NULL,
    quantity       INTEGER NOT NULL CHECK (quantity > 0),
    weighed        INTEGER NOT NULL CHECK (weighed IN (0, 1)),
    open_price     INTEGER NOT NULL CHECK (open_price IN (0, 1)),
    tax_rate_ppm   INTEGER NOT NULL,
    tax_included   INTEGER NOT NULL CHECK (tax_included IN (0, 1)),
    gross_minor    INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    share_minor    INTEGER NOT NULL,
    tax_minor      INTEGER NOT NULL,
    due_minor      INTEGER NOT NULL,
    PRIMARY KEY (bill, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenders (
    id           INTEGER PRIMARY KEY,
    bill         INTEGER NOT NULL REFERENCES bills (number),
    kind         TEXT    NOT NULL CHECK (kind IN ('ledger', 'cash', 'card', 'voucher')),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency     TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('waiting', 'received', 'returned', 'lapsed')),
    given_minor  INTEGER NOT NULL DEFAULT 0,
    change_minor INTEGER NOT NULL DEFAULT 0 CHECK (change_minor >= 0),
    sale         INTEGER NOT NULL DEFAULT 0,
    note         TEXT    NOT NULL DEFAULT '',
    created_ns   INTEGER NOT NULL,
    received_ns  INTEGER NOT NULL DEFAULT 0,
    returned_ns  INTEGER NOT NULL DEFAULT 0,
    CHECK (kind <> 'cash' OR given_minor = amount_minor + change_minor),
    CHECK ((kind = 'ledger') = (sale > 0))
) STRICT;
CREATE INDEX tenders_by_bill ON tenders (bill);
CREATE UNIQUE INDEX tenders_by_sale ON tenders (sale) WHERE sale > 0;
CREATE INDEX tenders_waiting ON tenders (bill) WHERE state = 'waiting';
CREATE INDEX tenders_by_time ON tenders (received_ns) WHERE received_ns > 0;
CREATE INDEX tenders_returned ON tenders (returned_ns) WHERE returned_ns > 0;
"""

_SHIFTS: Final = """
CREATE TABLE staff (
    name     TEXT    PRIMARY KEY,
    role     TEXT    NOT NULL CHECK (role IN ('cashier', 'manager', 'support', 'operator')),
    added_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE shifts (
    number        INTEGER PRIMARY KEY,
    currency      TEXT    NOT NULL,
    opened_ns     INTEGER NOT NULL,
    opened_by     TEXT    NOT NULL,
    float_minor   INTEGER NOT NULL CHECK (float_minor >= 0),
    from_ns       INTEGER NOT NULL,
    from_height   INTEGER NOT NULL,
    closed_ns     INTEGER NOT NULL DEFAULT 0,
    closed_by     TEXT    NOT NULL DEFAULT '',
    to_height     INTEGER NOT NULL DEFAULT 0,
    document      BLOB    NOT NULL DEFAULT x'',
    signature     BLOB    NOT NULL DEFAULT x'',
    anchor_tx     BLOB    NOT NULL DEFAULT x'',
    anchor_height INTEGER NOT NULL DEFAULT 0,
    CHECK ((closed_ns > 0) = (length(document) > 0))
) STRICT;
CREATE UNIQUE INDEX shifts_open ON shifts (closed_ns) WHERE closed_ns = 0;
CREATE INDEX shifts_to_anchor ON shifts (number) WHERE closed_ns > 0 AND anchor_height = 0;

CREATE TABLE drawer (
    id           INTEGER PRIMARY KEY,
    shift        INTEGER NOT NULL REFERENCES shifts (number),
    at_ns        INTEGER NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('in', 'out')),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    reason       TEXT    NOT NULL,
    staff        TEXT    NOT NULL
) STRICT;
CREATE INDEX drawer_by_shift ON drawer (shift);

ALTER TABLE sales ADD COLUMN staff TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN staff TEXT NOT NULL DEFAULT '';
ALTER TABLE tenders ADD COLUMN staff TEXT NOT NULL DEFAULT '';
CREATE INDEX sales_by_height ON sales (height) WHERE height > 0;
CREATE INDEX outbox_by_height ON outbox (height) WHERE height > 0;
CREATE INDEX outbox_by_kind ON outbox (kind, created_ns);
"""

_PRINTS: Final = """
CREATE TABLE prints (
    id         INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL,
    reference  TEXT    NOT NULL,
    copy       INTEGER NOT NULL CHECK (copy >= 0),
    job        BLOB    NOT NULL,
    created_ns INTEGER NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'printed', 'unsure')),
    UNIQUE (kind, reference, copy)
) STRICT;
CREATE INDEX prints_waiting ON prints (id) WHERE state = 'waiting';
"""

_PROOFS: Final = """
ALTER TABLE sales ADD COLUMN proof BLOB NOT NULL DEFAULT x'';
ALTER TABLE sales ADD COLUMN proof_height INTEGER NOT NULL DEFAULT 0;
"""

_FEES: Final = """
CREATE INDEX sales_by_fee ON sales (currency, height, fee_minor);
"""

# What a shift counts is told by what no shift before counted, never by a clock, which may be set back: the shift that
# counts a row puts its number there when it is closed. What was counted before this script was counted by time.
_COUNTED: Final = """
ALTER TABLE tenders ADD COLUMN received_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenders ADD COLUMN returned_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bills ADD COLUMN counted_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shifts ADD COLUMN from_sale INTEGER NOT NULL DEFAULT 0;
ALTER TABLE shifts ADD COLUMN to_sale INTEGER NOT NULL DEFAULT 0;
UPDATE tenders SET received_in = coalesce((SELECT min(number) FROM shifts WHERE closed_ns > received_ns), 0)
    WHERE received_ns > 0;
UPDATE tenders SET returned_in = coalesce((SELECT min(number) FROM shifts WHERE closed_ns > returned_ns), 0)
    WHERE returned_ns > 0;
UPDATE bills SET counted_in = coalesce((SELECT min(number) FROM shifts WHERE shifts.closed_ns > bills.closed_ns), 0)
    WHERE state = 'complete';
UPDATE shifts SET
    from_sale = coalesce((SELECT max(number) FROM sales WHERE created_ns < from_ns), 0),
    to_sale = CASE WHEN closed_ns = 0 THEN 0
        ELSE coalesce((SELECT max(number) FROM sales WHERE created_ns < closed_ns), 0) END;
DROP INDEX tenders_by_time;
DROP INDEX tenders_returned;
DROP INDEX bills_by_time;
CREATE INDEX tenders_uncounted ON tenders (id) WHERE received_ns > 0 AND received_in = 0 AND kind <> 'ledger';
CREATE INDEX tenders_back_uncounted ON tenders (id) WHERE returned_ns > 0 AND returned_in = 0 AND kind <> 'ledger';
CREATE INDEX bills_uncounted ON bills (number) WHERE state = 'complete' AND counted_in = 0;
ALTER TABLE shifts DROP COLUMN from_ns;
"""

# A report that is made without the network counts the tips that the book knows.
_TIPS: Final = """
ALTER TABLE sales ADD COLUMN tip_minor INTEGER NOT NULL DEFAULT 0;
"""

# What was given back, after a bill was complete, of money beside the ledger.
_RETURNS: Final = """
CREATE TABLE returns (
    id           INTEGER PRIMARY KEY,
    bill         INTEGER NOT NULL REFERENCES bills (number),
    kind         TEXT    NOT NULL CHECK (kind IN ('cash', 'card', 'voucher')),
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    at_ns        INTEGER NOT NULL,
    staff        TEXT    NOT NULL DEFAULT '',
    counted_in   INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX returns_by_bill ON returns (bill);
CREATE INDEX returns_uncounted ON returns (id) WHERE counted_in = 0;
"""

# Charges of codes that were accepted while the network was away, and in which report one that came to nothing is named.
_OFFLINE_CODES: Final = """
ALTER TABLE outbox ADD COLUMN offline INTEGER NOT NULL DEFAULT 0 CHECK (offline IN (0, 1));
ALTER TABLE outbox ADD COLUMN counted_in INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_offline ON outbox (tx_hash) WHERE offline = 1 AND counted_in = 0;
"""

# What was paid by days, so that no sum is ever one over years of sales: it follows each sale in its own transaction.
_PAID_DAYS: Final = """
CREATE TABLE paid_days (
    currency     TEXT    NOT NULL,
    day          INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL,
    fee_minor    INTEGER NOT NULL,
    PRIMARY KEY (currency, day)
) STRICT, WITHOUT ROWID;
INSERT INTO paid_days SELECT currency, paid_ns / 86400000000000, sum(amount_minor), sum(fee_minor)
    FROM sales WHERE height > 0 GROUP BY 1, 2;
CREATE INDEX sales_by_paid ON sales (currency, paid_ns) WHERE height > 0;
DROP INDEX sales_by_fee;
CREATE TRIGGER sales_paid AFTER INSERT ON sales WHEN new.height > 0 BEGIN
    INSERT INTO paid_days VALUES (new.currency, new.paid_ns / 86400000000000, new.amount_minor, new.fee_minor)
        ON CONFLICT DO UPDATE
        SET amount_minor = amount_minor + excluded.amount_minor, fee_minor = fee_minor + excluded.fee_minor;
END;
CREATE TRIGGER sales_paid_otherwise AFTER UPDATE OF height, paid_ns, fee_minor ON sales
WHEN old.height IS NOT new.height OR old.paid_ns IS NOT new.paid_ns OR old.fee_minor IS NOT new.fee_minor BEGIN
    UPDATE paid_days SET amount_minor = amount_minor - old.amount_minor, fee_minor = fee_minor - old.fee_minor
        WHERE old.height > 0 AND currency = old.currency AND day = old.paid_ns / 86400000000000;
    INSERT INTO paid_days
        SELECT new.currency, new.paid_ns / 86400000000000, new.amount_minor, new.fee_minor WHERE new.height > 0
        ON CONFLICT DO UPDATE
        SET amount_minor = amount_minor + excluded.amount_minor, fee_minor = fee_minor + excluded.fee_minor;
END;
"""

# What of a bill, by rate, each refund gave back, in the order in which reports told it: the next one takes of what is
# left. `refund` is the ledger's name of it or the number of a row of `returns`; `rate_ppm` -1 is money without tax.
_TAX_BACK: Final = """
CREATE TABLE tax_back (
    id         INTEGER PRIMARY KEY,
    refund     TEXT    NOT NULL,
    bill       INTEGER NOT NULL REFERENCES bills (number),
    rate_ppm   INTEGER NOT NULL CHECK (rate_ppm BETWEEN -1 AND 1000000),
    due_minor  INTEGER NOT NULL,
    tax_minor  INTEGER NOT NULL,
    counted_in INTEGER NOT NULL REFERENCES shifts (number)
) STRICT;
CREATE INDEX tax_back_by_bill ON tax_back (bill);
"""

# Which pieces of a bill were given back beside the ledger, named as a refund on it names them.
_RETURNED_ITEMS: Final = """
ALTER TABLE returns ADD COLUMN reason TEXT NOT NULL DEFAULT '';
"""

# The book's version is the number of scripts that ran, kept in the file's own header.
MIGRATIONS: Final[tuple[str, ...]] = (
    _FIRST,
    _CATALOGUE,
    _BILLS,
    _SHIFTS,
    _PRINTS,
    _PROOFS,
    _FEES,
    _COUNTED,
    _TIPS,
    _RETURNS,
    _OFFLINE_CODES,
    _PAID_DAYS,
    _TAX_BACK,
    _RETURNED_ITEMS,
)


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

"""The shop's book: what was acknowledged is there after kill -9, one till at a time, quick with a year of sales."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from sqlite_utils import Database

from chainpos.errors import StoreError
from chainpos.store.locking import FileLock
from chainpos.store.shop import Fact, OutboxRow, SaleRow, Search, ShopBook
from chainpos.store.shop_reading import BookReader
from chainpos.store.shop_schema import MIGRATIONS, migrate

T0 = 1_767_225_600_000_000_000  # 2026-01-01 00:00 UTC


def make_sale(number: int, *, minor: int = 1250, created_ns: int = T0) -> SaleRow:
    """A sale as the till would book it."""
    return SaleRow(
        number=number,
        reference=f"260101-{number:04d}",
        request_id=hashlib.sha256(str(number).encode()).digest(),
        request=b"request",
        signature=bytes(64),
        presented="link",
        amount_minor=minor,
        currency="CNY",
        memo="tea",
        created_ns=created_ns,
        expires_ns=created_ns + 60_000_000_000,
        state="waiting",
    )


def make_outgoing(number: int) -> OutboxRow:
    """A signed refund that waits to be sent."""
    wire = b"wire%d" % number
    return OutboxRow(
        tx_hash=hashlib.sha256(wire).digest(),
        wire=wire,
        kind="refunds.refund",
        created_ns=T0 + number,
        expires_s=1,
        number=number,
    )


def _requested(sale: SaleRow) -> Fact:
    return Fact("requested", sale.created_ns)


def test_a_sale_comes_back_as_it_was_written_and_open_ones_are_resumed(tmp_path: Path) -> None:
    sale = make_sale(1)
    with ShopBook(tmp_path / "shop.db") as book:
        assert book.next_number() == 1
        book.add_sale(sale, _requested(sale))
    with ShopBook(tmp_path / "shop.db") as book:
        assert book.next_number() == 2
        assert book.watched_sales() == [sale]
        assert book.sale(sale.reference) == book.sale_of_request(sale.request_id) == book.sale_by_number(1) == sale
        assert book.sale("nothing") is None


def test_what_the_ledger_says_changes_only_the_ledgers_columns(tmp_path: Path) -> None:
    sale = make_sale(1)
    with ShopBook(tmp_path / "shop.db") as book:
        book.add_sale(sale, _requested(sale))
        paid = SaleRow(
            **{
                **{name: getattr(sale, name) for name in sale.__struct_fields__},
                "state": "confirmed",
                "watched": False,
                "payer": "ab12",
                "tx_hash": bytes(32),
                "height": 7,
                "paid_ns": T0 + 5,
                "fee_minor": 8,
                "amount_minor": 999_999,
                "request": b"altered",
            }
        )
        book.update_sale(paid, Fact("paid", T0 + 5, 7, "tx"))
        now = book.sale(sale.reference)
        assert now is not None
        assert (now.state, now.height, now.fee_minor, now.watched) == ("confirmed", 7, 8, False)
        assert (now.amount_minor, now.request) == (sale.amount_minor, sale.request)
        assert [fact.kind for fact in book.facts(1)] == ["requested", "paid"]
        assert book.watched_sales() == []


def test_a_reference_and_a_request_are_booked_once(tmp_path: Path) -> None:
    sale = make_sale(1)
    with ShopBook(tmp_path / "shop.db") as book:
        book.add_sale(sale, _requested(sale))
        with pytest.raises(StoreError):
            book.add_sale(sale, _requested(sale))
        assert len(book.facts(1)) == 1


def test_sales_are_found_by_reference_amount_and_time_of_day(tmp_path: Path) -> None:
    minute_ns = 60_000_000_000
    with ShopBook(tmp_path / "shop.db") as book:
        for number in range(1, 6):
            sale = make_sale(number, minor=100 * number, created_ns=T0 + number * minute_ns)
            book.add_sale(sale, _requested(sale))
        assert [sale.number for sale in book.sales()] == [5, 4, 3, 2, 1]
        assert [sale.number for sale in book.sales(limit=2)] == [5, 4]
        assert [sale.number for sale in book.sales(Search(reference="-0003"))] == [3]
        assert [sale.number for sale in book.sales(Search(amount_minor=400))] == [4]
        assert [sale.number for sale in book.sales(Search(minute=2))] == [2]
        assert [sale.number for sale in book.sales(Search(minute=8 * 60 + 2, offset_s=8 * 3600))] == [2]
        assert book.sales(Search(reference="%")) == []


def test_the_outbox_keeps_a_transaction_until_it_ended_and_the_first_ending_stands(tmp_path: Path) -> None:
    with ShopBook(tmp_path / "shop.db") as book:
        first, second = make_outgoing(1), make_outgoing(2)
        book.queue(second)
        book.queue(first)
        book.queue(first)
        assert book.waiting() == [first, second]
        book.settle(first.tx_hash, "done", height=9)
        book.settle(first.tx_hash, "expired")
        assert book.waiting() == [second]
        assert [(row.state, row.height) for row in book.outbox_of(1)] == [("done", 9)]


def test_two_tills_do_not_share_a_book(tmp_path: Path) -> None:
    with ShopBook(tmp_path / "shop.db"), pytest.raises(StoreError, match="another till"):
        ShopBook(tmp_path / "shop.db")
    ShopBook(tmp_path / "shop.db").close()


def test_the_book_is_durable_by_rollback_journal_and_synced_directories(tmp_path: Path) -> None:
    with ShopBook(tmp_path / "shop.db") as book:
        assert book._db.journal_mode == "delete"
        assert next(iter(book._db.query("PRAGMA synchronous")))["synchronous"] == 3
        tables = [table for table in book._db.tables if not table.name.startswith("sqlite_")]
        assert tables
        assert all(table.strict for table in tables)


def add_many(book: ShopBook, count: int) -> None:
    """So many sales at once, a second apart."""
    columns = ", ".join(SaleRow.__struct_fields__)
    marks = ", ".join("?" for _ in SaleRow.__struct_fields__)
    rows = (
        msgspec.structs.astuple(make_sale(number, minor=number % 5_000 + 1, created_ns=T0 + number * 10**9))
        for number in range(1, count + 1)
    )
    with book._db.atomic():
        book._db.conn.executemany(f"INSERT INTO sales ({columns}) VALUES ({marks})", rows)  # noqa: S608


@contextmanager
def held_by_another_program(path: Path, first: str) -> Iterator[None]:
    """For a third of a second, from its `first` statement on."""
    with closing(sqlite3.connect(path, check_same_thread=False, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE" if first.startswith("UPDATE") else "BEGIN")
        other.execute(first).fetchone()
        ending = threading.Timer(0.3, lambda: other.execute("COMMIT"))
        ending.start()
        try:
            yield
        finally:
            ending.join()


@pytest.mark.parametrize("first", ["UPDATE settings SET value = value", "SELECT count(*) FROM sales"])
def test_a_program_that_reads_or_edits_the_book_for_a_moment_is_waited_for(tmp_path: Path, first: str) -> None:
    """Who has begun to read cannot wait for one who writes: SQLite refuses at once, so a write begins as one."""
    path = tmp_path / "shop.db"
    with ShopBook(path) as book:
        with held_by_another_program(path, first):
            book.add_sale(make_sale(1), Fact("requested", 1))
        with held_by_another_program(path, first), book.writing():
            # What a room writes in one go, with a look at what stands first.
            assert book.sale("260101-0001") == make_sale(1)
            book.add_sale(make_sale(2), Fact("requested", 1))
        assert [sale.number for sale in book.watched_sales()] == [1, 2]


def test_a_book_that_is_held_for_long_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.db"
    monkeypatch.setattr("chainpos.store.shop.BUSY_TIMEOUT_S", 0.05)
    with ShopBook(path) as book, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program holds it"):
            book.add_sale(make_sale(1), Fact("requested", 1))
        other.execute("ROLLBACK")
        book.add_sale(make_sale(1), Fact("requested", 1))


def test_a_book_is_looked_over_whole_where_no_till_has_it_and_for_a_moment_beside_one(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with ShopBook(path) as book:
        add_many(book, 30_000)
        assert BookReader(path).look_over(beside_s=0.0) == ("", False)
        assert BookReader(path).look_over(beside_s=60.0) == ("", True)
    assert BookReader(path).look_over(beside_s=0.0) == ("", True)
    lock_file = path.with_name("shop.db.lock")
    lock_file.unlink()
    lock_file.mkdir()
    # Whoever may not lock it may look for a moment.
    assert BookReader(path).look_over(beside_s=60.0) == ("", True)
    lock_file.rmdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xa5" * 8192 + whole[16384:])
    damage, _ = BookReader(path).look_over()
    assert damage
    lock = FileLock(path.with_name("shop.db.lock"))
    lock.acquire("the book is still looked over")
    lock.release()


def test_a_book_from_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    ShopBook(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="update it"):
        ShopBook(path)
    assert path.read_bytes() == before


def test_a_migration_that_fails_leaves_the_version_before_it() -> None:
    db = Database(memory=True)
    assert migrate(db) == len(MIGRATIONS)
    assert migrate(db) == 0
    broken = (*MIGRATIONS, "CREATE TABLE extra (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1);")
    with pytest.raises(sqlite3.OperationalError):
        migrate(db, broken)
    assert "extra" not in db.table_names()
    assert next(iter(db.query("PRAGMA user_version")))["user_version"] == len(MIGRATIONS)
    assert migrate(db, (*MIGRATIONS, "CREATE TABLE extra (a INTEGER) STRICT;")) == 1
    assert "extra" in db.table_names()
    db.close()


def test_a_file_that_is_no_book_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError):
        ShopBook(path)
    path.unlink()
    ShopBook(path).close()


_WRITER = """
import sys
from pathlib import Path
from chainpos.store.locking import FileLock
from chainpos.store.shop import Fact, ShopBook, OutboxRow
sys.path.insert(0, sys.argv[2])
from test_shop import make_sale, make_outgoing
with ShopBook(Path(sys.argv[1])) as book:
    for number in range(book.next_number(), 10**6):
        sale = make_sale(number)
        book.add_sale(sale, Fact("requested", 1))
        book.queue(make_outgoing(number))
        print(number, flush=True)
"""


@pytest.mark.slow
def test_an_acknowledged_sale_survives_kill_9(tmp_path: Path) -> None:
    """Killed at five moments; a killed till's lock is free at once, and the book is whole each time."""
    path = tmp_path / "shop.db"
    acknowledged = 0
    for turn in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        line = ""
        for _ in range(3 + turn * 5):
            line = process.stdout.readline()
        time.sleep(0.0007 * turn)
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        process.wait()
        process.stdout.close()
        # A line may have been cut in the middle; only whole ones were acknowledged for sure.
        acknowledged = max(acknowledged, int(line), *(int(number) for number in rest[:-1]), 0)
        with ShopBook(path) as book:
            assert book.damage() == []
            numbers = [sale.number for sale in book.watched_sales()]
            assert numbers == list(range(1, len(numbers) + 1))
            assert len(numbers) >= acknowledged
            # Each kill may have come between a sale and its refund, never within one of them.
            assert len(numbers) - turn - 1 <= len(book.waiting()) <= len(numbers)


@pytest.mark.slow
def test_a_year_of_sales_is_searched_without_a_scan_that_is_felt(tmp_path: Path) -> None:
    """100,000 sales: the plan uses the indexes, and each search of a screen stays under 50 ms even on a slow day."""
    with ShopBook(tmp_path / "shop.db") as book:
        add_many(book, 100_000)
        with book._db.atomic():
            book._db.execute("UPDATE sales SET watched = 0 WHERE number < 99990")
        for sql in (
            "SELECT * FROM sales WHERE watched = 1 ORDER BY number LIMIT 10",
            "SELECT * FROM sales ORDER BY created_ns DESC, number DESC LIMIT 500",
            "SELECT * FROM sales WHERE amount_minor = 7 ORDER BY created_ns DESC, number DESC LIMIT 500",
            "SELECT * FROM sales WHERE request_id = x'00'",
        ):
            plan = " ".join(str(row["detail"]) for row in book._db.query("EXPLAIN QUERY PLAN " + sql))
            assert "INDEX" in plan, (sql, plan)
        durations = []
        for search in (Search(), Search(amount_minor=1250), Search(reference="99999"), Search(minute=61)):
            started = time.perf_counter()
            found = book.sales(search, limit=20)
            durations.append(time.perf_counter() - started)
            assert found
        assert len(book.watched_sales()) == 11
        assert min(durations) < 0.05
        assert sorted(durations)[1] < 0.1


@pytest.mark.parametrize("reference", ["\ud800", "单号", ""])
def test_a_reference_that_no_till_makes_finds_nothing(tmp_path: Path, reference: str) -> None:
    with ShopBook(tmp_path / "shop.db") as book:
        assert book.sale(reference) is None

"""The sample city's recorded day in a database, loaded once for all processes that run tests."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from chainpos.core.chain.results import TxResult
from chainpos.core.contracts.payments.messages import Request, encode_request, request_id
from chainpos.core.contracts.ports import DYNAMIC_QR
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.inspect.source import StoreSource, load_recorded
from chainpos.node.home import Home
from chainpos.node.ledger import Ledger, create_ledger
from chainpos.node.replay import append_recorded
from chainpos.pilot.record import RECORDED_NAME
from chainpos.pilot.resources import sample_data
from chainpos.store.chain import ChainReader
from chainpos.store.chainfile import open_chain_file
from chainpos.store.shop import Fact, OutboxRow, SaleRow, ShopBook

CHAIN_ID = "chainpos-pilot-day"
NEVER_SENT = sha256(b"a payment that no node ever passed on")


@cache
def loaded_day(base: Path) -> Path:
    """The day's database, by the folder of this process; nobody writes to it."""
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "recorded day"
    folder.mkdir(exist_ok=True)
    database, begun = folder / "chain.db", folder / "begun.db"
    with (folder / "lock").open("w") as lock:
        # Who comes second waits for it, which is still cheaper than to load another.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not database.exists():
            load_recorded(sample_data() / RECORDED_NAME, begun)
            begun.rename(database)
    return database


@pytest.fixture(scope="session")
def day_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Each module that imports a fixture has one of its own.
    return loaded_day(tmp_path_factory.getbasetemp())


def day_home(factory: pytest.TempPathFactory) -> Home:
    """A node's folder with the day in it."""
    home = Home(factory.mktemp("node"))
    home.database.parent.mkdir()
    shutil.copy(loaded_day(factory.getbasetemp()), home.database)
    return home


@pytest.fixture
def day(day_database: Path) -> Iterator[StoreSource]:
    with ChainReader.open(day_database) as reader:
        yield StoreSource(reader, "day")


def book_of_a_lost_sale(path: Path, day: StoreSource) -> Path:
    """A shop's book with one sale that nobody paid, and a charge for it that never arrived."""
    opens_s = (day.header(1).time_ns if day.header(1) is not None else 0) // SECOND_NS  # type: ignore[union-attr]
    request = Request(
        version=1, merchant="XM13", till_key=b"\x05" * 32, reference="XM13-LOST", amount_minor=4_200, currency="CNY",
        created_s=opens_s, expires_s=opens_s + 300, instrument=DYNAMIC_QR,
    )  # fmt: skip
    encoded = encode_request(request)
    sale = SaleRow(
        number=1, reference=request.reference, request_id=request_id(CHAIN_ID, encoded), request=encoded,
        signature=bytes(64), presented="link", amount_minor=4_200, currency="CNY", memo="table 4, asks for Mr Li",
        created_ns=opens_s * SECOND_NS, expires_ns=(opens_s + 300) * SECOND_NS, state="expired",
    )  # fmt: skip
    with ShopBook.open(path) as writing:
        writing.add_sale(sale, Fact("requested", sale.created_ns, 1, "keyed by Mr Li"))
        writing.update_sale(sale, Fact("expired", sale.expires_ns, 9))
        writing.queue(
            OutboxRow(
                tx_hash=NEVER_SENT, wire=b"x", kind="payments.charge", created_ns=sale.created_ns,
                expires_s=opens_s + 300, number=1,
            )
        )  # fmt: skip
    return path


def day_until(database: Path, height: int) -> Path:
    """The sample day as a peer has it that stopped following at a height."""
    with open_chain_file(sample_data() / RECORDED_NAME) as recorded:
        create_ledger(database, recorded.genesis_json)
        ledger = Ledger.open(database)
        for block in recorded.blocks():
            if block.height > height:
                break
            append_recorded(ledger, block)
        ledger.close()
    return database


def places(source: StoreSource, name: str = "", kind: str = "") -> Iterator[tuple[int, int, TxResult]]:
    """(height, index, result) of the transactions that ended by a code's name, or told an event of a kind."""
    for height in range(1, source.span().tip + 1):
        found = source.found(height)
        assert found is not None
        for index, result in enumerate(found.results):
            if (name and result.log == name) or (kind and any(event.type == kind for event in result.events)):
                yield height, index, result


def first_place(source: StoreSource, name: str = "", kind: str = "") -> tuple[int, int]:
    height, index, _ = next(places(source, name, kind))
    return height, index

"""Ten things that customers and shops say, each answered by keys alone at 80 by 24, and handed over as evidence.

Every case file is opened again on a console that knows the genesis and nothing else. The two that a peer's lag or a
shop's book decide are asked of that peer, and with that book.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from chainpos.console.inspecting import InspectApp
from chainpos.console.screens.case_file import CaseScreen
from chainpos.console.screens.timeline import TimelineScreen
from chainpos.console.screens.trace import TraceScreen
from chainpos.core.values.hashes import sha256
from chainpos.inspect.case import Case
from chainpos.inspect.source import StoreSource
from chainpos.inspect.support import genesis_desk
from tests.console.looking import key_in, text_of
from tests.console.looking_into import ask, at, day_desk, looking_into, press
from tests.inspect.recorded import NEVER_SENT, book_of_a_lost_sale, day_until, first_place

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case files are written where one is."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@asynccontextmanager
async def support(
    database: Path, tmp_path: Path, book: Path | None = None
) -> AsyncIterator[tuple[InspectApp, Pilot[int]]]:
    async with looking_into(day_desk(database, book=book), tmp_path / "conf") as opened:
        yield opened


async def case_elsewhere(app: InspectApp, pilot: Pilot[int], tmp_path: Path, day: StoreSource) -> Case:
    """Write the case file with two keys; then what a console with nothing but the genesis makes of it."""
    await press(pilot, "e", "enter")
    assert "Wrote case-" in text_of(app)
    (file,) = Path.cwd().glob("case-*.zip")
    async with looking_into(
        genesis_desk(day.genesis_json(), "genesis.json"), tmp_path / "elsewhere", case=file
    ) as (other, _):  # fmt: skip
        assert "Verified: every check holds" in text_of(other)
        opened = at(other, CaseScreen).opened
        assert opened is not None
        assert opened.case is not None
        return opened.case


async def down_to(pilot: Pilot[int], words: str) -> None:
    """The cursor on the row that says so."""
    for _ in range(60):
        rows = pilot.app.screen.query("#rows, #hits, #moments").first()
        present = rows.present  # type: ignore[attr-defined]
        if words in str(present):
            return
        await key_in(pilot, "j")
    pytest.fail(f"no row says {words}")


def told(day: StoreSource, place: tuple[int, int], kind: str) -> dict[str, str]:
    found = day.found(place[0])
    assert found is not None
    event = next(event for event in found.results[place[1]].events if event.type == kind)
    return {each.key: each.value for each in event.attributes}


@pytest.mark.slow
async def test_1_paid_to_the_wrong_shop(day: StoreSource, day_database: Path, tmp_path: Path) -> None:
    paid = told(day, first_place(day, kind="payments.paid"), "payments.paid")
    amount = f"{int(paid['amount_minor']) // 100}.{int(paid['amount_minor']) % 100:02d}"
    async with support(day_database, tmp_path) as (app, pilot):
        await ask(pilot, f"HF01 {amount}")
        assert "UNKNOWN" in text_of(app)
        await ask(pilot, f"{paid['payer']} {amount}")
        await down_to(pilot, paid["reference"])
        assert paid["merchant"] in text_of(app)
        await press(pilot, "t")
        assert f"at shop {paid['merchant']}" in text_of(app)
        case = await case_elsewhere(app, pilot, tmp_path, day)
        assert case.timeline.merchant == paid["merchant"] != "HF01"


async def test_ux30_2_paid_twice(day: StoreSource, day_database: Path, tmp_path: Path) -> None:
    async with support(day_database, tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        shown = text_of(app)
        assert "✓ accepted" in shown
        assert "✗ refused 507" in shown
        await press(pilot, "down", "x")
        assert "507 already_paid" in text_of(app)
        assert "No. A refused transaction moves no money." in text_of(app)
        await press(pilot, "escape", "t")
        assert text_of(app).count("PAID") == 1
        case = await case_elsewhere(app, pilot, tmp_path, day)
        assert {"paid", "refused"} <= {moment.stage for moment in case.timeline.moments}


@pytest.mark.slow
async def test_3_says_paid_but_it_expired(day: StoreSource, day_database: Path, tmp_path: Path) -> None:
    book = book_of_a_lost_sale(tmp_path / "shop.db", day)
    async with support(day_database, tmp_path, book) as (app, pilot):
        await ask(pilot, "XM13-LOST")
        assert "UNPAID" in text_of(app)
        await press(pilot, "enter")
        shown = text_of(app)
        assert "expired" in shown
        assert "UNPAID · Unpaid as of height 1200" in shown
        case = await case_elsewhere(app, pilot, tmp_path, day)
        assert [record.value for record in case.records] == [None, None]


@pytest.mark.slow
async def test_ux30_4_the_refund_is_missing(day: StoreSource, day_database: Path, tmp_path: Path) -> None:
    refund = told(day, first_place(day, kind="refunds.refunded"), "refunds.refunded")
    async with support(day_database, tmp_path) as (app, pilot):
        await ask(pilot, refund["reference"])
        await press(pilot, "t")
        await down_to(pilot, "refunded")
        assert f"refund {refund['reference']}" in text_of(app)
        case = await case_elsewhere(app, pilot, tmp_path, day)
        assert "refunded" in {moment.stage for moment in case.timeline.moments}


@pytest.mark.slow
async def test_5_the_account_is_frozen(day: StoreSource, day_database: Path, tmp_path: Path) -> None:
    height, index = first_place(day, "frozen_account")
    async with support(day_database, tmp_path) as (app, pilot):
        await ask(pilot, str(height))
        await press(pilot, "enter")
        await down_to(pilot, f"'{height:,}/{index}'")
        await press(pilot, "enter")
        assert "Order 2026-17" in text_of(app)
        await press(pilot, "s")
        assert "frozen_account" in text_of(app)
        case = await case_elsewhere(app, pilot, tmp_path, day)
        assert case.trace is not None
        assert case.trace.name == "frozen_account"


async def test_6_over_the_limit(day: StoreSource, day_database: Path, tmp_path: Path) -> None:
    height, index = first_place(day, "over_single_limit")
    async with support(day_database, tmp_path) as (app, pilot):
        await ask(pilot, str(height))
        await press(pilot, "enter")
        await down_to(pilot, f"'{height:,}/{index}'")
        await press(pilot, "s")
        shown = text_of(app)
        assert "over_single_limit" in shown
        assert "contracts/customers/" in shown
        assert "single_minor" in shown
        case = await case_elsewhere(app, pilot, tmp_path, day)
        assert case.trace is not None
        assert case.trace.refused_at == at(app, TraceScreen).steps.cursor


@pytest.mark.slow
async def test_7_the_shops_peer_is_behind(day: StoreSource, day_database: Path, tmp_path: Path) -> None:
    async with support(day_until(tmp_path / "behind.db", 40), tmp_path) as (app, pilot):
        assert "height 40" in text_of(app)
        await ask(pilot, "59")
        assert "NOT SYNCED · Not synced past height 40" in text_of(app)
    async with support(day_database, tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await press(pilot, "t")
        assert "PAID" in text_of(app)
        await case_elsewhere(app, pilot, tmp_path, day)


@pytest.mark.slow
async def test_8_orphaned(day: StoreSource, day_database: Path, tmp_path: Path) -> None:
    book = book_of_a_lost_sale(tmp_path / "shop.db", day)
    async with support(day_database, tmp_path, book) as (app, pilot):
        await ask(pilot, NEVER_SENT.hex())
        assert "NEVER ARRIVED" in text_of(app)
        await ask(pilot, "XM13-LOST")
        await press(pilot, "enter")
        assert "NEVER ARRIVED" in text_of(app)
        assert "sent" in {moment.stage for moment in at(app, TimelineScreen).moments.items}
        case = await case_elsewhere(app, pilot, tmp_path, day)
        assert "orphaned" in {absence.kind for absence in case.timeline.absences}


@pytest.mark.slow
async def test_9_the_payout_failed(day: StoreSource, day_database: Path, tmp_path: Path) -> None:
    failed = told(day, first_place(day, kind="settlement.payout_failed"), "settlement.payout_failed")
    async with support(day_database, tmp_path) as (app, pilot):
        await ask(pilot, f"{failed['merchant']}/{failed['currency']}/{failed['number']}")
        await press(pilot, "enter")
        assert "account closed" in text_of(app)
        await down_to(pilot, "fail_payout")
        case = await case_elsewhere(app, pilot, tmp_path, day)
        assert case.trace is not None
        assert case.trace.kind == "settlement.fail_payout"


@pytest.mark.slow
async def test_10_the_receipt_is_forged(day: StoreSource, day_database: Path, tmp_path: Path) -> None:
    async with support(day_database, tmp_path) as (app, pilot):
        await ask(pilot, sha256(b"a receipt from a printer").hex())
        assert "UNKNOWN" in text_of(app)
        await press(pilot, "down")
        case = await case_elsewhere(app, pilot, tmp_path, day)
        assert [record.value for record in case.records] == [None, None]


def forge() -> None:
    """A copy of the one case file with a bit flipped where the reference stands."""
    (file,) = Path.cwd().glob("case-*.zip")
    packed = bytearray(file.read_bytes())
    packed[packed.index(b"XM13-00180")] ^= 1
    Path("forged.zip").write_bytes(packed)


async def test_a_case_of_another_network_is_told_so_once_with_both_names(
    day: StoreSource, day_database: Path, tmp_path: Path
) -> None:
    async with support(day_database, tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await press(pilot, "e", "enter")
    (file,) = Path.cwd().glob("case-*.zip")
    other = genesis_desk(day.genesis_json().replace(b"chainpos-pilot-day", b"chainpos-pilot-nyt"), "genesis.json")
    async with looking_into(other, tmp_path / "elsewhere", case=file) as (app, pilot):
        shown = text_of(app)
        assert "belongs to another network" in shown
        assert "It names chainpos-pilot-day" in shown
        assert "--genesis" in shown
        assert "NOT VERIFIED" not in shown
        opened = at(app, CaseScreen).opened
        assert opened is not None
        assert [check.name for check in opened.checks] == ["genesis"]


@pytest.fixture
def somebodys() -> Iterator[None]:
    file = Path(f"case-{'ab' * 20}.zip")
    file.write_bytes(b"somebody's")
    yield
    assert file.read_bytes() == b"somebody's"


async def test_ux32_a_case_file_with_one_bit_flipped_is_named_and_nothing_of_it_is_shown(
    day: StoreSource, day_database: Path, tmp_path: Path
) -> None:
    async with support(day_database, tmp_path) as (app, pilot):
        await ask(pilot, "XM13-00180")
        await press(pilot, "e", "enter")
    forge()
    async with looking_into(genesis_desk(day.genesis_json(), "genesis.json"), tmp_path / "elsewhere") as (app, pilot):
        await press(pilot, "down", "o")
        await key_in(pilot, *"forged", "full_stop", *"zip", "enter")
        await press(pilot)
        shown = text_of(app)
        assert "NOT VERIFIED" in shown
        assert "case.html" in shown
        assert "timeline" not in shown.lower().replace("t timeline", "")
        assert at(app, CaseScreen).query("#rows")


@pytest.mark.slow
async def test_ux32_a_case_file_is_never_written_over_another(
    day_database: Path, tmp_path: Path, somebodys: None
) -> None:
    async with support(day_database, tmp_path) as (app, pilot):
        await ask(pilot, "ab" * 32)
        await press(pilot, "down", "e", "enter")
        assert "There is a file" in text_of(app)
        await press(pilot, "escape")
        assert "There is a file" not in text_of(app)

"""A day at the counter, keyboard only, in a real terminal of 80 by 24: thirty sales of every kind, and a Z of zero."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chainpos.core.checkout.matching import SaleState
from chainpos.store.shop import SaleRow, ShopBook
from tests.acceptance.conftest import Pilot, require_whole_and_alike
from tests.acceptance.counter_terminal import PIN, Counter, prepare, sale_number

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed: no real terminal to try"),
]
LOAF, BUN, BEAN, CAKE = "2000000100074", "2000000100142", "2000000100210", "2000000100289"
PAID = {SaleState.PAID, SaleState.CONFIRMED, SaleState.PART_REFUNDED, SaleState.REFUNDED}
KILLS = 50


@pytest.fixture
async def counter(pilot: Pilot, tmp_path: Path) -> AsyncIterator[Counter]:
    prepare(pilot)
    made = Counter(pilot, tmp_path / "config")
    await made.open()
    await made.until("ONLINE", "READY")
    yield made
    made.close()


def booked(pilot: Pilot) -> list[SaleRow]:
    with ShopBook.open(pilot.paths.till.book_path) as book:
        return book.sales(limit=10_000)


async def next_sale(counter: Counter) -> None:
    """Clear what is finished."""
    await counter.enter("READY")


async def keyed(counter: Counter, number: int) -> None:
    """A keyed amount, its code, a customer's payment: Enter is the one key beyond the digits."""
    await counter.key(*str(300 + 7 * number))
    await counter.enter("WAITING")
    await counter.paid_by(number, await counter.link())
    await counter.until("✓ PAID", "Hand over the goods")
    await next_sale(counter)


async def rung_up(counter: Counter, *codes: str) -> None:
    for number, code in enumerate(codes, start=1):
        counter.scan(code)
        await counter.until("RINGING UP", f"BILL ({len(set(codes[:number]))}")


async def cart(counter: Counter, number: int) -> None:
    """Five scans and one key."""
    await rung_up(counter, LOAF, BUN, BEAN, CAKE, BUN)
    await counter.enter("WAITING")
    await counter.paid_by(number, await counter.link())
    await counter.until("✓ PAID")
    await next_sale(counter)


async def in_cash(counter: Counter) -> None:
    await rung_up(counter, LOAF)
    await counter.key("C-o")
    await counter.until("is due")
    await counter.key("Enter")
    await counter.until("CASH RECEIVED")
    await next_sale(counter)


async def split_with_cash(counter: Counter, number: int) -> None:
    await rung_up(counter, LOAF, CAKE)
    await counter.key("C-o")
    await counter.until("is due")
    await counter.key(*"1000", "Enter")
    await counter.until("PART RECEIVED")
    await counter.enter("WAITING")
    await counter.paid_by(number, await counter.link())
    await counter.until_one(("✓ PAID",), ("ALL PARTS RECEIVED",))
    await next_sale(counter)


async def held(counter: Counter, number: int) -> None:
    """One customer forgot the wallet; another is served; the first one comes back."""
    await rung_up(counter, LOAF, BUN)
    await counter.key("F6")
    await counter.until("READY")
    await keyed(counter, number)
    await counter.key("F6")
    await counter.until_one(("RINGING UP",), ("HELD",))
    if "RINGING UP" not in counter.tmux.text():
        await counter.key("Enter")
    await counter.until("RINGING UP", "BILL (2")
    await counter.enter("WAITING")
    await counter.paid_by(number + 1, await counter.link())
    await counter.until("✓ PAID")
    await next_sale(counter)


async def scan_over(counter: Counter, digits: str, code: str, wanted: tuple[str, ...]) -> None:
    """Key an amount and scan a code. A machine busy with other tests may tear the burst: then it is scanned again."""
    for _ in range(5):
        await counter.key(*digits)
        counter.scan(code)
        if await counter.comes(wanted, ("No article",), ("The scan was cut",), within_s=12) == wanted:
            return
        await given_up(counter)
    raise AssertionError("no scan was taken whole")


async def given_up(counter: Counter) -> None:
    """Whatever half a scan was taken for is taken back: digits, a search, a request."""
    async with asyncio.timeout(60):
        while "READY" not in (shown := counter.tmux.text()):
            await counter.key("y" if "Cancel this sale?" in shown else "Enter" if "CANCELLED" in shown else "Escape")
            await asyncio.sleep(0.3)


async def scanned(counter: Counter, number: int) -> None:
    """The customer's own code, read by the scanner."""
    await scan_over(counter, "888", counter.code(number, 5_000), ("✓ PAID",))
    await next_sale(counter)


async def refused(counter: Counter, number: int) -> None:
    """A code for less than the amount: no money moves, and the sale is cancelled."""
    await scan_over(counter, "900", counter.code(number, 500), ("No money moved",))
    await counter.key("Escape")
    await counter.until_one(("READY",), ("Cancel",))
    if "READY" not in counter.tmux.text():
        await counter.key("y")
        await counter.until_one(("READY",), ("CANCELLED",))
        await next_sale(counter)


async def through_an_outage(counter: Counter, numbers: tuple[int, int]) -> None:
    """The validator is gone: codes are shown, nothing is PAID; when it is back, both are."""
    await counter.pilot.network.children["validator"].stop()
    await counter.until("OFFLINE")
    links = []
    for number in numbers:
        await counter.key(*str(500 + number))
        await counter.enter("WAITING")
        links.append(await counter.link())
        assert "✓ PAID" not in counter.tmux.text()
        await counter.key("F6")
        await counter.until("READY")
    await counter.pilot.network.start_validator()
    await counter.until("ONLINE")
    for number, link in zip(numbers, links, strict=True):
        await counter.paid_by(number, link)


async def refunded(counter: Counter, amount: str) -> None:
    """The newest sale that can be, in part: the amount twice, the PIN, a key of its own."""
    await counter.key("F2")
    await counter.until("SALE ─", "Reference")
    await counter.key("r")
    await counter.until("Refund sale")
    for typed in (amount, amount, PIN):
        await counter.key(*typed, "Enter")
    await counter.key("C-y")
    await counter.until_gone("Refund sale")
    await counter.until("Part refunded")
    await counter.key("F1")
    await counter.until("READY")


async def test_ux2_ux10_ux12_thirty_sales_of_every_kind_by_keyboard_reconcile_to_zero(
    pilot: Pilot, counter: Counter
) -> None:
    # What is keyed before a place is there is keyed at the one before.
    await counter.key("F11")
    await counter.until("O opens one")
    await counter.key("o")
    await counter.until("Open the shift")
    await counter.key(*"50000", "Enter", "C-y")
    await counter.until("The shift is open with 500.00 CNY")
    await counter.key("F1")
    await counter.until("READY")
    for number in range(6):
        await keyed(counter, number)
    await cart(counter, 6)
    await split_with_cash(counter, 7)
    await refused(counter, 8)
    await held(counter, 9)  # two sales
    await scanned(counter, 11)
    await refunded(counter, "100")
    await through_an_outage(counter, (12, 13))
    await refused(counter, 14)
    await in_cash(counter)
    for number in range(15, 19):
        await keyed(counter, number)
    await refunded(counter, "150")
    await refused(counter, 19)
    await cart(counter, 20)
    for number in range(21, 29):
        await keyed(counter, number)
    await counter.key("F11")
    await counter.until("SHIFT 1 · OPEN")
    await counter.key("z")
    await counter.until("Counted")
    # The float, ten of the split bill, and the loaf in cash.
    drawer = 50_000 + 1_000 + 2_200
    await counter.key(*str(drawer), "Enter", "C-y")
    shown = await counter.until("Shift 1 is closed", "Book, ledger and settlement agree")
    assert "do not agree" not in shown
    await counter.leave()
    paid = [row for row in booked(pilot) if SaleState(row.state) in PAID]
    assert len(paid) == 26  # and one in cash alone; three were refused
    await pilot.network.stop()
    ledger = require_whole_and_alike(pilot.paths)
    by_link = [row for row in paid if row.presented == "link"]
    assert len(by_link) == len(paid) - 1  # and one by the customer's own code
    assert [ledger.payments[row.request_id] for row in by_link] == [1] * len(by_link)


async def test_ux14_ux23_killed_at_fifty_random_moments_nothing_is_lost_or_doubled_and_the_sale_in_hand_resumes(
    pilot: Pilot, counter: Counter
) -> None:
    """Half of the kills fall before the code is shown, the others while it waits, is paid, or just was."""
    draw = random.Random(50)
    await counter.key("F11")
    await counter.until("O opens one")
    await counter.key("o")
    await counter.until("Open the shift")
    await counter.key("0", "Enter", "C-y")
    await counter.until("The shift is open")
    await counter.key("F1")
    await counter.until("READY")
    requested: dict[str, str] = {}
    for kill in range(KILLS):
        if draw.random() < 0.5:
            await rung_up(counter, *draw.sample((LOAF, BUN, BEAN, CAKE), 2))
        else:
            await counter.key(*str(draw.randrange(200, 900)))
        if draw.random() < 0.3:
            await counter.kill()  # a sale that nobody was shown: a bill is there again, bare digits are not
            await counter.open()
            shown = await counter.until_one(("RINGING UP",), ("READY",))
            if "RINGING UP" not in shown:
                await counter.key(*"300")
        else:
            await counter.enter("WAITING")
            link = await counter.link()
            await counter.kill()
            await counter.open()
            await counter.until("WAITING")
            assert await counter.link() == link  # the sale in hand is resumed
            requested[link] = sale_number(await counter.until("Sale "))
            await counter.paid_by(kill, link)
            await counter.until("✓ PAID")
            await next_sale(counter)
            continue
        await counter.enter("WAITING")
        link = await counter.link()
        requested[link] = sale_number(await counter.until("Sale "))
        await counter.paid_by(kill, link)
        await counter.until("✓ PAID")
        await next_sale(counter)
    await counter.key("F11")
    await counter.until("SHIFT 1 · OPEN")
    await counter.key("z")
    await counter.until("Counted")
    await counter.key("0", "Enter", "C-y")
    await counter.until("Shift 1 is closed", "Book, ledger and settlement agree")
    await counter.leave()
    rows = {row.reference: row for row in booked(pilot)}
    assert set(requested.values()) <= set(rows)
    await pilot.network.stop()
    ledger = require_whole_and_alike(pilot.paths)
    assert len(requested) == KILLS == ledger.payments.total()
    assert all(SaleState(rows[reference].state) in PAID for reference in requested.values())

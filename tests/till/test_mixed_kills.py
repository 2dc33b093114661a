"""kill -9 of a till between the two parts of a refund: what was handed out is in the book once, and only it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainpos.errors import UserFacingError
from chainpos.store.shop import ShopBook
from chainpos.store.shop_beside import ShopBeside
from chainpos.store.shop_bills import ShopBills
from chainpos.till.bill_views import TenderKind
from chainpos.till.refunds import KIND

from .bill_shop import PIN
from .shift_shop import ShiftShop, cny

ROOT = Path(__file__).parents[2]
# Tea for 12.00: 5.00 in cash, 7.00 by code. Both go back, one after the other; told after each step.
_CASHIER = """
import asyncio, sys
from pathlib import Path
from chainpos.till.bill_views import TenderKind
from tests.till.bill_shop import PIN
from tests.till.shift_shop import ShiftShop, cny

async def give_back(shop):
    await shop.set_online(online=True)
    await shop.bills.add("tea")
    await shop.bills.receive(TenderKind.CASH, cny(500))
    await shop.bills.show_code()
    await shop.pay_on_ledger(1)
    await shop.bills.leave()
    await shop.set_online(online=False)
    bill = await shop.bills.of_sale(shop.rows[1].reference)
    print("paid", flush=True)
    await shop.bills.beside.give_back(bill.reference, TenderKind.CASH, cny(500), pin=PIN, typed_amount="500")
    print("cash", flush=True)
    await asyncio.sleep(0.5)
    await shop.refund_on_ledger(1, 700)
    print("signed", flush=True)
    await asyncio.sleep(60)

asyncio.run(give_back(ShiftShop(Path(sys.argv[1]))))
"""


def killed(folder: Path, after: int, late_s: float) -> list[str]:
    """A cashier that was killed a little after so many steps; the steps that it told."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CASHIER, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(after)]
    time.sleep(late_s)
    os.kill(process.pid, signal.SIGKILL)
    told += process.stdout.read().split()
    process.wait()
    process.stdout.close()
    return told


@pytest.mark.slow
async def test_a_till_killed_between_the_parts_of_a_refund_has_given_each_back_once_or_not_at_all(
    tmp_path: Path,
) -> None:
    draw, seen = random.Random(7), set()
    for turn in range(12):
        folder = tmp_path / str(turn)
        folder.mkdir()
        told = killed(folder, 1 + turn % 3, draw.random() * 0.03)
        with ShopBook.open(folder / "shop.db") as book:
            assert book.damage() == []
            bill = ShopBills(book).bill_of_sale(1)
            assert bill is not None
            left = ShopBeside(book).left(bill.number, TenderKind.CASH.value)
            sent = [row for row in book.waiting() if row.kind == KIND]
        assert left in {0, 500}
        assert len(sent) <= (left == 0)
        # What was told is there; what is there may not have been told yet.
        assert left == 0 or "cash" not in told
        assert sent or "signed" not in told
        seen.add((left, len(sent)))
        shop = ShiftShop(folder)
        again = shop.bills.beside.give_back(bill.reference, TenderKind.CASH, cny(500), pin=PIN, typed_amount="500")
        if left:
            await again
        else:
            with pytest.raises(UserFacingError, match=r"at most 0\.00"):
                await again
        await shop.close()
    assert {(0, 0), (0, 1)} <= seen

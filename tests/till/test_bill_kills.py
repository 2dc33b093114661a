"""kill -9 of a till that rings up: what was acknowledged is there, nothing is there twice, and the book is whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chainpos.store.shop import ShopBook
from chainpos.store.shop_bills import ShopBills
from chainpos.till.open_bill import opened

ROOT = Path(__file__).parents[2]
# Each bill: two lines, held and taken back, then half of it in cash, then the rest; told after each step.
_CASHIER = """
import asyncio, sys
from pathlib import Path
from chainpos.core.values.amount import Amount
from chainpos.till.bill_views import BillState, TenderKind
from tests.till.bill_shop import BillShop

async def sell(shop):
    bills = shop.bills
    def say(step):
        bill = bills.view()
        print(step, bill.number if bill else 0, bill.charged.minor if bill else 0, bill.received.minor if bill else 0,
              flush=True)
    say("resumed")
    while True:
        bill = bills.view()
        if bill is None or bill.state is BillState.COMPLETE or (bill.changeable and bill.charged.minor < 3_750):
            await bills.add("tea" if bill is None or bill.state is BillState.COMPLETE else "soup")
            say("rung")
        elif bill.changeable:
            await bills.park()
            await bills.take_up(bill.number)
            await bills.receive(TenderKind.CASH, Amount(1_000, "CNY"))
            say("part")
        else:
            await bills.receive(TenderKind.CASH, Amount(5_000, "CNY"))
            say("complete")

asyncio.run(sell(BillShop(Path(sys.argv[1]))))
"""


def check(folder: Path) -> int:
    """The book is whole; the number of its complete bills."""
    with ShopBook.open(folder / "shop.db") as book:
        assert book.damage() == []
        bills = ShopBills(book)
        complete = bills.beside_ledger(limit=10_000)
        for bill in complete:
            tenders = bills.tenders(bill.number)
            assert sum(each.amount_minor for each in tenders if each.state == "received") == bill.charged_minor == 3_750
            assert [line.sku for line in bills.lines(bill.number)] == ["tea", "soup"]
        still = bills.open_bills()
        assert len(still) <= 1
        for row in still:
            assert opened(row, bills.tenders(row.number)).received_minor <= row.charged_minor
        numbers = sorted(row.number for row in (*complete, *still))
        assert numbers == list(range(1, len(numbers) + 1))
        return len(complete)


@pytest.mark.slow
def test_a_till_killed_at_twenty_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    acknowledged = 0
    for turn in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", _CASHIER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(1 + turn % 6)]
        os.kill(process.pid, signal.SIGKILL)
        # The last line may have been cut; only whole ones were acknowledged for sure.
        told += process.stdout.read().splitlines()[:-1]
        process.wait()
        process.stdout.close()
        acknowledged += sum(line.startswith("complete") for line in told)
        # A kill may come between the book and the word.
        assert acknowledged <= check(tmp_path) <= acknowledged + turn + 1

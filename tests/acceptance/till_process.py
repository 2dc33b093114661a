"""A till as a process of its own that may be killed: `till_process.py HOME`. It sells without end.

One JSON object a line: {"requested": link, "reference": …} when a request is in the book, {"paid": reference} when the
till says PAID, which is the acknowledgement that must survive whatever happens next.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
from pathlib import Path

from chainpos.core.checkout.matching import SaleState
from chainpos.core.values.amount import Amount
from chainpos.errors import UserFacingError
from chainpos.node.clock import SystemClock
from chainpos.pilot.processes import hear, say
from chainpos.till.counter import Till
from chainpos.till.home import TillHome
from chainpos.till.identity import Noticed

SALE_EVERY_S = 0.25


def tell(noticed: Noticed) -> None:
    if noticed.state is SaleState.PAID:
        say({"paid": noticed.reference, "height": noticed.height})


async def sell(home: Path) -> None:
    till = Till.open(TillHome(home), SystemClock(), observer=tell)
    say({"ready": True})  # first of all: a till that starts again notices what happened meanwhile
    await till.start()
    selling = asyncio.create_task(_requests(till))
    async for order in hear():
        if order.get("stop"):
            selling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await selling
        if order.get("end"):
            break
    await till.stop()


async def _requests(till: Till) -> None:
    for number in itertools.count():
        with contextlib.suppress(UserFacingError):
            sale = await till.request(Amount(100 + number % 50, "CNY"))
            say({"requested": sale.link, "reference": sale.reference})
        await asyncio.sleep(SALE_EVERY_S)


if __name__ == "__main__":
    asyncio.run(sell(Path(sys.argv[1])))

"""The console in a real terminal on a prepared till: `on_prepared_till.py [--theme T] [--language L] [--script S]`.

Scripts: `idle`, `paid` (each request is SEEN after a second and PAID after two), `refused`, `crash`.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

from chainpos.console.app import ConsoleApp
from chainpos.console.settings import Settings
from chainpos.core.values.amount import Amount
from chainpos.till.views import SaleState, SaleView
from tests.console.prepared_till import PIN, PreparedTill


class ScriptedTill(PreparedTill):
    """Lets time pass, and customers pay."""

    def __init__(self, script: str) -> None:
        super().__init__(now_ns=time.time_ns())
        self.script = script
        self.tasks: list[asyncio.Task[None]] = []

    def now_ns(self) -> int:
        return time.time_ns()

    async def request(self, amount: Amount, memo: str = "") -> SaleView:
        self.time_ns = self.now_ns()
        sale = await super().request(amount, memo)
        if self.script in {"paid", "refused"}:
            self.tasks.append(asyncio.create_task(self.play(sale.reference)))
        return sale

    async def play(self, reference: str) -> None:
        last = SaleState.PAID if self.script == "paid" else SaleState.REFUSED
        for state in (SaleState.SEEN, last):
            await asyncio.sleep(1)
            if self.view.sale is not None and self.view.sale.reference == reference:
                self.move_sale(state)

    def parse_keyed(self, digits: str) -> Amount:
        if self.script == "crash" and digits == "666":
            secret = PIN
            raise RuntimeError(f"a fault that holds the secret {secret}")
        return super().parse_keyed(digits)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--theme", default="light")
    parser.add_argument("--language", default="en")
    parser.add_argument("--script", default="idle")
    parser.add_argument("--folder", type=Path, required=True)
    asked = parser.parse_args()
    till = ScriptedTill(asked.script)
    settings = Settings(theme=asked.theme, language=asked.language)
    app = ConsoleApp(till, now_ns=till.now_ns, folder=asked.folder, settings=settings)
    raise SystemExit(app.run() or app.return_code or 0)


if __name__ == "__main__":
    main()

"""A shop's counter in a real terminal of 80 by 24, beside the running pilot, and somebody's hands at its keys."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from itertools import count
from pathlib import Path

import psutil

from chainpos.pilot.resources import sample_data
from chainpos.store.shop import ShopBook
from chainpos.till.catalogue import Catalogue
from chainpos.till.pin import set_pin
from chainpos.wallet.client import Wallet
from chainpos.wallet.paying import End
from tests.acceptance.conftest import Pilot, yuan
from tests.console.test_code_decodes import read_any
from tests.console.test_real_terminal import Tmux
from tests.terminal_picture import picture

PIN = "4711"
PATIENCE_S = 90.0
KEY_GAP_S = 0.1  # a person's; a scanner is quicker
_NUMBERS = count()


def prepare(pilot: Pilot) -> None:
    """A bakery's articles and a PIN, as its owner set them."""
    with ShopBook.open(pilot.paths.till.book_path) as book:
        content = (sample_data() / "catalogues" / "bakery.csv").read_bytes()
        assert Catalogue(book, "CNY").take_in(content).fault_count == 0
        set_pin(book, PIN)


class Counter:
    """`chainpos till` in a terminal; opened again after it was killed, as a shopkeeper would."""

    def __init__(self, pilot: Pilot, folder: Path) -> None:
        self.pilot = pilot
        self.folder = folder
        self.terminal: Tmux | None = None

    @property
    def tmux(self) -> Tmux:
        """The terminal that is open."""
        assert self.terminal is not None
        return self.terminal

    async def open(self) -> None:
        """A new terminal with the counter in it, ready for keys."""
        self.terminal = Tmux(f"chainpos-day-{os.getpid()}-{next(_NUMBERS)}", 80, 24)
        command = f"'{sys.executable}' -m chainpos till --home '{self.pilot.paths.till.folder}'"
        self.tmux.start(command, CHAINPOS_CONFIG=str(self.folder), COLORTERM="truecolor", TERM="xterm-256color")
        await self.until("F1 Counter")

    def process(self) -> psutil.Process:
        """The console itself, below the terminal's shell."""
        pane = int(self.tmux.run("display-message", "-p", "#{pane_pid}").strip())
        return next(each for each in psutil.Process(pane).children(recursive=True) if "till" in each.cmdline())

    def close(self) -> None:
        """The terminal goes, and what ran in it."""
        if self.terminal is not None:
            self.terminal.run("kill-server")
            self.terminal = None

    async def leave(self) -> None:
        """Leave the counter as a shopkeeper does."""
        process = self.process()
        await self.key("C-q")
        await asyncio.to_thread(process.wait, 30)
        self.close()

    async def kill(self) -> None:
        """SIGKILL to the console; its terminal is of no more use."""
        process = self.process()
        process.kill()
        await asyncio.to_thread(process.wait, 20)
        self.close()

    async def key(self, *keys: str) -> None:
        """Press keys as a person does."""
        for each in keys:
            self.tmux.press(each)
            await asyncio.sleep(KEY_GAP_S)

    async def enter(self, *parts: str) -> None:
        """Press Enter once, and see what it leads to."""
        await self.key("Enter")
        await self.until(*parts)

    def scan(self, text: str) -> None:
        """Type as a scanner does: in one burst, then Enter."""
        self.tmux.press(text, "Enter")

    async def until(self, *parts: str) -> str:
        """What is shown once it holds all the parts."""
        return await self.until_one(parts)

    async def until_one(self, *wanted: tuple[str, ...]) -> str:
        """What is shown once it holds all the parts of one of those wanted."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            shown = self.tmux.text()
            if any(all(part in shown for part in parts) for parts in wanted):
                return shown
            assert time.monotonic() < until_s, f"waited in vain for {wanted}:\n{shown}"
            await asyncio.sleep(0.05)

    async def comes(self, *wanted: tuple[str, ...], within_s: float) -> tuple[str, ...]:
        """Which of those wanted came first; nothing where none came in time."""
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            shown = self.tmux.text()
            for parts in wanted:
                if all(part in shown for part in parts):
                    return parts
            await asyncio.sleep(0.05)
        return ()

    async def until_gone(self, part: str) -> None:
        """Until something is no longer shown."""
        until_s = time.monotonic() + PATIENCE_S
        while part in (shown := self.tmux.text()):
            assert time.monotonic() < until_s, f"never went: {part}:\n{shown}"
            await asyncio.sleep(0.05)

    async def link(self) -> str:
        """What the code on the screen says; a picture may be taken while it is being painted."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            said = read_any(picture(self.tmux.ansi(), 80, 24))
            if said:
                return said
            assert time.monotonic() < until_s, self.tmux.text()
            await asyncio.sleep(0.1)

    def customer(self, number: int) -> Wallet:
        """Somebody of the city, who asks the shop's peer."""
        customers = self.pilot.customers
        return self.pilot.wallet(customers[number % len(customers)].customer, self.pilot.network.peer_address)

    async def paid_by(self, number: int, link: str) -> None:
        """A customer pays what the code says."""
        wallet = self.customer(number)
        for _ in range(20):
            result = await wallet.pay(await wallet.offer(link), wait_s=5)
            if result.end is End.PAID:
                return
            assert result.end in (End.UNKNOWN, End.UNPAID), result
        raise AssertionError("the payment did not arrive")

    def code(self, number: int, limit_minor: int) -> str:
        """A code that a customer shows."""
        return self.customer(number).code(yuan(limit_minor)).text


def sale_number(shown: str) -> str:
    """The reference of the sale that the counter shows."""
    found = re.search(r"Sale (\d{6}-[0-9A-Z]{2}-\d{4})", shown)
    assert found is not None, shown
    return found.group(1)

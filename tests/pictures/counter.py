"""The counter's screens, on a till that says what is prepared: the same pictures each time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from textual.pilot import Pilot

from chainpos.console.shell import Shell
from chainpos.till.views import Link, PrinterView, SaleState
from tests.console.looking import go, key_in, opened, scan, settle
from tests.console.prepared_shift import OPEN, PEOPLE
from tests.console.prepared_till import PreparedTill, network_of

TEA, SOUP, RICE = "6901234567892", "6909876543210", "96385074"
TURNS = 40


class Scene(NamedTuple):
    """One picture: `name` of its file, `told` beside it, and the way there."""

    name: str
    told: str
    play: Callable[[PreparedTill, Pilot[int]], Awaitable[None]]


async def _request(till: PreparedTill, pilot: Pilot[int]) -> None:
    await key_in(pilot, *"1250", "enter")


def _sale(state: SaleState) -> Callable[[PreparedTill, Pilot[int]], Awaitable[None]]:
    async def play(till: PreparedTill, pilot: Pilot[int]) -> None:
        await _request(till, pilot)
        till.move_sale(state)
        await settle(pilot)

    return play


def _page(name: str) -> Callable[[PreparedTill, Pilot[int]], Awaitable[None]]:
    async def play(till: PreparedTill, pilot: Pilot[int]) -> None:
        await go(pilot, name)

    return play


async def _bill(till: PreparedTill, pilot: Pilot[int]) -> None:
    for code in (TEA, SOUP, TEA, RICE):
        await scan(pilot, code)
        for _ in range(TURNS):
            await settle(pilot, 0.02)


async def _bill_code(till: PreparedTill, pilot: Pilot[int]) -> None:
    await _bill(till, pilot)
    await key_in(pilot, "enter")
    for _ in range(TURNS):
        await settle(pilot, 0.02)


async def _search(till: PreparedTill, pilot: Pilot[int]) -> None:
    await key_in(pilot, "slash", "m")
    for _ in range(TURNS):
        await settle(pilot, 0.02)


async def _offline(till: PreparedTill, pilot: Pilot[int]) -> None:
    await _request(till, pilot)
    till.push(network=network_of(Link.OFFLINE))
    await settle(pilot)


async def _receipt(till: PreparedTill, pilot: Pilot[int]) -> None:
    till.push(printer=PrinterView(is_set=True))
    await _sale(SaleState.PAID)(till, pilot)
    await key_in(pilot, "v")


async def _shift(till: PreparedTill, pilot: Pilot[int]) -> None:
    till.shifts.put(OPEN)
    await key_in(pilot, "f11")


async def _z_report(till: PreparedTill, pilot: Pilot[int]) -> None:
    till.shifts.put(OPEN)
    await key_in(pilot, "f11", "z", *"69800", "enter", "ctrl+y")


async def _sign_in(till: PreparedTill, pilot: Pilot[int]) -> None:
    till.staff.put(PEOPLE)
    await key_in(pilot, "ctrl+s")


async def _tender(till: PreparedTill, pilot: Pilot[int]) -> None:
    await _bill(till, pilot)
    await key_in(pilot, "ctrl+o", *"10000")


async def _refund(till: PreparedTill, pilot: Pilot[int]) -> None:
    await go(pilot, "sales")
    await key_in(pilot, "r")


async def _help(till: PreparedTill, pilot: Pilot[int]) -> None:
    await key_in(pilot, "f12")


async def _palette(till: PreparedTill, pilot: Pilot[int]) -> None:
    await key_in(pilot, "ctrl+p")


async def _idle(till: PreparedTill, pilot: Pilot[int]) -> None:
    await settle(pilot)


SCENES = (
    Scene("counter", "The counter, ready for the next sale", _idle),
    Scene("waiting", "A code that waits to be paid", _request),
    Scene("seen", "Seen, and not paid yet", _sale(SaleState.SEEN)),
    Scene("paid", "Paid: this till has checked the block itself", _sale(SaleState.PAID)),
    Scene("refused", "Refused by the contract: no money moved", _sale(SaleState.REFUSED)),
    Scene("offline", "Offline: codes are shown, nothing is called paid", _offline),
    Scene("bill", "A bill from the scanner", _bill),
    Scene("bill-code", "A bill and its code", _bill_code),
    Scene("articles", "Articles by name, initials or bar code", _search),
    Scene("receipt", "A receipt that proves itself", _receipt),
    Scene("sales", "The sales of the shift", _page("sales")),
    Scene("refund", "A refund: the amount twice, the PIN, a key of its own", _refund),
    Scene("tender", "Cash beside the ledger, and the change", _tender),
    Scene("shift", "The open shift", _shift),
    Scene("z-report", "A Z report: book, ledger and settlement agree", _z_report),
    Scene("sign-in", "Somebody else stands at the till", _sign_in),
    Scene("settlement", "Where the shop's money is", _page("settlement")),
    Scene("ledger", "Blocks and transactions, live", _page("ledger")),
    Scene("node", "The shop's own node", _page("node")),
    Scene("help", "The live keys", _help),
    Scene("palette", "Every action, in either language", _palette),
)


@asynccontextmanager
async def on_counter(
    scene: Scene, folder: Path, size: tuple[int, int], language: str, theme: str
) -> AsyncIterator[Shell]:
    """The console as it looks at the end of a scene."""
    till = PreparedTill()
    async with opened(till, folder, size=size, language=language, theme=theme) as (app, pilot):
        await scene.play(till, pilot)
        await settle(pilot, 0.2)
        yield app

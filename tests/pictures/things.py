"""Every kind of thing that support looks at, on the sample day: cards, what-if, two runs compared, a case file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from textual.pilot import Pilot
from textual.widgets import Input

from chainpos.console.inspecting import InspectApp
from chainpos.console.screens.card import CardScreen
from chainpos.console.screens.case_file import CaseScreen
from chainpos.console.screens.case_form import CaseForm
from chainpos.inspect.support import SupportDesk, Thing
from tests.console.looking_into import answered, ask, press, type_in
from tests.pictures.scenes import PAID, Scene

Play = Callable[[Pilot[int]], Awaitable[None]]


def _app(pilot: Pilot[int]) -> InspectApp:
    return cast("InspectApp", pilot.app)


def _desk(pilot: Pilot[int]) -> SupportDesk:
    desk = _app(pilot).support
    assert desk is not None
    return desk


async def _payment(pilot: Pilot[int]) -> dict[str, str]:
    """The payment's record, and the place of its transaction under "height" and "index"."""
    story = await _desk(pilot).timeline(PAID)
    card = await _desk(pilot).card(Thing("request", story.request_id))
    assert card is not None
    (paid,) = (moment for moment in story.moments if moment.stage == "paid")
    found = {name: value for _, fields in card.parts for name, value in fields}
    return found | {"request": story.request_id, "height": str(paid.height), "index": str(paid.index)}


def _card(kind: str, named: Callable[[dict[str, str]], str]) -> Play:
    async def play(pilot: Pilot[int]) -> None:
        payment = await _payment(pilot)
        name, height = named(payment), int(payment["height"])
        thing = Thing(kind, name, height, int(payment["index"])) if kind == "transaction" else Thing(kind, name)
        await _app(pilot).push_screen(CardScreen(thing))
        await answered(pilot)
        await press(pilot, "down")

    return play


async def _what_if(pilot: Pilot[int]) -> None:
    await ask(pilot, PAID)
    await press(pilot, "w", "f")
    await type_in(pilot, "request.amount")
    await press(pilot, "enter")
    pilot.app.screen.query_one(Input).value = ""
    await type_in(pilot, "9999")


async def _compared(pilot: Pilot[int]) -> None:
    await _what_if(pilot)
    await press(pilot, "r")


async def _case(pilot: Pilot[int]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{PAID}.case"
        await _desk(pilot).write_case(PAID, path)
        await _app(pilot).push_screen(CaseScreen(path))
        await answered(pilot)


async def _case_form(pilot: Pilot[int]) -> None:
    await ask(pilot, PAID)
    await press(pilot, "e")
    assert isinstance(pilot.app.screen, CaseForm)


SCENES = (
    Scene("block", "A block, who signed it, and its transactions", _card("block", lambda paid: paid["height"])),
    Scene("transaction", "A transaction: how it ended, what it moved", _card("transaction", lambda _: "")),
    Scene("account", "A customer's account", _card("account", lambda paid: paid["payer"])),
    Scene("merchant", "A shop, and where its money is", _card("merchant", lambda paid: paid["merchant"])),
    Scene("institution", "A bank, and its reserve", _card("institution", lambda paid: paid["institution"])),
    Scene("request", "A request that was paid, and its money", _card("request", lambda paid: paid["request"])),
    Scene("cycle", "A netting cycle, and what it saved", _card("cycle", lambda _: "CNY/1")),
    Scene("payout", "A payout", _card("payout", lambda paid: f"{paid['merchant']}/CNY/1")),
    Scene("what-if", "What if: any field of the message, the time, the records", _what_if),
    Scene("compared", "Two runs beside each other, and where they part", _compared),
    Scene("case-form", "A case file is written", _case_form),
    Scene("case", "A case file, opened: every proof by its name", _case),
)  # fmt: skip

"""Which actions there are, where, and by which names: for the help screen, the palette and the keymap file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from textual.app import App
from textual.binding import Binding
from textual.screen import Screen

from chainpos.console.language import LANGUAGES, Texts, load_texts
from chainpos.console.screens.counter import CounterScreen
from chainpos.console.screens.frame import Frame
from chainpos.console.screens.ledger import LedgerScreen
from chainpos.console.screens.looking import Looking
from chainpos.console.screens.money_form import MoneyForm
from chainpos.console.screens.node import NodeScreen
from chainpos.console.screens.operator import OperatorScreen
from chainpos.console.screens.palette import Command
from chainpos.console.screens.sales import SalesScreen
from chainpos.console.screens.settlement import SettlementScreen
from chainpos.console.screens.shift import ShiftScreen
from chainpos.console.screens.staff import StaffScreen
from chainpos.console.screens.support import SupportScreen
from chainpos.console.screens.trace import StepList, TraceScreen
from chainpos.console.screens.what_if import WhatIfScreen
from chainpos.console.widgets.key_line import key_name
from chainpos.console.widgets.line_list import LineList

# Moving about in lists and dialogs is keys, not commands.
_NO_COMMANDS = ("list.", "panel.", "dialog.", "app.palette", "app.next_field", "app.previous_field")


def bindings_by_place() -> dict[str, Iterable[Binding]]:
    """The bindings of each place that has some; "app" holds everywhere."""
    from chainpos.console.app import ConsoleApp
    from chainpos.console.shell import Shell

    lists = cast(list[Binding], LineList.BINDINGS)
    page = cast(list[Binding], Frame.BINDINGS)
    screens: tuple[type[Frame], ...] = (
        CounterScreen, SalesScreen, SettlementScreen, LedgerScreen, NodeScreen, ShiftScreen, StaffScreen
    )  # fmt: skip
    places: dict[str, Iterable[Binding]] = {
        "app": [*cast(list[Binding], Shell.BINDINGS), *cast(list[Binding], ConsoleApp.BINDINGS)]
    }
    for screen in screens:
        # A list's Enter and arrows come before its screen's: only the counter has none.
        own = cast(list[Binding], screen.BINDINGS)
        with_lists = screen in {SalesScreen, SettlementScreen, LedgerScreen, ShiftScreen, StaffScreen}
        places[screen.NAME] = [*own, *page, *(lists if with_lists else [])]
    looking = [*page, *cast(list[Binding], Looking.BINDINGS)]
    places["support"] = [*cast(list[Binding], SupportScreen.BINDINGS), *looking, *lists]
    places["trace"] = [
        *cast(list[Binding], TraceScreen.BINDINGS), *looking, *cast(list[Binding], StepList.BINDINGS)
    ]  # fmt: skip
    places["what_if"] = [*cast(list[Binding], WhatIfScreen.BINDINGS), *looking, *lists]
    places["operator"] = [*cast(list[Binding], OperatorScreen.BINDINGS), *page]
    places["dialog"] = cast(list[Binding], MoneyForm.BINDINGS)
    return places


def _live(screen: Screen[object]) -> list[tuple[bool, str, str, str]]:
    """(everywhere, binding id, key, action) of each usable binding, once."""
    seen: dict[str, tuple[bool, str, str, str]] = {}
    for pressed, (node, binding, enabled, _) in screen.active_bindings.items():
        if enabled and binding.id and binding.id not in seen:
            seen[binding.id] = (isinstance(node, App), binding.id, pressed, binding.action)
    # What the screen does comes before moving about in its list.
    return sorted(seen.values(), key=lambda each: each[1].startswith(("list.", "panel.")))


def live_pairs(screen: Screen[object], texts: Texts) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Keys and what they do, on this screen and everywhere."""
    named = [
        (everywhere, (key_name(texts, pressed), texts(f"action.{binding_id}")))
        for everywhere, binding_id, pressed, _ in _live(screen)
    ]
    return (
        tuple(pair for everywhere, pair in named if not everywhere),
        tuple(pair for everywhere, pair in named if everywhere),
    )


def commands_of(screen: Screen[object], texts: Texts) -> tuple[Command, ...]:
    """What the palette offers on a screen: its own actions, then those of everywhere."""
    catalogues = [load_texts(language) for language in LANGUAGES]
    live = sorted(_live(screen), key=lambda each: each[0])
    return tuple(
        Command(
            action=f"app.{action}" if everywhere and "." not in action.split("(", maxsplit=1)[0] else action,
            name=texts(f"action.{binding_id}"),
            names=tuple(catalogue(f"action.{binding_id}") for catalogue in catalogues),
            pressed=key_name(texts, pressed),
        )
        for everywhere, binding_id, pressed, action in live
        if not binding_id.startswith(_NO_COMMANDS)
    )

"""The live keys, in words: read from the bindings of the screen below, so they are never out of date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from chainpos.console.cells import fit, width_of, wrap
from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule

Pairs = tuple[tuple[str, str], ...]  # key, what it does


class KeyTable(LinesPanel):
    """Keys in two groups."""

    def __init__(self, here: Pairs, everywhere: Pairs, palette_key: str) -> None:
        super().__init__()
        self.here, self.everywhere, self.palette_key = here, everywhere, palette_key

    def _rows(self, pairs: Pairs, width: int) -> list[Content]:
        column = max((width_of(pressed) for pressed, _ in (*self.here, *self.everywhere)), default=6) + 2
        return [
            Content.assemble((fit(pressed, column), "$accent bold"), line(label, width=max(width - column, 1)))
            for pressed, label in pairs
        ]

    def lines(self, width: int) -> Sequence[Content]:
        """This screen first."""
        texts = texts_of(self)
        return [
            rule(texts("help.here"), width),
            *self._rows(self.here, width),
            *(line(row, "$muted") for row in wrap(texts("help.digits"), width)),
            Content(),
            rule(texts("help.everywhere"), width),
            *self._rows(self.everywhere, width),
            Content(),
            *(line(row, "$muted") for row in wrap(texts("help.palette_hint", key=self.palette_key), width)),
        ]


class Help(Dialog[None]):
    """Closes with Escape or the key that opened it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape,question_mark,enter", "dismiss", "dialog.close"),
        key("up,k", "scroll(-1)", "panel.up", show=False),
        key("down,j", "scroll(1)", "panel.down", show=False),
    ]

    def __init__(self, here: Pairs, everywhere: Pairs, palette_key: str) -> None:
        super().__init__()
        self.table = KeyTable(here, everywhere, palette_key)

    def compose(self) -> ComposeResult:
        """A box over the screen it is about."""
        box = VerticalScroll(self.table, classes="dialog -tall", can_focus=False)
        texts = texts_of(self)
        box.border_title = Content(texts("help.title")).plain
        box.border_subtitle = Content(texts("help.close")).plain
        yield box

    def action_scroll(self, by: int) -> None:
        """Up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by * 3, animate=False)

"""What would have been: a transaction's message, the block's time and the records it read, each to be changed.

Nothing that is changed here is ever written anywhere, and every line of it says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input

from chainpos.console.cells import fit, wrap
from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.language import Texts
from chainpos.console.scanner import normalised
from chainpos.console.screens.looking import About, Looking
from chainpos.console.screens.trace import TraceScreen
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.lines_panel import LinesPanel, line
from chainpos.console.widgets.notice import Told
from chainpos.inspect.changeable import MESSAGE, TIME, Changeable
from chainpos.inspect.steps import Trace
from chainpos.inspect.words import words_in

COLUMNS: Final = (
    Column("what_if.of", 24, from_width=100),
    Column("what_if.field", 26),
    Column("what_if.was", 0),
    Column("what_if.would", 0),
)


def group_of(texts: Texts, group: str) -> str:
    """What a field belongs to: the block's time, the message, or a record."""
    words = words_in(texts.language)
    return words.field(group) if group in (MESSAGE, TIME) else words.record(group)


class Imagining(LinesPanel):
    """That it is only imagined; the field in hand and the values that make sense for it."""

    field: reactive[Changeable | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """The banner is always there."""
        texts = texts_of(self)
        lines = [line(fit(f" ≈ {texts('trace.hypothetical')} ", width), "$warn-ink on $warn bold", width=width)]
        if self.field is not None:
            words = words_in(texts.language)
            named = f"{group_of(texts, self.field.group)} · {words.field(self.field.name)} ({self.field.name})"
            told = f"{named}: {self.field.value} {self.field.currency}"
            if self.field.choices:
                told += f" ({' | '.join(self.field.choices)})"
            lines += [line(each, "$muted") for each in wrap(told, width)[:2]]
        return lines


class WhatIfScreen(Looking):
    """A list of fields; Enter takes one into the field below, Enter there keeps what was typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("r", "run", "what_if.run"),
        key("backspace,delete", "restore", "what_if.restore", show=False),
        key("f", "find", "what_if.find"),
    ]

    def __init__(self, height: int, index: int) -> None:
        super().__init__()
        self.height, self.index = height, index
        self.real: Trace | None = None
        self.fields: tuple[Changeable, ...] = ()
        self.changed: dict[tuple[str, str], str] = {}
        self.finding = False

    def heading(self) -> str:
        """What if, and of what."""
        return self.console_app.texts("what_if.title", name=f"{self.height:,}/{self.index}")

    def inside(self) -> Iterable[Widget]:
        """The banner, the fields, the one in hand."""
        self.list: LineList[Changeable] = LineList(
            COLUMNS, self._cells, lambda each: (each.group, each.name), id="changeable"
        )
        yield Imagining(id="imagining")
        yield self.list
        yield Field(id="changed-to", select_on_focus=True, max_length=200)

    def on_mount(self) -> None:
        """Run it as it was, to know what it read."""
        super().on_mount()
        self.relabel("changed-to", self.console_app.texts("what_if.hint"))
        self.list.focus()
        self.asking(self._read, "what-if")

    def retranslate(self) -> None:
        """The hint is a text."""
        self.relabel("changed-to", self.console_app.texts("what_if.hint"))
        super().retranslate()

    async def _read(self) -> None:
        self.real = await self.desk.trace(self.height, self.index)
        self.fields = await self.desk.changeable(self.real)
        self._show()

    def _show(self, sought: str = "") -> None:
        words, texts = sought.lower().split(), self.console_app.texts
        named = words_in(texts.language)

        def names(each: Changeable) -> str:
            return f"{each.group} {each.name} {group_of(texts, each.group)} {named.field(each.name)}".lower()

        found = [each for each in self.fields if all(word in names(each) for word in words)]
        self.list.show(found, empty=lambda: self.console_app.texts("what_if.none"))

    def _cells(self, each: Changeable) -> Sequence[Cell]:
        to = self.changed.get((each.group, each.name))
        texts = self.console_app.texts
        value = f"{each.value} {each.currency}".rstrip()
        return (
            (group_of(texts, each.group), "muted"),
            (words_in(texts.language).field(each.name), "accent" if to is None else "warn"),
            (value, "" if to is None else "muted"),
            (f"≈ {to}" if to is not None else "", "warn"),
        )

    @on(LineList.Moved, "#changeable")
    def moved(self) -> None:
        """The field in hand."""
        self.query_one("#imagining", Imagining).field = self.list.present

    # -- changing

    @on(LineList.Chosen, "#changeable")
    def chosen(self) -> None:
        """Take it in hand."""
        each = self.list.present
        if each is not None:
            self.finding = False
            field = self.query_one("#changed-to", Field)
            field.value = self.changed.get((each.group, each.name), each.value)
            field.focus()

    def action_find(self) -> None:
        """Find a field by a part of its name."""
        self.finding = True
        field = self.query_one("#changed-to", Field)
        field.value = ""
        field.focus()

    @on(Input.Changed, "#changed-to")
    def typed(self) -> None:
        """What is sought is found while it is typed."""
        if self.finding and self.query_one("#changed-to").has_focus:
            self._show(self.query_one("#changed-to", Input).value)

    @on(Input.Submitted, "#changed-to")
    def submitted(self) -> None:
        """Keep what was typed, once the field has taken all of it, and back to the list."""
        self.query_one("#changed-to", Input).call_later(self._keep)

    def _keep(self) -> None:
        each, typed = self.list.present, normalised(self.query_one("#changed-to", Input).value).strip()
        if not self.finding and each is not None:
            if typed == each.value:
                self.changed.pop((each.group, each.name), None)
            else:
                self.changed[(each.group, each.name)] = typed
        self._to_list()

    def _to_list(self) -> None:
        self.finding = False
        self.query_one("#changed-to", Field).value = ""
        self.list.focus()
        self.list.refresh()
        self.refresh_bindings()

    def action_restore(self) -> None:
        """The field as it was."""
        each = self.list.present
        if each is not None:
            self.changed.pop((each.group, each.name), None)
            self.list.refresh()
            self.refresh_bindings()

    def action_back(self) -> None:
        """Out of the field, else out of the screen."""
        if self.list.has_focus:
            super().action_back()
        else:
            self._show()
            self._to_list()

    # -- running

    def action_run(self) -> None:
        """Run it so, beside how it was."""
        if not self.changed:
            self.told(Told(self.console_app.texts("what_if.nothing")))
            return
        self.told(None)
        self.asking(self._run, "run")

    async def _run(self) -> None:
        if self.real is None:
            return
        changes = [
            each.to(self.changed[(each.group, each.name)])
            for each in self.fields
            if (each.group, each.name) in self.changed
        ]
        imagined, compared = await self.desk.what_if(self.real, changes)
        self.app.push_screen(
            TraceScreen(self.height, self.index, trace=imagined, real=self.real, compared=compared)
        )  # fmt: skip

    def about(self) -> About:
        """Nothing can be asked of what is only being typed."""
        return About()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters are letters while one types."""
        if action in ("run", "find", "restore", "forward"):
            return self.list.has_focus
        return super().check_action(action, parameters)

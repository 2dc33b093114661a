"""Every action by name, in both languages whichever is shown. It offers only what can be done now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.fuzzy import Matcher
from textual.widgets import Input

from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.scanner import normalised
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.ground import Box
from chainpos.console.widgets.line_list import Cell, Column, LineList


@dataclass(frozen=True)
class Command:
    """`name` is in the language shown, `names` in all of them; `pressed` is its key in words."""

    action: str
    name: str
    names: tuple[str, ...]
    pressed: str


def matching(commands: Sequence[Command], search: str) -> list[Command]:
    """The commands that match, best first; all of them for an empty search."""
    sought = normalised(search).strip()
    if not sought:
        return list(commands)
    matcher = Matcher(sought)
    scored = [(max(matcher.match(name) for name in command.names), command) for command in commands]
    return [command for score, command in sorted(scored, key=lambda pair: -pair[0]) if score > 0]


class Palette(Dialog[str | None]):
    """Answers the action that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "close", "dialog.close"),
        key("down", "move(1)", "list.down", show=False),
        key("up", "move(-1)", "list.up", show=False),
    ]

    def __init__(self, commands: Sequence[Command]) -> None:
        super().__init__()
        self.commands = commands
        self.list: LineList[Command] = LineList(
            (Column("", 0), Column("", 12, right=True)), self._cells, lambda each: each.action, id="palette-list"
        )
        self.list.can_focus = False

    def _cells(self, command: Command) -> Sequence[Cell]:
        return (command.name, ""), (command.pressed, "muted")

    def compose(self) -> ComposeResult:
        """A field and what matches."""
        with Box(classes="dialog -palette"):
            yield Field(placeholder=texts_of(self)("palette.placeholder"), id="palette-search")
            yield self.list

    def on_mount(self) -> None:
        """All of them."""
        self.query_one(Input).focus()
        self._find()

    @on(Input.Changed)
    def _find(self) -> None:
        found = matching(self.commands, self.query_one(Input).value)
        self.list.show(found, empty=lambda: texts_of(self)("palette.none"))
        self.list.action_go(0)

    @on(Input.Submitted)
    def _chosen(self) -> None:
        command = self.list.present
        if command is not None:
            self.dismiss(command.action)

    @on(LineList.Chosen)
    def _clicked(self) -> None:
        self._chosen()

    def action_move(self, by: int) -> None:
        """The cursor of the list, from the field."""
        self.list.action_move(by)

    def action_close(self) -> None:
        """Nothing was chosen."""
        self.dismiss(None)

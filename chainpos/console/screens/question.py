"""A question before something that cannot be undone. Enter keeps things as they are; another key says yes."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from chainpos.console.context import context
from chainpos.console.keymap import key
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.ground import Box, Row
from chainpos.console.widgets.key_line import key_name
from chainpos.console.widgets.way import Way
from chainpos.console.widgets.words import Heading


class Question(Dialog[bool]):
    """Asks with the texts under `about`: title, confirm, keep. Answers True only for an explicit yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "keep", "dialog.close"),
        key("y,Y", "confirm", "dialog.yes"),
        key("right,down,tab", "app.focus_next", "dialog.next_field", show=False),
        key("left,up,shift+tab", "app.focus_previous", "dialog.previous_field", show=False),
    ]

    def __init__(self, about: str, detail: str) -> None:
        super().__init__()
        self.about, self.detail = about, detail

    def compose(self) -> ComposeResult:
        """The safe answer has the focus."""
        texts = context(self).texts
        with Box(classes="dialog"):
            yield Heading(texts(f"{self.about}.title"), self.detail)
            with Row(classes="dialog-buttons"):
                yield Way(f"{texts(f'{self.about}.keep')} · {key_name(texts, 'escape')}", id="keep")
                yield Way(f"{texts(f'{self.about}.confirm')} · Y", id="confirm", classes="-danger")

    def on_mount(self) -> None:
        """Enter alone keeps things as they are."""
        self.query_one("#keep").focus()

    @on(Way.Pressed, "#keep")
    def action_keep(self) -> None:
        """No."""
        self.dismiss(False)

    @on(Way.Pressed, "#confirm")
    def action_confirm(self) -> None:
        """Yes."""
        self.dismiss(True)

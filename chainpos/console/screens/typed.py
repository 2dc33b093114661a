"""A question whose answer is typed: a path. Escape leaves everything as it is; an empty answer is none."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from chainpos.console.context import surroundings
from chainpos.console.keymap import key
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.ground import Box
from chainpos.console.widgets.words import Words

MAX_TYPED = 4_096


class Typed(Dialog[str]):
    """Asks with the texts under `about`; `suggested` can be taken with Enter. Answers "" for nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [key("escape", "dismiss('')", "dialog.close")]

    def __init__(self, about: str, detail: str, suggested: str) -> None:
        super().__init__()
        self.about, self.detail, self.suggested = about, detail, suggested

    def compose(self) -> ComposeResult:
        """The field has the focus."""
        texts = surroundings(self).texts
        with Box(classes="dialog"):
            yield Words(texts(f"{self.about}.title"), classes="dialog-title")
            yield Words(self.detail, classes="dialog-text")
            yield Input(self.suggested, max_length=MAX_TYPED, id="typed")

    def on_mount(self) -> None:
        """Typing goes into it."""
        self.query_one("#typed").focus()

    @on(Input.Submitted, "#typed")
    def submitted(self, message: Input.Submitted) -> None:
        """That is the answer."""
        self.dismiss(message.value.strip())

"""A question that is answered with a few characters: a weight, a price, a discount, a tip. Enter answers it.

It shows a refusal where it was typed, and stays until the answer holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from chainpos.console.context import context
from chainpos.console.keymap import key
from chainpos.console.phrases import parts_of
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.ground import Box
from chainpos.console.widgets.hint import Hint
from chainpos.console.widgets.notice import Told
from chainpos.console.widgets.words import Heading
from chainpos.errors import UserFacingError


class Prompt(Dialog[bool]):
    """`about` names its texts: title, label, hint. `send` is given what was typed."""

    BINDINGS: ClassVar[list[BindingType]] = [key("escape", "close", "dialog.close")]

    def __init__(self, about: str, subject: str, send: Callable[[str], Awaitable[None]], behind: str = "") -> None:
        """`behind` stands in the field already, behind the cursor."""
        super().__init__()
        self.about, self.subject, self.send, self.behind = about, subject, send, behind
        self.sending = False

    def compose(self) -> ComposeResult:
        """What it is about, the field, what may be typed."""
        texts = context(self).texts
        with Box(classes="dialog"):
            yield Heading(texts(f"{self.about}.title", subject=self.subject))
            yield Field(self.behind, label=texts(f"{self.about}.label"), id="prompt-field", max_length=24)
            yield Hint(texts(f"{self.about}.hint"))

    def on_mount(self) -> None:
        """Type at once, before what stands there."""
        field = self.query_one(Input)
        field.focus()
        field.cursor_position = 0

    @on(Input.Changed)
    def typed(self) -> None:
        """A refusal is about what was typed before. What stands behind the cursor is not there twice if it is typed."""
        self.query_one(Hint).told = None
        field = self.query_one(Input)
        typed, rest = field.value[: field.cursor_position], field.value[field.cursor_position :]
        if rest and rest == self.behind and typed.endswith(rest):
            field.value = typed
            field.cursor_position = len(typed)

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Answer."""
        if not self.sending:
            self.sending = True
            send: Callable[[], Awaitable[None]] = partial(self._send, self.query_one(Input).value.strip())
            self.run_worker(send, name="answer")

    async def _send(self, text: str) -> None:
        try:
            await self.send(text)
        except UserFacingError as error:
            self.sending = False
            what, _, next_step = parts_of(context(self).texts, error)
            self.query_one(Hint).told = Told(what, next_step=next_step)
        else:
            self.dismiss(True)

    def action_close(self) -> None:
        """Not answered."""
        self.dismiss(False)

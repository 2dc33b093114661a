"""Where a case file goes: a name is offered, Enter writes it, and nothing is ever written over."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from chainpos.console.context import surroundings
from chainpos.console.keymap import key
from chainpos.console.phrases import parts_of
from chainpos.console.screens.dialog import Dialog
from chainpos.console.screens.frame import Frame
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.ground import Box
from chainpos.console.widgets.notice import Notice, Told
from chainpos.console.widgets.words import Words
from chainpos.errors import UserFacingError

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class FileForm(Dialog[Path | None]):
    """Asks for a file; answers it, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [key("escape", "close", "dialog.close")]

    def __init__(self, about: str, offered: str) -> None:
        super().__init__()
        self.about, self.offered = about, offered

    def compose(self) -> ComposeResult:
        """What it is for, the field, what went wrong."""
        texts = surroundings(self).texts
        with Box(classes="dialog"):
            yield Words(texts(f"{self.about}.title"), classes="dialog-title")
            yield Words(texts(f"{self.about}.detail"), classes="dialog-text")
            yield Field(self.offered, id="file")
            yield Words(texts(f"{self.about}.ready"), classes="dialog-text", id="file-hint")
            yield Notice(id="form-notice")

    def on_mount(self) -> None:
        """Begin in the field."""
        self.query_one("#file").focus()

    @on(Input.Submitted)
    def submitted(self) -> None:
        """The path that was typed, once the field has taken every letter of it: Enter may overtake some."""
        self.query_one("#file", Input).call_later(self._take)

    def _take(self) -> None:
        typed = self.query_one("#file", Input).value.strip()
        if typed:
            self.took(Path(typed).expanduser())

    def took(self, path: Path) -> None:
        """A path was typed."""
        self.dismiss(path)

    def action_close(self) -> None:
        """Nothing was chosen."""
        self.dismiss(None)


class CaseForm(FileForm):
    """Writes the case file of a payment, and stays with what went wrong if it cannot."""

    def __init__(self, word: str) -> None:
        super().__init__("case_form", f"case-{_UNSAFE.sub('-', word)[:40]}.zip")
        self.word = word
        self.writing = False

    def took(self, path: Path) -> None:
        """Write it, once."""
        if not self.writing:
            self.writing = True
            self.query_one("#file-hint", Words).text = surroundings(self).texts("case_form.writing")
            self.run_worker(self._write(path), name="case", group="case")

    async def _write(self, path: Path) -> None:
        texts, desk = surroundings(self).texts, surroundings(self).support
        if desk is None:
            return
        try:
            written = await desk.write_case(self.word, path)
        except UserFacingError as error:
            self.query_one("#form-notice", Notice).told = Told(*parts_of(texts, error))
            self.query_one("#file-hint", Words).text = texts("case_form.ready")
        else:
            told = texts("case_form.written", path=path, size=f"{written.bytes:,}", sha256=written.sha256)
            below = self.app.screen_stack[-2]
            if isinstance(below, Frame):
                below.told(Told(told, good=True))
            self.dismiss(path)
        finally:
            self.writing = False

"""Keys to press with a finger or the mouse, the same as those of the keyboard. They never take the focus."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message

from chainpos.console.context import texts_of
from chainpos.console.widgets.kept import Keeping
from chainpos.console.widgets.lines_panel import line

KEYS: Final = ("1", "2", "3", "4", "5", "6", "7", "8", "9", ".", "0", "⌫", "enter")


class PadKey(Keeping, can_focus=False):
    """One key."""

    class Pressed(Message):
        """The key was clicked."""

        def __init__(self, key: str) -> None:
            self.key = key
            super().__init__()

    def __init__(self, key: str) -> None:
        super().__init__(classes="-enter" if key == "enter" else "")
        self.key = key

    def render(self) -> Content:
        """What is on the key."""
        label = texts_of(self)("action.counter.enter") if self.key == "enter" else self.key
        return line(label, "bold")

    def on_click(self) -> None:
        """Say so."""
        self.post_message(self.Pressed({"⌫": "backspace"}.get(self.key, self.key)))


class Keypad(Container, can_focus=False):
    """Digits as on a card terminal: 1 at the top left."""

    def compose(self) -> ComposeResult:
        """One widget a key."""
        for key in KEYS:
            yield PadKey(key)

"""One of a few words, chosen with the arrows or Space: a field that cannot be filled in wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.widgets.lines_panel import LinesPanel, line


class Choice(LinesPanel, can_focus=True):
    """`values` are choices; the text under `about` and a choice is its word."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("right,space", "turn(1)", "dialog.next_choice", show=False),
        key("left", "turn(-1)", "dialog.previous_choice", show=False),
    ]

    class Changed(Message):
        """Another one was chosen."""

    at: reactive[int] = reactive(0)

    def __init__(self, values: Sequence[str], about: str, chosen: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.values, self.about = tuple(values), about
        self.set_reactive(Choice.at, self.values.index(chosen) if chosen in self.values else 0)

    @property
    def value(self) -> str:
        """What is chosen."""
        return self.values[self.at]

    def lines(self, width: int) -> Sequence[Content]:
        """The word, and that there are others."""
        word = texts_of(self)(f"{self.about}.{self.value}")
        return [line(f"‹ {word} ›", "$accent bold" if self.has_focus else "", width=width)]

    def action_turn(self, by: int) -> None:
        """The next one, or the one before."""
        self.at = (self.at + by) % len(self.values)
        self.post_message(self.Changed())

    def on_focus(self) -> None:
        """Where one is is seen."""
        self.refresh()

    def on_blur(self) -> None:
        """And where one is not."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """The next one."""
        event.stop()
        self.focus()
        self.action_turn(1)

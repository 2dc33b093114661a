"""The screens by name, the present one marked; a click goes there."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from chainpos.console.cells import width_of
from chainpos.console.context import texts_of
from chainpos.console.widgets.lines_panel import LinesPanel, line


class TabLine(LinesPanel):
    """`tabs` are pairs of a screen's name and the key that goes there."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    tabs: reactive[tuple[tuple[str, str], ...]] = reactive(())
    current: reactive[str] = reactive("")

    def _places(self, width: int) -> list[tuple[str, str, str]]:
        texts = texts_of(self)
        labels = [(name, key, texts(f"tab.{name}")) for name, key in self.tabs]
        for form in (" {key} {label} ", " {key} {label}", " {label} ", "{key} "):
            shown = [(name, form.format(key=key, label=label)) for name, key, label in labels]
            if sum(width_of(text) for _, text in shown) <= width:
                break
        return [(name, text, "" if name == self.current else "$muted") for name, text in shown]

    def lines(self, width: int) -> Sequence[Content]:
        """One line."""
        return [
            Content.assemble(
                *(
                    line(text, "$accent-ink on $accent bold" if name == self.current else style)
                    for name, text, style in self._places(width)
                )
            )
        ]

    def on_click(self, event: events.Click) -> None:
        """Which tab lies under the pointer."""
        left = self.content_region.x - self.region.x
        for name, text, _ in self._places(self.content_size.width):
            if left <= event.x < left + width_of(text):
                self.post_message(self.Chosen(name))
                return
            left += width_of(text)

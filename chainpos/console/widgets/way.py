"""A way out of a dialog, to be pressed. Textual's own button brings twenty styles and a flash that nobody waits for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive

from chainpos.console.cells import width_of
from chainpos.console.keymap import key
from chainpos.console.widgets.lines_panel import LinesPanel, line


class Way(LinesPanel, can_focus=True):
    """Its label, and Enter or a click on it. It refuses both while it is disabled."""

    BINDINGS: ClassVar[list[BindingType]] = [key("enter", "press", "list.choose", show=False)]

    label: reactive[str] = reactive("", layout=True)

    class Pressed(Message):
        """This way was taken."""

        def __init__(self, way: Way) -> None:
            self.way = way
            super().__init__()

        @property
        def control(self) -> Way:
            """Whose: `on(Way.Pressed, "#keep")` asks for it."""
            return self.way

    def __init__(
        self, label: str, *, id: str | None = None, classes: str | None = None, disabled: bool = False  # noqa: A002
    ) -> None:  # fmt: skip
        super().__init__(id=id, classes=classes)
        self.label, self.disabled = label, disabled

    def lines(self, width: int) -> Sequence[Content]:
        """One."""
        return [line(self.label, width=width)]

    def get_content_width(self, container: Size, viewport: Size) -> int:  # noqa: ARG002 (Textual's signature)
        """As wide as its label."""
        return width_of(self.label)

    def _needs_layout(self) -> bool:
        return self.is_mounted and self.room.width != width_of(self.label)

    def action_press(self) -> None:
        """Enter."""
        if not self.disabled:
            self.post_message(self.Pressed(self))

    def on_click(self) -> None:
        """The mouse."""
        self.action_press()

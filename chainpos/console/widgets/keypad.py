"""Keys to press with a finger or the mouse, the same as those of the keyboard. They never take the focus.

One widget that draws all of them: each by itself would be laid out, styled and drawn by itself, whenever the counter is
free again.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from chainpos.console.cells import fit, width_of
from chainpos.console.context import texts_of
from chainpos.console.widgets.kept import Keeping

ROWS: Final = (("1", "2", "3"), ("4", "5", "6"), ("7", "8", "9"), (".", "0", "⌫"), ("enter",))
COLUMNS: Final = 3


class _Place(NamedTuple):
    key: str
    region: Region


@lru_cache(8)
def places(room: Size, between_rows: int) -> tuple[_Place, ...]:
    """Where each key is: all of the room, but one column between two of them and so many rows."""
    height, width = room.height - between_rows * (len(ROWS) - 1), room.width - (COLUMNS - 1)
    if height < len(ROWS) or width < COLUMNS:
        return ()
    tops = [height * row // len(ROWS) for row in range(len(ROWS) + 1)]
    lefts = [width * column // COLUMNS for column in range(COLUMNS + 1)]
    found = []
    for row, keys in enumerate(ROWS):
        for column, key in enumerate(keys):
            x, y = lefts[column] + column, tops[row] + row * between_rows
            # A key that is alone in its row is as wide as the row.
            right = room.width if len(keys) == 1 else lefts[column + 1] + column
            found.append(_Place(key, Region(x, y, right - x, tops[row + 1] - tops[row])))
    return tuple(found)


class Keypad(Keeping, can_focus=False):
    """Digits as on a card terminal: 1 at the top left."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"keypad--key", "keypad--enter", "keypad--under"}

    # The key under the mouse.
    under: reactive[str] = reactive("")
    # Rows that are free between two keys: none on a low screen.
    between: reactive[int] = reactive(1)

    class Pressed(Message):
        """A key was clicked."""

        def __init__(self, key: str) -> None:
            self.key = key
            super().__init__()

    def region_of(self, key: str) -> Region:
        """Where a key is on the screen. Raises StopIteration where there is no room for it."""
        return next(
            place.region.translate(self.content_region.offset)
            for place in places(self.room, self.between)
            if place.key == key
        )

    def render_line(self, y: int) -> Strip:
        """One line through all keys of a row."""
        ground, x, segments = self.visual_style.rich_style, 0, []
        for key, region in places(self.room, self.between):
            if region.y <= y < region.bottom:
                if region.x > x:
                    segments.append(Segment(" " * (region.x - x), ground))
                in_the_middle = y == region.y + (region.height - 1) // 2
                segments.append(Segment(self._face(key, region.width, in_the_middle), self._look_of(key)))
                x = region.right
        segments.append(Segment(" " * max(self.room.width - x, 0), ground))
        return Strip(segments)

    def _face(self, key: str, width: int, in_the_middle: bool) -> str:  # noqa: FBT001 (a label or none)
        label = "" if not in_the_middle else texts_of(self)("action.counter.enter") if key == "enter" else key
        return fit(" " * max((width - width_of(label)) // 2, 0) + label, width)

    def _look_of(self, key: str) -> Style:
        name = "under" if key == self.under else "enter" if key == "enter" else "key"
        return self.get_component_rich_style(f"keypad--{name}")

    def _key_at(self, event: events.MouseEvent) -> str:
        at = event.get_content_offset(self)
        found = places(self.room, self.between) if at is not None else ()
        return next((place.key for place in found if at is not None and place.region.contains_point(at)), "")

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show which key would be pressed."""
        self.under = self._key_at(event)

    def on_leave(self) -> None:
        """None would be."""
        self.under = ""

    def on_click(self, event: events.Click) -> None:
        """Say so."""
        if key := self._key_at(event):
            self.post_message(self.Pressed({"⌫": "backspace"}.get(key, key)))

"""A long list that draws only the lines it shows: a hundred thousand rows cost what twenty cost.

It holds the items as they came and formats a row when it is drawn. It refuses to know what the items are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from chainpos.console.cells import fit
from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.phrases import Tone

Item = TypeVar("Item")
Cell = tuple[str, Tone]


@dataclass(frozen=True)
class Column:
    """`heading` is a text's key. Width 0 shares what is left; a column is left out under `from_width` cells."""

    heading: str
    width: int = 0
    right: bool = False
    from_width: int = 0


class LineList(ScrollView, Generic[Item], can_focus=True, inherit_bindings=False):
    """Rows with a cursor. `name_of` tells an item over time, so that the cursor stays on it when the list grows."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-list--heading", "line-list--cursor", "line-list--cursor-blurred",
        "line-list--muted", "line-list--accent", "line-list--good", "line-list--warn", "line-list--bad",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        key("up,k", "move(-1)", "list.up", show=False),
        key("down,j", "move(1)", "list.down", show=False),
        key("pageup", "page(-1)", "list.page_up", show=False),
        key("pagedown", "page(1)", "list.page_down", show=False),
        key("home,g", "go(0)", "list.first", show=False),
        key("end,G", "go(-1)", "list.last", show=False),
        key("enter", "choose", "list.choose", show=False),
    ]

    class Said(Message):
        """A message of this list; `control` is the list, so that a screen can tell two apart."""

        def __init__(self, source: LineList[Any]) -> None:
            self.source = source
            super().__init__()

        @property
        def control(self) -> LineList[Any]:
            """The list."""
            return self.source

    class Moved(Said):
        """The cursor stands on another item, or the items changed."""

    class Chosen(Said):
        """The item under the cursor was chosen with Enter or a click."""

    class EndReached(Said):
        """The cursor came to the last item, or would go beyond it: there may be more to load."""

    cursor: reactive[int] = reactive(0)

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[Item], Sequence[Cell]],
        name_of: Callable[[Item], object],
        *,
        id: str | None = None,  # noqa: A002 (Textual's name)
    ) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.cells = cells
        self.name_of = name_of
        self.items: Sequence[Item] = ()
        self.empty: Callable[[], str] = str
        self._ground = Style.null()
        # Without headings there is no row for them.
        self.above = int(any(column.heading for column in columns))

    # -- attributes down

    def show(self, items: Sequence[Item], *, empty: Callable[[], str] = str) -> None:
        """Replace the items; `empty` says in the language of now why there are none.

        The cursor stays on the item it was on, unless it was on the first one.
        """
        before = self.name_of(self.items[self.cursor]) if 0 < self.cursor < len(self.items) else None
        offset = self.cursor - self.scroll_offset.y
        if not items and not self.items and empty() == self.empty():
            # Nothing there as before, as each second where nobody waits: nothing is drawn.
            return
        self.items, self.empty = items, empty
        self.virtual_size = Size(self.size.width, len(items) + self.above)
        place = next((i for i, item in enumerate(items) if self.name_of(item) == before), 0) if before else 0
        moved = place != self.cursor
        self.set_reactive(LineList.cursor, place)
        if moved and place:
            self.scroll_to(y=max(place - offset, 0), animate=False, force=True)
        elif not place:
            self.scroll_to(y=0, animate=False, force=True)
        self.refresh()
        if items:
            self.post_message(self.Moved(self))

    @property
    def present(self) -> Item | None:
        """The item under the cursor."""
        return self.items[self.cursor] if 0 <= self.cursor < len(self.items) else None

    # -- messages up

    def validate_cursor(self, cursor: int) -> int:
        """Within the list."""
        return max(0, min(cursor, len(self.items) - 1))

    def watch_cursor(self, before: int, cursor: int) -> None:
        """Keep it in sight, and say where it is."""
        rows = max(self.size.height - self.above, 1)
        top = self.scroll_offset.y
        if cursor < top:
            self.scroll_to(y=cursor, animate=False, force=True)
        elif cursor >= top + rows:
            self.scroll_to(y=cursor - rows + 1, animate=False, force=True)
        self.refresh()
        if before != cursor and self.items:
            self.post_message(self.Moved(self))
            if cursor == len(self.items) - 1:
                self.post_message(self.EndReached(self))

    def action_move(self, by: int) -> None:
        """Up or down."""
        self._to(self.cursor + by)

    def action_page(self, pages: int) -> None:
        """A screenful up or down."""
        self._to(self.cursor + pages * max(self.size.height - 2, 1))

    def action_go(self, place: int) -> None:
        """To the first (0) or the last (-1)."""
        self._to(place if place >= 0 else len(self.items) - 1)

    def _to(self, place: int) -> None:
        before, self.cursor = self.cursor, place
        if self.items and before == self.cursor == len(self.items) - 1 <= place:
            # It stood there before these items came, or more could not be loaded then.
            self.post_message(self.EndReached(self))

    def action_choose(self) -> None:
        """Say that the present item was chosen."""
        if self.items:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        """The first click moves the cursor, one on the same row chooses it."""
        line = event.get_content_offset_capture(self).y - self.above
        row = line + self.scroll_offset.y
        if line >= 0 and row < len(self.items):
            if row == self.cursor:
                self.action_choose()
            self.cursor = row

    # -- drawing

    def watch_has_focus(self, has_focus: bool) -> None:  # noqa: FBT001 (Textual calls it)
        """Only the cursor looks otherwise. No style hangs on it: to work them all out costs as much as to draw."""

    def render_lines(self, crop: Region) -> list[Strip]:
        """The ground is worked out of all ancestors, which is dearer than a row on it: once for all rows."""
        self._ground = self.rich_style
        return super().render_lines(crop)

    def _widths(self, width: int) -> list[int]:
        shown = [column.width if column.from_width <= width else -1 for column in self.columns]
        fixed = sum(w + 1 for w in shown if w > 0)
        flexible = [i for i, w in enumerate(shown) if w == 0]
        for rank, i in enumerate(flexible):
            share, more = divmod(max(width - fixed - len(flexible), 0), len(flexible))
            shown[i] = share + (1 if rank < more else 0)
        return shown

    def _strip(self, texts: Sequence[tuple[str, Style]], width: int, ground: Style) -> Strip:
        segments: list[Segment] = [Segment(" ", ground)]
        for (text, style), column, wide in zip(texts, self.columns, self._widths(width - 1), strict=True):
            if wide > 0:
                segments += [Segment(fit(text, wide, right=column.right), style), Segment(" ", ground)]
        return Strip(segments).adjust_cell_length(width, ground).crop(0, width)

    def render_line(self, y: int) -> Strip:
        """The heading, or one item."""
        width = self.size.width
        plain = self._ground
        if y < self.above:
            style = self.get_component_rich_style("line-list--heading")
            texts = texts_of(self)
            return self._strip([(texts(c.heading) if c.heading else "", style) for c in self.columns], width, style)
        row = y - self.above + self.scroll_offset.y
        if row >= len(self.items):
            note = fit(self.empty(), width - 1) if not self.items and y == self.above else ""
            return Strip(
                [Segment(" ", plain), Segment(note, self.get_component_rich_style("line-list--muted"))]
            ).adjust_cell_length(width, plain)
        cells = self.cells(self.items[row])
        if row == self.cursor:
            name = "line-list--cursor" if self.has_focus else "line-list--cursor-blurred"
            style = self.get_component_rich_style(name)
            return self._strip([(text, style) for text, _ in cells], width, style)
        styles = {tone: self.get_component_rich_style(f"line-list--{tone}") if tone else plain for _, tone in cells}
        return self._strip([(text, styles[tone]) for text, tone in cells], width, plain)

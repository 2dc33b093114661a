"""A field to type in, with its label: Textual's own editing, our drawing.

Textual would style the cursor and the placeholder of each field as widgets of their own, and draw through Rich.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.style import Style
from textual.widgets import Input

from chainpos.console.cells import fit, shown

LABEL_CELLS: Final = 24
_CURSOR, _CHOSEN, _QUIET = "$panel on $ink", "$accent-ink on $accent", "$muted"


class Field(Input):
    """It keeps nothing it may not show: a paste is text from outside too. A `label` stands to its left.

    It is one line high, and refuses borders.
    """

    label: reactive[str] = reactive("")

    def __init__(
        self,
        value: str = "",
        *,
        label: str = "",
        placeholder: str = "",
        password: bool = False,
        max_length: int = 0,
        select_on_focus: bool = False,
        id: str | None = None,  # noqa: A002 (Textual's name)
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            password=password,
            max_length=max_length,
            select_on_focus=select_on_focus,
            id=id,
            classes="-labelled" if label else None,
        )
        self.set_reactive(Field.label, label)

    @classmethod
    @lru_cache(1)
    def _get_component_classes(cls) -> frozenset[str]:
        # Textual lets no widget go without those of its base.
        return frozenset()

    def validate_value(self, value: str) -> str:
        """The text without control and invisible characters."""
        return shown(value)

    def validate(self, value: str) -> None:
        """Its form judges what is typed. Textual would find it valid, and work its styles out again for that."""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Its one line, with the label."""
        outer, ground = self.background_colors
        line = self._labelled(Style(background=outer), self.visual_style.rich_style)
        for line_filter in self.get_line_filters():
            line = line.apply_filter(line_filter, ground)
        return [line.crop(crop.x, crop.right)] * crop.height

    def _labelled(self, outer: Style, ground: RichStyle) -> Strip:
        padding, label = self.styles.padding, LABEL_CELLS if self.label else 0
        named = [Segment(fit(self.label, label - 1) + " ", (outer + Style.parse(_QUIET)).rich_style)] if label else []
        before, behind = (Segment(" " * cells, ground) for cells in (padding.left - label, padding.right))
        return Strip([*named, before, *self.render_line(0), behind])

    def render_line(self, y: int) -> Strip:
        """What of its text there is room for. Below it is nothing."""
        own, room, (scrolled, _) = self.visual_style, self.content_size.width, self.scroll_offset
        typed = Strip(self._typed(own) if y == 0 else [])
        return typed.crop(scrolled, scrolled + room).adjust_cell_length(room, own.rich_style)

    def _typed(self, own: Style) -> list[Segment]:
        """What stands in the field, in pieces of one style each; the cursor may stand behind it."""
        text = "•" * len(self.value) if self.password else self.value
        look = own if text else own + Style.parse(_QUIET)
        text = (text or self.placeholder) + " "
        first, last = sorted(self.selection) if self.value else (0, 0)
        at = self.cursor_position if self.value else 0
        edges = sorted({0, len(text), *((first, last, at, at + 1) if self.has_focus else ())})
        segments = []
        for begin, end in pairwise(edges):
            style = look
            if self.has_focus and self._cursor_visible and begin == at:
                style = own + Style.parse(_CURSOR)
            elif self.has_focus and first <= begin < last:
                style = own + Style.parse(_CHOSEN)
            segments.append(Segment(text[begin:end], style.rich_style))
        return segments

"""Containers that only place what is in them, and never scroll.

All their lines are blank and drawn as one, where Textual would style each; and how large their contents are changes
nothing of the layout, where Textual would lay everything out a second time.
"""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Container, Horizontal, Vertical
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget


# Behind the container among a class's bases: Textual takes the styles of the first one alone.
class _Ground(Widget):
    BLANK: ClassVar[bool] = True
    virtual_size: Reactive[Size] = Reactive(Size(0, 0))


class Room(Container, _Ground):
    """Its styles say how it places what is in it. It refuses borders: none is drawn."""


class Row(Horizontal, _Ground):
    """Side by side."""


class Stack(Vertical, _Ground):
    """One under the other."""

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


class _Ground(Widget):
    BLANK: ClassVar[bool] = True
    virtual_size: Reactive[Size] = Reactive(Size(0, 0))


class Room(_Ground, Container):
    """Its styles say how it places what is in it. It refuses borders: none is drawn."""


class Row(_Ground, Horizontal):
    """Side by side."""


class Stack(_Ground, Vertical):
    """One under the other."""

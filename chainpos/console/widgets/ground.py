"""Containers that only place what is in them. All their lines are blank and drawn as one: Textual would style each."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Container, Horizontal, Vertical


class Room(Container):
    """Its styles say how it places what is in it. It refuses borders: none is drawn."""

    BLANK: ClassVar[bool] = True


class Row(Horizontal):
    """Side by side."""

    BLANK: ClassVar[bool] = True


class Stack(Vertical):
    """One under the other."""

    BLANK: ClassVar[bool] = True

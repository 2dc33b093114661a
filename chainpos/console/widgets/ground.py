"""What only places what is in it, and never scrolls: its lines are alike, and drawn as one where Textual styles each.

How large the contents of a container are changes nothing of the layout, where Textual would lay everything out a second
time.
"""

from __future__ import annotations

from textual.containers import Container, Horizontal, Vertical
from textual.geometry import Region
from textual.strip import Strip

from chainpos.console.widgets.kept import Keeping


class Ground(Keeping):
    """All lines are the first one, as a poor terminal shows it. It refuses borders above and below: they would repeat.

    Behind the container among a class's bases: Textual takes the styles of the first one alone.
    """

    def render_lines(self, crop: Region) -> list[Strip]:
        """One line, so many times."""
        return super().render_lines(Region(crop.x, 0, crop.width, 1)) * crop.height


class Room(Container, Ground):
    """Its styles say how it places what is in it."""


class Row(Horizontal, Ground):
    """Side by side."""


class Stack(Vertical, Ground):
    """One under the other."""


class Box(Vertical, Keeping):
    """One under the other, within a border."""

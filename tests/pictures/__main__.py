"""`python -m tests.pictures [NAME …]`: every screen, in both languages, at 80x24 and 120x40, as PNG; and their page."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "TZ": "UTC"}

from chainpos.console.shell import Shell
from chainpos.inspect.source import load_recorded
from chainpos.pilot.record import RECORDED_NAME
from chainpos.pilot.resources import sample_data
from tests.console.looking import ansi_of
from tests.pictures import counter, operator, support
from tests.terminal_picture import picture

PLACE: Final = Path(__file__).parent
SIZES: Final = ((80, 24), (120, 40))
LANGUAGES: Final = ("en", "zh")
# A theme for each group of screens, so that several are seen.
THEMES: Final = {"counter": "light", "support": "dark", "operator": "dark"}
COLOURS: Final = 48


def file_name(name: str, size: tuple[int, int], language: str) -> str:
    """As `waiting-80x24-zh.png`."""
    return f"{name}-{size[0]}x{size[1]}-{language}.png"


def save(app: Shell, name: str, size: tuple[int, int], language: str) -> None:
    """Draw what the terminal would show."""
    image = picture(ansi_of(app), *size).quantize(COLOURS)
    image.save(PLACE / "images" / file_name(name, size, language), optimize=True)
    print(name, f"{size[0]}x{size[1]}", language)


async def make(wanted: list[str], folder: Path) -> None:
    """All pictures, or those named."""
    database = folder / "day.db"
    load_recorded(sample_data() / RECORDED_NAME, database)
    for size in SIZES:
        for language in LANGUAGES:
            for scene in counter.SCENES:
                if not wanted or scene.name in wanted:
                    async with counter.on_counter(scene, folder / "c", size, language, THEMES["counter"]) as app:
                        save(app, scene.name, size, language)
            for each in support.SCENES:
                if not wanted or each.name in wanted:
                    async with support.on_day(each, database, folder / "s", size, language, THEMES["support"]) as app:
                        save(app, each.name, size, language)
            for each in operator.SCENES:
                if not wanted or each.name in wanted:
                    async with operator.on_node(
                        each, database, folder / "o", size, language, THEMES["operator"]
                    ) as app:
                        save(app, each.name, size, language)


def page() -> str:
    """The page of all pictures, in Markdown."""
    lines = ["# Screens", "", "Made anew by `python -m tests.pictures`, on prepared views and on the sample day.", ""]
    for scene in (*counter.SCENES, *support.SCENES, *operator.SCENES):
        lines += [f"## {scene.told}", ""]
        for size in SIZES:
            row = " ".join(f"![](images/{file_name(scene.name, size, language)})" for language in LANGUAGES)
            lines += [row, ""]
    return "\n".join(lines)


def main() -> None:
    """Make them, and the page."""
    (PLACE / "images").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(make(sys.argv[1:], Path(folder)))
    (PLACE / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()

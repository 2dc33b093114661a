"""`chainpos till display`: the customer's display on a second terminal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from chainpos.cli.output import require_terminal, used_wrongly

LANGUAGES = ("en", "zh")


def display(
    home: Annotated[Path, typer.Option("--home", help="The till's folder.")],
    language: Annotated[str, typer.Option("--language", help="en or zh; else as in the console.")] = "",
    theme: Annotated[str, typer.Option("--theme", help="A theme's name; else as in the console.")] = "",
) -> None:
    """Show the customer the amount, the lines, the code and PAID, following the till. `e` turns link and EMVCo code."""
    from chainpos.till.home import TillHome

    if language and language not in LANGUAGES:
        raise used_wrongly("There is no such language.", "Give en or zh.")
    paths = TillHome(home)
    paths.settings()
    require_terminal("Open it in one.")
    from chainpos.console.display import run_display

    raise SystemExit(run_display(paths.display_path, now_ns=time.time_ns, language=language, theme=theme))

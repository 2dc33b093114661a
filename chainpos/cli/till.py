"""`chainpos till`: the counter of a shop, on a till that was set up before."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer


def till(
    home: Annotated[Path, typer.Option("--home", help="The till's folder.")],
    set_pin: Annotated[bool, typer.Option("--set-pin", help="Set the PIN for refunds, then end.")] = False,
) -> None:
    """Open the counter. The till's own node must run: chainpos node start."""
    from chainpos.cli.output import ask, note, require_terminal
    from chainpos.console.app import run_console
    from chainpos.node.clock import SystemClock
    from chainpos.store.shop import ShopBook
    from chainpos.till.counter import Till
    from chainpos.till.home import TillHome
    from chainpos.till.pin import set_pin as save_pin

    paths = TillHome(home)
    paths.settings()
    if set_pin:
        with ShopBook.open(paths.book_path) as book:
            save_pin(book, ask("New PIN, 4 to 12 digits:", secret=True))
        note("The PIN is set.")
        return
    require_terminal("Open it in one.")
    raise SystemExit(run_console(Till.open(paths, SystemClock()), now_ns=time.time_ns))

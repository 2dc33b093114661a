"""`chainpos node prune`: let go of old blocks and of what records were before them. Opt-in, and never undone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from chainpos.cli.output import Json, end_progress, print_json, print_line, used_wrongly
from chainpos.cli.pace import Pace


def prune(
    home: Annotated[Path, typer.Option("--home", help="The node's folder; the node must be stopped.")],
    keep: Annotated[int, typer.Option("--keep", min=1, help="How many blocks stay.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Keep the last blocks of a node's chain alone. What is pruned is told as pruned, and can be asked of other nodes.

    The blocks that stay are executed again before anything is swapped. Take a backup first; it keeps everything.
    """
    import msgspec

    from chainpos.node.pruning import EXECUTING, READING
    from chainpos.node.pruning import prune as prune_chain

    if not yes:
        if not sys.stdin.isatty():
            raise used_wrongly("Pruning cannot be undone.", "Say --yes.")
        typer.confirm(f"Let go of all but the last {keep:,} blocks in {home}?", abort=True, err=True)
    words = {READING: "reading the records at block", EXECUTING: "executed block"}
    pace = Pace(words[READING])

    def tell(stage: str, done: int, of: int) -> None:
        pace.stage(words[stage], "blocks")
        pace.tell(done, of)

    found = prune_chain(home, keep, progress=tell)
    end_progress()
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        print_line(f"Blocks {found.base:,} to {found.tip:,} are kept.")
        print_line(f"{found.before_bytes / 1e6:.1f} MB became {found.after_bytes / 1e6:.1f} MB.")

"""`chainpos replay` and `chainpos verify`: run a chain again from genesis, and check everything that a node stored."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from chainpos.cli.output import Json, end_progress, print_json, print_line, used_wrongly
from chainpos.cli.pace import Pace
from chainpos.errors import EXIT_CORRUPT, StoreError, UserFacingError


def replay(
    file: Annotated[Path | None, typer.Argument(help="A recorded chain; else the sample day.")] = None,
    home: Annotated[Path | None, typer.Option("--home", help="A node's folder, in place of a file.")] = None,
    to: Annotated[int, typer.Option("--to", min=0, help="Stop after this height; 0 is the end.")] = 0,
    as_json: Json = False,
) -> None:
    """Run a recorded chain again from genesis: every signature, every hash, every rule. Nothing is written."""
    from chainpos.node.replay import replay as run
    from chainpos.pilot.record import RECORDED_NAME
    from chainpos.pilot.resources import sample_data

    if file is not None and home is not None:
        raise used_wrongly("A file and --home were both named.", "Name one of them.")
    if home is not None:
        _require_home(home)
    elif file is not None and not file.exists():
        raise used_wrongly(f"There is no recorded chain at {file}.", "Check the path.")
    elif file is not None and file.is_dir():
        _require_home(file)
    pace = Pace()
    began = time.monotonic()
    try:
        result = run(file or home or sample_data() / RECORDED_NAME, to_height=to, progress=pace.tell)
    except StoreError as error:
        if file is None or file.is_dir():
            raise
        raise UserFacingError(
            f"{file} cannot be replayed: {error}.",
            next_step="Do not rely on it; take another copy.",
            money_moved="",
            exit_code=EXIT_CORRUPT,
        ) from error
    end_progress()
    took_s = time.monotonic() - began
    if as_json:
        import msgspec

        print_json({**msgspec.to_builtins(result), "seconds": round(took_s, 3)})
    else:
        print_line(f"{result.chain_id}: verified and executed {result.blocks} blocks to height {result.height}.")
        print_line(f"{result.transactions} transactions, {result.accepted} accepted, in {took_s:.1f} s.")
        for code, count in result.refused.items():
            print_line(f"  refused {count:5}  {code}")
        print_line(f"app hash {result.app_hash}")
        print_line("invariants: " + ("; ".join(result.violations) or "ok"))
    if result.violations:
        raise SystemExit(EXIT_CORRUPT)


def verify(
    home: Annotated[Path, typer.Option("--home", help="The node's folder; the node may be running.")],
    as_json: Json = False,
) -> None:
    """Recompute everything that a node has stored, and say what does not follow from genesis and signatures."""
    from chainpos.node.verify import verify_home

    _require_home(home)
    pace = Pace()
    result = verify_home(home, progress=pace.tell)
    end_progress()
    if as_json:
        import msgspec

        print_json({**msgspec.to_builtins(result), "whole": result.whole})
    else:
        print_line(
            f"{result.chain_id}: {result.blocks} blocks, {result.transactions} transactions, height {result.height}"
        )
        print_line(f"app hash {result.app_hash}")
        for finding in result.findings:
            print_line(f"WRONG {finding.where}: {finding.detail}")
        print_line("Everything stored follows from the genesis and the signatures." if result.whole else "NOT WHOLE.")
    if not result.whole:
        raise SystemExit(EXIT_CORRUPT)


def _require_home(folder: Path) -> None:
    from chainpos.node.home import Home, require_full

    require_full(folder)
    if not Home(folder).database.exists():
        raise used_wrongly(f"There is no node's chain in {folder}.", "Name one that `chainpos node init` made.")

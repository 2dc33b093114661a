"""`chainpos demo`: the running pilot, with the console on a shop's till; or without a screen, with a report."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from chainpos.cli.output import (
    Json,
    end_progress,
    note,
    print_json,
    print_line,
    progress,
    require_terminal,
    used_wrongly,
)
from chainpos.errors import EXIT_OK, EXIT_REFUSED

DEFAULT_MERCHANT = "HF01"


def demo(
    folder: Annotated[
        Path | None, typer.Option("--folder", "--home", help="Keep the pilot here, to go on with it later.")
    ] = None,
    merchant: Annotated[
        str, typer.Option("--merchant", help="Whose counter this is; see sample_data.")
    ] = DEFAULT_MERCHANT,
    customers: Annotated[
        bool, typer.Option("--customers/--no-customers", help="Customers come and pay by themselves.")
    ] = True,
    headless: Annotated[bool, typer.Option("--headless", help="No screen: pay, check, report, end.")] = False,
    payments: Annotated[int, typer.Option("--payments", min=0, help="How many payments without a screen.")] = 10,
    offices: Annotated[
        bool, typer.Option("--offices", help="Without a screen: governance, regulator and banks act, too.")
    ] = False,
    engine: Annotated[
        str, typer.Option("--engine", help="embedded: one validator; cometbft: four, which run CometBFT.")
    ] = "embedded",
    as_json: Json = False,
) -> None:
    """Start a validator, the shop's own peer and the rest of the city, and open the counter."""
    if as_json and not headless:
        raise used_wrongly("--json reports a run without a screen.", "Add --headless.")
    if engine not in ("embedded", "cometbft"):
        raise used_wrongly(f"There is no engine {engine!r}.", "Take embedded or cometbft.")
    if not headless:
        require_terminal("Open it in one, or take --headless.")
    with _folder(folder) as place:
        if headless:
            raise SystemExit(_headless(place, merchant, payments, engine=engine, offices=offices, as_json=as_json))
        from chainpos.pilot.show import show_demo

        note("The city starts: a validator, the shop's own node, banks and customers. The counter opens in a moment.")
        raise SystemExit(show_demo(place, merchant, customers=customers, engine=engine))


@contextlib.contextmanager
def _folder(named: Path | None) -> Iterator[Path]:
    if named is not None:
        try:
            named.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise used_wrongly(f"{named} cannot hold a pilot: {error.strerror}.", "Name another folder.") from error
        yield named.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="chainpos-demo-", ignore_cleanup_errors=True) as made:
        yield Path(made)


def _headless(folder: Path, merchant: str, payments: int, *, engine: str, offices: bool, as_json: bool) -> int:
    from chainpos.pilot.ending import run_until_signalled
    from chainpos.pilot.headless import run_headless

    report = run_until_signalled(
        run_headless(folder, merchant, payments, engine=engine, offices=offices, progress=progress)
    )
    end_progress()
    right = report["invariants"] == "ok" and not report["refused"] and len(report["payments"]) == payments
    if as_json:
        print_json(report)
    else:
        latency, nodes = report["latency_ms"], report["nodes"]
        print_line(f"{len(report['payments'])} paid, {len(report['refused'])} refused.")
        print_line(f"broadcast to PAID: p50 {latency['paid_p50']} ms, p99 {latency['paid_p99']} ms")
        for name, node in nodes.items():
            print_line(f"{name}: height {node['height']}, app hash {node['app_hash'][:16]}…")
        print_line(f"invariants: {report['invariants']}")
    if not right:
        note("The run was not right: see refused and invariants.")
    return EXIT_OK if right else EXIT_REFUSED

"""`chainpos statement`: account statements and bank files of a merchant or an institution, for a day or a cycle."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainpos.cli.looking import opened_source
from chainpos.cli.output import Json, note, print_json, print_line, used_wrongly

if TYPE_CHECKING:
    from chainpos.inspect.source import ChainSource
    from chainpos.inspect.statements.files import Made
    from chainpos.inspect.statements.period import Period

Out = Annotated[Path | None, typer.Option("-o", "--out", help="Write the file here; without it, to stdout.")]


def statement(
    merchant: Annotated[str, typer.Option("--merchant", help="A shop's deposit at its acquirer.")] = "",
    institution: Annotated[str, typer.Option("--institution", help="An institution's reserve.")] = "",
    day: Annotated[str, typer.Option("--day", help="A day by the network's clock, e.g. 2026-03-02.")] = "",
    cycle: Annotated[int, typer.Option("--cycle", min=0, help="Or a netting, by its number.")] = 0,
    form: Annotated[
        str,
        typer.Option("--format", help="camt053, csv, pain001 (payouts), pacs009 (netting legs), pacs004 (returns)."),
    ] = "camt053",
    currency: Annotated[str, typer.Option("--currency", help="ISO 4217 letters.")] = "CNY",
    out: Out = None,
    home: Annotated[Path | None, typer.Option("--home", help="A node's folder; the node may be running.")] = None,
    chain: Annotated[Path | None, typer.Option("--chain", help="A recorded chain's file; else the sample day.")] = None,
    node: Annotated[str, typer.Option("--node", help="A running node's RPC, HOST:PORT.")] = "",
    as_json: Json = False,
) -> None:
    """A statement or a bank file, made from the ledger, checked against it to the minor unit, and by its schema."""
    from chainpos.inspect.statements.files import Asked, make_file

    with opened_source(home, chain, node) as source:
        period = _period(source, day, cycle, currency)
        asked = Asked(period=period, format=form, currency=currency, merchant=merchant, institution=institution)
        made = make_file(source, asked)
    if out is not None:
        write_file(out, made.content)
    if as_json:
        print_json(_facts(made, form, out))
    elif out is None:
        sys.stdout.buffer.write(made.content)
        sys.stdout.flush()
    else:
        print_line(
            f"{out}: {form} of {merchant or institution or 'all institutions'} for {period.name}, {_words(made)}"
        )
    if not period.is_over:
        note(f"{period.name} is not over on this chain: what follows is not in it yet.")


def write_file(path: Path, content: bytes) -> None:
    """Write a file that was made; the same one may be made again. Raises UserFacingError where another one is there."""
    from chainpos.store.durable import write_durably

    if path.is_dir() or not path.parent.is_dir():
        raise used_wrongly(f"{path} cannot be a file.", "Name a file in a folder that is there.")
    if path.exists() and path.read_bytes() != content:
        raise used_wrongly(f"{path} is there already, and is not the same.", "Name another, or take that one away.")
    write_durably(path, content)


def _period(source: ChainSource, day: str, cycle: int, currency: str) -> Period:
    from chainpos.inspect.statements.period import cycle_period, day_period

    if bool(day) == bool(cycle):
        raise used_wrongly("Say for when.", "Give --day 2026-03-02, or --cycle NUMBER, not both.")
    return day_period(source, day) if day else cycle_period(source, currency, cycle)


def _facts(made: Made, form: str, out: Path | None) -> dict[str, Any]:
    import msgspec

    facts: dict[str, Any] = {"format": form, "file": None if out is None else str(out), "records": made.records}
    if made.statement is not None:
        facts["statement"] = {
            **msgspec.to_builtins(made.statement),
            "came_minor": made.statement.came_minor,
            "went_minor": made.statement.went_minor,
        }
    for name in ("payouts", "nettings", "returned"):
        if rows := getattr(made, name):
            facts[name] = msgspec.to_builtins(rows)
    return facts


def _words(made: Made) -> str:
    from chainpos.core.values.amount import Amount, format_amount

    if (found := made.statement) is None:
        return f"{made.records} records."

    def amount(minor: int) -> str:
        return format_amount(Amount(minor, found.currency))

    return (
        f"{made.records} entries. It began with {amount(found.opening_minor)}, {amount(found.came_minor)} came, "
        f"{amount(found.went_minor)} went, {amount(found.closing_minor)} are there; the ledger says the same."
    )

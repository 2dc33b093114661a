"""`chainpos`: the program. Commands import what they need when they run, so that `--help` stays quick."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import chainpos
from chainpos.cli import (
    compliance,
    console,
    demo,
    doctor,
    explain,
    governance,
    inspect,
    institution,
    ledger,
    merchant,
    network,
    node,
    receipt,
    recovery,
    statement,
    till,
    wallet,
)
from chainpos.cli.output import told_plainly

app = typer.Typer(
    name="chainpos",
    help="The counter and the control room of a permissioned payment network.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 right, 1 refused, 2 used wrongly, 3 something could not be reached, 4 a ledger is damaged.",
)
app.add_typer(node.app, name="node")
app.add_typer(network.app, name="network")
app.add_typer(wallet.app, name="wallet")
app.add_typer(inspect.app, name="inspect")
app.add_typer(console.app, name="console")
app.add_typer(till.app, name="till")
app.add_typer(receipt.app, name="receipt")
app.add_typer(institution.app, name="institution")
app.add_typer(merchant.app, name="merchant")
app.add_typer(governance.app, name="governance")
app.add_typer(compliance.app, name="compliance")
app.add_typer(recovery.app, name="recovery")
app.command("demo")(demo.demo)
app.command("replay")(ledger.replay)
app.command("verify")(ledger.verify)
app.command("statement")(statement.statement)
app.command("explain")(explain.explain)
app.command("doctor")(doctor.doctor)


def _show_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"chainpos {chainpos.__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say the version and end.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The console script. Ends the process with one of the documented exit codes."""
    command = typer.main.get_command(app)
    with told_plainly():
        # Typer tells wrong usage itself and ends with 2; what chainpos raises comes through.
        command.main(prog_name="chainpos")

"""`chainpos console`: the operator's screen on one node, in this terminal. It reads only, unless told otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpos.errors import EXIT_USAGE, UserFacingError

if TYPE_CHECKING:
    from chainpos.inspect.operating import OperatorDesk
    from chainpos.inspect.support import SupportDesk

app = typer.Typer(
    help="Look at a node: alarms, validators, peers, what waits, disk, log. Own, remote, or CometBFT's.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

Home = Annotated[Path | None, typer.Option("--home", help="The folder of a node of this machine.")]
Node = Annotated[str, typer.Option("--node", help="A node's RPC, HOST:PORT; CometBFT's own will do.")]
Book = Annotated[Path | None, typer.Option("--book", help="A shop's own book, for support's search.")]
Operate = Annotated[
    bool, typer.Option("--operate", help="Also offer what changes things in --home: backup, restore. Never the ledger.")
]


@app.callback()
def console(
    context: typer.Context, home: Home = None, node: Node = "", book: Book = None, operate: Operate = False
) -> None:
    """Look at a node on this terminal."""
    if context.invoked_subcommand is not None:
        return
    import time

    from chainpos.cli.output import require_terminal

    operator, support = desks(home, node, book, operate=operate)
    require_terminal("Open it in one, or use chainpos node status.")
    from chainpos.console.operating import run_operator_console

    raise SystemExit(run_operator_console(operator, support, now_ns=time.time_ns))


def desks(home: Path | None, node: str, book: Path | None, *, operate: bool) -> tuple[OperatorDesk, SupportDesk]:
    """The two desks of one node. Raises UserFacingError."""
    import time

    from chainpos.inspect.operating import OperatorDesk, address_of_home
    from chainpos.inspect.support import home_desk, node_desk
    from chainpos.node.config import split_address

    if home is None and not node:
        raise UserFacingError(
            "Which node?", next_step="Name its folder with --home, or its RPC with --node.", money_moved="",
            exit_code=EXIT_USAGE,
        )  # fmt: skip
    if operate and home is None:
        raise UserFacingError(
            "Only a node's own folder can be operated on.", next_step="Give it with --home.", money_moved="",
            exit_code=EXIT_USAGE,
        )  # fmt: skip
    address = node or address_of_home(home or Path())
    split_address(address)
    operator = OperatorDesk(address, time.time_ns, home=home, may_change=operate)
    return operator, node_desk(address, book=book) if home is None else home_desk(home, book=book)

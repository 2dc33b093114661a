"""`chainpos console`: the operator's screen on one node, in this terminal. It reads only, unless told otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpos.cli.output import print_line, require_terminal, used_wrongly

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
    context: typer.Context,
    home: Home = None,
    node: Node = "",
    book: Book = None,
    operate: Operate = False,
    in_browser: Annotated[bool, typer.Option("--in-browser", hidden=True)] = False,
) -> None:
    """Look at a node on this terminal."""
    if context.invoked_subcommand is not None:
        return
    import time

    operator, support = desks(home, node, book, operate=operate and not in_browser)
    if not in_browser:
        require_terminal("Open it in one, in a browser with chainpos console serve, or use chainpos node status.")
    from chainpos.console.operating import run_operator_console

    raise SystemExit(run_operator_console(operator, support, now_ns=time.time_ns))


def desks(home: Path | None, node: str, book: Path | None, *, operate: bool) -> tuple[OperatorDesk, SupportDesk]:
    """The two desks of one node. Raises UserFacingError."""
    import time

    from chainpos.inspect.operating import OperatorDesk, address_of_home
    from chainpos.inspect.support import home_desk, node_desk
    from chainpos.node.config import split_address

    if home is None and not node:
        raise used_wrongly("Which node?", "Name its folder with --home, or its RPC with --node.")
    if operate and home is None:
        raise used_wrongly("Only a node's own folder can be operated on.", "Give it with --home.")
    address = node or address_of_home(home or Path())
    split_address(address)
    operator = OperatorDesk(address, time.time_ns, home=home, may_change=operate)
    return operator, node_desk(address, book=book) if home is None else home_desk(home, book=book)


@app.command()
def serve(
    home: Home = None,
    node: Node = "",
    host: Annotated[
        str, typer.Option("--host", help="Where to listen; beyond this machine only with TLS.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes a free one.")] = 0,
    name: Annotated[list[str] | None, typer.Option("--name", help="A host name it is reached by; repeatable.")] = None,
    sessions: Annotated[int, typer.Option("--sessions", min=1, max=20, help="How many may look at once.")] = 3,
    certificate: Annotated[Path | None, typer.Option("--certificate", help="TLS: the certificate chain, PEM.")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="TLS: its private key, PEM.")] = None,
) -> None:
    """Show the operator's screen in browsers, for looking alone. The token is said here, or taken from the environment.

    $CHAINPOS_CONSOLE_TOKEN, of at least 16 characters, takes the place of a fresh one.
    """
    import os
    import secrets
    import sys

    from chainpos.console.browser.serving import BrowserConsole, serve_until

    desks(home, node, None, operate=False)
    named = ["--home", str(home.absolute())] if home is not None else []
    named += ["--node", node] if node else []
    command = [sys.executable, "-c", "from chainpos.cli.main import main; main()", "console", "--in-browser", *named]
    given = os.environ.get("CHAINPOS_CONSOLE_TOKEN", "")
    token = given or secrets.token_urlsafe(18)
    os.environ.pop("CHAINPOS_CONSOLE_TOKEN", None)

    def ready(address: str) -> None:
        print_line(f"Open {address} in a browser.")
        if not given:
            print_line(f"Token: {token}")
        print_line("It only looks. Ctrl-C ends it.")
        sys.stdout.flush()

    if (certificate is None) != (key is None):
        raise used_wrongly("A certificate needs its key.", "Give --certificate and --key.")
    pair = None if certificate is None or key is None else (certificate, key)
    console_served = BrowserConsole(command, token, sessions=sessions, names=tuple(name or ()))
    try:
        serve_until(console_served, host, port, pair, ready)
    except OSError as error:
        raise used_wrongly(f"It cannot listen on {host}:{port}: {error.strerror}.", "Take another --port.") from error

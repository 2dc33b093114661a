"""`chainpos till`: the counter of a shop. `--new` sets a till up: its key, its network, its own node."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpos.cli import catalogue, shift, till_display, wall
from chainpos.cli.output import Json, ask, note, print_json, print_line, read_file, require_terminal, used_wrongly
from chainpos.errors import UserFacingError

if TYPE_CHECKING:
    from chainpos.till.home import TillHome


app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.command("import-catalogue")(catalogue.import_catalogue)
app.command("find")(catalogue.find)
app.command("price")(catalogue.price)
app.command("display")(till_display.display)
app.command("wall-qr")(wall.wall_qr)
app.add_typer(shift.shift, name="shift")
app.add_typer(shift.staff, name="staff")
app.command("verify-z")(shift.verify_z)


@app.callback()
def till(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option("--home", help="The till's folder.")] = None,
    set_pin: Annotated[bool, typer.Option("--set-pin", help="Set the PIN for refunds, then end.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Set up a new till with a key of its own, then end.")] = False,
    genesis: Annotated[
        Path | None, typer.Option("--genesis", help="With --new: the network's genesis.json, the root of all trust.")
    ] = None,
    node: Annotated[str, typer.Option("--node", help="With --new: HOST:PORT of the till's own node.")] = "",
    merchant: Annotated[str, typer.Option("--merchant", help="With --new: the shop's ID on the ledger.")] = "",
    currency: Annotated[str, typer.Option("--currency", help="With --new: ISO 4217 letters.")] = "CNY",
    as_json: Json = False,
) -> None:
    """Open the counter. The till's own node must run: chainpos node start."""
    if context.invoked_subcommand is not None:
        return
    if home is None:
        raise used_wrongly("A till is named by its folder.", "Give --home DIR.")
    from chainpos.till.home import TillHome

    paths = TillHome(home)
    if new:
        if genesis is None or not node or not merchant:
            raise used_wrongly(
                "A new till needs its network, its node and its shop.", "Give --genesis, --node and --merchant."
            )
        _make(paths, genesis, node, merchant, currency, as_json=as_json)
        return
    if genesis is not None or node or merchant or as_json:
        raise used_wrongly("A till keeps what it was set up with.", "Leave that out, or add --new.")
    paths.settings()
    if set_pin:
        _set_pin(paths)
        return
    require_terminal("Open it in one.")
    _open(home)


@app.command()
def setup(home: Annotated[Path, typer.Option("--home", help="The till's folder; what is done in it is kept.")]) -> None:
    """Set a shop's till up, step by step: network, shop, key, owner, articles, PIN. It can be left and gone on with."""
    require_terminal("Open it in one; without a screen: chainpos till --new.")
    from chainpos.console.setting_up import run_setup_console
    from chainpos.till.setup import ShopSetup

    if run_setup_console(ShopSetup(home, time.time_ns), now_ns=time.time_ns):
        _open(home)
    else:
        note(f"What was done is kept. Go on with: chainpos till setup --home {home}")


def _open(home: Path) -> None:
    import asyncio

    from chainpos.console.app import run_console
    from chainpos.inspect.support import node_desk
    from chainpos.node.clock import SystemClock
    from chainpos.till.counter import Till
    from chainpos.till.home import TillHome
    from chainpos.till.own_node import ensure_own_node
    from chainpos.till.setup import NODE_FOLDER

    paths = TillHome(home)
    own = home / NODE_FOLDER
    if own.is_dir():
        # Without it the counter opens too, and says OFFLINE: a shop must be able to show requests.
        with contextlib.suppress(UserFacingError):
            asyncio.run(ensure_own_node(own, paths.settings().node))
    support = node_desk(paths.settings().node, book=paths.book_path)
    raise SystemExit(run_console(Till.open(paths, SystemClock()), now_ns=time.time_ns, support=support))


def _make(paths: TillHome, genesis: Path, node: str, merchant: str, currency: str, *, as_json: bool) -> None:
    import secrets

    from chainpos.till.home import TillSettings
    from chainpos.wallet.keys import SEED_BYTES, Key

    if paths.folder.exists() and (not paths.folder.is_dir() or any(paths.folder.iterdir())):
        raise used_wrongly(f"There is something at {paths.folder} already.", "Name another folder.")
    content = read_file(genesis)
    key = Key(secrets.token_bytes(SEED_BYTES))
    paths.create(content, TillSettings(merchant, node, currency), key)
    facts = {"home": str(paths.folder), "merchant": merchant, "public_key": key.public_key.hex()}
    if as_json:
        print_json(facts)
        return
    print_line(f"A new till of {merchant} in {paths.folder}.")
    print_line(f"Public key {facts['public_key']}")
    print_line("The shop's owner adds this key on the ledger: until then no payment to this till is taken.")


def _set_pin(paths: TillHome) -> None:
    from chainpos.store.shop import ShopBook
    from chainpos.store.shop_shifts import ShopShifts
    from chainpos.till.pin import set_pin

    with ShopBook.open(paths.book_path) as book:
        shifts = ShopShifts(book)
        # Alone, an owner who forgot it sets it anew; among staff nobody makes an owner of themselves.
        if shifts.staff():
            shift.require_decider(shifts)
        set_pin(book, ask("New PIN, 4 to 12 digits:", secret=True))
    note("The PIN is set.")

"""`chainpos node …`: make a node's home, run it, ask how it is."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from chainpos.cli import node_backup, node_join, node_prune
from chainpos.cli.output import Json, draw_qr, note, print_json, print_line, read_file, used_wrongly
from chainpos.errors import EXIT_UNREACHABLE, UserFacingError

app = typer.Typer(help="Run a node and look at it.", no_args_is_help=True, rich_markup_mode=None)
app.command("backup")(node_backup.backup)
app.command("restore")(node_backup.restore)
app.command("prune")(node_prune.prune)
app.command("join")(node_join.join)
app.command("payments")(node_join.payments)

Home = Annotated[Path, typer.Option("--home", help="The node's folder.")]
Listen = Annotated[str | None, typer.Option("--listen", help="Where its RPC listens: HOST:PORT; port 0 takes any.")]
Upstreams = Annotated[
    list[str] | None,
    typer.Option("--upstream", help="HOST:PORT of a node to follow, wss:// before it for TLS; repeatable."),
]


@app.command()
def init(
    home: Home,
    mode: Annotated[str, typer.Option("--mode", help="validator (begins a network) or peer (follows one).")] = "peer",
    chain_id: Annotated[str, typer.Option("--chain-id", help="The new network's name; for a validator.")] = "",
    app_state: Annotated[
        Path | None, typer.Option("--app-state", help="JSON file with the new network's institutions and rules.")
    ] = None,
    genesis: Annotated[Path | None, typer.Option("--genesis", help="The network's genesis.json; for a peer.")] = None,
    moniker: Annotated[str, typer.Option("--moniker", help="What people call this node.")] = "node",
    listen: Listen = None,
    upstream: Upstreams = None,
    as_json: Json = False,
) -> None:
    """Make a node's home: keys, settings, genesis."""
    from chainpos.node.config import NodeSettings, check_settings
    from chainpos.node.home import Home as Paths
    from chainpos.node.home import init_peer, init_validator

    if mode not in ("validator", "peer"):
        raise used_wrongly(f"There is no mode {mode!r}.", "Take --mode validator or --mode peer.")
    settings = NodeSettings(
        mode="validator" if mode == "validator" else "peer",
        moniker=moniker,
        listen=listen or "127.0.0.1:26657",
        upstreams=tuple(upstream or ()),
    )
    check_settings(settings)
    if mode == "validator":
        if not chain_id or genesis is not None:
            raise used_wrongly("A validator begins a network.", "Name it with --chain-id, and give no --genesis.")
        if app_state is None:
            raise used_wrongly("A network begins with its institutions and rules.", "Give them with --app-state.")
        state = read_file(app_state)
        init_validator(home, settings, chain_id=chain_id, app_state=state, genesis_time_ns=time.time_ns())
    else:
        if genesis is None or chain_id or app_state is not None:
            raise used_wrongly("A peer follows a network that is there.", "Give its genesis file with --genesis.")
        init_peer(home, settings, genesis=read_file(genesis))
    facts = {"home": str(home), "mode": mode, "genesis": str(Paths(home).genesis)}
    if as_json:
        print_json(facts)
    else:
        print_line(f"Made the home of a {mode} in {home}.")
        print_line(f"The network's genesis: {facts['genesis']}")
        print_line(f"Next: chainpos node start --home {home}")
        if mode == "peer":
            print_line(f"To begin from other nodes' snapshot, in seconds, first: chainpos node join --home {home}")


@app.command()
def start(
    home: Home,
    listen: Listen = None,
    upstream: Upstreams = None,
    engine: Annotated[
        str, typer.Option("--engine", help="embedded, or cometbft: the application behind a CometBFT node.")
    ] = "embedded",
    abci: Annotated[
        str, typer.Option("--abci", help="For --engine cometbft: unix:///PATH or tcp://HOST:PORT, as its proxy_app.")
    ] = "",
    snapshot_every: Annotated[
        int, typer.Option("--snapshot-every", min=0, help="For --engine cometbft: heights between snapshots; 0 never.")
    ] = 1_000,
    light: Annotated[
        bool, typer.Option("--light", help="Keep headers and one merchant's payments only; execute nothing.")
    ] = False,
    merchant: Annotated[str, typer.Option("--merchant", help="For --light: whose payments.")] = "",
    trust: Annotated[str, typer.Option("--trust", help="For --light: begin at this block, as for `node join`.")] = "",
    until_stdin_ends: Annotated[bool, typer.Option("--until-stdin-ends", hidden=True)] = False,
) -> None:
    """Run the node until it is told to stop (Ctrl-C). One JSON line on stdout says that it is ready."""
    if light or merchant or trust:
        if not light or not merchant or engine != "embedded" or listen is not None:
            raise used_wrongly(
                "A light node follows for one merchant.", "Give --light with --merchant NAME, no --listen."
            )
        from chainpos.node.light import start_light

        start_light(home, merchant, trust=trust, upstreams=tuple(upstream or ()), until_stdin_ends=until_stdin_ends)
        return
    if engine == "cometbft":
        if listen is not None or upstream:
            raise used_wrongly("CometBFT itself serves the RPC and finds its peers.", "Set them in its config.toml.")
        from chainpos.node.application import default_address, start_application

        start_application(
            home, abci or default_address(home), snapshot_every=snapshot_every, until_stdin_ends=until_stdin_ends
        )
        return
    if engine != "embedded" or abci:
        raise used_wrongly("Which engine?", "Take --engine embedded, or --engine cometbft with --abci.")
    _start_embedded(home, listen, upstream, until_stdin_ends=until_stdin_ends)


def _start_embedded(home: Path, listen: str | None, upstream: list[str] | None, *, until_stdin_ends: bool) -> None:
    import msgspec

    from chainpos.node.config import check_settings, load_settings
    from chainpos.node.home import Home as Paths
    from chainpos.node.run import start_node

    settings = load_settings(Paths(home).settings)
    if listen is not None:
        settings = msgspec.structs.replace(settings, listen=listen)
    if upstream:
        settings = msgspec.structs.replace(settings, upstreams=tuple(upstream))
    check_settings(settings)
    if sys.stdout.isatty():
        note(f"Starting the {settings.mode} {settings.moniker} of {home}. Ctrl-C stops it.")
    try:
        start_node(home, settings, until_stdin_ends=until_stdin_ends)
    except OSError as error:
        raise UserFacingError(
            f"The node cannot listen on {settings.listen}: {error.strerror or error}.",
            next_step="End what uses that port, or give another with --listen.",
            exit_code=EXIT_UNREACHABLE,
        ) from error


@app.command()
def export(
    home: Home,
    output: Annotated[Path, typer.Option("--output", help="Where the new genesis goes.")],
    chain_id: Annotated[str, typer.Option("--chain-id", help="A new name; without it, the chain keeps its own.")] = "",
    as_json: Json = False,
) -> None:
    """Write the chain's last state as a genesis, for `chainpos network init --genesis`. End the node first."""
    from chainpos.core.chain.genesis import dump_genesis
    from chainpos.node.export import exported

    if output.exists():
        raise used_wrongly(f"There is something at {output} already.", "Name a new file.")
    doc = exported(home, chain_id=chain_id)
    output.write_bytes(dump_genesis(doc))
    facts = {"genesis": str(output), "chain_id": doc.chain_id, "initial_height": doc.initial_height}
    if as_json:
        print_json(facts)
    else:
        print_line(f"Wrote {output}: {doc.chain_id} goes on at height {doc.initial_height}.")
        print_line(f"Next: chainpos network init --genesis {output} --validators 4 --output DIR")


@app.command()
def status(
    home: Annotated[Path | None, typer.Option("--home", help="The node's folder, to find where it listens.")] = None,
    rpc: Annotated[str | None, typer.Option("--rpc", help="HOST:PORT of a running node.")] = None,
    qr: Annotated[
        bool, typer.Option("--qr", help="Also show its newest block as a QR code, for others to trust.")
    ] = False,
    as_json: Json = False,
) -> None:
    """How a running node is: height, verification, upstreams, alarms; and a block to trust, for `node join`."""
    import asyncio

    from chainpos.node.config import split_address

    address = rpc or _address_of(home)
    split_address(address)
    report = asyncio.run(_report(address))
    if as_json:
        print_json(report)
        return
    behind = f" of {report['target_height']}" if report["target_height"] > report["height"] else ""
    print_line(f"{report['moniker']} ({report['mode']}) on {report['chain_id']}: {report['state']}")
    print_line(f"height {report['height']}{behind}, app hash {report['app_hash'][:16]}…")
    if report["first_height"] > 1:
        print_line(f"keeps blocks from height {report['first_height']} on")
    print_line(f"verified {report['verified_blocks']} blocks, {report['verified_signatures']} signatures")
    print_line(f"waiting {report['mempool_transactions']} transactions, store {report['store_bytes'] // 1024} kB")
    for row in report["upstreams"]:
        how = "connected" if row["connected"] else "not connected"
        print_line(f"upstream {row['address']}: {row['verdict'] or how}, height {row['height']}")
    for row in report["alarms"]:
        print_line(f"alarm {row['code']}: {row['detail']}")
    if report["halted_reason"]:
        print_line(f"HALTED: {report['halted_reason']}")
    if report["trust"]:
        print_line(f"trust {report['trust']}")
        if qr:
            from chainpos.core.checkout.qr import MAX_VERSION, qr_modules

            draw_qr(qr_modules(report["trust"], max_version=MAX_VERSION))


async def _report(address: str) -> dict[str, Any]:
    import msgspec

    from chainpos.node.joining import trust_text
    from chainpos.rpc.client import Disconnected, RpcClient

    try:
        client = await RpcClient.connect(f"ws://{address}/websocket", 5.0)
        try:
            report: dict[str, Any] = msgspec.to_builtins(await client.report())
            told = await client.status()
            latest, report["first_height"] = told.latest, told.earliest.height
            report["trust"] = trust_text(report["chain_id"], latest.height, latest.hash) if latest.height else ""
        finally:
            await client.close()
    except Disconnected as error:
        raise UserFacingError(
            f"No node answers at {address}.",
            next_step="Start it with: chainpos node start --home DIR.",
            exit_code=EXIT_UNREACHABLE,
        ) from error
    return report


def _address_of(home: Path | None) -> str:
    from chainpos.inspect.operating import address_of_home

    if home is None:
        raise used_wrongly("Which node?", "Name it with --rpc HOST:PORT or --home DIR.")
    return address_of_home(home)

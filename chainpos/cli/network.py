"""`chainpos network …`: a network of CometBFT validators, prepared for machines or run on this one for a trial."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainpos.cli.output import Json, note, print_json, print_line, read_file, used_wrongly
from chainpos.errors import EXIT_OK, EXIT_REFUSED

if TYPE_CHECKING:
    from chainpos.pilot.trial import Trial

app = typer.Typer(help="Several validators that run CometBFT.", no_args_is_help=True, rich_markup_mode=None)

Folder = Annotated[Path, typer.Option("--folder", "--output", help="The network's folder.")]
Nodes = Annotated[list[str] | None, typer.Option("--node", help="Only this node; repeatable.")]


@app.command()
def init(
    output: Annotated[Path, typer.Option("--output", "--folder", help="A new folder, for one home a validator.")],
    validators: Annotated[int, typer.Option("--validators", min=1, max=100, help="How many, on this machine.")] = 4,
    host: Annotated[
        list[str] | None, typer.Option("--host", help="A validator's machine, for real ones; repeatable.")
    ] = None,
    chain_id: Annotated[str, typer.Option("--chain-id", help="The network's name; with --app-state.")] = "",
    app_state: Annotated[
        Path | None,
        typer.Option("--app-state", help="JSON file with institutions and rules; without it, the sample city."),
    ] = None,
    genesis: Annotated[
        Path | None, typer.Option("--genesis", help="Go on from another chain: what `chainpos node export` wrote.")
    ] = None,
    timeout_commit_ms: Annotated[
        int, typer.Option("--timeout-commit-ms", min=1, max=60_000, help="The pause after each block.")
    ] = 500,
    empty_blocks_s: Annotated[
        int, typer.Option("--empty-blocks-s", min=1, max=3_600, help="A block comes at least this often.")
    ] = 15,
    as_json: Json = False,
) -> None:
    """Make homes for validators: keys, one genesis, settings of CometBFT and of the application."""
    from chainpos.node.cometbft_home import Pace, host_places, init_network, loopback_places
    from chainpos.pilot.processes import free_port

    if app_state is not None and not chain_id:
        raise used_wrongly("A network needs a name.", "Give it with --chain-id.")
    places = host_places(host) if host else loopback_places(output, validators, free_port)
    if genesis is not None and (app_state is not None or chain_id):
        raise used_wrongly("A chain that goes on has its name and its state.", "Give --genesis alone.")
    doc = _genesis(chain_id, app_state) if genesis is None else _going_on(genesis)
    made = init_network(output, doc, places, Pace(timeout_commit_ms, empty_blocks_s))
    first = output / made.nodes[0].name
    facts = {
        "folder": str(output), "chain_id": made.chain_id, "genesis": str(first / "config" / "genesis.json"),
        "nodes": [{"name": each.name, "rpc": each.rpc, "p2p": each.p2p, "abci": each.abci} for each in made.nodes],
    }  # fmt: skip
    if as_json:
        print_json(facts)
        return
    print_line(f"Made the homes of {len(made.nodes)} validators of {made.chain_id} in {output}.")
    print_line(f"The network's genesis: {facts['genesis']}")
    if host:
        print_line("Carry each home to its machine; its keys must not be anywhere else. See the engine's README.")
    else:
        print_line(f"Next: chainpos network up --folder {output}")


@app.command()
def up(
    folder: Folder,
    node: Nodes = None,
    restart: Annotated[
        bool, typer.Option("--restart/--no-restart", help="Start again what dies; a few times, later each time.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Start the network's processes on this machine, or those of them that do not run; return when they answer."""
    from chainpos.pilot.keeper import start_keeper
    from chainpos.pilot.trial import Trial

    trial = Trial(folder)
    started = trial.up(node or ())
    if restart:
        start_keeper(trial)
    asyncio.run(trial.wait_ready(node or ()))
    if not as_json:
        note(f"Started {len(started)} processes; their logs are in {trial.folder / 'logs'}.")
    _tell(_report(trial), as_json=as_json)


@app.command()
def down(folder: Folder, node: Nodes = None, as_json: Json = False) -> None:
    """End the processes that `network up` started, and no others."""
    from chainpos.pilot.keeper import end_keeper
    from chainpos.pilot.trial import Trial

    trial = Trial(folder)
    ended = trial.down(node or ())
    if not trial.noted():
        end_keeper(trial)
    if as_json:
        print_json({"ended": [{"name": each.node, "role": each.role, "pid": each.pid} for each in ended]})
    else:
        print_line(f"Ended {len(ended)} processes.")


@app.command()
def status(folder: Folder, as_json: Json = False) -> None:
    """How every node is. The exit code is 1 where too few answer for blocks to be made."""
    from chainpos.pilot.trial import Trial

    report = _report(Trial(folder))
    _tell(report, as_json=as_json)
    raise SystemExit(EXIT_OK if report["can_make_blocks"] else EXIT_REFUSED)


def _report(trial: Trial) -> dict[str, Any]:
    from chainpos.pilot.keeper import kept

    return {**asyncio.run(trial.status()), **kept(trial)}


def _tell(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    for row in report["nodes"]:
        if row["answers"] and not row["height"]:
            print_line(f"{row['name']} {row['rpc']}: no block yet")
        elif row["answers"]:
            age_s = max(0, time.time_ns() - row["latest_block_time_ns"]) // 1_000_000_000
            print_line(
                f"{row['name']} {row['rpc']}: height {row['height']}, {age_s} s old, app hash {row['app_hash'][:16]}…"
                + (" (catching up)" if row["catching_up"] else "")
            )
        else:
            alive = [role for role in ("application", "cometbft") if row[f"{role}_pid"]]
            print_line(f"{row['name']} {row['rpc']}: does not answer ({' and '.join(alive) or 'nothing'} running)")
    for row in report["restarts"]:
        ago_s = max(0, time.time_ns() - row["last_ns"]) // 1_000_000_000
        print_line(
            f"{row['node']}: {row['role']} died and was started again ({row['count']}), last {ago_s} s ago"
            + ("; GIVEN UP: see its log, then network up" if row["given_up"] else "")
        )
    if not report["keeper_pid"]:
        print_line("What dies is not started again: nobody watches (network up does).")
    if not report["can_make_blocks"]:
        print_line(
            f"HALTED: {report['answering']} of {report['validators']} validators answer; "
            "blocks need more than two thirds. No payment is lost: it goes on when they are back."
        )


def _genesis(chain_id: str, app_state: Path | None) -> Any:
    from chainpos.core.chain.genesis import GenesisDoc
    from chainpos.core.chain.params import DEFAULT
    from chainpos.pilot.city import load_city
    from chainpos.pilot.genesis import CHAIN_ID, city_genesis
    from chainpos.pilot.resources import sample_data

    now_ns = time.time_ns()
    if app_state is None:
        # The key is a stand-in: the validators' own take its place.
        return city_genesis(
            load_city(sample_data()), sample_data(), validator=bytes(32), genesis_time_ns=now_ns,
            chain_id=chain_id or CHAIN_ID,
        )  # fmt: skip
    return GenesisDoc(chain_id, now_ns, 1, DEFAULT, (), app_state=read_file(app_state))


def _going_on(genesis: Path) -> Any:
    import msgspec

    from chainpos.core.chain.genesis import load_genesis

    doc = load_genesis(read_file(genesis))
    # Time goes on too, whatever this machine's clock says.
    return msgspec.structs.replace(doc, genesis_time_ns=max(doc.genesis_time_ns, time.time_ns()))

"""`chainpos node backup` and `restore`: a copy of the chain while the node runs, and a node out of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainpos.cli.output import Json, print_json, print_line


def backup(
    home: Annotated[Path, typer.Option("--home", help="The node's folder; the node may be running.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")],
    as_json: Json = False,
) -> None:
    """Copy a node's chain to one file, and check the copy. Keys are not copied."""
    import msgspec

    from chainpos.node.backup import back_up

    found = back_up(home, out)
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        print_line(f"Wrote and checked {found.path}: {found.chain_id} at height {found.height}.")
        print_line(f"app hash {found.app_hash}")


def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    home: Annotated[Path, typer.Option("--home", help="The new peer's folder.")],
    upstream: Annotated[
        list[str] | None, typer.Option("--upstream", help="HOST:PORT of a node to follow; repeatable.")
    ] = None,
    moniker: Annotated[str, typer.Option("--moniker", help="What people call this node.")] = "restored",
    listen: Annotated[str, typer.Option("--listen", help="Where its RPC listens: HOST:PORT.")] = "127.0.0.1:26657",
    as_json: Json = False,
) -> None:
    """Make a peer's home out of a backup; it goes on from there. Every row and the app hash are checked first."""
    import msgspec

    from chainpos.node.backup import restore as make_home
    from chainpos.node.config import NodeSettings, check_settings

    settings = NodeSettings(mode="peer", moniker=moniker, listen=listen, upstreams=tuple(upstream or ()))
    check_settings(settings)
    found = make_home(file, home, settings)
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        print_line(f"Made the home of a peer in {found.path}: {found.chain_id} at height {found.height}.")
        print_line(f"Next: chainpos node start --home {found.path}")

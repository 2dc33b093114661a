"""`chainpos node join`: begin a new peer from other nodes' snapshot. `node payments`: what a light node keeps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from chainpos.cli.output import Json, end_progress, print_json, print_line, used_wrongly
from chainpos.cli.pace import Pace

if TYPE_CHECKING:
    from chainpos.sync.joining import Progress

# What a stage of joining is told as, and what it counts.
_STAGES: Final = {
    "headers": ("headers verified up to", "headers"),
    "chunks": ("fetched chunk", "chunks"),
    "records": ("verifying records", "records"),
    "storing": ("storing records", "records"),
}


def join(
    home: Annotated[Path, typer.Option("--home", help="A peer's folder, without a block yet.")],
    trust: Annotated[
        str, typer.Option("--trust", help="A block to trust, confirmed by telephone: what `node status` shows there.")
    ] = "",
    trust_height: Annotated[int, typer.Option("--trust-height", min=0, help="The same by its parts: the height.")] = 0,
    trust_hash: Annotated[str, typer.Option("--trust-hash", help="The same by its parts: the hash.")] = "",
    upstream: Annotated[
        list[str] | None, typer.Option("--upstream", help="HOST:PORT of a node to ask; two at least.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take over the newest snapshot of two nodes or more, verified by signatures and app hash. Then: node start."""
    import msgspec

    from chainpos.node.joining import join as take_over

    if bool(trust_height) != bool(trust_hash) or (trust and trust_hash):
        raise used_wrongly(
            "A block to trust is a height and a hash.", "Give both --trust-height and --trust-hash, or one --trust."
        )
    text = f"{trust_height}:{trust_hash}" if trust_hash else trust
    pace = Pace(*_STAGES["headers"])

    def show(made: Progress) -> None:
        pace.stage(*_STAGES[made.stage])
        pace.tell(made.done, made.total)

    found = asyncio.run(take_over(home, trust=text, upstreams=tuple(upstream or ()), progress=show))
    end_progress()
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    print_line(f"Took over {found.records} records of {found.chain_id} at height {found.height}, verified.")
    print_line(f"app hash {found.app_hash}")
    for address, code in found.distrusted.items():
        print_line(f"{address} told something untrue: {code}")
    print_line(f"Next: chainpos node start --home {home}")


def payments(
    home: Annotated[Path, typer.Option("--home", help="A light node's folder; the node may be running.")],
    reference: Annotated[str, typer.Option("--reference", help="Only with this reference.")] = "",
    receipts: Annotated[
        Path | None, typer.Option("--receipts", help="A folder: write each payment's self-proving receipt there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """The payments that a light node keeps, each verified; up to which height they are all of them."""
    import contextlib

    from chainpos.core.values.amount import Amount, format_amount
    from chainpos.core.values.timestamps import format_rfc3339
    from chainpos.node.home import Home
    from chainpos.node.light import facts_of
    from chainpos.store.light import LightStore

    if not Home(home).light.is_file():
        raise used_wrongly(
            f"No light node has run in {home}.", "Start one: chainpos node start --light --merchant NAME --home DIR."
        )
    with contextlib.closing(LightStore.open(Home(home).light)) as store:
        about, found = store.about(), list(store.payments(reference))
    if receipts is not None:
        receipts.mkdir(parents=True, exist_ok=True)
        for each in found:
            (receipts / f"{each.height}-{each.position}.receipt").write_bytes(each.receipt)
    if as_json:
        print_json({**about._asdict(), "payments": [facts_of(each) for each in found]})
        return
    for each in found:
        amount = format_amount(Amount(each.paid_minor, each.currency))
        print_line(f"{format_rfc3339(each.time_ns)[:19]}Z  {amount:>14}  {each.reference}  height {each.height}")
    print_line(f"{len(found)} payments to {about.merchant}: all from height {about.began} to {about.done}, verified.")

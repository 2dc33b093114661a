"""`chainpos governance …`: put a change to the vote, read it, approve or withdraw it; and what is decided how."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainpos.cli.acting import Acting, acts
from chainpos.cli.output import Json, print_json, print_line, used_wrongly

if TYPE_CHECKING:
    from chainpos.core.contracts.governance.records import Proposal
    from chainpos.wallet.office import Office

app = typer.Typer(
    help="Act for an office of the network: propose, read, approve and withdraw changes.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Number = Annotated[int, typer.Argument(min=1, help="The proposal's number.")]
Role = Annotated[str, typer.Option("--role", help="In whose name: operator, regulator, central_bank or city.")]
STATES = {1: "open", 2: "enacted", 3: "withdrawn"}


@app.command()
@acts
def propose(
    acting: Acting,
    kind: Annotated[str, typer.Argument(help="What to change; `chainpos governance kinds` lists.")],
    change: Annotated[str, typer.Argument(help="Its fields as a JSON object; keys in hexadecimal, times in unix s.")],
    title: Annotated[str, typer.Option("--title", help="In plain words, at most 96 characters.")],
    role: Role,
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="How long it may be voted on.")] = 7,
) -> None:
    """Put a change to the vote; it is your own approval as well. It is tried first: what cannot be is refused."""
    import msgspec

    from chainpos.core.contracts.governance.messages import Propose
    from chainpos.inspect.proposals import ChangeRefused, change_of
    from chainpos.wallet.office import ActResult

    try:
        encoded = msgspec.msgpack.encode(change_of(kind, json.loads(change)))
    except (ChangeRefused, json.JSONDecodeError) as error:
        raise used_wrongly(f"That is no change: {error}.", "Look at `chainpos governance kinds`.") from error

    async def work(office: Office) -> ActResult:
        # A little less than the quorum's own time, as the block that takes it in comes later.
        expires_s = office.network.clock.now_ns() // 10**9 + days * 86_400 - 60
        return await office.act("governance.propose", Propose(role, kind, encoded, title, expires_s))

    result = acting.run(work)
    number = int.from_bytes(result.data, "big")
    done = f"Proposal {number} is open. Others read it with: chainpos governance show {number}, and approve it."
    acting.tell(result, done, number=number)


@app.command()
@acts
def approve(
    acting: Acting,
    number: Number,
    role: Role,
) -> None:
    """Approve what the ledger has under this number: it is read by proof first, and you sign its hash."""
    from chainpos.core.contracts.governance.messages import Approve, change_hash
    from chainpos.wallet.office import ActResult

    async def work(office: Office) -> tuple[ActResult, str]:
        proposal = await _proposal(office, number)
        digest = change_hash(proposal.kind, proposal.change)
        result = await office.act("governance.approve", Approve(number, role, digest))
        after = await _proposal(office, number) if result.code == 0 and result.height else proposal
        return result, STATES.get(after.state, "")

    result, state = acting.run(work)
    done = f"Approved. Proposal {number} is {state}."
    acting.tell(result, done, number=number, proposal=state)


@app.command()
@acts
def withdraw(
    acting: Acting,
    number: Number,
) -> None:
    """Take your own proposal off the table."""
    from chainpos.core.contracts.governance.messages import Withdraw

    result = acting.run(lambda office: office.act("governance.withdraw", Withdraw(number)))
    acting.tell(result, f"Proposal {number} is withdrawn.", number=number)


@app.command()
@acts
def show(
    acting: Acting,
    number: Annotated[int, typer.Argument(min=0, help="The proposal's number; 0 shows the latest ones.")] = 0,
) -> None:
    """A proposal with its change in words, or the latest ones; proved by the validators' signatures."""
    from chainpos.core.contracts.governance.records import COUNTER, ONLY

    async def work(office: Office) -> list[dict[str, Any]]:
        await office.network.sync()
        if number:
            return [_facts(number, await _proposal(office, number))]
        counter = await office.network.record(COUNTER, ONLY)
        last = 0 if counter.record is None else counter.record.proposals
        return [_facts(each, await _proposal(office, each)) for each in range(last, max(last - 20, 0), -1)]

    found = acting.run(work)
    if acting.as_json:
        print_json({"proposals": found})
        return
    for facts in found:
        print_line(
            f"{facts['number']}  {facts['state']:9}  {facts['kind']}  {facts['title']}  until {facts['expires']}"
        )
        if number:
            for name, text in facts["change"].items():
                print_line(f"   {name:24} {text}")
            for approval in facts["approvals"]:
                print_line(f"   approved by {approval}")
    if not found:
        print_line("Nothing was ever proposed.")


@app.command()
def kinds(as_json: Json = False) -> None:
    """What governance may decide, with the fields of each change."""
    from chainpos.inspect.proposals import change_fields

    found = change_fields()
    if as_json:
        print_json(found)
        return
    for kind, fields in found.items():
        print_line(f"{kind}")
        for name, shape in fields.items():
            print_line(f"   {name:24} {shape}")


async def _proposal(office: Office, number: int) -> Proposal:
    from chainpos.core.contracts.governance.records import PROPOSALS, proposal_key

    await office.network.sync()
    found = await office.network.record(PROPOSALS, proposal_key(number))
    if found.record is None:
        raise used_wrongly(f"There is no proposal {number} as of height {found.height}.", "List them: show alone.")
    return found.record


def _facts(number: int, proposal: Proposal) -> dict[str, Any]:
    from chainpos.core.values.text import clean
    from chainpos.core.values.timestamps import SECOND_NS, format_rfc3339
    from chainpos.inspect.proposals import change_words

    return {
        "number": number, "state": STATES.get(proposal.state, str(proposal.state)), "kind": proposal.kind,
        "title": clean(proposal.title), "expires": format_rfc3339(proposal.expires_s * SECOND_NS),
        "change": dict(change_words(proposal.kind, proposal.change)),
        "approvals": [f"{each.role} {each.key.hex()[:16]}…" for each in proposal.approvals],
    }  # fmt: skip

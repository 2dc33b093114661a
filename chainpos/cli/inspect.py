"""`chainpos inspect …`: search, show, trace, what if, timeline, case files, divergence; it reads, and writes cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from chainpos.cli.looking import (
    absence_line,
    code_words,
    fields_line,
    opened_book,
    opened_source,
    place_of,
    tell_trace,
    trusted_genesis,
)
from chainpos.cli.output import Json, end_progress, print_json, print_line, read_file, used_wrongly
from chainpos.cli.pace import Pace
from chainpos.errors import EXIT_CORRUPT, EXIT_REFUSED, UserFacingError

if TYPE_CHECKING:
    from chainpos.inspect.support import SupportDesk

app = typer.Typer(
    help="Find out what happened: for support and for engineers. Nothing on the ledger is ever changed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Home = Annotated[Path | None, typer.Option("--home", help="A node's folder; the node may be running.")]
Chain = Annotated[Path | None, typer.Option("--chain", help="A recorded chain's file; else the sample day.")]
Node = Annotated[str, typer.Option("--node", help="A running node's RPC, HOST:PORT.")]
Book = Annotated[Path | None, typer.Option("--book", help="A shop's own book, beside the ledger.")]
AtHeight = Annotated[int, typer.Option("--at", min=0, help="As of this height; 0 is the tip.")]
Changes = Annotated[
    list[str],
    typer.Option("--set", help="message.FIELD=VALUE, record:TABLE:KEY.FIELD=VALUE, or time=RFC3339; repeatable."),
]


@app.command()
def search(
    words: Annotated[
        list[str], typer.Argument(help="A hash, height, account, shop, reference, link, amount, time, CNY/1, …")
    ],
    home: Home = None,
    chain: Chain = None,
    node: Node = "",
    book: Book = None,
    as_json: Json = False,
) -> None:
    """Find anything; several words narrow each other. What is absent is told by its kind.

    A day or a time is by the network's clock, as on receipts; with a Z at its end it is UTC.
    """
    import msgspec

    from chainpos.core.values.timestamps import SECOND_NS, format_rfc3339_at
    from chainpos.inspect.lookups import Lookups
    from chainpos.inspect.search import Search

    with opened_source(home, chain, node) as source:
        offset_s = Lookups(source).utc_offset_s()
        answer = Search(source, opened_book(book)).find(" ".join(words))
    if as_json:
        print_json(msgspec.to_builtins(answer))
    else:
        for hit in answer.hits:
            when = format_rfc3339_at(hit.time_ns // SECOND_NS * SECOND_NS, offset_s) if hit.time_ns else ""
            place = f"{hit.height}/{hit.index}" if hit.index >= 0 else str(hit.height)
            print_line(f"{hit.kind:12} {place:>10} {when:25} {hit.name} {hit.summary} {code_words(hit.code)}".rstrip())
        if answer.more:
            print_line(f"There are more than these {len(answer.hits)}: add a word, such as a day or a shop.")
        for absence in answer.absences:
            print_line(f"{absence.kind:12} {absence_line(absence, answer.refused(absence))}")
    if not answer.hits:
        raise SystemExit(EXIT_REFUSED)


@app.command()
def show(
    kind: Annotated[
        str,
        typer.Argument(help="block, account, merchant, institution, till, request, cycle, payout, or a table's name"),
    ],
    name: Annotated[str, typer.Argument(help="Its name, as search shows it.")],
    home: Home = None,
    chain: Chain = None,
    node: Node = "",
    at: AtHeight = 0,
    as_json: Json = False,
) -> None:
    """Show one thing whole, as of any height."""
    import msgspec

    from chainpos.core.values.timestamps import SECOND_NS, format_rfc3339_at
    from chainpos.inspect.lookups import Lookups

    with opened_source(home, chain, node) as source:
        lookups = Lookups.as_of(source, at)
        offset_s = lookups.utc_offset_s()
        card = lookups.named(kind, name)
    if card is None:
        raise used_wrongly(
            f"There is no such {kind} as of height {lookups.height}.", "Search for it: chainpos inspect search."
        )
    if as_json:
        print_json(msgspec.to_builtins(card))
        return
    print_line(f"{card.kind} {card.name} as of height {card.height}")
    for heading, fields in card.parts:
        print_line(f"[{heading}]")
        for field, text in fields:
            print_line(f"  {field:28} {text}")
    for row in card.transactions:
        amount = "" if row.amount is None else str(row.amount)
        place = f"{format_rfc3339_at(row.time_ns // SECOND_NS * SECOND_NS, offset_s)} {row.height}/{row.index}"
        print_line(f"  {place} {row.kind} {row.summary} {amount} {code_words(row.code)}".rstrip())


@app.command()
def trace(
    place: Annotated[str, typer.Argument(help="A transaction: HEIGHT/INDEX, or its hash.")],
    home: Home = None,
    chain: Chain = None,
    node: Node = "",
    as_json: Json = False,
) -> None:
    """Run a transaction again on the state that it ran on, and tell each step."""
    from chainpos.inspect.trace import trace_transaction

    with opened_source(home, chain, node) as source:
        found = trace_transaction(source, *place_of(source, place))
    tell_trace(found, as_json=as_json)
    if not found.reproduces:
        raise SystemExit(EXIT_CORRUPT)


@app.command()
def whatif(
    place: Annotated[str, typer.Argument(help="A transaction: HEIGHT/INDEX, or its hash.")],
    changes: Changes,
    home: Home = None,
    chain: Chain = None,
    node: Node = "",
    as_json: Json = False,
) -> None:
    """Run a transaction again with something changed. It never happened, and nothing is written."""
    import msgspec

    from chainpos.inspect.changing import parse_change
    from chainpos.inspect.trace import trace_transaction
    from chainpos.inspect.what_if import compare, what_if

    with opened_source(home, chain, node) as source:
        where = place_of(source, place)
        real = trace_transaction(source, *where)
        imagined = what_if(source, *where, [parse_change(each) for each in changes])
    compared = compare(real, imagined)
    if as_json:
        answer = {"trace": imagined, "first_difference": compared.first, "was": compared.codes[0]}
        print_json(msgspec.to_builtins(answer))
        return
    tell_trace(imagined, as_json=False)
    print_line(f"HYPOTHETICAL: it was {compared.codes[0]}; so it would have been {compared.codes[1]}.")


@app.command()
def timeline(
    word: Annotated[str, typer.Argument(help="A reference, request, link, transaction's hash, or a sale's number.")],
    home: Home = None,
    chain: Chain = None,
    node: Node = "",
    book: Book = None,
    as_json: Json = False,
) -> None:
    """What became of a payment, in the order of time."""
    import msgspec

    from chainpos.core.values.timestamps import format_rfc3339_at
    from chainpos.inspect.lookups import Lookups
    from chainpos.inspect.timeline import timeline as story_of
    from chainpos.inspect.verdict import verdict_told

    with opened_source(home, chain, node) as source:
        offset_s = Lookups(source).utc_offset_s()
        story = story_of(source, word, opened_book(book))
    if as_json:
        print_json(msgspec.to_builtins(story))
        return
    print_line(f"{story.reference} at {story.merchant}, as of height {story.height}; the money is {story.money or '-'}")
    for one in story.moments:
        when = format_rfc3339_at(one.time_ns, offset_s)
        told = f"{when:30} {one.stage:17} {one.source:8} {one.detail} {code_words(one.code)}"
        print_line(f"{told} [{one.evidence}]")
    print_line(verdict_told(story, "en"))
    for absence in story.absences:
        print_line(absence_line(absence, story.refused(absence)))


@app.command()
def replay(
    low: Annotated[int, typer.Argument(min=1, help="The first height.")],
    high: Annotated[int, typer.Argument(min=1, help="The last height.")],
    rules: Annotated[
        Path | None, typer.Option("--rules", help="A Python file: RULES = {kind: function(ctx, message)}.")
    ] = None,
    changes: Changes = [],  # noqa: B006 - typer copies it
    home: Home = None,
    chain: Chain = None,
    as_json: Json = False,
) -> None:
    """Execute a range of blocks under other rules or records, and report what would have differed."""
    import msgspec

    from chainpos.core.execution import BUILT_IN
    from chainpos.inspect.bulk import bulk_replay, load_rules
    from chainpos.inspect.changing import apply_changes, parse_change

    with opened_source(home, chain, "") as source:
        read = tuple(parse_change(each) for each in changes)
        if any(not isinstance(change.place, bytes) for change in read):
            raise used_wrongly(
                "A range has no message or time to change.", "Change records: record:TABLE:KEY.FIELD=VALUE."
            )
        changed = apply_changes(read, b"", 0, lambda key: source.record_at(key, low - 1))
        report = bulk_replay(
            source,
            low,
            high,
            rules=BUILT_IN if rules is None else load_rules(rules),
            name="this version" if rules is None else rules.name,
            changed=changed.records,
            progress=Pace().tell,
        )
    end_progress()
    if as_json:
        print_json(msgspec.to_builtins(report))
        return
    told = "; ".join((report.rules, *changed.told))
    print_line(f"{'HYPOTHETICAL, ' if report.hypothetical else ''}{told}: {low} to {high}")
    print_line(f"{report.different} of {report.transactions} transactions would have ended differently.")
    for outcome, count in report.outcomes.items():
        print_line(f"  {count:6} {outcome}")
    for each in report.differences[:20]:
        print_line(f"  {each.height}/{each.index} {each.what}: {each.recorded} -> {each.other}  {each.hash}")
    if report.state_differs_at:
        print_line(f"The records differ from height {report.state_differs_at} on.")
    print_line("invariants: " + ("; ".join(report.violations) or "ok"))


@app.command()
def case(
    word: Annotated[str, typer.Argument(help="A reference, request, link, transaction's hash, or a sale's number.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The case file to write.")],
    home: Home = None,
    chain: Chain = None,
    node: Node = "",
    book: Book = None,
    as_of: Annotated[int, typer.Option("--as-of", min=0, help="As of this height; 0 is the last provable one.")] = 0,
    as_json: Json = False,
) -> None:
    """Write one payment's evidence to one file, which proves itself. Never over another file."""
    from chainpos.cli.statement import write_file
    from chainpos.core.values.hashes import sha256
    from chainpos.inspect.case_file import make_case

    with opened_source(home, chain, node) as source:
        packed = make_case(source, word, book=opened_book(book), as_of=as_of)
    write_file(out, packed)
    facts = {"file": str(out), "bytes": len(packed), "sha256": sha256(packed).hex()}
    if as_json:
        print_json(facts)
    else:
        print_line(f"Wrote {out}: {len(packed)} bytes, SHA-256 {facts['sha256']}")
        print_line(f"Verify it anywhere: chainpos inspect open {out} --genesis genesis.json")


@app.command("open")
def open_(
    file: Annotated[Path, typer.Argument(help="A case file.")],
    genesis: Annotated[
        Path | None, typer.Option("--genesis", help="The network's genesis.json, from whom you trust.")
    ] = None,
    home: Home = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the case's page here, if it verifies. Never over another file.")
    ] = None,
    screen: Annotated[bool, typer.Option("--screen", help="Look at it on a screen: its timeline and trace.")] = False,
    as_json: Json = False,
) -> None:
    """Verify every proof in a case file, knowing only the genesis."""
    import msgspec

    from chainpos.cli.statement import write_file
    from chainpos.inspect.case_container import MAX_CASE_BYTES
    from chainpos.inspect.case_html import render_case
    from chainpos.inspect.case_open import open_case
    from chainpos.inspect.support import genesis_desk
    from chainpos.node.home import Home as Paths

    trusted = genesis or (Paths(home).genesis if home is not None else None)
    if trusted is None:
        raise used_wrongly("Which network?", "Give its genesis file with --genesis, or a node's folder with --home.")
    trusted_genesis(trusted)
    if screen:
        _on_screen(genesis_desk(trusted.read_bytes(), trusted.name), case=file)
    opened = open_case(read_file(file, MAX_CASE_BYTES), read_file(trusted))
    if opened.elsewhere and not as_json:
        raise UserFacingError(
            f"{file} belongs to another network: {opened.checks[0].detail}.",
            next_step="Nothing in it was checked. Open it with that network's genesis.json (--genesis), from whom you "
            "trust.",
            money_moved="",
            exit_code=EXIT_REFUSED,
        )
    if as_json:
        checks = [msgspec.to_builtins(check) for check in opened.checks]
        print_json({"verified": opened.verified, "checks": checks, "case": msgspec.to_builtins(opened.case)})
    else:
        for check in opened.checks:
            print_line(f"{'ok   ' if check.holds else 'WRONG'} {check.name} {check.detail}".rstrip())
        stated = 0 if opened.case is None else len(opened.case.stated)
        if stated:
            print_line(f"{stated} records are told as the transaction found them; no header in the file proves those.")
        print_line("Verified." if opened.verified else "NOT VERIFIED: do not rely on it.")
    if not opened.verified:
        raise SystemExit(EXIT_REFUSED if opened.elsewhere else EXIT_CORRUPT)
    if html is not None and opened.case is not None:
        write_file(html, render_case(opened.case))


@app.command()
def diverge(
    left: Annotated[Path, typer.Argument(help="A node's folder or a recorded chain's file.")],
    right: Annotated[Path, typer.Argument(help="The other one.")],
    as_json: Json = False,
) -> None:
    """Find where two stores of one chain part: block, transaction, record, and which one is wrong."""
    import msgspec

    from chainpos.inspect.divergence import diverge as compare_stores
    from chainpos.inspect.source import open_source

    reading = Pace("verifying block").tell
    with open_source(left, progress=reading) as one, open_source(right, progress=reading) as other:
        pace = Pace("compared change", "changes")
        found = compare_stores(one, other, progress=pace.tell)
    end_progress()
    if as_json:
        print_json(msgspec.to_builtins(found))
    elif not found.kind:
        print_line(f"They agree up to height {found.common_height}.")
    else:
        print_line(f"They agree up to height {found.common_height}, then part by {found.kind}: {found.detail}.")
        if found.hash:
            print_line(f"Written by transaction {found.height}/{found.transaction} {found.hash}")
        for record in found.records:
            print_line(f"  {record.name}: left {fields_line(record.left)} | right {fields_line(record.right)}")
        if found.wrong:
            print_line(f"By executing the block again, wrong is: {found.wrong}.")
    if found.kind:
        raise SystemExit(EXIT_REFUSED)


@app.command()
def console(
    home: Home = None,
    chain: Chain = None,
    node: Node = "",
    book: Book = None,
    case: Annotated[Path | None, typer.Option("--case", help="A case file to begin with.")] = None,
    genesis: Annotated[
        Path | None, typer.Option("--genesis", help="For --case alone: the network's genesis.json.")
    ] = None,
) -> None:
    """Look into a chain on a screen: search, timelines, traces, what-ifs, cases. It reads only."""
    from chainpos.cli.looking import support_desk

    _on_screen(support_desk(home, chain, node, book=book, genesis=genesis if case is not None else None), case=case)


def _on_screen(desk: SupportDesk, case: Path | None = None) -> NoReturn:
    import time

    from chainpos.cli.output import require_terminal

    require_terminal("Open it in one, or use the other commands of chainpos inspect.")
    from chainpos.console.inspecting import run_inspect_console

    raise SystemExit(run_inspect_console(desk, now_ns=time.time_ns, case=case))

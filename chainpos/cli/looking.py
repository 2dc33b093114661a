"""What the commands of `chainpos inspect` share: which chain they look at, and how things look in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chainpos.cli.output import end_progress, print_json, print_line, read_file, used_wrongly
from chainpos.cli.pace import Pace
from chainpos.errors import MalformedBytes

if TYPE_CHECKING:
    from chainpos.core.chain.genesis import GenesisDoc
    from chainpos.inspect.absence import Absence
    from chainpos.inspect.search import Hit
    from chainpos.inspect.source import ChainSource
    from chainpos.inspect.steps import Step, Trace
    from chainpos.inspect.support import SupportDesk
    from chainpos.inspect.timeline import Moment
    from chainpos.store.shop_reading import BookReader


@contextmanager
def opened_source(home: Path | None, chain: Path | None, node: str) -> Iterator[ChainSource]:
    """The chain that the options name; the sample day where they name none. Raises UserFacingError."""
    from chainpos.inspect.remote import open_node
    from chainpos.inspect.source import open_home, open_source
    from chainpos.pilot.record import RECORDED_NAME
    from chainpos.pilot.resources import sample_data

    if sum((home is not None, chain is not None, bool(node))) > 1:
        raise used_wrongly("Several chains were named.", "Name one: --home, --chain or --node.")
    if home is not None:
        with open_home(home) as opened:
            yield opened
    elif node:
        with open_node(node) as remote:
            yield remote
    else:
        place = chain or sample_data() / RECORDED_NAME
        with open_source(place, progress=Pace("verifying block").tell) as recorded:
            end_progress()
            yield recorded


def trusted_genesis(path: Path) -> GenesisDoc:
    """The genesis that somebody trusts, out of its file. Raises UserFacingError."""
    from chainpos.core.chain.genesis import MAX_GENESIS_BYTES, load_genesis

    try:
        return load_genesis(read_file(path, MAX_GENESIS_BYTES))
    except MalformedBytes as error:
        raise used_wrongly(f"{path} is no genesis file: {error}.", "Get it from whoever runs the network.") from error


def opened_book(path: Path | None) -> BookReader | None:
    """The shop's book that an option names."""
    from chainpos.store.shop_reading import BookReader

    return None if path is None else BookReader(path)


def place_of(source: ChainSource, place: str) -> tuple[int, int]:
    """(height, index) of the transaction that a word names. Raises UserFacingError."""
    height, slash, index = place.partition("/")
    if slash and height.isdecimal() and index.isdecimal():
        return int(height), int(index)
    if len(place) == 64:
        try:
            found = source.transaction(bytes.fromhex(place))
        except ValueError as error:
            raise used_wrongly("That is no hash.", "Give HEIGHT/INDEX or 64 hexadecimal digits.") from error
        if found is not None:
            return found
        raise used_wrongly("No block here has that transaction.", "Search for it: chainpos inspect search.")
    raise used_wrongly("That names no transaction.", "Give HEIGHT/INDEX or 64 hexadecimal digits.")


def tell_trace(found: Trace, *, as_json: bool) -> None:
    """A trace, step by step."""
    import msgspec

    from chainpos.inspect.currencies import trace_told

    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    found = trace_told(found)
    mark = "HYPOTHETICAL " if found.hypothetical else ""
    print_line(f"{mark}{found.height}/{found.index} {found.kind} by {found.signer}: {found.name or 'accepted'}")
    for change in found.changed:
        print_line(f"{mark}changed {change}")
    for step in found.steps:
        print_line(f"{step.index:4} {'  ' * step.depth}{step_line(step)}")
    for write in found.writes:
        print_line(f"     {write.name}: {fields_line(write.fields_before)} -> {fields_line(write.fields_after)}")
    if not found.reproduces:
        print_line("THIS IS NOT WHAT WAS RECORDED: run chainpos verify.")


def step_line(step: Step) -> str:
    """One step in one line."""
    parts = [step.kind, step.outcome, step.what, step.condition, step.key, step.detail]
    if step.kind == "read":
        parts.append(fields_line(step.before))
    elif step.kind in ("write", "delete"):
        parts.append(f"{fields_line(step.before)} -> {fields_line(step.after)}")
    elif step.fields:
        parts.append(fields_line(step.fields))
    if step.where:
        parts.append(f"({step.where})")
    return " ".join(part for part in parts if part)


def fields_line(fields: tuple[tuple[str, str], ...] | None) -> str:
    """A record's fields in one line."""
    return "none" if fields is None else "{" + ", ".join(f"{name}={text}" for name, text in fields) + "}"


def absence_line(absence: Absence, refused: Hit | Moment | None) -> str:
    """What is absent, and of a refusal which transaction it was: what `chainpos inspect trace` takes."""
    from chainpos.inspect.absence import REJECTED

    if absence.kind != REJECTED:
        return absence.sentence_en
    where = absence.detail if refused is None else f"{refused.height}/{refused.index}"
    return f"{absence.sentence_en} See: chainpos inspect trace {where}"


def code_words(code: int) -> str:
    """A refusal in words; nothing for what was accepted."""
    if not code:
        return ""
    from chainpos.inspect.sentences import sentence_of

    return f"REJECTED {code} {sentence_of(code).name}"


def support_desk(
    home: Path | None, chain: Path | None, node: str, *, book: Path | None, genesis: Path | None
) -> SupportDesk:
    """The desk of the chain that the options name, as `opened_source` has it. Raises UserFacingError."""
    from chainpos.inspect.support import genesis_desk, home_desk, node_desk, recorded_desk
    from chainpos.pilot.record import RECORDED_NAME
    from chainpos.pilot.resources import sample_data

    if sum((home is not None, chain is not None, bool(node), genesis is not None)) > 1:
        raise used_wrongly("Several chains were named.", "Name one: --home, --chain or --node.")
    if home is not None:
        return home_desk(home, book=book)
    if node:
        return node_desk(node, book=book)
    if genesis is not None:
        trusted_genesis(genesis)
        return genesis_desk(genesis.read_bytes(), genesis.name)
    place = chain or sample_data() / RECORDED_NAME
    return home_desk(place, book=book) if place.is_dir() else recorded_desk(place, book=book)

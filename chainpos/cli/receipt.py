"""`chainpos receipt make` at the till, `chainpos receipt verify` anywhere: receipts that prove themselves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from chainpos.cli.looking import trusted_genesis
from chainpos.cli.output import Json, print_json, print_line, read_file, used_wrongly, write_new
from chainpos.errors import EXIT_REFUSED, UserFacingError

app = typer.Typer(help="Receipts that prove themselves.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def make(
    reference: Annotated[str, typer.Argument(help="The sale's reference.")],
    home: Annotated[Path, typer.Option("--home", help="The till's folder. Its counter may be open.")],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="The file to write; it must not exist. It ends with .txt, .png, .pdf, .escpos (what a receipt printer "
            "takes), or .cpr for the proof alone, which `receipt verify` checks.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Write the receipt of a paid sale, from the till's own node; what was printed before is marked as a copy."""
    import asyncio

    from chainpos.till.home import TillHome
    from chainpos.till.receipts import make_file

    if output.exists():
        raise used_wrongly(f"There is something at {output} already.", "Name another file.")
    content = asyncio.run(make_file(TillHome(home), reference, output))
    write_new(output, content)
    if as_json:
        print_json({"reference": reference, "file": str(output), "bytes": len(content)})
    else:
        print_line(f"The receipt of {reference} is in {output}, {len(content)} bytes.")


@app.command()
def verify(
    what: Annotated[
        list[str], typer.Argument(help="The receipt's file, or what a scanner typed: the text of each of its codes.")
    ],
    genesis: Annotated[Path, typer.Option("--genesis", help="The network's genesis.json: what you trust.")],
    language: Annotated[str, typer.Option("--language", help="en or zh.")] = "en",
    as_json: Json = False,
) -> None:
    """Check a receipt against the genesis alone, and say what it proves. Asks no network."""
    from chainpos.core.checkout.receipt_proof import ProofRefused, decode_proof, verify_proof
    from chainpos.core.checkout.statement import LANGUAGES, statement_lines

    if language not in LANGUAGES:
        raise used_wrongly("Receipts are told in en or zh.", "Give --language en or zh.")
    doc = trusted_genesis(genesis)
    try:
        statement = verify_proof(decode_proof(_presented(what)), doc)
    except ProofRefused as refused:
        if as_json:
            print_json({"proved": False, "reason": refused.reason})
        raise UserFacingError(
            f"NOT PROVED ({refused.reason}): {refused}.",
            next_step="Ask for the receipt again, and check that the genesis is of the same network.",
            money_moved="This says nothing of whether money moved.",
            exit_code=EXIT_REFUSED,
        ) from refused
    if as_json:
        facts = {name: _plain(value) for name, value in statement._asdict().items()}
        print_json({"proved": True, **facts, "says": statement_lines(statement, language)})
        return
    for line in statement_lines(statement, language):
        print_line(line)


def _presented(what: list[str]) -> bytes:
    """The proof's bytes: of a file, of scanned texts, or of a file with scanned texts in its lines."""
    from chainpos.core.checkout.frames import looks_like_frame
    from chainpos.core.checkout.receipt_proof import MAX_PROOF_BYTES

    if all(looks_like_frame(text) for text in what):
        return _collected(what)
    if len(what) != 1:
        raise used_wrongly("Give one file, or scanned texts alone.", "A scanned text begins with CPF1.")
    content = (
        sys.stdin.buffer.read(2 * MAX_PROOF_BYTES) if what[0] == "-" else read_file(Path(what[0]), 2 * MAX_PROOF_BYTES)
    )
    lines = [line for line in content.decode(errors="replace").split() if looks_like_frame(line)]
    return _collected(lines) if lines else content


def _collected(texts: list[str]) -> bytes:
    from chainpos.core.checkout.frames import Collected, RefusedFrame, parse_frame

    whole = Collected()
    try:
        for text in texts:
            whole.add(parse_frame(text))
        return whole.content()
    except RefusedFrame as refused:
        raise UserFacingError(
            f"NOT PROVED: {refused}.",
            next_step="Scan every code of the receipt again, in any order.",
            money_moved="This says nothing of whether money moved.",
            exit_code=EXIT_REFUSED,
        ) from refused


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return msgspec.to_builtins(value)

"""`chainpos doctor`: what is wrong with this machine as a till, and how it is mended. It mends nothing itself."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from chainpos.cli.output import Json, draw_qr, print_json, print_line
from chainpos.errors import EXIT_REFUSED

if TYPE_CHECKING:
    from chainpos.till.doctor import Finding

_MARKS: Final = {"good": "ok  ", "look": "look", "bad": "BAD "}


def doctor(
    home: Annotated[Path | None, typer.Option("--home", help="A till's folder: its files and its node too.")] = None,
    as_json: Json = False,
) -> None:
    """Check this machine: terminal, clock, disk, SQLite; with --home a till's key, book, node and enrolment."""
    from msgspec.structs import asdict

    findings = _examine(home)
    sick = any(each.verdict == "bad" for each in findings)
    if as_json:
        print_json({"well": not sick, "findings": [asdict(each) for each in findings]})
    else:
        _show(findings)
    raise SystemExit(EXIT_REFUSED if sick else 0)


def _examine(home: Path | None) -> list[Finding]:
    import asyncio

    from chainpos.console.doctor import examine_terminal
    from chainpos.till.doctor import examine_machine, examine_node, examine_till
    from chainpos.till.home import TillHome

    findings: list[Finding] = []
    if sys.stdout.isatty():
        size = shutil.get_terminal_size()
        findings += examine_terminal((size.columns, size.lines), os.environ)
    findings += examine_machine(home or Path.cwd(), time.time_ns())
    if home is not None:
        till = TillHome(home)
        files = list(examine_till(till))
        findings += files
        if not any(each.verdict == "bad" and each.name in {"settings", "key"} for each in files):
            findings += asyncio.run(examine_node(till, time.time_ns()))
    return findings


def _show(findings: list[Finding]) -> None:
    if sys.stdout.isatty():
        from chainpos.till.doctor import sample_code

        draw_qr(sample_code().modules)
        print_line("Scan this with a phone as a customer would. Where it is not read, enlarge the terminal's font.")
        print_line("")
    # What is to be mended stands at the end: the rest may have left a small screen already.
    for each in sorted(findings, key=lambda each: list(_MARKS).index(each.verdict)):
        print_line(f"{_MARKS[each.verdict]}  {each.name}: {each.found}")
        if each.mend:
            print_line(f"      → {each.mend}")
    bad, look = (sum(each.verdict == verdict for each in findings) for verdict in ("bad", "look"))
    print_line(f"To mend: {bad}. To look at: {look}." if bad or look else "All is well.")

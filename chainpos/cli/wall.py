"""`chainpos till wall-qr`: the sheet with a till's standing code, to be printed and put on the wall."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainpos.cli.output import Json, print_json, print_line, write_new


def wall_qr(
    home: Annotated[Path, typer.Option("--home", help="The till's folder. Its counter may be open.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="FILE.png, FILE.svg or FILE.pdf; it must not exist.")],
    as_json: Json = False,
) -> None:
    """Write a sheet for the wall: customers scan it and type the amount themselves."""
    import asyncio

    from chainpos.till.home import TillHome
    from chainpos.till.wall_sheet import sheet_bytes, wall_sheet

    sheet = asyncio.run(wall_sheet(TillHome(home)))
    content = sheet_bytes(sheet, output.suffix.lower())
    write_new(output, content)
    if as_json:
        daily = None if sheet.daily is None else sheet.daily.minor
        print_json({"file": str(output), "code": sheet.text, "daily_minor": daily})
        return
    print_line(f"The sheet for the wall is in {output}.")
    print_line("Its code never changes. Look now and then that nobody has put another over it.")
    print_line("What is paid by it appears in the till's sales, as received without a request.")

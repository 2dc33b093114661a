"""`chainpos till shift …`, `chainpos till staff …` and `chainpos till verify-z`: the shift without a screen.

They need the shop's book for themselves, so the counter must be closed meanwhile; verifying needs neither till nor
network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainpos.cli.acting import amount_of
from chainpos.cli.looking import trusted_genesis
from chainpos.cli.output import Json, ask, note, print_json, print_line, read_file, used_wrongly
from chainpos.errors import EXIT_REFUSED, UserFacingError

if TYPE_CHECKING:
    from chainpos.core.values.amount import Amount
    from chainpos.store.shop_shifts import ShopShifts
    from chainpos.till.counter import Till
    from chainpos.till.shift_views import ShiftView
    from chainpos.till.staff import StaffDesk

Home = Annotated[Path, typer.Option("--home", help="The till's folder. Its counter must be closed.")]
As = Annotated[str, typer.Option("--as", help="Who does it; the PIN is asked for. Needed where staff is set up.")]

shift = typer.Typer(
    help="The shift: open, cash in and out, X and Z report.", no_args_is_help=True, rich_markup_mode=None
)
staff = typer.Typer(help="Who works at this till.", no_args_is_help=True, rich_markup_mode=None)


@shift.command("open")
def open_shift(
    amount: Annotated[str, typer.Argument(help="The float in the drawer, such as 500.00.")],
    home: Home,
    who: As = "",
    as_json: Json = False,
) -> None:
    """Begin a shift."""

    async def work(till: Till) -> ShiftView:
        return await till.shifts.open(_amount(till, amount))

    _told(_with_till(home, who, work), as_json=as_json)


@shift.command("cash-in")
def cash_in(
    amount: Annotated[str, typer.Argument(help="How much, such as 100.00.")],
    reason: Annotated[str, typer.Argument(help="What for.")],
    home: Home,
    who: As = "",
    as_json: Json = False,
) -> None:
    """Note cash put into the drawer, not for a sale."""
    _draw("in", amount, reason, home, who, as_json=as_json)


@shift.command("cash-out")
def cash_out(
    amount: Annotated[str, typer.Argument(help="How much, such as 100.00.")],
    reason: Annotated[str, typer.Argument(help="What for.")],
    home: Home,
    who: As = "",
    as_json: Json = False,
) -> None:
    """Note cash taken from the drawer, not for a sale."""
    _draw("out", amount, reason, home, who, as_json=as_json)


def _draw(kind: str, amount: str, reason: str, home: Path, who: str, *, as_json: bool) -> None:
    async def work(till: Till) -> ShiftView:
        await till.shifts.draw(kind, _amount(till, amount), reason)
        return await till.shifts.report()

    _told(_with_till(home, who, work), as_json=as_json)


@shift.command("x")
def x_report(home: Home, as_json: Json = False) -> None:
    """The open shift's figures up to now, compared with the ledger; nothing is written."""

    async def work(till: Till) -> ShiftView:
        return await till.shifts.report()

    _told(_with_till(home, "", work, look=True), as_json=as_json)


@shift.command("close")
def close_shift(
    counted: Annotated[str, typer.Argument(help="All cash in the drawer, such as 1234.50.")],
    home: Home,
    who: As = "",
    as_json: Json = False,
) -> None:
    """The Z report: compare, sign, and put its hash on the ledger. The shift is over."""

    async def work(till: Till) -> ShiftView:
        return await till.shifts.close(_amount(till, counted))

    _told(_with_till(home, who, work), as_json=as_json)


@shift.command("list")
def list_shifts(home: Home, as_json: Json = False) -> None:
    """Closed shifts, newest first."""
    from chainpos.core.values.amount import format_amount

    async def work(till: Till) -> Any:
        return await till.shifts.all_closed()

    rows = _with_till(home, "", work, look=True)
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    for row in rows:
        anchor = f"block {row.anchor_height}" if row.anchor_height > 0 else "not yet anchored"
        differences = f"{row.differences} differences" if row.differences else "reconciled"
        print_line(f"{row.number:>5}  {format_amount(row.received):>18}  {differences}  {anchor}  {row.closed_by}")


@shift.command("export")
def export_shift(
    number: Annotated[int, typer.Argument(help="Which closed shift.")],
    home: Home,
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write to.")],
    camt053: Annotated[
        bool, typer.Option("--camt053", help="Also the bank statement of these blocks, read from the till's node.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a closed shift as CSV (its movements; its tax by rate) and as the signed report with its proof."""

    async def work(till: Till) -> tuple[Path, ...]:
        files = await till.shifts.export(number, output)
        return (*files, await till.shifts.bank_statement(number, output)) if camt053 else files

    files = _with_till(home, "", work, look=True)
    if as_json:
        print_json({"files": [str(path) for path in files]})
    else:
        for path in files:
            print_line(str(path))


@staff.command("list")
def list_staff(home: Home, as_json: Json = False) -> None:
    """Who works at this till, and as what."""
    from chainpos.store.shop import ShopBook
    from chainpos.store.shop_shifts import ShopShifts
    from chainpos.till.home import TillHome

    paths = TillHome(home)
    paths.settings()
    with ShopBook.open(paths.book_path) as book:
        rows = ShopShifts(book).staff()
    if as_json:
        print_json([{"name": row.name, "role": row.role} for row in rows])
        return
    if not rows:
        note("Nobody is set up: the till is its owner's.")
    for row in rows:
        print_line(f"{row.role:<10} {row.name}")


@staff.command("add")
def add_staff(
    name: Annotated[str, typer.Argument(help="By which name the book has them.")],
    home: Home,
    role: Annotated[str, typer.Option("--role", help="cashier, manager, support or operator.")] = "cashier",
) -> None:
    """Set somebody up with a PIN of their own. From the first one on the counter begins locked."""
    import time

    from chainpos.till.staff import add_member

    _decided(
        home,
        lambda shifts: add_member(
            shifts, name, role, ask(f"PIN of {name}, 4 to 12 digits:", secret=True), time.time_ns()
        ),
    )
    note(f"{name} may sign in as {role}.")


@staff.command("remove")
def remove_staff(name: Annotated[str, typer.Argument(help="Whom.")], home: Home) -> None:
    """Take somebody out. What they did keeps their name."""
    from chainpos.till.staff import remove_member

    _decided(home, lambda shifts: remove_member(shifts, name))
    note(f"{name} can no longer sign in.")


@staff.command("set-role")
def set_role(
    name: Annotated[str, typer.Argument(help="Whose.")],
    role: Annotated[str, typer.Argument(help="cashier, manager, support or operator.")],
    home: Home,
) -> None:
    """Give somebody another role."""
    from chainpos.till.staff import change_role

    _decided(home, lambda shifts: change_role(shifts, name, role))
    note(f"{name} may sign in as {role}.")


@staff.command("reset-pin")
def reset_staff_pin(name: Annotated[str, typer.Argument(help="Whose; owner is the owner.")], home: Home) -> None:
    """Give somebody another PIN; wrong guesses are forgotten."""
    from chainpos.till.staff import reset_pin

    _decided(
        home, lambda shifts: reset_pin(shifts, name, ask(f"New PIN of {name}, 4 to 12 digits:", secret=True))
    )  # fmt: skip
    note(f"The PIN of {name} is set.")


def _decided(home: Path, write: Callable[[ShopShifts], None]) -> None:
    from chainpos.store.shop import ShopBook
    from chainpos.store.shop_shifts import ShopShifts
    from chainpos.till.home import TillHome

    paths = TillHome(home)
    paths.settings()
    with ShopBook.open(paths.book_path) as book:
        shifts = ShopShifts(book)
        require_decider(shifts)
        write(shifts)


def require_decider(shifts: ShopShifts) -> None:
    """Ask for the PIN of somebody who may set staff up, where anybody may. Raises UserFacingError."""
    from chainpos.node.clock import SystemClock
    from chainpos.till.pin import Guesses, require_one_of
    from chainpos.till.staff import decides

    deciders = decides(shifts)
    if deciders:
        pin = ask("PIN of the owner or a manager:", secret=True)
        require_one_of(shifts.book, pin, Guesses(SystemClock()), deciders)


def verify_z(
    file: Annotated[Path, typer.Argument(help="The exported report (JSON).")],
    genesis: Annotated[Path, typer.Option("--genesis", help="The network's genesis.json: what you trust.")],
    language: Annotated[str, typer.Option("--language", help="en or zh.")] = "en",
    as_json: Json = False,
) -> None:
    """Check a Z report: its signature, its sums, its anchor on the ledger. Asks no network."""
    from chainpos.core.checkout.z_proof import report_lines, verify_report
    from chainpos.core.checkout.z_report import MAX_FILE_BYTES, RefusedReport

    if language not in ("en", "zh"):
        raise used_wrongly("Reports are told in en or zh.", "Give --language en or zh.")
    doc = trusted_genesis(genesis)
    try:
        statement = verify_report(read_file(file, MAX_FILE_BYTES), doc)
    except RefusedReport as refused:
        if as_json:
            print_json({"proved": False, "reason": refused.reason})
        raise UserFacingError(
            f"NOT PROVED ({refused.reason}): {refused}.",
            next_step="Ask for the report again, and check that the genesis is of the same network.",
            money_moved="This says nothing of whether money moved.",
            exit_code=EXIT_REFUSED,
        ) from refused
    lines, proved = report_lines(statement, language), statement.anchored
    if as_json:
        print_json(
            {
                "signed": True,
                "proved": proved is not None,
                "digest": statement.signed.digest.hex(),
                "previous": statement.signed.report.previous,
                "sequence": statement.signed.report.sequence,
                "differences": len(statement.signed.report.differences),
                "height": proved.header.height if proved is not None else 0,
                "says": lines,
            }
        )
    else:
        for row in lines:
            print_line(row)
    if proved is None:
        raise typer.Exit(EXIT_REFUSED)


def _with_till(home: Path, who: str, work: Callable[[Till], Awaitable[Any]], *, look: bool = False) -> Any:
    from chainpos.till.counter import Till
    from chainpos.till.home import TillHome

    async def run() -> Any:
        till = Till.open(TillHome(home))
        await till.start()
        try:
            if not look:
                await _sign_in(till.staff, who)
            return await work(till)
        finally:
            await till.stop()

    return asyncio.run(run())


async def _sign_in(desk: StaffDesk, who: str) -> None:
    if not desk.view.named and not who:
        return
    if not who:
        names = ", ".join(member.name for member in desk.view.members)
        raise used_wrongly("Whoever does it was not named.", f"Give --as with one of: {names}.")
    await desk.sign_in(who, ask(f"PIN of {who}:", secret=True))


def _amount(till: Till, text: str) -> Amount:
    return amount_of(text, till.counter().shop.currency)


def _told(view: ShiftView, *, as_json: bool) -> None:
    from chainpos.till.shift_text import shift_lines

    if as_json:
        print_json(_plain(view))
        return
    for row in shift_lines(view):
        print_line(row)


def _plain(view: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(view)

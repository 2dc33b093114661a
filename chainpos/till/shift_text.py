"""A shift's report as lines of text, for a terminal without screens. It refuses nothing: views have been checked."""

from __future__ import annotations

from chainpos.core.values.amount import Amount, format_amount
from chainpos.core.values.timestamps import format_rfc3339
from chainpos.till.shift_views import Figure, ShiftView

LABEL = 32


def shift_lines(view: ShiftView) -> list[str]:
    """The figures, then every movement, then what does not agree."""
    if not view.number:
        return ["No shift is open."]
    head = f"Shift {view.number}, open since {format_rfc3339(view.opened_ns)}, {view.opened_by}"
    if view.closed_ns:
        head = f"Z report of shift {view.number}, closed {format_rfc3339(view.closed_ns)} by {view.closed_by}"
    lines = [head, *(f"{label:<{LABEL}}{value:>18}" for label, value in _figures(view)), ""]
    for each in view.lines:
        book = format_amount(each.book, with_currency=False) if each.book is not None else "-"
        ledger = format_amount(each.ledger, with_currency=False) if each.ledger is not None else "-"
        mark = each.problem.name if each.problem is not None else "ok"
        lines.append(f"{each.kind:<13}{each.reference:<26}{book:>14}{ledger:>14}  {each.where:<17}{mark}")
    lines += [f"{each.state:<13}{each.reference:<26}{format_amount(each.amount):>18}" for each in view.requests]
    for found in view.differences:
        figures = f"{_signed(found.book_minor, view.currency)} / {_signed(found.ledger_minor, view.currency)}"
        lines.append(
            f"DIFFERENCE {found.reference or '-'}: {found.sentence.what_en} ({figures}) {found.sentence.next_en}"
        )
    if not view.differences:
        lines.append("Book, ledger and settlement agree.")
    if view.closed_ns:
        where = f"on the ledger in block {view.anchor_height}" if view.anchor_height > 0 else "not yet anchored"
        lines.append(f"Hash {view.digest}, {where}.")
    return lines


def _figures(view: ShiftView) -> list[tuple[str, str]]:
    zero = Amount(0, view.currency)

    def plain(amount: Amount | None) -> str:
        return format_amount(amount or zero)

    def net(figure: Figure) -> str:
        return _signed(figure.received.minor - figure.returned.minor, view.currency)

    found = [
        ("Received", plain(view.received)),
        ("Refunded", plain(view.returned)),
        ("Fees", _signed(view.fees_minor, view.currency)),
        ("Net", _signed(view.net_minor, view.currency)),
        *((f"  {each.name} ({each.count})", net(each)) for each in view.by_tender),
        *((f"  {each.name}:00", net(each)) for each in view.by_hour),
        *_taxes(view),
        ("Float", plain(view.float_amount)),
        ("Cash in", plain(view.put_in)),
        ("Cash out", plain(view.taken_out)),
        ("In the drawer", _signed(view.expected_minor, view.currency)),
    ]
    if view.counted is not None:
        over = _signed(view.counted.minor - view.expected_minor, view.currency)
        found += [("Counted", plain(view.counted)), ("Difference", over)]
    return found


def _taxes(view: ShiftView) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    # What was keyed has no rate, and so no tax to tell.
    for each in (each for each in view.by_tax if each.name):
        rate = f"{each.percent} %"
        found.append((f"  Tax at {rate}", _signed(each.tax_minor, view.currency)))
        if each.tax_back_minor:
            kind = "refunds" if each.tax_back_minor > 0 else "denied refunds"
            found.append((f"    {kind} in it, {rate}", _signed(-each.tax_back_minor, view.currency)))
    return found


def _signed(minor: int, currency: str) -> str:
    return f"{'-' if minor < 0 else ''}{format_amount(Amount(abs(minor), currency))}"

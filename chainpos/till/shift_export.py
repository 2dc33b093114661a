"""A closed shift as files: CSV for a spreadsheet (movements; tax by rate), JSON that is signed, the bank's camt.053.

It refuses to hand a spreadsheet a formula, and to replace a file that is there with another content.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.checkout.reconciling import Line
from chainpos.core.checkout.takings import NO_RATE, Taxed, charged_and_back
from chainpos.core.checkout.z_report import ReportFile, ZReport
from chainpos.core.values.amount import Amount, format_amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS, format_rfc3339
from chainpos.errors import UserFacingError
from chainpos.store.durable import write_durably

COLUMNS: Final = (
    "time", "kind", "tender", "reference", "book", "ledger", "tip", "fee", "net", "currency", "settlement", "block",
    "staff", "difference",
)  # fmt: skip
TAX_COLUMNS: Final = ("rate_percent", "charged", "tax", "given_back", "tax_given_back", "currency")
# A spreadsheet takes text that begins so for a formula, also behind blanks.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_exports(report: ZReport, file: bytes, folder: Path) -> tuple[Path, ...]:
    """Write all forms of a shift into a folder; which files they are. Raises UserFacingError.

    The same report may be written again, also with the proof of its anchor, which is there later than the report. Where
    a file with another content is in the way, none is written.
    """
    tables = {f"{_name(report)}.csv": shift_csv(report), f"{_name(report)}-tax.csv": tax_csv(report)}
    wanted = [(folder / name, content) for name, content in (*tables.items(), (f"{_name(report)}.json", file))]
    _write(wanted)
    return tuple(path for path, _ in wanted)


def export_name(merchant: str, till_key: str, what: str) -> str:
    """How a till's documents of its shifts are named: those of two tills of a shop never alike."""
    return f"{merchant}-{till_key[:8]}-{what}"


def _name(report: ZReport) -> str:
    return export_name(report.merchant, report.till, f"Z{report.sequence:04d}")


def _write(files: list[tuple[Path, bytes]]) -> None:
    folder = files[0][0].parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = [path.read_bytes() if path.exists() else None for path, _ in files]
        for (path, content), old in zip(files, there, strict=True):
            if old is not None and old != content and not _is_same_report(old, content):
                raise UserFacingError(
                    f"{path} is there with another content: nothing was written.",
                    next_step="Keep that file in another folder, then export the shift again.",
                )
        for (path, content), old in zip(files, there, strict=True):
            if old is None or (old != content and not _has_more(old, content)):
                write_durably(path, content)
    except OSError as error:
        raise UserFacingError(
            f"The shift cannot be written to {folder}: {error.strerror or error}.",
            next_step="Choose another folder, or make room there.",
        ) from error


def _is_same_report(old: bytes, new: bytes) -> bool:
    """Whether both are one signed report, with its proof or without."""
    was, now = _report_file(old), _report_file(new)
    if was is None or now is None:
        return False
    return (bytes(was.document), was.signature) == (bytes(now.document), now.signature)


def _has_more(old: bytes, new: bytes) -> bool:
    """Whether of one signed report the file that is there has the proof, and the new one has none."""
    was, now = _report_file(old), _report_file(new)
    return was is not None and now is not None and bool(was.proof) and not now.proof


def _report_file(content: bytes) -> ReportFile | None:
    try:
        return msgspec.json.decode(content, type=ReportFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def write_bank_statement(report: ZReport, node: str, folder: Path) -> Path:
    """Write the shop's account over the shift's blocks as camt.053, by the statement room. Raises UserFacingError."""
    from chainpos.inspect.remote import open_node
    from chainpos.inspect.statements.account import merchant_holder, read_statement
    from chainpos.inspect.statements.camt053 import camt053
    from chainpos.inspect.statements.period import Period

    with open_node(node) as source:
        base = source.span().base
        low, high = max(report.from_height + 1, base), report.to_height
        first, last = source.header(low - 1 if low > base else low), source.header(high)
        if low > high or first is None or last is None:
            raise UserFacingError(
                f"The node has no blocks of shift {report.sequence}.",
                next_step="A shift without any block has no bank statement; otherwise wait until the node is synced.",
            )
        period = Period(f"shift {report.sequence}", low, high, first.time_ns, last.time_ns, is_over=True)
        content = camt053(read_statement(source, merchant_holder(source, report.merchant), report.currency, period))
    path = folder / f"{_name(report)}.camt053.xml"
    _write([(path, content)])
    return path


def shift_csv(report: ZReport) -> bytes:
    """Every movement of the shift, one a row."""
    rows: list[Sequence[object]] = [COLUMNS]
    money = report.currency
    for line in report.lines:
        sign = "-" if line.returns else ""
        rows.append(
            [
                _time(line.time_s),
                line.kind,
                "ledger",
                plain_cell(line.reference),
                _figure(line.book_minor, money, sign),
                _figure(line.ledger_minor, money, sign),
                _figure(line.tip_minor, money),
                _figure(line.fee_minor, money, sign),
                _signed(line.net_minor, money),
                money,
                plain_cell(line.where),
                line.height or "",
                plain_cell(line.staff),
                line.difference,
            ]
        )
    for each in report.tendered:
        sign = "-" if each.returned else ""
        amount = _figure(each.amount_minor, money, sign)
        kind = "refund" if each.returned else "payment"
        row = [_time(each.time_s), kind, plain_cell(each.kind), plain_cell(each.reference), amount, "", "", "", amount]
        rows.append([*row, money, "", "", plain_cell(each.staff), ""])
    for drawn in report.drawn:
        amount = _figure(drawn.amount_minor, money, "-" if drawn.kind == "out" else "")
        row = [_time(drawn.time_s), f"cash_{drawn.kind}", "cash", plain_cell(drawn.reason), amount, "", "", "", amount]
        rows.append([*row, money, "", "", plain_cell(drawn.staff), ""])
    return _table(rows)


def tax_csv(report: ZReport) -> bytes:
    """A row a rate: what was charged and what given back, tax included, and the tax in each; no rate: keyed amounts.

    Of keyed amounts the report's own table has no refunds, as they give no tax back. Here they stand where its
    movements tell them; the cells are empty where some of what went back may be of bills, or of an earlier shift.

    Below zero, given back is what an earlier report told of a refund that the ledger denies.
    """
    told: list[Sequence[object]] = [TAX_COLUMNS]
    for rate_ppm in sorted({each.rate_ppm for each in report.taxed}):
        charged, back = charged_and_back(report.taxed, rate_ppm)
        figures = (back.due_minor, back.tax_minor) if rate_ppm != NO_RATE else _keyed_back(report)
        told.append(_tax_row(report, charged, figures))
    if _keyed_back(report) is None and all(each.rate_ppm != NO_RATE for each in report.taxed):
        told.append(_tax_row(report, Taxed(NO_RATE, 0, 0), None))
    return _table(told)


def _tax_row(report: ZReport, charged: Taxed, back: tuple[int, int] | None) -> Sequence[object]:
    figures = [_signed(minor, report.currency) for minor in (charged.due_minor, charged.tax_minor, *(back or ()))]
    rate = "" if charged.rate_ppm == NO_RATE else f"{Decimal(charged.rate_ppm).scaleb(-4).normalize():f}"
    return [rate, *figures, *([] if back else ["", ""]), report.currency]


def _keyed_back(report: ZReport) -> tuple[int, int] | None:
    """What was given back of keyed amounts, and the tax in that; None where the report cannot tell."""
    lines = report.lines
    back = [line for line in lines if line.returns]
    returned_minor = sum(max(line.ledger_minor, line.book_minor) for line in back)
    returned_minor += sum(each.amount_minor for each in report.tendered if each.returned)
    # What went back beside the ledger is of bills.
    if not back or returned_minor == -sum(min(each.due_minor, 0) for each in report.taxed):
        return 0, 0
    agree = not any(line.difference or line.is_rest for line in lines)
    paid = {line.reference: line.book_minor for line in lines if not line.returns}
    keyed_minor = sum(each.due_minor for each in report.taxed if each.rate_ppm == NO_RATE)
    # Only where all that was paid on the ledger was keyed, and all that went back there is of that, is it certain.
    if agree and keyed_minor == sum(paid.values()) and all(_sale_of(line) in paid for line in back):
        return sum(line.book_minor for line in back), 0
    return None


def _sale_of(refund: Line) -> str:
    return refund.reference.rpartition("/")[0]


def _table(rows: Iterable[Sequence[object]]) -> bytes:
    """In UTF-8 with a mark that spreadsheets know."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def plain_cell(text: str) -> str:
    """Text that a spreadsheet shows and does not run: cleaned, and quoted where it would begin a formula."""
    shown = clean(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def _figure(minor: int, currency: str, sign: str = "") -> str:
    """A decimal without group marks; "" where there is none. Its sign is ours, so that it is a number and no text."""
    if minor < 0:
        return ""
    return f"{sign if minor else ''}{format_amount(Amount(minor, currency), with_currency=False).replace(',', '')}"


def _signed(minor: int, currency: str) -> str:
    return _figure(abs(minor), currency, "-" if minor < 0 else "")


def _time(time_s: int) -> str:
    return format_rfc3339(time_s * SECOND_NS)

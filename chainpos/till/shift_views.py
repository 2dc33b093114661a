"""A shift as the screens see it: frozen values without text in any language but what people wrote."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.checkout.reconciling import BY_NAME, Line
from chainpos.core.checkout.takings import NO_RATE, Sum, Taxed, charged_and_back
from chainpos.core.checkout.z_report import ZReport
from chainpos.core.values.amount import Amount
from chainpos.inspect.views import Sentence

_PPM_OF_A_PERCENT: Final = 10_000


class Figure(msgspec.Struct, frozen=True):
    """A named sum: of a tender, an hour, a tax rate, a person. `returned` is what of it went back.

    Of a rate `tax_minor` is the tax that stayed, below zero where more was given back; `tax_back_minor` what was,
    below zero where it mends what an earlier report told of a refund that the ledger denies.
    """

    name: str
    received: Amount
    returned: Amount
    count: int
    tax_minor: int = 0
    tax_back_minor: int = 0

    @property
    def percent(self) -> str:
        """Of a tax rate, which is named in millionths: "6", "0.5"."""
        return f"{int(self.name) / _PPM_OF_A_PERCENT:g}"


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A movement as book, ledger and settlement have it; None where one has none. `problem` says what differs."""

    kind: str
    reference: str
    book: Amount | None
    ledger: Amount | None
    fee: Amount
    where: str
    height: int
    time_ns: int
    staff: str
    problem: Sentence | None = None


class DifferenceView(msgspec.Struct, frozen=True):
    """Something that does not agree, what it means, and the next step. Minor figures may be below zero."""

    reference: str
    book_minor: int
    ledger_minor: int
    sentence: Sentence


class RequestView(msgspec.Struct, frozen=True):
    """A request that brought no money."""

    reference: str
    amount: Amount
    state: str


class ShiftView(msgspec.Struct, frozen=True, kw_only=True):
    """One shift's figures. `closed_ns` is 0 for the open one; `number` 0 where none is open.

    `anchor_height` is the block that has the report's hash, 0 while it is not anchored. `expected_minor` may be below
    zero; `counted` is None while nobody counted.
    """

    number: int
    currency: str
    opened_ns: int = 0
    opened_by: str = ""
    closed_ns: int = 0
    closed_by: str = ""
    height: int = 0
    float_amount: Amount | None = None
    received: Amount | None = None
    returned: Amount | None = None
    tips: Amount | None = None
    fees_minor: int = 0
    net_minor: int = 0
    put_in: Amount | None = None
    taken_out: Amount | None = None
    expected_minor: int = 0
    counted: Amount | None = None
    by_tender: tuple[Figure, ...] = ()
    by_hour: tuple[Figure, ...] = ()
    by_staff: tuple[Figure, ...] = ()
    by_tax: tuple[Figure, ...] = ()
    by_settlement: tuple[Figure, ...] = ()
    lines: tuple[LineView, ...] = ()
    requests: tuple[RequestView, ...] = ()
    differences: tuple[DifferenceView, ...] = ()
    digest: str = ""
    anchor_height: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is going on."""
        return self.number > 0 and not self.closed_ns


class ShiftRowView(msgspec.Struct, frozen=True, kw_only=True):
    """A closed shift in a list."""

    number: int
    opened_ns: int
    closed_ns: int
    closed_by: str
    received: Amount
    differences: int
    anchor_height: int


def shift_view(report: ZReport, *, closed: bool, digest: str = "", anchor_height: int = 0) -> ShiftView:
    """The view of a report, of an open shift's too."""
    found, money = report.takings, report.currency
    drawer = found.drawer

    def amount(minor: int) -> Amount:
        return Amount(max(minor, 0), money)

    def figures(sums: tuple[Sum, ...]) -> tuple[Figure, ...]:
        return tuple(
            Figure(each.name, amount(each.received_minor), amount(each.returned_minor), each.received) for each in sums
        )

    return ShiftView(
        number=report.sequence,
        currency=money,
        opened_ns=report.opened_s * 10**9,
        opened_by=report.opened_by,
        closed_ns=report.closed_s * 10**9 if closed else 0,
        closed_by=report.closed_by if closed else "",
        height=report.to_height,
        float_amount=amount(report.float_minor),
        received=amount(found.received_minor),
        returned=amount(found.returned_minor),
        tips=amount(found.tip_minor),
        fees_minor=found.fee_minor,
        net_minor=found.net_minor,
        put_in=amount(drawer.put_in_minor),
        taken_out=amount(drawer.taken_out_minor),
        expected_minor=drawer.expected_minor,
        counted=amount(drawer.counted_minor) if drawer.counted_minor >= 0 else None,
        by_tender=figures(found.by_tender),
        by_hour=figures(found.by_hour),
        by_staff=figures(found.by_staff),
        by_tax=tuple(_tax_figure(report, each) for each in found.by_tax),
        by_settlement=figures(found.by_settlement),
        lines=tuple(_line_view(line, money) for line in report.lines),
        requests=tuple(RequestView(each.reference, amount(each.amount_minor), each.state) for each in report.requests),
        differences=tuple(
            DifferenceView(each.reference, each.book_minor, each.ledger_minor, difference_sentence(each.kind))
            for each in report.differences
        ),
        digest=digest,
        anchor_height=anchor_height,
    )


def _tax_figure(report: ZReport, found: Taxed) -> Figure:
    charged, back = charged_and_back(report.taxed, found.rate_ppm)
    return Figure(
        name="" if found.rate_ppm == NO_RATE else str(found.rate_ppm),
        received=Amount(charged.due_minor + max(-back.due_minor, 0), report.currency),
        returned=Amount(max(back.due_minor, 0), report.currency),
        count=0,
        tax_minor=found.tax_minor,
        tax_back_minor=back.tax_minor,
    )


def difference_sentence(kind: str) -> Sentence:
    """What a kind of difference means, in both languages."""
    known = BY_NAME[kind]
    return Sentence(0, known.name, known.what_en, known.what_zh, known.next_en, known.next_zh)


def _line_view(line: Line, currency: str) -> LineView:
    return LineView(
        kind=line.kind,
        reference=line.reference,
        book=Amount(line.book_minor, currency) if line.book_minor >= 0 else None,
        # What mends an earlier report may be the tip alone.
        ledger=Amount(line.ledger_minor + line.tip_minor * line.is_rest, currency) if line.ledger_minor >= 0 else None,
        fee=Amount(line.fee_minor, currency),
        where="" if line.returns else line.where,
        height=line.height,
        time_ns=line.time_s * 10**9,
        staff=line.staff,
        problem=difference_sentence(line.difference) if line.difference else None,
    )

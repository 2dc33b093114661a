"""A shift in figures: what came in by which tender, hour, tax rate and person, and what must lie in the drawer.

Whole numbers throughout. What the ledger has is counted as the ledger has it; where its node did not answer, as the
book has it. It refuses to mix: money on the ledger and money beside it are apart in every figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from chainpos.core.checkout.reconciling import CASH_OVER, CASH_SHORT, Difference, Line

LEDGER: Final = "ledger"
CASH: Final = "cash"
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
NO_RATE: Final = -1


class Tendered(msgspec.Struct, frozen=True, kw_only=True):
    """Money beside the ledger that came in, or was given back (`returned`)."""

    kind: str
    reference: str
    amount_minor: int
    time_s: int
    returned: bool = False
    staff: str = ""


class Taxed(msgspec.Struct, frozen=True):
    """What was charged at one rate, tax included, and the tax in it; below zero what was given back.

    `rate_ppm` is NO_RATE for keyed amounts. Of a report's rows of one rate the first is what was charged, be it
    nothing, unless it is below zero. Behind it, a row that is not is no charge: it takes back what an earlier report
    told of a refund that the ledger denies.
    """

    rate_ppm: int
    due_minor: int
    tax_minor: int


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """Cash put into the drawer or taken out of it for another reason than a sale."""

    kind: str
    amount_minor: int
    reason: str
    time_s: int
    staff: str


class Sum(msgspec.Struct, frozen=True):
    """Of one tender, hour or person: what came in and went back, in minor units, and how often."""

    name: str
    received_minor: int = 0
    returned_minor: int = 0
    received: int = 0
    returned: int = 0

    @property
    def net_minor(self) -> int:
        """What stayed."""
        return self.received_minor - self.returned_minor


class Drawer(msgspec.Struct, frozen=True, kw_only=True):
    """The cash: `expected_minor` is float and cash in less cash out; `counted_minor` -1 while nobody counted."""

    float_minor: int
    put_in_minor: int
    taken_out_minor: int
    received_minor: int
    returned_minor: int
    counted_minor: int = -1

    @property
    def expected_minor(self) -> int:
        """What must lie in it; below zero where more was taken out than came in."""
        into = self.float_minor + self.put_in_minor + self.received_minor
        return into - self.taken_out_minor - self.returned_minor

    @property
    def difference_minor(self) -> int:
        """What lies in it beyond that; 0 while nobody counted."""
        return 0 if self.counted_minor < 0 else self.counted_minor - self.expected_minor


class Takings(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of a shift. `fee_minor` is what the ledger's payments cost less what came back with refunds, `by_tax`
    what was charged less what refunds gave back: below zero where more was given back."""

    received_minor: int
    tip_minor: int
    fee_minor: int
    returned_minor: int
    net_minor: int
    by_tender: tuple[Sum, ...]
    by_hour: tuple[Sum, ...]
    by_staff: tuple[Sum, ...]
    by_tax: tuple[Taxed, ...]
    by_settlement: tuple[Sum, ...]
    drawer: Drawer


def takings(
    lines: Sequence[Line],
    tendered: Sequence[Tendered],
    taxed: Sequence[Taxed],
    drawn: Sequence[Drawn],
    *,
    float_minor: int,
    counted_minor: int = -1,
    utc_offset_s: int = 0,
) -> Takings:
    """The figures of a shift's movements."""
    # What the book says and the ledger denies moved nothing.
    lines = [line for line in lines if line.ledger_minor >= 0 or not line.difference]
    moved = [_of_line(line) for line in lines]
    moved += [_Movement(each.kind, each.time_s, each.staff, each.amount_minor, each.returned) for each in tendered]
    fees = sum(-line.fee_minor if line.returns else line.fee_minor for line in lines)
    cash = [each for each in tendered if each.kind == CASH]
    return Takings(
        received_minor=sum(each.amount_minor for each in moved if not each.returned),
        tip_minor=sum(line.tip_minor for line in lines if not line.returns),
        fee_minor=fees,
        returned_minor=sum(each.amount_minor for each in moved if each.returned),
        net_minor=sum(-each.amount_minor if each.returned else each.amount_minor for each in moved) - fees,
        by_tender=_sums([(each.tender, each) for each in moved]),
        by_hour=_sums([(_hour(each.time_s, utc_offset_s), each) for each in moved]),
        by_staff=_sums([(each.staff, each) for each in moved]),
        by_tax=by_rate(taxed),
        by_settlement=_sums([(line.where or "-", _net_of(line)) for line in lines if line.ledger_minor >= 0]),
        drawer=Drawer(
            float_minor=float_minor,
            put_in_minor=sum(each.amount_minor for each in drawn if each.kind == "in"),
            taken_out_minor=sum(each.amount_minor for each in drawn if each.kind == "out"),
            received_minor=sum(each.amount_minor for each in cash if not each.returned),
            returned_minor=sum(each.amount_minor for each in cash if each.returned),
            counted_minor=counted_minor,
        ),
    )


def by_rate(taxed: Sequence[Taxed]) -> tuple[Taxed, ...]:
    """One row a rate, lowest first: what was charged less what was given back."""
    found: dict[int, Taxed] = {}
    for each in taxed:
        before = found.get(each.rate_ppm, Taxed(each.rate_ppm, 0, 0))
        found[each.rate_ppm] = Taxed(
            each.rate_ppm, before.due_minor + each.due_minor, before.tax_minor + each.tax_minor
        )
    return tuple(found[rate] for rate in sorted(found))


def charged_and_back(taxed: Sequence[Taxed], rate_ppm: int) -> tuple[Taxed, Taxed]:
    """What was charged at a rate, and what was given back of it: below zero where that mends an earlier report."""
    rows = [each for each in taxed if each.rate_ppm == rate_ppm]
    charged = Taxed(rate_ppm, 0, 0)
    if rows and (rows[0].due_minor, rows[0].tax_minor) >= (0, 0):
        charged = rows.pop(0)
    due_minor, tax_minor = sum(each.due_minor for each in rows), sum(each.tax_minor for each in rows)
    return charged, Taxed(rate_ppm, -due_minor, -tax_minor)


def cash_difference(drawer: Drawer) -> tuple[Difference, ...]:
    """What was counted beside what should lie there, where the two differ."""
    if not drawer.difference_minor:
        return ()
    kind = CASH_OVER if drawer.difference_minor > 0 else CASH_SHORT
    # A drawer that owes money has no figure to compare with: what is missing is told from zero.
    return (Difference(kind=kind.name, book_minor=drawer.expected_minor, ledger_minor=drawer.counted_minor),)


class _Movement(msgspec.Struct, frozen=True):
    tender: str
    time_s: int
    staff: str
    amount_minor: int
    returned: bool
    # What mends an earlier report is of a movement that was counted there.
    times: int = 1


def _of_line(line: Line) -> _Movement:
    amount_minor = max(line.ledger_minor, 0)
    if line.ledger_minor < 0 and not line.difference:
        amount_minor = line.book_minor
    return _Movement(LEDGER, line.time_s, line.staff, amount_minor + line.tip_minor, line.returns, not line.is_rest)


def _net_of(line: Line) -> _Movement:
    net_minor = -line.net_minor if line.returns else line.net_minor
    return _Movement(LEDGER, line.time_s, line.staff, net_minor, line.returns, not line.is_rest)


def _hour(time_s: int, utc_offset_s: int) -> str:
    return f"{(time_s + utc_offset_s) % DAY_S // HOUR_S:02d}"


def _sums(pairs: Sequence[tuple[str, _Movement]]) -> tuple[Sum, ...]:
    found: dict[str, Sum] = {}
    for name, each in pairs:
        before = found.get(name, Sum(name))
        if each.returned:
            after = msgspec.structs.replace(
                before, returned_minor=before.returned_minor + each.amount_minor, returned=before.returned + each.times
            )
        else:
            after = msgspec.structs.replace(
                before, received_minor=before.received_minor + each.amount_minor, received=before.received + each.times
            )
        found[name] = after
    return tuple(found[name] for name in sorted(found))

"""What the refunds of a shift give back of the tax of their bills, by rate, beyond what earlier reports told of it.

It refuses to tell anything of a sale without a bill, which has no tax, and of a bill that nobody paid in full: what of
that went back is told once the bill is complete, by the report that counts the bill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainpos.core.checkout.reconciling import REFUND, Entry, Line
from chainpos.core.checkout.takings import NO_RATE, Taxed, by_rate
from chainpos.core.checkout.tax_back import negated, tax_back
from chainpos.store.shop_beside import ReturnRow
from chainpos.store.shop_bills import COMPLETE, BillLineRow, BillRow, ShopBills
from chainpos.store.shop_shifts import ShopShifts, TaxBackRow
from chainpos.till.refund_items import given_items, named_items, return_id


def refunds_to_tell(
    booked: Sequence[Entry], ledger: Sequence[Entry] | None, counted: Mapping[str, Line]
) -> dict[str, int]:
    """By ID how much each refund of a shift gave back: as the ledger has it, as the book has it while that is not read.

    Of those that a report counted from the book alone, what the ledger denies gave back nothing.
    """
    told = [] if ledger is None else [name for name, line in counted.items() if _is_refund(name, line)]
    entries = booked if ledger is None else ledger
    return dict.fromkeys(told, 0) | {each.id: each.amount_minor for each in entries if each.kind == REFUND}


def read_tax_back(
    shifts: ShopShifts, refunds: Mapping[str, int], returns: Sequence[ReturnRow]
) -> tuple[TaxBackRow, ...]:
    """What closed shifts did not tell yet, for the one that is closed next to keep."""
    bills = ShopBills(shifts.book)
    asked = {number: _told_of(shifts, number) for number in shifts.tax_back_to_tell_again()}
    again = frozenset(asked)
    for name, minor in refunds.items():
        sale = shifts.book.sale_of_request(bytes.fromhex(name.partition("/")[0]))
        bill = bills.bill_of_sale(sale.number) if sale is not None else None
        if bill is not None:
            asked.setdefault(bill.number, {})[name] = minor
    for row in returns:
        asked.setdefault(row.bill, {})[return_id(row.id)] = row.amount_minor
    found: list[TaxBackRow] = []
    for number, wanted in asked.items():
        bill = bills.bill(number)
        if bill is not None:
            found += _OfBill(shifts, bill, again=number in again).rows(wanted)
    return tuple(found)


class _OfBill:
    """What went back of one bill: told by earlier reports, and found since."""

    def __init__(self, shifts: ShopShifts, bill: BillRow, *, again: bool) -> None:
        bills = ShopBills(shifts.book)
        self._bill = bill
        self._lines: list[BillLineRow] = bills.lines(bill.number) if bill.state == COMPLETE else []
        self._beyond_minor = max(bills.received_minor(bill.number) - bill.charged_minor, 0) if self._lines else 0
        self._given = given_items(shifts.book, bill.number)
        self._told = shifts.tax_back_of(bill.number)
        self._found: list[TaxBackRow] = []
        if again:
            for name in dict.fromkeys(row.refund for row in self._told):
                self._find(name, negated(self._of(name)))

    def rows(self, wanted: Mapping[str, int]) -> list[TaxBackRow]:
        """What was told of each refund, made up to what it gave back."""
        for name, minor in wanted.items():
            mine = self._of(name)
            had_minor = sum(each.due_minor for each in mine)
            if minor < had_minor:
                self._find(name, negated(tax_back(mine, had_minor - minor)))
            elif minor > had_minor:
                left, beyond_minor = self._left()
                named = () if had_minor else named_items(self._lines, self._given, name)
                self._find(name, tax_back(left, minor - had_minor, beyond_minor=beyond_minor, named=named))
        return self._found

    def _find(self, name: str, parts: Sequence[Taxed]) -> None:
        number = self._bill.number
        self._found += [TaxBackRow(name, number, each.rate_ppm, each.due_minor, each.tax_minor) for each in parts]

    def _of(self, name: str) -> tuple[Taxed, ...]:
        return by_rate([_taxed(row) for row in (*self._told, *self._found) if row.refund == name])

    def _left(self) -> tuple[tuple[Taxed, ...], int]:
        """What is left of the bill by rate, its tip at NO_RATE; and what is left of money beyond the bill."""
        if not self._lines:
            return (), 0
        back = by_rate([_taxed(row) for row in (*self._told, *self._found)])
        untaxed_minor = sum(each.due_minor for each in back if each.rate_ppm == NO_RATE)
        charged = [Taxed(line.tax_rate_ppm, line.due_minor, line.tax_minor) for line in self._lines]
        left = by_rate([*charged, *negated([each for each in back if each.rate_ppm != NO_RATE])])
        tip_minor = self._bill.tip_minor - max(untaxed_minor - self._beyond_minor, 0)
        return (*left, Taxed(NO_RATE, max(tip_minor, 0), 0)), max(self._beyond_minor - untaxed_minor, 0)


def _told_of(shifts: ShopShifts, bill: int) -> dict[str, int]:
    told: dict[str, int] = {}
    for row in shifts.tax_back_of(bill):
        told[row.refund] = told.get(row.refund, 0) + row.due_minor
    return told


def _taxed(row: TaxBackRow) -> Taxed:
    return Taxed(row.rate_ppm, row.due_minor, row.tax_minor)


def _is_refund(name: str, line: Line) -> bool:
    # What the book does not know any more goes by its reference: nobody can say which bill it was of.
    return line.kind == REFUND and name != line.reference

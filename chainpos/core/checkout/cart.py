"""A cart: articles, quantities, discounts and a tip; what it comes to, with a table of tax by rate. All sums are exact.

Discounts come off before tax. A discount on the whole cart is spread over its lines, and a rate's tax over the lines of
that rate, by largest remainder: the parts add up to the whole, so an item can be refunded for exactly what it cost.
It refuses what cannot be sold: no quantity, a discount over the price, another currency, sums past what money can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from chainpos.core.values.amount import MAX_MINOR, Amount

PPM: Final = 1_000_000
THOUSANDTHS: Final = 1_000
MAX_LINES: Final = 500
# 9,999.999 of a unit: kilograms, litres, pieces.
MAX_QUANTITY: Final = 9_999_999


class CartError(ValueError):
    """A cart that cannot be. `reason` is "quantity", "price", "discount", "currency", "rate", "line" or "size"."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Tax(msgspec.Struct, frozen=True, order=True):
    """A rate in parts per million; `included`: prices at this rate contain the tax, else it comes on top."""

    rate_ppm: int = 0
    included: bool = True


class Discount(msgspec.Struct, frozen=True):
    """So many minor units, or so many parts per million of the price; one of the two."""

    minor: int = 0
    ppm: int = 0


NONE_OFF: Final = Discount()


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One article. `quantity` counts thousandths of what the unit price is for: 1,000 is one piece or one kilogram.

    `weighed`: the quantity came from a scale; `open_price`: the cashier set the price. Neither is merged with another.
    """

    sku: str
    name_en: str
    name_zh: str
    unit_minor: int
    quantity: int = THOUSANDTHS
    tax: Tax = Tax()
    discount: Discount = NONE_OFF
    weighed: bool = False
    open_price: bool = False


class LineTotals(msgspec.Struct, frozen=True):
    """Minor units: the price, the line's own discount, its share of the cart's, its tax, and what it costs in all.

    `tax_minor` is contained in `due_minor` at an inclusive rate as at an exclusive one.
    """

    gross_minor: int
    discount_minor: int
    share_minor: int
    tax_minor: int
    due_minor: int


class TaxTotals(msgspec.Struct, frozen=True):
    """One row of the tax table: `base_minor` + `tax_minor` = `due_minor`."""

    tax: Tax
    base_minor: int
    tax_minor: int
    due_minor: int


class CartTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What a cart comes to. `due` is without the tip, `charged` with it; `taxes` are by rate, inclusive ones first."""

    lines: tuple[LineTotals, ...]
    taxes: tuple[TaxTotals, ...]
    gross: Amount
    discount: Amount
    tax: Amount
    due: Amount
    tip: Amount
    charged: Amount


class Cart(msgspec.Struct, frozen=True):
    """An unfinished sale. Every change gives a new cart. Raises CartError."""

    currency: str
    lines: tuple[Line, ...] = ()
    discount: Discount = NONE_OFF
    tip_minor: int = 0

    def with_line(self, line: Line) -> Cart:
        """The cart and one line more; pieces of the same article at the same price are counted together."""
        if not (line.weighed or line.open_price):
            for at, known in enumerate(self.lines):
                if msgspec.structs.replace(known, quantity=line.quantity) == line:
                    return self.with_quantity(at, known.quantity + line.quantity)
        return self._with_lines((*self.lines, line))

    def with_quantity(self, at: int, quantity: int) -> Cart:
        """The cart with another quantity, in thousandths, in one line."""
        return self._replaced(at, msgspec.structs.replace(self._line(at), quantity=quantity))

    def with_line_discount(self, at: int, discount: Discount) -> Cart:
        """The cart with a discount on one line."""
        return self._replaced(at, msgspec.structs.replace(self._line(at), discount=discount))

    def without_line(self, at: int) -> Cart:
        """The cart without one line."""
        self._line(at)
        return self._with_lines(self.lines[:at] + self.lines[at + 1 :])

    def with_discount(self, discount: Discount) -> Cart:
        """The cart with a discount on the whole."""
        return self._checked(msgspec.structs.replace(self, discount=discount))

    def with_tip(self, tip_minor: int) -> Cart:
        """The cart with a tip, which is not taxed and not discounted."""
        return self._checked(msgspec.structs.replace(self, tip_minor=tip_minor))

    def totals(self) -> CartTotals:
        """What it comes to. Raises CartError."""
        return _totals(self)

    def _line(self, at: int) -> Line:
        if not 0 <= at < len(self.lines):
            raise CartError("line", "the cart has no such line")
        return self.lines[at]

    def _replaced(self, at: int, line: Line) -> Cart:
        return self._with_lines((*self.lines[:at], line, *self.lines[at + 1 :]))

    def _with_lines(self, lines: tuple[Line, ...]) -> Cart:
        return self._checked(msgspec.structs.replace(self, lines=lines))

    def _checked(self, cart: Cart) -> Cart:
        cart.totals()
        return cart


def allocate(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """`total` in whole parts as near to the weights as can be, adding up exactly; ties go to the earlier part.

    Source: the method of largest remainders (Hamilton). Raises ValueError for a negative weight or total, or where
    there is nothing to give it to.
    """
    weight = sum(weights)
    if total < 0 or any(each < 0 for each in weights) or (total and not weight):
        raise ValueError("cannot be allocated")
    if not total:
        return (0,) * len(weights)
    parts = [total * each // weight for each in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: (-(total * weights[at] % weight), at))
    for at in by_remainder[: total - sum(parts)]:
        parts[at] += 1
    return tuple(parts)


def rounded(numerator: int, denominator: int) -> int:
    """The nearest whole number to a non-negative fraction, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)


def line_gross(line: Line) -> int:
    """Minor units for the line's quantity before any discount. Raises CartError."""
    if not 1 <= line.quantity <= MAX_QUANTITY:
        raise CartError("quantity", "a quantity must be over zero and under ten thousand")
    if not 0 <= line.unit_minor <= MAX_MINOR:
        raise CartError("price", "a price that money cannot be")
    if not 0 <= line.tax.rate_ppm <= PPM:
        raise CartError("rate", "a tax rate outside 0..100 %")
    return _bounded(rounded(line.unit_minor * line.quantity, THOUSANDTHS))


def _totals(cart: Cart) -> CartTotals:
    if len(cart.lines) > MAX_LINES:
        raise CartError("size", f"a cart has at most {MAX_LINES} lines")
    gross = [line_gross(line) for line in cart.lines]
    off = [_discounted(line.discount, price) for line, price in zip(cart.lines, gross, strict=True)]
    net = [price - less for price, less in zip(gross, off, strict=True)]
    shares = allocate(_discounted(cart.discount, sum(net)), net)
    taxable = [price - share for price, share in zip(net, shares, strict=True)]
    taxes, line_taxes = _taxes(cart.lines, taxable)
    lines = tuple(
        LineTotals(gross[at], off[at], shares[at], line_taxes[at], _due(line.tax, taxable[at], line_taxes[at]))
        for at, line in enumerate(cart.lines)
    )
    due = sum(row.due_minor for row in taxes)
    if not 0 <= cart.tip_minor <= MAX_MINOR:
        raise CartError("price", "a tip that money cannot be")

    def amount(minor: int) -> Amount:
        return Amount(_bounded(minor), cart.currency)

    return CartTotals(
        lines=lines,
        taxes=taxes,
        gross=amount(sum(gross)),
        discount=amount(sum(off) + sum(shares)),
        tax=amount(sum(row.tax_minor for row in taxes)),
        due=amount(due),
        tip=amount(cart.tip_minor),
        charged=amount(due + cart.tip_minor),
    )


def _taxes(lines: Sequence[Line], taxable: Sequence[int]) -> tuple[tuple[TaxTotals, ...], list[int]]:
    """The table, and each line's part of its rate's tax. Tax is taken of the sum: rounded once a rate."""
    line_taxes = [0] * len(lines)
    table: list[TaxTotals] = []
    for tax in sorted({line.tax for line in lines}, key=lambda each: (not each.included, each.rate_ppm)):
        members = [at for at, line in enumerate(lines) if line.tax == tax]
        total = sum(taxable[at] for at in members)
        tax_minor = rounded(total * tax.rate_ppm, PPM + tax.rate_ppm if tax.included else PPM)
        for at, part in zip(members, allocate(tax_minor, [taxable[at] for at in members]), strict=True):
            line_taxes[at] = part
        due = _due(tax, total, tax_minor)
        table.append(TaxTotals(tax, due - tax_minor, tax_minor, due))
    return tuple(table), line_taxes


def _due(tax: Tax, taxable: int, tax_minor: int) -> int:
    return taxable if tax.included else taxable + tax_minor


def _discounted(discount: Discount, price: int) -> int:
    if discount.minor and discount.ppm:
        raise CartError("discount", "a discount is an amount or a percentage, not both")
    if not 0 <= discount.ppm <= PPM:
        raise CartError("discount", "a discount outside 0..100 %")
    off = discount.minor or rounded(price * discount.ppm, PPM)
    if not 0 <= off <= price:
        raise CartError("discount", "the discount is more than the price")
    return off


def _bounded(minor: int) -> int:
    if minor > MAX_MINOR:
        raise CartError("size", "the cart comes to more than money can be")
    return minor

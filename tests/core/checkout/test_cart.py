"""Carts: worked examples, and every sum against a second computation in exact fractions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.checkout.cart import (
    MAX_LINES,
    MAX_QUANTITY,
    Cart,
    CartError,
    Discount,
    Line,
    Tax,
    allocate,
)
from chainpos.core.values.amount import MAX_MINOR, Amount

BREAD = Line(sku="BAK001", name_en="Sourdough loaf", name_zh="酸种面包", unit_minor=2200, tax=Tax(130_000))
MUSHROOMS = Line(sku="PRO001", name_en="Porcini", name_zh="牛肝菌", unit_minor=8800, tax=Tax(90_000), weighed=True)
EXCLUSIVE = Tax(130_000, included=False)


def cny(minor: int) -> Amount:
    return Amount(minor, "CNY")


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def off(discount: Discount, price: int) -> int:
    return discount.minor or half_up(Fraction(price) * Fraction(discount.ppm, 1_000_000))


taxes = st.sampled_from([Tax(0), Tax(60_000), Tax(130_000), Tax(0, False), Tax(90_000, False), Tax(130_000, False)])
percentages = st.integers(0, 1_000_000).map(lambda ppm: Discount(ppm=ppm))


@st.composite
def lines(draw: st.DrawFn) -> Line:
    return Line(
        sku=draw(st.text("AB1", min_size=1, max_size=3)),
        name_en="x",
        name_zh="茶",
        unit_minor=draw(st.integers(0, 200_000)),
        quantity=draw(st.integers(1, 20_000)),
        tax=draw(taxes),
        discount=draw(percentages | st.just(Discount())),
        weighed=draw(st.booleans()),
    )


@st.composite
def carts(draw: st.DrawFn) -> Cart:
    chosen = tuple(draw(st.lists(lines(), max_size=12)))
    cart = Cart("CNY", chosen, tip_minor=draw(st.integers(0, 10_000)))
    before = sum(row.gross_minor - row.discount_minor for row in cart.totals().lines)
    amounts = st.integers(0, before).map(lambda minor: Discount(minor=minor))
    return msgspec.structs.replace(cart, discount=draw(percentages | amounts))


def test_a_bag_with_two_rates_and_a_discount_as_on_paper() -> None:
    """22.00 x 2 at 13 % and 0.345 kg at 88.00 at 9 %, both inclusive, 10 % off the cart.

    44.00 + 30.36 = 74.36; off 7.436 -> 7.44, shared 4.40 + 3.04; tax 39.60 * 13/113 = 4.56 and 27.32 * 9/109 = 2.26.
    """
    cart = Cart("CNY").with_line(BREAD).with_line(BREAD)
    cart = cart.with_line(msgspec.structs.replace(MUSHROOMS, quantity=345)).with_discount(Discount(ppm=100_000))
    totals = cart.with_tip(500).totals()
    assert [line.quantity for line in cart.lines] == [2000, 345]
    assert (totals.gross, totals.discount, totals.due) == (cny(7436), cny(744), cny(6692))
    assert [row.share_minor for row in totals.lines] == [440, 304]
    assert [(row.tax.rate_ppm, row.base_minor, row.tax_minor) for row in totals.taxes] == [
        (90_000, 2506, 226),
        (130_000, 3504, 456),
    ]
    assert (totals.tax, totals.tip, totals.charged) == (cny(682), cny(500), cny(7192))


def test_an_exclusive_rate_comes_on_top_after_the_discount() -> None:
    line = msgspec.structs.replace(BREAD, tax=EXCLUSIVE, discount=Discount(minor=200))
    totals = Cart("CNY").with_line(line).totals()
    assert (totals.tax, totals.due) == (cny(260), cny(2260))
    assert totals.lines[0].due_minor == 2260


def test_only_the_same_article_at_the_same_price_is_counted_together() -> None:
    cart = Cart("CNY").with_line(BREAD).with_line(MUSHROOMS).with_line(MUSHROOMS)
    cart = cart.with_line(msgspec.structs.replace(BREAD, unit_minor=2000))
    cart = cart.with_line(msgspec.structs.replace(BREAD, open_price=True)).with_line(BREAD)
    assert [(line.sku, line.quantity) for line in cart.lines] == [
        ("BAK001", 2000), ("PRO001", 1000), ("PRO001", 1000), ("BAK001", 1000), ("BAK001", 1000),
    ]  # fmt: skip
    assert len(cart.without_line(1).lines) == 4


def test_an_empty_cart_comes_to_nothing() -> None:
    totals = Cart("JPY").totals()
    assert (totals.due, totals.charged, totals.lines, totals.taxes) == (Amount(0, "JPY"), Amount(0, "JPY"), (), ())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (msgspec.structs.replace(BREAD, quantity=0), "quantity"),
        (msgspec.structs.replace(BREAD, quantity=-1), "quantity"),
        (msgspec.structs.replace(BREAD, quantity=MAX_QUANTITY + 1), "quantity"),
        (msgspec.structs.replace(BREAD, unit_minor=-1), "price"),
        (msgspec.structs.replace(BREAD, unit_minor=MAX_MINOR + 1), "price"),
        (msgspec.structs.replace(BREAD, unit_minor=MAX_MINOR, quantity=2000), "size"),
        (msgspec.structs.replace(BREAD, tax=Tax(1_000_001)), "rate"),
        (msgspec.structs.replace(BREAD, tax=Tax(-1)), "rate"),
        (msgspec.structs.replace(BREAD, discount=Discount(minor=2201)), "discount"),
        (msgspec.structs.replace(BREAD, discount=Discount(minor=-1)), "discount"),
        (msgspec.structs.replace(BREAD, discount=Discount(ppm=1_000_001)), "discount"),
        (msgspec.structs.replace(BREAD, discount=Discount(minor=1, ppm=1)), "discount"),
    ],
)
def test_what_cannot_be_sold_is_refused_by_name_and_leaves_the_cart_as_it_was(line: Line, reason: str) -> None:
    cart = Cart("CNY").with_line(MUSHROOMS)
    with pytest.raises(CartError) as refused:
        cart.with_line(line)
    assert refused.value.reason == reason
    assert cart == Cart("CNY", (MUSHROOMS,))


def test_limits_and_lines_that_are_not_there_are_refused() -> None:
    full = Cart("CNY", (MUSHROOMS,) * MAX_LINES)
    cart = Cart("CNY", (BREAD,))
    attempts: tuple[tuple[Callable[[], Cart], str], ...] = (
        (lambda: full.with_line(MUSHROOMS), "size"),
        (lambda: cart.with_quantity(1, 1000), "line"),
        (lambda: cart.with_line_discount(-1, Discount()), "line"),
        (lambda: cart.without_line(9), "line"),
        (lambda: cart.with_tip(-1), "price"),
        (lambda: cart.with_tip(MAX_MINOR), "size"),
        (lambda: cart.with_discount(Discount(minor=2201)), "discount"),
    )
    for attempt, reason in attempts:
        with pytest.raises(CartError) as refused:
            attempt()
        assert refused.value.reason == reason


@given(carts())
def test_every_sum_agrees_with_exact_fractions(cart: Cart) -> None:
    totals = cart.totals()
    gross = [half_up(Fraction(line.unit_minor * line.quantity, 1000)) for line in cart.lines]
    net = [price - off(line.discount, price) for line, price in zip(cart.lines, gross, strict=True)]
    cart_off = off(cart.discount, sum(net))
    assert totals.gross.minor == sum(gross)
    assert totals.discount.minor == sum(gross) - sum(net) + cart_off
    assert sum(row.share_minor for row in totals.lines) == cart_off
    due = 0
    for row in totals.taxes:
        members = [each for line, each in zip(cart.lines, totals.lines, strict=True) if line.tax == row.tax]
        left = sum(each.gross_minor - each.discount_minor - each.share_minor for each in members)
        rate = Fraction(row.tax.rate_ppm, 1_000_000)
        exact = left * rate / (1 + rate) if row.tax.included else left * rate
        assert row.tax_minor == half_up(exact) == sum(each.tax_minor for each in members)
        assert row.due_minor == row.base_minor + row.tax_minor == sum(each.due_minor for each in members)
        assert row.due_minor == (left if row.tax.included else left + row.tax_minor)
        due += row.due_minor
    assert totals.due.minor == due == sum(row.due_minor for row in totals.lines)
    assert totals.charged.minor == due + cart.tip_minor
    for price, line_row in zip(net, totals.lines, strict=True):
        # A share is its exact part, cut or raised to a whole one, and never more than the line.
        quota = Fraction(cart_off * price, sum(net)) if sum(net) else Fraction(0)
        assert floor(quota) <= line_row.share_minor <= min(price, floor(quota) + 1)
        assert line_row.due_minor >= line_row.tax_minor >= 0


@given(carts())
def test_a_full_discount_leaves_nothing_to_pay_but_the_tip(cart: Cart) -> None:
    totals = cart.with_discount(Discount(ppm=1_000_000)).totals()
    assert totals.due.minor == totals.tax.minor == 0
    assert totals.charged.minor == cart.tip_minor


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_an_allocation_is_exact_and_fair(total: int, weights: list[int]) -> None:
    if not sum(weights):
        if total:
            with pytest.raises(ValueError, match="allocated"):
                allocate(total, weights)
        return
    parts = allocate(total, weights)
    assert sum(parts) == total
    quotas = [Fraction(total * each, sum(weights)) for each in weights]
    assert all(abs(part - quota) < 1 for part, quota in zip(parts, quotas, strict=True))
    raised = [quota - floor(quota) for part, quota in zip(parts, quotas, strict=True) if part > quota]
    cut = [quota - floor(quota) for part, quota in zip(parts, quotas, strict=True) if part < quota]
    assert not raised or not cut or min(raised) >= max(cut)


def test_ties_go_to_the_earlier_part_and_negatives_are_refused() -> None:
    assert allocate(2, [1, 1, 1]) == (1, 1, 0)
    for total, weights in ((-1, [1]), (1, [-1, 3])):
        with pytest.raises(ValueError, match="allocated"):
            allocate(total, weights)

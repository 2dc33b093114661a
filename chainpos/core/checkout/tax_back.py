"""What a refund gives back of a bill's tax, by rate: of the pieces that it names, else in proportion to what is left.

Refunds that come to a whole bill give back exactly its tax at each rate, in whatever order and mixture; none ever gives
back more than is left. Money beyond the bill (paid twice, say) has no tax, and goes back before the bill's own.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainpos.core.checkout.cart import allocate, rounded
from chainpos.core.checkout.takings import NO_RATE, Taxed, by_rate


def tax_back(
    left: Sequence[Taxed], minor: int, *, beyond_minor: int = 0, named: Sequence[Taxed] = ()
) -> tuple[Taxed, ...]:
    """What `minor` given back is of, one row a rate; together they come to `minor`.

    `left` is what earlier refunds left of the bill, one row a rate, its tip at NO_RATE; `beyond_minor` what is left of
    money beyond it. `named` are the chosen pieces: believed where they come to `minor`, up to what is left at their
    rates. The rest is shared out by largest remainder, and takes with it its part of each rate's tax, halves up.
    """
    first: tuple[Taxed, ...] = ()
    over_minor = beyond_minor
    if named and sum(each.due_minor for each in named) == minor:
        wanted = {each.rate_ppm: each for each in by_rate(named)}
        first = tuple(_at_most(each, wanted[each.rate_ppm]) for each in left if each.rate_ppm in wanted)
        over_minor = 0
    still = by_rate([*left, *negated(first)])
    rest_minor = minor - _due(first)
    shared = _shared(still, min(max(rest_minor - over_minor, 0), _due(still)))
    untaxed = Taxed(NO_RATE, rest_minor - _due(shared), 0)
    return tuple(each for each in by_rate([*first, *shared, untaxed]) if each.due_minor or each.tax_minor)


def negated(rows: Sequence[Taxed]) -> tuple[Taxed, ...]:
    """The same below zero: given back is charged, and the other way round."""
    return tuple(Taxed(each.rate_ppm, -each.due_minor, -each.tax_minor) for each in rows)


def _at_most(left: Taxed, wanted: Taxed) -> Taxed:
    # The last that is left at a rate takes all of its tax: nothing may stay behind.
    if wanted.due_minor >= left.due_minor:
        return left
    return Taxed(left.rate_ppm, wanted.due_minor, min(wanted.tax_minor, left.tax_minor))


def _shared(left: Sequence[Taxed], minor: int) -> tuple[Taxed, ...]:
    parts = allocate(minor, [each.due_minor for each in left])
    return tuple(
        Taxed(each.rate_ppm, part, rounded(each.tax_minor * part, each.due_minor))
        for each, part in zip(left, parts, strict=True)
        if part
    )


def _due(rows: Sequence[Taxed]) -> int:
    return sum(each.due_minor for each in rows)

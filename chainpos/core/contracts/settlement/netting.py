"""Multilateral netting: who pays whom how much in the end, and which debtors cannot. Pure; it refuses nothing.

A debtor that cannot cover its net position is taken out with all that it owes; what others owe it still settles. As
that may leave its creditors short, the question is asked again until nobody is. Taking somebody out only ever lessens
what the others receive, so whoever is short once stays short: the debtors that settle are the same in whatever order
the others are taken out, and no larger set of them could settle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Owed(NamedTuple):
    """One obligation in minor units."""

    debtor: str
    creditor: str
    minor: int


class Shortfall(NamedTuple):
    """A debtor that could not settle, and by how much its reserve fell short when it was taken out."""

    debtor: str
    minor: int


class NetPosition(NamedTuple):
    """What an institution receives (above zero) or pays, in minor units."""

    institution: str
    minor: int


class Netting(NamedTuple):
    """`settled` debtors and `nets` ascend by name, nets without zeros; `rolled_over` as they were taken out.

    Amounts in minor units: `gross` was owed, of which `settled_minor` settled and `rolled_over_minor` did not;
    `moved_minor` of reserves did it, so that `settled_minor` - `moved_minor` is the liquidity that netting saved.
    """

    settled: tuple[str, ...]
    rolled_over: tuple[Shortfall, ...]
    nets: tuple[NetPosition, ...]
    gross_minor: int
    settled_minor: int
    rolled_over_minor: int
    moved_minor: int


def net_out(obligations: Iterable[Owed], reserves: Mapping[str, int]) -> Netting:
    """The netting of `obligations`, given each institution's reserve; a missing one is 0. The input's order is nothing.

    Of several that are short the largest shortfall goes first, by name where equal.
    """
    owed: dict[str, list[Owed]] = {}
    outgoing: dict[str, int] = {}
    nets: dict[str, int] = {}
    for obligation in obligations:
        debtor, creditor, minor = obligation
        owed.setdefault(debtor, []).append(obligation)
        outgoing[debtor] = outgoing.get(debtor, 0) + minor
        nets[debtor] = nets.get(debtor, 0) - minor
        nets[creditor] = nets.get(creditor, 0) + minor
    rolled_over: list[Shortfall] = []
    while short := [
        Shortfall(debtor, -nets[debtor] - reserves.get(debtor, 0))
        for debtor in owed
        if -nets[debtor] > reserves.get(debtor, 0)
    ]:
        worst = min(short, key=_largest_first)
        rolled_over.append(worst)
        for debtor, creditor, minor in owed.pop(worst.debtor):
            nets[debtor] += minor
            nets[creditor] -= minor
    gross_minor = sum(outgoing.values())
    rolled_over_minor = sum(outgoing[debtor] for debtor, _ in rolled_over)
    return Netting(
        settled=tuple(sorted(owed)),
        rolled_over=tuple(rolled_over),
        nets=tuple(NetPosition(name, nets[name]) for name in sorted(nets) if nets[name]),
        gross_minor=gross_minor,
        settled_minor=gross_minor - rolled_over_minor,
        rolled_over_minor=rolled_over_minor,
        moved_minor=sum(minor for minor in nets.values() if minor > 0),
    )


def _largest_first(shortfall: Shortfall) -> tuple[int, str]:
    return -shortfall.minor, shortfall.debtor

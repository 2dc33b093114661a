"""A bill beside the ledger in the list of sales: its row, its details, the form that gives its money back.

It calls nothing of it paid: that word is the ledger's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from chainpos.console.language import Texts
from chainpos.console.phrases import clock, day_and_clock
from chainpos.console.screens.money_form import Asked
from chainpos.console.widgets.facts import Fact
from chainpos.console.widgets.line_list import Cell
from chainpos.console.widgets.shift_figures import named
from chainpos.core.values.amount import Amount, format_amount
from chainpos.till.views import BesideView, TenderKind


def beside_state(texts: Texts, bill: BesideView) -> str:
    """How it was paid, with the mark that no ledger money has."""
    return f"◆ {' + '.join(texts(f'tender.{kind.value}') for kind in bill.kinds) or texts('stage.taken_free')}"


def beside_cells(texts: Texts, bill: BesideView, zone: tzinfo | None) -> Sequence[Cell]:
    """In the columns of the list of sales."""
    return (
        (clock(bill.at_ns, zone), "muted"),
        (format_amount(bill.amount, with_currency=False), ""),
        (beside_state(texts, bill), "accent"),
        (bill.reference, "muted"),
        ("", ""),
        (format_amount(bill.returned, with_currency=False) if bill.returned.minor else "", "warn"),
        ("", ""),
    )


def beside_facts(texts: Texts, bill: BesideView, zone: tzinfo | None) -> tuple[Fact, ...]:
    """What the book knows of it."""
    facts = [
        Fact("sales.amount", format_amount(bill.amount)),
        Fact("sales.state", beside_state(texts, bill), "accent"),
        Fact("sales.how", texts("sales.beside_ledger")),
        Fact("sales.reference", bill.reference),
        Fact("sales.created", day_and_clock(bill.at_ns, zone)),
    ]
    if bill.returned.minor:
        facts.append(Fact("sales.given_back", format_amount(bill.returned), "warn"))
    if bill.staff:
        facts.append(Fact("shift.staff", named(texts, bill.staff)))
    return tuple(facts)


def give_back_asked(texts: Texts, bill: BesideView, kind: TenderKind, most: Amount, whose_pin: str) -> Asked:
    """What the form asks."""
    return Asked(
        about="money_back",
        title=texts("money_back.title", reference=bill.reference),
        detail=texts("money_back.detail", kind=texts(f"tender.{kind.value}"), amount=format_amount(most)),
        most=most,
        warning=texts("money_back.warning"),
        twice=True,
        pin=True,
        whose_pin=whose_pin,
    )

"""Money beside the ledger in the list of sales: a bill's row, its details, what may go back, the form for that.

It calls nothing of it paid: that word is the ledger's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from chainpos.console.language import Texts
from chainpos.console.phrases import clock, day_and_clock
from chainpos.console.screens.money_form import Asked
from chainpos.console.screens.with_paper import PAID
from chainpos.console.widgets.facts import Fact
from chainpos.console.widgets.line_list import Cell
from chainpos.console.widgets.shift_figures import named
from chainpos.core.values.amount import Amount, format_amount
from chainpos.till.views import BesideView, BillView, KindView, SaleView, TenderKind


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
    if bill.staff:
        facts.append(Fact("shift.staff", named(texts, bill.staff)))
    return tuple(facts)


def back_facts(texts: Texts, bill: BillView) -> tuple[Fact, ...]:
    """What was given back of each kind of money beside the ledger since the bill was complete."""
    back = [each for each in bill.by_kind if each.returned.minor]
    return tuple(
        Fact("sales.given_back", f"{texts(f'tender.{each.kind.value}')} {format_amount(each.returned)}", "warn")
        for each in back
    )


def parts_left(row: SaleView | BesideView, bill: BillView | None) -> tuple[KindView, ...]:
    """What could still go back: the sale's own money on the ledger, then its bill's money beside it, by kind.

    Nothing for a sale that brought no money: what was paid instead of it has its own row.
    """
    parts = bill.by_kind if bill is not None else ()
    if isinstance(row, SaleView):
        if row.state not in PAID:
            return ()
        refunded = row.refunded or Amount(0, row.amount.currency)
        parts = (KindView(kind=TenderKind.LEDGER, received=row.amount, returned=refunded), *parts)
    return tuple(part for part in parts if part.left.minor)


def give_back_asked(texts: Texts, reference: str, part: KindView, whose_pin: str, suggested: Amount | None) -> Asked:
    """What the form asks, of the bill with this reference."""
    kind, most = texts(f"tender.{part.kind.value}"), part.left
    return Asked(
        about="money_back",
        title=texts("money_back.title", reference=reference),
        detail=texts("money_back.detail", kind=kind, amount=format_amount(most)),
        most=most,
        warning=texts("money_back.warning"),
        twice=True,
        pin=True,
        whose_pin=whose_pin,
        suggested=suggested,
    )

"""A bill in words: its parts, its quantities, its stage. It never calls PAID what did not come over the ledger."""

from __future__ import annotations

from chainpos.console.language import Texts
from chainpos.console.showing import Showing, Stage
from chainpos.core.values.amount import format_amount
from chainpos.till.views import BillView, LineView, PartState, PartView, TenderKind


def stage_word(texts: Texts, shown: Showing) -> str:
    """The large word of what is shown: by what kind of money a bill was completed."""
    if shown.stage is Stage.TAKEN and shown.bill is not None:
        kinds = [part.kind for part in shown.bill.parts if part.state is PartState.RECEIVED]
        if not kinds:
            return texts("stage.taken_free")
        if len(set(kinds)) == 1 and not shown.bill.on_ledger:
            return texts(f"stage.taken_{kinds[0].value}")
    return texts(f"stage.{shown.stage.value}")


def part_words(texts: Texts, part: PartView) -> str:
    """One part: "Cash received 20.00, change 7.50"."""
    amount = format_amount(part.amount, with_currency=False)
    if part.kind is TenderKind.CASH and part.state is PartState.RECEIVED and part.change.minor:
        given, change = (format_amount(each, with_currency=False) for each in (part.given, part.change))
        return texts("tender.change_given", given=given, change=change)
    return texts(f"tender.{part.kind.value}_{part.state.value}", amount=amount)


def quantity_words(line: LineView) -> str:
    """ "3" for pieces, "0.755" for what was weighed."""
    whole, thousandths = divmod(line.quantity, 1_000)
    return f"{whole}.{thousandths:03d}" if line.weighed or thousandths else f"{whole}"


def bill_lines(texts: Texts, shown: Showing) -> list[str]:
    """What to know of a bill beside its amount."""
    bill = shown.bill
    if bill is None:
        return []
    if shown.stage is Stage.RINGING:
        return [texts("bill.articles", count=_pieces(bill)), texts("stage.ringing_detail")]
    rows = [part_words(texts, part) for part in bill.parts if part.state is PartState.RECEIVED]
    if shown.stage is Stage.PART:
        rows.append(texts("stage.part_detail"))
    if bill.over.minor:
        rows.append(texts("bill.over", amount=format_amount(bill.over)))
    return [*rows, texts("bill.reference", reference=bill.reference)]


def customer_lines(texts: Texts, shown: Showing) -> list[str]:
    """What the customer's display says below the stage."""
    told = {Stage.TAKEN: "paid", Stage.PAID: "paid"}.get(shown.stage, shown.stage.value)
    rows = [texts.known(f"display.{told}", "")]
    if shown.bill is not None and shown.stage in {Stage.PART, Stage.TAKEN, Stage.PAID, Stage.WAITING}:
        rows += [part_words(texts, part) for part in shown.bill.parts if part.state is PartState.RECEIVED]
    return [row for row in rows if row]


def still_to_come(texts: Texts, shown: Showing) -> list[str]:
    """What else is on the bill of a code: parts that came in before it, and what is due after it."""
    bill, sale = shown.bill, shown.sale
    if bill is None or sale is None:
        return []
    rows = [part_words(texts, part) for part in bill.beside]
    rest = bill.remaining.minor - sale.amount.minor
    if rest > 0:
        rows.append(texts("bill.after_this", amount=format_amount(type(bill.due)(rest, bill.due.currency))))
    return rows


def _pieces(bill: BillView) -> int:
    """How many things the customer takes: what is weighed counts once."""
    return sum(1 if line.weighed else max(line.quantity // 1_000, 1) for line in bill.lines)

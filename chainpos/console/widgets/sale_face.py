"""The large face of a sale that shows no code: SEEN, PAID, REFUSED, EXPIRED. A word, a mark, the amount, a colour."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import wrap
from chainpos.console.context import texts_of
from chainpos.console.language import Texts
from chainpos.console.pixels import CLOCK_OUT, COINS, CROSS, DIAMOND, HOURGLASS, TICK
from chainpos.console.showing import Showing, Stage
from chainpos.console.widgets.amount_due import digits_of
from chainpos.console.widgets.bill_words import bill_lines, customer_lines, stage_word
from chainpos.console.widgets.lines_panel import LinesPanel, line
from chainpos.core.values.amount import Amount, format_amount

MINUTE_NS = 60 * 10**9
_FINISHED = {Stage.TAKEN, Stage.PAID, Stage.PROVED, Stage.CANCELLED, Stage.REFUNDED}
_PICTURES = {
    Stage.TAKEN: COINS,
    Stage.PAID: TICK,
    Stage.REFUSED: CROSS,
    Stage.SEEN: HOURGLASS,
    Stage.CHARGING: HOURGLASS,
    Stage.PROVED: DIAMOND,
    Stage.EXPIRED: CLOCK_OUT,
}
_MARKS = {
    Stage.TAKEN: "◆", Stage.PAID: "✓", Stage.PROVED: "◈", Stage.REFUSED: "✗", Stage.SEEN: "◐", Stage.CHARGING: "◷",
    Stage.EXPIRED: "–", Stage.CANCELLED: "⊘", Stage.REFUNDED: "↩",
}  # fmt: skip


def sentences(texts: Texts, shown: Showing) -> list[str]:
    """What happened, whether money moved, in whole sentences."""
    sale = shown.sale
    if shown.stage is Stage.TAKEN:
        return [texts("stage.taken_detail")]
    if sale is None:
        return []
    if shown.stage is Stage.REFUSED and sale.problem is not None:
        problem = sale.problem
        return [
            texts.either(problem.what_en, problem.what_zh),
            texts("counter.money_none"),
            texts.either(problem.next_en, problem.next_zh),
        ]
    if shown.stage is Stage.REFUSED:
        return [texts("stage.refused_detail"), texts("counter.money_none")]
    if shown.stage is Stage.REFUNDED:
        return [texts("stage.refunded_detail", amount=format_amount(sale.refunded or sale.amount))]
    if shown.stage is Stage.CHARGING:
        return [texts("stage.charging_detail", minutes=max(-(-shown.left_ns // MINUTE_NS), 1))]
    if shown.stage is Stage.EXPIRED and sale.presented == "code":
        return [texts("stage.lapsed_detail")]
    rows = [texts(f"stage.{shown.stage.value}_detail")]
    return rows + (bill_lines(texts, shown)[:-1] if shown.stage is Stage.PAID and shown.bill is not None else [])


def next_keys(texts: Texts, shown: Showing) -> list[str]:
    """The keys that lead on from here."""
    if shown.stage is Stage.REFUSED:
        return [texts("stage.next_again" if shown.payable else "stage.next_same"), texts("stage.next_cancel")]
    if shown.stage is Stage.EXPIRED:
        return [texts("stage.next_same")]
    return [texts("stage.next_new")] if shown.stage in _FINISHED else []


def amount_of(shown: Showing) -> Amount | None:
    """The amount of the face: what was received, or of a bill what all its parts came to."""
    if shown.sale is not None:
        return shown.sale.amount
    return shown.bill.charged if shown.stage is Stage.TAKEN and shown.bill is not None else None


class SaleFace(LinesPanel):
    """Fills the place of the code. Its class says the stage, so that the styles can colour it."""

    shown: reactive[Showing] = reactive(Showing(Stage.ENTRY), layout=True)
    # A customer is told no keys.
    for_customer: reactive[bool] = reactive(False, layout=True)

    def watch_shown(self, shown: Showing) -> None:
        """The colour follows the stage."""
        for stage in Stage:
            self.set_class(shown.stage is stage, f"-{stage.value}")

    def lines(self, width: int) -> Sequence[Content]:
        """What fits, the word and the amount first of all."""
        texts, stage, due = texts_of(self), self.shown.stage, amount_of(self.shown)
        if due is None or width < 4:
            return []
        room = self.room.height or 20
        title = [line(f"{_MARKS.get(stage, '')} {stage_word(texts, self.shown)}", "bold", width=width)]
        amount = [line(format_amount(due), "bold", width=width)]
        words = customer_lines(texts, self.shown) if self.for_customer else sentences(texts, self.shown)
        told = [line(row) for text in words for row in wrap(text, width)]
        pressed = [] if self.for_customer else next_keys(texts, self.shown)
        keys = [line(row, "bold") for text in pressed for row in wrap(text, width)]
        blocks = [title, amount, told, keys]
        digits = [line(row) for row in digits_of(due, width, 5 if room < 30 else 7)]
        large = [*digits, line(due.currency, "bold")] if len(digits) > 1 else amount
        drawn = _PICTURES.get(stage, ())
        picture = [line(row) for row in drawn] if drawn and len(drawn[0]) <= width else []
        # The mark says more than a second large amount: the first one stands beside it.
        for wished in ([picture, title, large, told, keys], [picture, *blocks], [title, large, told, keys], blocks):
            if _rows(wished) <= room:
                return _spaced(wished)
        return [each for block in blocks for each in block]


def _rows(blocks: list[list[Content]]) -> int:
    return sum(len(block) + 1 for block in blocks if block) - 1


def _spaced(blocks: list[list[Content]]) -> list[Content]:
    lines: list[Content] = []
    for block in blocks:
        if block:
            lines += [Content(), *block] if lines else block
    return lines

"""The amount, the largest thing on the counter: digits of half blocks, at least three rows tall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import width_of
from chainpos.console.context import texts_of
from chainpos.console.pixels import SMALLEST, fitting_number
from chainpos.console.widgets.lines_panel import LinesPanel, line, spread
from chainpos.core.values.amount import Amount, format_amount

LEAST_ROWS: Final = SMALLEST.rows


def digits_of(amount: Amount, width: int, rows: int) -> tuple[str, ...]:
    """The amount without its currency in as large digits as fit, else as one line."""
    text = format_amount(amount, with_currency=False)
    return fitting_number(text, width, max(rows, LEAST_ROWS)) or fitting_number(text, width, 2 * LEAST_ROWS) or (text,)


class AmountDue(LinesPanel):
    """`rows` is how tall the digits may be; `caption` the text's key that says what the amount is."""

    amount: reactive[Amount | None] = reactive(None, layout=True)
    currency: reactive[str] = reactive("")
    caption: reactive[str] = reactive("counter.keyed")
    rows: reactive[int] = reactive(5, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """A caption with the currency, then the digits."""
        texts = texts_of(self)
        caption = spread(
            line(texts(self.caption), "$muted bold"),
            line(self.currency, "$muted bold"),
            width,
        )
        if self.amount is None and not self.currency:
            return [caption]
        digits = digits_of(self.amount or Amount(0, self.currency), width, self.rows)
        style = "$ink bold" if self.amount is not None else "$muted"
        return [caption, Content(), *(line(" " * (width - width_of(row)) + row, style) for row in digits)]

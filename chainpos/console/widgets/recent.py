"""The last few sales on the counter: when, how much, how it stands."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive

from chainpos.console.cells import fit
from chainpos.console.context import context, texts_of
from chainpos.console.phrases import STATE_MARKS, clock
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule
from chainpos.core.values.amount import format_amount
from chainpos.till.views import SaleView


class Recent(LinesPanel):
    """As many as there is room for."""

    sales: reactive[tuple[SaleView, ...]] = reactive(())
    held: reactive[int] = reactive(0)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """It takes the room that is left."""
        return container.height

    def lines(self, width: int) -> Sequence[Content]:
        """A heading and the sales, newest first."""
        texts, zone = texts_of(self), context(self).zone
        if width < 16:
            return []
        lines = [line(texts("held.waiting", count=self.held), "$warn-text", width=width)] if self.held else []
        lines.append(rule(texts("counter.recent"), width))
        if not self.sales:
            return [*lines, line(texts("counter.none_yet"), "$muted", width=width)]
        for sale in self.sales:
            mark, tone = STATE_MARKS[sale.state]
            style = f"${tone}-text" if tone in {"good", "warn", "bad"} else f"${tone or 'ink'}"
            amount = format_amount(sale.amount, with_currency=False)
            seconds = width >= 40
            time = clock(sale.paid_ns or sale.created_ns, zone, seconds=seconds)
            left = width - (23 if seconds else 20)
            state = texts(f"sale_state.{sale.state.value}") if left >= 8 else ""
            row = Content.assemble(
                (fit(time, 9 if seconds else 6), "$muted"), (fit(amount, 11, right=True), "$ink"), " ",
                (fit(mark, 2), style), (fit(state, max(left, 0)), style),
            )  # fmt: skip
            lines.append(row.truncate(width))
        return lines

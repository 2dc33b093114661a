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
from chainpos.till.views import SaleView, TakenView


class Recent(LinesPanel):
    """As many as there is room for."""

    sales: reactive[tuple[SaleView, ...]] = reactive(())
    held: reactive[int] = reactive(0)
    taken: reactive[tuple[TakenView, ...]] = reactive(())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """It takes the room that is left."""
        return container.height

    def lines(self, width: int) -> Sequence[Content]:
        """A heading and the sales, newest first."""
        texts = texts_of(self)
        if width < 16:
            return []
        lines = [line(texts("held.waiting", count=self.held), "$warn-text", width=width)] if self.held else []
        lines.append(rule(texts("counter.recent"), width))
        if not self.sales and not self.taken:
            return [*lines, line(texts("counter.none_yet"), "$muted", width=width)]
        rows: list[tuple[int, SaleView | TakenView]] = [(sale.paid_ns or sale.created_ns, sale) for sale in self.sales]
        rows += [(taken.at_ns, taken) for taken in self.taken]
        # A stable order: what came at the same moment stays as the till gave it.
        for at_ns, each in sorted(rows, key=lambda row: -row[0]) if self.taken else rows:
            lines.append(self._row(at_ns, each, width))
        return lines

    def _row(self, at_ns: int, each: SaleView | TakenView, width: int) -> Content:
        texts, zone = texts_of(self), context(self).zone
        if isinstance(each, SaleView):
            mark, tone = STATE_MARKS[each.state]
            word = texts(f"sale_state.{each.state.value}")
        else:
            mark, tone, word = "◆", "accent", texts("counter.beside_ledger")
        style = f"${tone}-text" if tone in {"good", "warn", "bad"} else f"${tone or 'ink'}"
        seconds = width >= 40
        left = width - (23 if seconds else 20)
        return Content.assemble(
            (fit(clock(at_ns, zone, seconds=seconds), 9 if seconds else 6), "$muted"),
            (fit(format_amount(each.amount, with_currency=False), 11, right=True), "$ink"), " ",
            (fit(mark, 2), style), (fit(word if left >= 8 else "", max(left, 0)), style),
        ).truncate(width)  # fmt: skip

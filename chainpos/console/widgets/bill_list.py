"""The lines of a bill with its sums: as many as there is room for, around the one that was touched."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive

from chainpos.console.cells import fit, width_of
from chainpos.console.context import texts_of
from chainpos.console.widgets.bill_words import part_words, quantity_words
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule
from chainpos.core.values.amount import Amount, format_amount
from chainpos.till.views import BillView, LineView, PartState


def _plain(amount: Amount) -> str:
    return format_amount(amount, with_currency=False)


class BillList(LinesPanel):
    """`cursor` is the line that keys act on; -1 shows none. `brief` leaves out what the amount says already."""

    class Chosen(Message):
        """A line was clicked."""

        def __init__(self, at: int) -> None:
            self.at = at
            super().__init__()

    bill: reactive[BillView | None] = reactive(None)
    cursor: reactive[int] = reactive(-1)
    brief: reactive[bool] = reactive(False)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        """It takes the room that is left."""
        return container.height

    def lines(self, width: int) -> Sequence[Content]:
        """A heading, the lines, the sums."""
        if self.bill is None or width < 16:
            return []
        texts, bill = texts_of(self), self.bill
        room = self.room.height or 16
        sums = self._sums(width) if room >= 8 else []
        first, last = self._window(max(room - 1 - len(sums) - bool(sums), 1))
        shown = [self._line(at, bill.lines[at], width) for at in range(first, last)]
        heading = texts("bill.heading", count=len(bill.lines))
        if (hidden := len(bill.lines) - len(shown)) > 0:
            heading = texts("bill.heading_some", first=first + 1, last=last, count=len(bill.lines))
            if self.brief:
                heading = texts("bill.heading_more", count=len(bill.lines), hidden=hidden)
        return [rule(heading, width), *shown, *([line("─" * width, "$line"), *sums] if sums else [])]

    def _window(self, rows: int) -> tuple[int, int]:
        count = len(self.bill.lines) if self.bill is not None else 0
        if count <= rows:
            return 0, count
        at = max(self.cursor, 0)
        first = max(0, min(at - rows // 2, count - rows))
        return first, first + rows

    def _line(self, at: int, row: LineView, width: int) -> Content:
        chosen = at == self.cursor
        ink, quiet = ("$cursor-ink on $cursor bold",) * 2 if chosen else ("$ink", "$muted")
        net = _plain(row.gross - row.discount)
        price = width_of(net) + 1
        amount = fit(net, max(price, 10), right=True)
        count = fit(quantity_words(row), 6, right=True)
        off = f" −{_plain(row.discount)}" if row.discount.minor else ""
        each = f" @ {_plain(row.unit)}" if width >= 48 and row.quantity != 1_000 else ""
        left = max(width - 7 - width_of(amount) - 1, 4)
        name = texts_of(self).either(row.name_en, row.name_zh)
        # What does not fit beside a name that can be read is left out.
        told = next((text for text in (each + off, off) if width_of(text) <= left - 8), "")
        return Content.assemble(
            (count + " ", quiet), (fit(name, left - width_of(told)), ink), (told, quiet), (amount + " ", ink)
        ).truncate(width)  # fmt: skip

    def _sums(self, width: int) -> list[Content]:
        texts, bill = texts_of(self), self.bill
        if bill is None:
            return []
        rows: list[tuple[str, str]] = []
        if bill.cart_discount.minor:
            rows.append((texts("bill.discount"), f"−{_plain(bill.cart_discount)}"))
        for tax in bill.taxes if not self.brief else ():
            if tax.rate_ppm:
                kind = "bill.tax_within" if tax.included else "bill.tax_added"
                rate = f"{tax.rate_ppm / 10_000:g}"
                rows.append((texts(kind, rate=rate), ("" if tax.included else "+") + _plain(tax.tax)))
        if bill.tip.minor:
            rows.append((texts("bill.tip"), f"+{_plain(bill.tip)}"))
        if not self.brief:
            rows.append((texts("bill.total"), _plain(bill.charged)))
        lines = [
            self._sum(label, amount, width, last=index == len(rows) - 1) for index, (label, amount) in enumerate(rows)
        ]
        received = [part for part in bill.parts if part.state in {PartState.RECEIVED, PartState.RETURNED}]
        return lines + [line(part_words(texts, part), "$warn-text", width=width) for part in received]

    def _sum(self, label: str, amount: str, width: int, *, last: bool) -> Content:
        style = "$ink bold" if last and not self.brief else "$muted"
        room = max(width - width_of(amount) - 2, 0)
        return Content.assemble((fit(label, room), style), " ", (amount + " ", style)).truncate(width)

    def on_click(self, event: events.Click) -> None:
        """Which line lies under the pointer."""
        if self.bill is None or self.cursor < 0:
            return
        room = self.room.height
        sums = self._sums(self.room.width) if room >= 8 else []
        first, last = self._window(max(room - 1 - len(sums) - bool(sums), 1))
        at = first + event.y - (self.content_region.y - self.region.y) - 1
        if first <= at < last:
            self.post_message(self.Chosen(at))

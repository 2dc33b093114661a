"""Beside the amount: what stands, how long it can still be paid, and what to know of it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import width_of, wrap
from chainpos.console.context import texts_of
from chainpos.console.phrases import countdown
from chainpos.console.showing import Showing, Stage
from chainpos.console.widgets.bill_words import bill_lines, customer_lines, stage_word, still_to_come
from chainpos.console.widgets.lines_panel import LinesPanel, line, spread
from chainpos.core.values.amount import format_amount
from chainpos.till.views import FaultView, Link, NetworkView, SaleState

_TONES = {
    Stage.ENTRY: "$muted", Stage.RINGING: "$accent", Stage.PART: "$warn-text", Stage.TAKEN: "$accent",
    Stage.WAITING: "$accent",
    Stage.SEEN: "$warn-text", Stage.CHARGING: "$warn-text", Stage.PROVED: "$warn-text", Stage.PAID: "$good-text",
    Stage.REFUSED: "$bad-text", Stage.EXPIRED: "$warn-text", Stage.CANCELLED: "$muted", Stage.REFUNDED: "$warn-text",
}  # fmt: skip
_MARKS = {
    Stage.ENTRY: "", Stage.RINGING: "", Stage.PART: "◆ ", Stage.TAKEN: "◆ ",
    Stage.WAITING: "○ ",
    Stage.SEEN: "◐ ", Stage.CHARGING: "◷ ", Stage.PROVED: "◈ ", Stage.PAID: "✓ ", Stage.REFUSED: "✗ ",
    Stage.EXPIRED: "– ", Stage.CANCELLED: "⊘ ", Stage.REFUNDED: "↩ ",
}  # fmt: skip


class StageLines(LinesPanel):
    """`left` is the countdown as text, so that it draws again only when that changes."""

    shown: reactive[Showing] = reactive(Showing(Stage.ENTRY), layout=True)
    left: reactive[str] = reactive("")
    network: reactive[NetworkView | None] = reactive(None, layout=True)
    faults: reactive[tuple[FaultView, ...]] = reactive((), layout=True)
    with_code: reactive[bool] = reactive(True, layout=True)
    # A customer is told what concerns them, and no keys.
    for_customer: reactive[bool] = reactive(False, layout=True)

    def _title(self, width: int) -> Content:
        texts, stage = texts_of(self), self.shown.stage
        right = line(self.left, "$ink bold") if stage is Stage.WAITING else Content()
        usual = stage_word(texts, self.shown)
        for key in ("", f"stage.{stage.value}_short"):
            words = _MARKS[stage] + texts.known(key, usual)
            if width_of(words) + right.cell_length + 1 <= width:
                break
        return spread(line(words, f"{_TONES[stage]} bold"), right, width)

    def _link(self, width: int) -> list[Content]:
        texts, network = texts_of(self), self.network
        if network is None or network.link is Link.ONLINE:
            return []
        style = "$bad-text bold" if network.link is Link.HALTED else "$warn-text"
        return [line(row, style) for row in wrap(texts(f"counter.{network.link.value}"), width)]

    def _faults(self, width: int) -> list[Content]:
        texts = texts_of(self)
        words = [
            texts(f"fault.{fault.kind}", minutes=max(fault.seconds // 60, 1), shop=fault.reason)
            for fault in self.faults
        ]
        return [line(row, "$bad-text bold") for text in words for row in wrap(f"✗ {text}", width)]

    def _about(self, width: int) -> list[Content]:
        texts, sale, stage = texts_of(self), self.shown.sale, self.shown.stage
        if self.for_customer:
            return [line(row, "$muted") for text in customer_lines(texts, self.shown) for row in wrap(text, width)]
        if stage in {Stage.RINGING, Stage.PART, Stage.TAKEN}:
            return [line(row, "$muted") for text in bill_lines(texts, self.shown) for row in wrap(text, width)]
        if sale is None or stage is Stage.ENTRY:
            return [line(row, "$muted") for row in wrap(texts("stage.entry_detail"), width)]
        rows: list[str] = []
        if stage is Stage.WAITING:
            refused = sale.problem if sale.state is SaleState.REFUSED else None
            if refused is not None:
                what = texts.either(refused.what_en, refused.what_zh)
                return [line(row, "$bad-text") for row in wrap(texts("stage.refused_before", what=what), width)]
            rows = [texts("stage.waiting_detail")] if self.with_code else []
            rows += still_to_come(texts, self.shown)
        elif stage is Stage.PROVED:
            rows = [texts("counter.proved")]
        elif stage is Stage.PAID:
            rows = [texts("counter.block", height=f"{sale.height:,}")] if sale.height else []
            rows += [texts("counter.payer", payer=sale.payer)] if sale.payer else []
            rows += [texts("counter.confirmed")] if sale.state is SaleState.CONFIRMED else []
        rows += [texts("counter.reference", reference=sale.reference)]
        return [line(row, "$muted") for text in rows for row in wrap(text, width)]

    def lines(self, width: int) -> Sequence[Content]:
        """The state, what to know, the link if it is not well, and the payment before this one."""
        lines = [self._title(width), *self._about(width)]
        if wrong := [*self._faults(width), *self._link(width)]:
            lines += [Content(), *wrong]
        if (paid := self.shown.also_paid) is not None:
            text = texts_of(self)("counter.also_paid", amount=format_amount(paid.amount))
            lines += [Content(), line(f" ✓ {text} ", "$good-ink on $good bold", width=width)]
        return lines

    @staticmethod
    def left_of(shown: Showing) -> str:
        """The countdown of what is shown."""
        return countdown(shown.left_ns) if shown.stage is Stage.WAITING else ""

"""What the settlement's screen is made of: four states, who owes what is pending, the last netting, a payout's parts.

Every unit is in one state, and a payout's parts come to it exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import fit, width_of, wrap
from chainpos.console.context import surroundings, texts_of
from chainpos.console.phrases import Tone, age, clock, signed
from chainpos.console.widgets.facts import tone_style
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule, spread
from chainpos.core.values.amount import format_amount
from chainpos.till.views import CycleView, NetRow, PayoutParts, PendingRow, SettlementView

STATES: Final[tuple[tuple[str, Tone], ...]] = (
    ("pending", "warn"),
    ("available", "good"),
    ("payout_requested", "accent"),
    ("paid_out", "muted"),
)
# From so many rows on the last settlement is drawn and not only told.
ROOMY_ROWS: Final = 34
SMALL_ROWS: Final = 20
MOST_BARS: Final = 8
NAME_CELLS: Final = 16
AMOUNT_CELLS: Final = 26
# What a list of a payout's sales leaves to everything else on the screen.
FRAME_ROWS: Final = 21


class MoneyStates(LinesPanel):
    """The four states, each with its amount, in the order that money goes through them."""

    settlement: reactive[SettlementView | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """Four boxes in a row, or four rows where the screen is narrow."""
        texts, view = texts_of(self), self.settlement
        if view is None:
            return [line(texts("settlement.loading"), "$muted", width=width)]
        amounts = {"pending": view.pending, "available": view.available,
                   "payout_requested": view.payout_requested, "paid_out": view.paid_out}  # fmt: skip
        box = (width - 3) // 4
        if box < 17:
            return [
                spread(
                    line(texts(f"settlement.{name}"), f"{tone_style(tone)} bold"),
                    line(format_amount(amounts[name]), "bold"),
                    width,
                )
                for name, tone in STATES
            ]
        rows = []
        for part in ("title", "amount", "detail"):
            cells: list[str | tuple[str, str]] = []
            for rank, (name, tone) in enumerate(STATES):
                wide = box if rank < 3 else width - 3 * (box + 1)
                text, style = {
                    "title": (texts(f"settlement.{name}"), f"{tone_style(tone)} bold"),
                    "amount": (format_amount(amounts[name]), "$ink bold"),
                    "detail": (texts(f"settlement.{name}_detail"), "$muted"),
                }[part]
                cells += [(fit(text, wide), style), " " if rank < 3 else ""]
            rows.append(Content.assemble(*cells))
        arrows = Content.assemble(("━" * width, "$line"))
        return [rows[0], arrows, rows[1], rows[2]]


class Pending(LinesPanel):
    """Who owes the pending money, and whose batch was rolled over; the cut-off and the fees below."""

    settlement: reactive[SettlementView | None] = reactive(None, layout=True)
    now_ns: reactive[int] = reactive(0)

    def _row(self, row: PendingRow, width: int) -> Content:
        texts = texts_of(self)
        note = texts("settlement.rolled" if width >= 90 else "settlement.rolled_short") if row.rolled_over else ""
        mark = "⚠ " if row.rolled_over else "  "
        amount = format_amount(row.amount)
        note = note or texts("settlement.on_time")
        room = max(width - width_of(amount) - width_of(note) - 6, 6)
        style = "$warn-text bold" if row.rolled_over else "$muted"
        return Content.assemble((mark, style), fit(row.debtor, room), "  ", amount, "  ", (note, style))

    def lines(self, width: int) -> Sequence[Content]:
        """At most twelve debtors."""
        texts, view = texts_of(self), self.settlement
        if view is None:
            return []
        lines = [rule(texts("settlement.by_debtor"), width)]
        lines += [self._row(row, width) for row in view.pending_by_debtor[:12]]
        if not view.pending_by_debtor:
            lines.append(line(texts("settlement.none_pending"), "$muted", width=width))
        return [*lines, *self._foot(view, width), Content()]

    def _foot(self, view: SettlementView, width: int) -> Sequence[Content]:
        """When the pending money comes, what fees came to, and what they would have been elsewhere."""
        texts, foot = texts_of(self), []
        if view.next_cutoff_ns > self.now_ns:
            foot.append(texts("settlement.cutoff", time=age(texts, view.next_cutoff_ns - self.now_ns)))
        elif view.next_cutoff_ns and view.pending.minor:
            foot.append(texts("settlement.cutoff_passed"))
        if view.fees_total is not None:
            foot.append(texts("settlement.fees", amount=format_amount(view.fees_total)))
        foot.append(texts("settlement.as_of", height=f"{view.height:,}"))
        found = [line(" · ".join(foot), "$muted", width=width)]
        if any(row.cost.minor for row in view.elsewhere):
            named = (f"{format_amount(row.cost)} {texts.either(row.name_en, row.name_zh)}" for row in view.elsewhere)
            told = wrap(texts("settlement.elsewhere", ways=" · ".join(named)), width)
            most = 2 if self.screen.size.height > SMALL_ROWS else 1
            found += [line(each, "$muted", width=width) for each in told[:most]]
        return found


class LastCycle(LinesPanel):
    """What the last settlement saved, and each institution's net position as a bar: left it paid, right it received."""

    settlement: reactive[SettlementView | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """One line on a small screen; where there is room, a heading, the saving, the bars."""
        texts, cycle = texts_of(self), None if self.settlement is None else self.settlement.last_cycle
        if cycle is None:
            return []
        figures = {
            "settled": format_amount(cycle.settled), "moved": format_amount(cycle.moved),
            "saved": format_amount(cycle.saved),
            "percent": cycle.saved.minor * 100 // cycle.settled.minor if cycle.settled.minor else 0,
        }  # fmt: skip
        if self.screen.size.height < ROOMY_ROWS:
            said = texts("settlement.last_short", **figures)
            return [line(f"{texts('settlement.last', number=cycle.number)}  {said}", "$muted", width=width)]
        lines = [
            rule(texts("settlement.last", number=cycle.number), width),
            line(texts("settlement.last_line", **figures), width=width),
        ]
        lines += [self._bar(row, cycle, width) for row in cycle.nets[:MOST_BARS]]
        if cycle.rolled_over:
            names = texts("settlement.rolled_names", names=", ".join(cycle.rolled_over))
            lines.append(line(f"⚠ {names}", "$warn-text bold", width=width))
        return [*lines, Content()]

    def _bar(self, row: NetRow, cycle: CycleView, width: int) -> Content:
        texts = texts_of(self)
        most = max((abs(each.delta_minor) for each in cycle.nets), default=1) or 1
        word = texts("settlement.receives" if row.delta_minor > 0 else "settlement.pays")
        amount = f"{signed(row.delta_minor, cycle.moved.currency)} {word}"
        half = max((width - NAME_CELLS - AMOUNT_CELLS - 3) // 2, 1)
        cells = max(abs(row.delta_minor) * half // most, 1)
        left = "█" * cells if row.delta_minor < 0 else ""
        right = "█" * cells if row.delta_minor > 0 else ""
        return Content.assemble(
            fit(row.institution, NAME_CELLS), " ", (left.rjust(half), "$warn-text"), ("│", "$line"),
            (right.ljust(half), "$good-text"), " ", fit(amount, AMOUNT_CELLS, right=True),
        )  # fmt: skip


class Parts(LinesPanel):
    """What one payout is made of, to the minor unit; in the place of the pending money while it is looked at."""

    parts: reactive[PayoutParts | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """As many sales as there is room for; the rest as a number."""
        texts, parts = texts_of(self), self.parts
        if parts is None:
            return []
        currency = parts.amount.currency
        room = max(self.screen.size.height - FRAME_ROWS, 2)
        shown = parts.sales if len(parts.sales) <= room else parts.sales[: room - 1]
        rows = [(texts("settlement.parts_opening"), parts.opening.minor)]
        rows += [
            (f"{clock(part.paid_ns, surroundings(self).zone)}  {part.reference}", part.net.minor) for part in shown
        ]
        if rest := parts.sales[len(shown) :]:
            rows.append((texts("settlement.parts_more", count=len(rest)), sum(part.net.minor for part in rest)))
        rows += [(texts("settlement.parts_others"), parts.others_minor)] if parts.others_minor else []
        rows += [(texts("settlement.parts_closing"), -parts.closing.minor)] if parts.closing.minor else []
        return [
            rule(texts("settlement.parts", number=parts.number), width),
            *(
                spread(line(f"  {name}", "$muted"), line(signed(minor, currency)), width)
                for name, minor in rows
                if minor
            ),
            spread(
                line(f"  {texts('settlement.parts_amount')}", "bold"), line(format_amount(parts.amount), "bold"), width
            ),
            Content(),
        ]

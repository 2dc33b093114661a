"""Which items go back: pieces are chosen line by line, and what they come to stands below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import wrap
from chainpos.console.context import context, texts_of
from chainpos.console.keymap import key
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.lines_panel import LinesPanel, line, spread
from chainpos.core.values.amount import Amount, format_amount
from chainpos.till.views import ItemView


class ItemLines(LinesPanel):
    """A line an item, how many pieces of it are chosen, and the sum; `most` is what can go back where this is asked."""

    at: reactive[int] = reactive(0)
    chosen: reactive[dict[int, int]] = reactive(dict)

    def __init__(self, items: Sequence[ItemView], most: Amount) -> None:
        super().__init__(id="items")
        self.items, self.most = items, most

    @property
    def total(self) -> Amount:
        """What the chosen pieces come to."""
        return context(self).till.items.amount(self.items, self.chosen)

    def lines(self, width: int) -> Sequence[Content]:
        """What went back already cannot be chosen."""
        texts, rows = texts_of(self), []
        for place, item in enumerate(self.items):
            name = texts.either(item.name_en, item.name_zh)
            count = f"{self.chosen.get(item.place, 0)}/{item.pieces - item.refunded}"
            left = line(f"{'▸' if place == self.at else ' '} {count:>5}  {name}", "bold" if place == self.at else "")
            note = texts("refund.back_already", count=item.refunded) if item.refunded else ""
            rows.append(spread(left, line(f"{note} {format_amount(item.due, with_currency=False)}"), width))
        rows += [Content(), spread(line(texts("refund.chosen")), line(format_amount(self.total), "bold"), width)]
        if self.total.minor > self.most.minor:
            told = texts("refund.items_too_much", amount=format_amount(self.most))
            rows += [line(row, "$bad-text") for row in wrap(told, width)]
        return rows


class ChooseItems(Dialog[dict[int, int] | None]):
    """Answers the pieces by place, {} for an amount instead of items, None for nothing.

    It refuses pieces that come to more than `most`, what is left of the part of the bill that goes back.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "leave", "dialog.close"),
        key("enter", "done", "dialog.confirm"),
        key("space", "whole", "dialog.choose"),
        key("plus,right", "count(1)", "dialog.one_more", show=False),
        key("minus,left", "count(-1)", "dialog.one_less", show=False),
        key("a", "amount", "dialog.by_amount"),
        key("up,k", "move(-1)", "panel.up", show=False),
        key("down,j", "move(1)", "panel.down", show=False),
    ]

    def __init__(self, items: Sequence[ItemView], most: Amount) -> None:
        super().__init__()
        self.panel = ItemLines(items, most)

    def compose(self) -> ComposeResult:
        """The list, and its keys below."""
        texts = texts_of(self)
        box = VerticalScroll(self.panel, classes="dialog -tall", can_focus=False)
        box.border_title = Content(texts("refund.items")).plain
        box.border_subtitle = Content(texts("refund.items_keys")).plain
        yield box

    def action_move(self, by: int) -> None:
        """Up or down."""
        self.panel.at = min(max(self.panel.at + by, 0), len(self.panel.items) - 1)

    def action_whole(self) -> None:
        """All that is left of the item, or nothing."""
        item = self.panel.items[self.panel.at]
        self._choose(item, 0 if self.panel.chosen.get(item.place) else item.pieces - item.refunded)

    def action_count(self, by: int) -> None:
        """One piece more or less."""
        item = self.panel.items[self.panel.at]
        self._choose(item, self.panel.chosen.get(item.place, 0) + by)

    def _choose(self, item: ItemView, pieces: int) -> None:
        most = item.pieces - item.refunded
        self.panel.chosen = {**self.panel.chosen, item.place: min(max(pieces, 0), most)}

    def action_done(self) -> None:
        """On to the amount and the PIN, if anything is chosen, and not too much."""
        if any(self.panel.chosen.values()) and self.panel.total.minor <= self.panel.most.minor:
            self.dismiss(self.panel.chosen)

    def action_amount(self) -> None:
        """By amount instead."""
        self.dismiss({})

    def action_leave(self) -> None:
        """Nothing."""
        self.dismiss(None)

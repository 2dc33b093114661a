"""One thing whole: a block, a transaction, an account, a shop, an institution, a request, a cycle, a payout, a record.

Every row that names another thing leads there. What is not there any more is said, as of which height.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from textual import on
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from chainpos.console.cells import wrap
from chainpos.console.context import texts_of
from chainpos.console.phrases import Tone, day_and_clock, short
from chainpos.console.screens.looking import About, Looking, questions, texts_for
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.lines_panel import LinesPanel, line
from chainpos.console.widgets.notice import Told
from chainpos.core.values.amount import format_amount
from chainpos.inspect.lookups import Card
from chainpos.inspect.support import Thing
from chainpos.inspect.views import TransactionRow
from chainpos.inspect.words import words_in

_HEX40: Final = re.compile(r"[0-9a-fA-F]{40}")
_HEX64: Final = re.compile(r"[0-9a-fA-F]{64}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,14}")
# The fields that name another thing, by the last part of their name.
_LEADS: Final[dict[str, tuple[str, re.Pattern[str]]]] = {
    **dict.fromkeys(("merchant",), ("merchant", _NAME)),
    **dict.fromkeys(("institution", "acquirer", "issuer", "debtor", "creditor"), ("institution", _NAME)),
    **dict.fromkeys(("payer", "address", "signer", "account", "customer"), ("account", _HEX40)),
    **dict.fromkeys(("till", "till_key"), ("till", _HEX64)),
    **dict.fromkeys(("block", "height", "paid_height"), ("block", _NUMBER)),
    **dict.fromkeys(("request_id", "payment", "payment_id", "request"), ("request", _HEX64)),
}


class Row(msgspec.Struct, frozen=True):
    """One row: a heading without a value, a field, or a transaction. `thing` is where it leads.

    `own` is a field's own name, by which the command line knows it.
    """

    name: str
    value: str = ""
    tone: Tone = ""
    thing: Thing | None = None
    heading: bool = False
    own: str = ""


class Value(LinesPanel):
    """The whole of what the cursor stands on; the list cuts it to its column."""

    row: reactive[Row | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """At most three lines."""
        if self.row is None or self.row.heading:
            return []
        texts = texts_of(self)
        own = f" ({self.row.own})" if self.row.own not in ("", self.row.name) else ""
        value = f"{self.row.name}{own}  {self.row.value}"
        if self.row.thing is not None:
            value += f"  → {texts.known(f'kind.{self.row.thing.kind}', self.row.thing.kind)}"
        return [line(each, "$muted") for each in wrap(value, width)[:3]]


def lead_of(name: str, value: str) -> Thing | None:
    """The thing that a field names, if it names one."""
    kind, pattern = _LEADS.get(name.rpartition(".")[2], ("", _NAME))
    return Thing(kind, value.lower() if kind in ("till", "account", "request") else value) if (
        kind and pattern.fullmatch(value)
    ) else None  # fmt: skip


class CardScreen(Looking):
    """A list of rows."""

    def __init__(self, thing: Thing) -> None:
        super().__init__()
        self.thing = thing
        self.card: Card | None = None

    def heading(self) -> str:
        """Its kind and its name."""
        word = texts_for(self, "kind", self.thing.kind)
        name = f"{self.thing.height:,}/{self.thing.index}" if self.thing.index >= 0 else short(self.thing.name, 12)
        return f"{word} {name}"

    def inside(self) -> Iterable[Widget]:
        """The rows, and the whole of one of them."""
        self.rows: LineList[Row] = LineList(
            (Column("", 26), Column("", 0)), self._cells, lambda row: (row.name, row.value), id="rows"
        )
        yield self.rows
        yield Value(id="value")

    def on_mount(self) -> None:
        """Read it."""
        super().on_mount()
        self.rows.focus()
        self.asking(self._read, "card")

    def retranslate(self) -> None:
        """Headings are words."""
        super().retranslate()
        self._show()

    async def _read(self) -> None:
        self.card = await self.desk.card(self.thing)
        if self.card is not None and self.card.kind == "transaction" and self.thing.index < 0:
            (row,) = self.card.transactions
            self.thing = Thing("transaction", self.card.name, row.height, row.index)
            self._follow_trail()
        if self.card is None:
            self.told(Told(self.console_app.texts("support.not_there", thing=self.heading())))
        self._show()

    def _show(self) -> None:
        card = self.card
        self.rows.show(rows_of(card, self) if card else (), empty=lambda: self.console_app.texts("support.reading"))

    def _cells(self, row: Row) -> Sequence[Cell]:
        if row.heading:
            return ((row.name.upper(), "accent"), ("", ""))
        return ((f"  {row.name}", "muted"), (f"{row.value}{' ›' if row.thing else ''}", row.tone))

    @on(LineList.Moved, "#rows")
    def moved(self) -> None:
        """The whole of it."""
        self.query_one("#value", Value).row = self.rows.present
        self.refresh_bindings()

    @on(LineList.Chosen, "#rows")
    def chosen(self) -> None:
        """Where it leads."""
        row = self.rows.present
        if row is not None and row.thing is not None:
            open_thing(self, row.thing)

    def about(self) -> About:
        """What the row leads to, where that is a transaction or a request; else the thing itself."""
        row = self.rows.present
        for thing in (row.thing if row else None, self.thing):
            if thing is not None and thing.kind in ("transaction", "request"):
                return About(word=thing.name, height=thing.height, index=thing.index, code=self._code(thing))
        return About()

    def _code(self, thing: Thing) -> str:
        found = (row for row in (self.card.transactions if self.card else ()) if row.hash.lower() == thing.name.lower())
        return next((str(row.code) for row in found if row.code), "")


def rows_of(card: Card, on_screen: Looking) -> tuple[Row, ...]:
    """A card as rows, with its headings in the language of now."""
    texts = on_screen.console_app.texts
    words = words_in(texts.language)
    rows: list[Row] = []
    for heading, fields in card.parts:
        first, _, rest = heading.partition(" ")
        named = texts.known(f"part.{first}", first)
        rows.append(Row(f"{named} {words.event(rest) if first == 'event' else rest}".strip(), heading=True))
        for name, value in fields:
            shown = words.value(name, value) if name else words.told(value)
            if first == "postings":
                rows.append(Row(words.account(name), shown, _tone(name, value)))
            else:
                rows.append(Row(words.field(name), shown, _tone(name, value), lead_of(name, value), own=name))
    if card.transactions and card.kind != "transaction":
        rows.append(Row(texts("support.transactions", count=len(card.transactions)), heading=True))
        # A block's have all its own time.
        zone = on_screen.zone
        times = ("" if card.kind == "block" else day_and_clock(row.time_ns, zone)[:16] for row in card.transactions)
        rows += [_transaction_row(row, on_screen, when) for row, when in zip(card.transactions, times, strict=True)]
    return tuple(rows)


def _transaction_row(row: TransactionRow, on_screen: Looking, when: str) -> Row:
    texts = on_screen.console_app.texts
    ended = f"✗ {texts('ledger.refused', code=row.code)}" if row.code else f"✓ {texts('ledger.accepted')}"
    amount = format_amount(row.amount) if row.amount is not None else ""
    kind = words_in(texts.language).kind(row.kind)
    words = "  ".join(part for part in (kind, ended, amount, row.summary) if part)
    thing = Thing("transaction", row.hash.lower(), row.height, row.index)
    return Row(f"{when} {row.height:,}/{row.index}".strip(), words, "bad" if row.code else "", thing)


def _tone(name: str, value: str) -> Tone:
    if name == "result":
        return "good" if value == "accepted" else "bad"
    if name.endswith("_minor") or name == "balance":
        return "accent"
    return ""


def open_thing(screen: Looking, thing: Thing) -> None:
    """Push the screen of a thing; a sale of the shop's book is the timeline of its payment."""
    if thing.kind == "sale":
        screen.app.push_screen(questions().timeline(About(word=thing.name)))
    else:
        screen.app.push_screen(CardScreen(thing))

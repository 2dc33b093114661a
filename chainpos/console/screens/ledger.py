"""Blocks, the transactions of one, the postings of one of those: live, and forwards and back with one key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive, var
from textual.widget import Widget

from chainpos.console.cells import fit, width_of, wrap
from chainpos.console.context import texts_of
from chainpos.console.keymap import SEARCH, key
from chainpos.console.phrases import clock, short, signed
from chainpos.console.screens.page import Page
from chainpos.console.told_events import event_words
from chainpos.console.widgets.ground import Room, Stack
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule
from chainpos.core.values.amount import format_amount
from chainpos.inspect.fields import attribute_fields
from chainpos.inspect.words import words_in
from chainpos.till.views import BlockRow, CounterView, TransactionRow

PAGE_OF_BLOCKS = 100
MOST_HELD = 5_000
BLOCK_COLUMNS = (
    Column("ledger.height", 10, right=True),
    Column("ledger.time", 8),
    Column("ledger.count", 5, right=True),
    Column("ledger.hash", 0),
    Column("ledger.app_hash", 16, from_width=70),
    Column("ledger.proposer", 14, from_width=90),
)
TRANSACTION_COLUMNS = (
    Column("ledger.index", 4, right=True),
    Column("ledger.kind", 18),
    Column("ledger.result", 13),
    Column("ledger.amount", 16, right=True),
    Column("ledger.summary", 0),
    Column("ledger.hash", 14, from_width=90),
)


class Postings(LinesPanel):
    """The balanced legs of a transaction, its refusal if it was refused, and its events."""

    transaction: reactive[TransactionRow | None] = reactive(None, layout=True)
    empty_block: reactive[bool] = reactive(False, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """Legs first: the money is what one looks for."""
        texts, row = texts_of(self), self.transaction
        lines = [rule(texts("ledger.postings"), width)]
        if row is None:
            note = "ledger.empty_block" if self.empty_block else "ledger.choose"
            return [*lines, line(texts(note), "$muted", width=width)]
        if row.problem is not None:
            what = texts.either(row.problem.what_en, row.problem.what_zh)
            lines.append(line(f"✗ {what} {texts('counter.money_none')}", "$bad-text", width=width))
        named = words_in(texts.language)
        if not row.legs:
            lines.append(line(texts("ledger.no_legs"), "$muted", width=width))
        for leg in row.legs:
            amount = fit(f"{signed(leg.minor, leg.currency)} {leg.currency}", 22, right=True)
            tone = "$bad-text" if leg.minor < 0 else "$good-text"
            lines.append(Content.assemble(fit(named.account(leg.account), max(width - 22, 0)), (amount, tone)))
        if said := [words for kind, told in row.events[:50] if (words := event_words(texts, kind, dict(told)))]:
            lines += [Content(), *(line(each, "$ink bold") for words in said for each in wrap(words, width))]
        if row.events:
            lines += [Content(), rule(texts("ledger.events"), width)]
        for kind, attributes in row.events[:50]:
            words = "  ".join(f"{named.field(name)}={value}" for name, value in attribute_fields(attributes[:20]))
            event = named.event(kind)
            head = fit(event, min(width_of(event), 28))
            rest = line(words, "$muted", width=width - width_of(head) - 2)
            lines.append(Content.assemble((head, "$accent"), "  ", rest))
        lines += [Content(), line(row.hash, "$muted", width=width)]
        return lines


class BlockHead(LinesPanel):
    """Which block the transactions are of."""

    block: reactive[BlockRow | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """One line."""
        if self.block is None:
            return []
        title = texts_of(self)("ledger.transactions", height=f"{self.block.height:,}")
        return [rule(f"{title} · {short(self.block.hash, 12)}", width)]


class LedgerScreen(Page):
    """On a narrow screen one level at a time, on a wide one all three."""

    NAME: ClassVar[str] = "ledger"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("right,l", "forward", "ledger.forward"),
        key("left,escape,h", "back", "ledger.back"),
        key("n", "newest", "ledger.newest"),
        SEARCH,
    ]

    level: var[int] = var(0)

    def __init__(self) -> None:
        super().__init__()
        self.held: tuple[BlockRow, ...] = ()

    def content(self) -> Iterable[Widget]:
        """Three levels."""
        self.blocks: LineList[BlockRow] = LineList(
            BLOCK_COLUMNS, self._block_cells, lambda block: block.height, id="blocks"
        )
        self.transactions: LineList[TransactionRow] = LineList(
            TRANSACTION_COLUMNS, self._transaction_cells, lambda row: row.hash, id="transactions"
        )
        postings = VerticalScroll(Postings(id="postings"), id="postings-box", can_focus=False)
        inside = Stack(BlockHead(id="inside-head"), self.transactions, postings, id="inside")
        yield Room(self.blocks, inside, id="ledger", classes="-level-0")

    def on_mount(self) -> None:
        """Begin at the tip."""
        super().on_mount()
        self.blocks.focus()
        self._newest()

    def on_screen_resume(self) -> None:
        """The tip has moved."""
        if self.is_mounted:
            self._newest()

    def watch_view(self, before: CounterView | None, view: CounterView | None) -> None:
        """A new height: the new blocks come on top, if they are looked at."""
        if self.is_current and view and before and before.network.known_height != view.network.known_height:
            self._newest()

    # -- reading

    def _newest(self) -> None:
        self.read(self._read_newest, "newest")

    async def _read_newest(self) -> None:
        newest = await self.console_app.till.blocks(limit=PAGE_OF_BLOCKS)
        known = {block.height for block in newest}
        lowest = min(known, default=0)
        # What lies below is kept only if nothing is missing between.
        kept = tuple(b for b in self.held if b.height < lowest) if any(b.height in known for b in self.held) else ()
        self._hold((*newest, *kept))

    @on(LineList.EndReached, "#blocks")
    def more(self) -> None:
        """Older blocks, a page at a time."""
        if self.held and self.held[-1].height > 1 and len(self.held) < MOST_HELD:
            self.read(lambda: self._read_older(self.held[-1].height), "older")

    async def _read_older(self, below: int) -> None:
        older = await self.console_app.till.blocks(before=below, limit=PAGE_OF_BLOCKS)
        if self.held and self.held[-1].height == below:
            self._hold((*self.held, *older))

    def _hold(self, blocks: tuple[BlockRow, ...]) -> None:
        self.held = blocks[:MOST_HELD]
        self.blocks.show(self.held, empty=lambda: self.console_app.texts("ledger.no_blocks"))

    @on(LineList.Moved, "#blocks")
    def block_moved(self) -> None:
        """Its transactions, if they are on the screen."""
        if self.level > 0 or self.has_class("-wide"):
            self._read_transactions()

    def _read_transactions(self) -> None:
        block = self.blocks.present
        if block is None:
            return
        self.query_one("#inside-head", BlockHead).block = block
        self.read(lambda: self._transactions_of(block), "transactions")

    async def _transactions_of(self, block: BlockRow) -> None:
        rows = await self.console_app.till.transactions(block.height) if block.transactions else ()
        present = self.blocks.present
        if present is None or present.height != block.height:
            return
        self.transactions.show(rows, empty=lambda: self.console_app.texts("ledger.empty_block"))
        postings = self.query_one("#postings", Postings)
        postings.empty_block = not rows
        postings.transaction = rows[0] if rows else None

    @on(LineList.Moved, "#transactions")
    def transaction_moved(self) -> None:
        """Its postings."""
        self.query_one("#postings", Postings).transaction = self.transactions.present

    # -- drawing

    def _block_cells(self, block: BlockRow) -> Sequence[Cell]:
        return (
            (f"{block.height:,}", ""),
            (clock(block.time_ns, self.console_app.zone), "muted"),
            (str(block.transactions) if block.transactions else "·", "" if block.transactions else "muted"),
            (block.hash, "accent"),
            (short(block.app_hash, 15), "muted"),
            (short(block.proposer, 13), "muted"),
        )

    def _transaction_cells(self, row: TransactionRow) -> Sequence[Cell]:
        texts = self.console_app.texts
        result: Cell = (f"✓ {texts('ledger.accepted')}", "good")
        if row.code:
            result = (f"✗ {texts('ledger.refused', code=row.code)}", "bad")
        return (
            (str(row.index), "muted"),
            (words_in(texts.language).kind(row.kind), ""),
            result,
            (format_amount(row.amount) if row.amount is not None else "", ""),
            (row.summary, "muted"),
            (short(row.hash, 13), "muted"),
        )

    # -- keys

    def watch_level(self, level: int) -> None:
        """0 is the blocks, 1 the transactions of one."""
        box = self.query_one("#ledger")
        box.set_class(level == 0, "-level-0")
        box.set_class(level == 1, "-level-1")
        (self.blocks if level == 0 else self.transactions).focus()

    @on(LineList.Chosen, "#blocks")
    def action_forward(self) -> None:
        """Into the block."""
        self.told(None)
        if self.level == 0 and self.blocks.present is not None:
            self.level = 1
            self._read_transactions()

    def action_back(self) -> None:
        """Out of the block."""
        self.told(None)
        self.level = 0

    def action_newest(self) -> None:
        """To the tip."""
        self.level = 0
        self.blocks.action_go(0)
        self._newest()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only where there is somewhere to go."""
        if action == "back":
            return self.level > 0
        if action == "forward":
            return self.level == 0
        return super().check_action(action, parameters)

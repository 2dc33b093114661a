"""Who waits, what lies in the node's folder, what its log says: the other parts of the operator's screen.

They show what they are handed and say what was asked of them; they know no node.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input

from chainpos.console.cells import fit, width_of, wrap
from chainpos.console.context import surroundings, texts_of
from chainpos.console.phrases import Tone, age, day_and_clock, short, size_of
from chainpos.console.screens.operator_offices import OfficesPart
from chainpos.console.screens.operator_overview import NetworkPart, Overview, Part
from chainpos.console.widgets.facts import Fact, Facts
from chainpos.console.widgets.ground import Room, Stack
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule
from chainpos.inspect.operating_views import LogLine, MempoolView, SignerRow, StoreView, WaitingRow
from chainpos.inspect.words import words_in

FRESH_NS = 10_000_000_000
LEVELS = ("debug", "info", "warning", "error")
LEVEL_TONES: dict[str, Tone] = {
    "debug": "muted", "info": "", "warning": "warn", "error": "bad", "critical": "bad"
}  # fmt: skip


class WaitingHead(LinesPanel):
    """How much waits, and of how much room."""

    waiting: reactive[MempoolView | None] = reactive(None)

    def lines(self, width: int) -> Sequence[Content]:
        """One line."""
        texts, view = texts_of(self), self.waiting
        if view is None:
            return [line(texts("node.loading"), "$muted", width=width)]
        told = texts("node.mempool_value", count=f"{view.total:,}", size=size_of(view.total_bytes))
        if view.most:
            told = f"{told} · {texts('operator.room', share=view.total * 100 // view.most)}"
        if view.told < view.total:
            told = f"{told} · {texts('operator.first_only', count=view.told)}"
        return [line(told, "bold", width=width)]


class MempoolPart(Part):
    """Who waits, those with the most first; and what waits, the oldest first."""

    def compose(self) -> ComposeResult:
        """Accounts beside transactions, or above them."""
        yield WaitingHead(id="waiting-head")
        with Room(id="waiting-both"):
            yield LineList[SignerRow](
                (
                    Column("operator.account"), Column("operator.count", 7, right=True),
                    Column("operator.size", 9, right=True, from_width=44), Column("operator.oldest", 9, right=True),
                ),
                self._signer_cells, lambda row: row.address, id="signers",
            )  # fmt: skip
            yield LineList[WaitingRow](
                (
                    Column("operator.since", 9, right=True), Column("operator.kind", 18), Column("operator.account"),
                    Column("operator.hash", 14, from_width=64),
                ),
                self._waiting_cells, lambda row: row.hash, id="waiting-rows",
            )  # fmt: skip

    def show(self, view: MempoolView) -> None:
        """Put it into both lists."""
        self.query_one("#waiting-head", WaitingHead).waiting = view
        empty = lambda: texts_of(self)("operator.nothing_waits")  # noqa: E731 - asked in the language of then
        self.query_one("#signers", LineList).show(view.signers, empty=empty)
        self.query_one("#waiting-rows", LineList).show(view.oldest)

    def _ago(self, since_ns: int) -> str:
        return age(texts_of(self), surroundings(self).now_ns() - since_ns) if since_ns else "–"

    def _signer_cells(self, row: SignerRow) -> Sequence[Cell]:
        return (row.address, ""), (f"{row.transactions:,}", "accent"), (size_of(row.size_bytes), "muted"), (
            self._ago(row.oldest_ns), ""
        )  # fmt: skip

    def _waiting_cells(self, row: WaitingRow) -> Sequence[Cell]:
        kind = words_in(texts_of(self).language).kind(row.kind)
        return (self._ago(row.since_ns), ""), (kind, "accent"), (row.address, ""), (short(row.hash, 13), "muted")


class Sizes(LinesPanel):
    """What takes how much room, as bars."""

    store: reactive[StoreView | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """A row each, the share of the largest as a bar."""
        texts, store = texts_of(self), self.store
        if store is None:
            return []
        named = [(texts.known(f"store.{part.name}", part.name), part) for part in store.parts if part.size_bytes]
        most = max((part.size_bytes for _, part in named), default=1)
        column = min(max((width_of(name) for name, _ in named), default=0), width // 2)
        lines = [rule(texts("operator.sizes"), width)]
        for name, part in named:
            room = max(width - column - 13, 0)
            style = "$accent" if part.name.startswith("table_") else "$ink"
            bar = "█" * max(part.size_bytes * room // most, 1 if room else 0)
            lines.append(Content.assemble(fit(name, column), f" {size_of(part.size_bytes):>10} ", (bar[:room], style)))
        return lines


class StorePart(Part):
    """What lies in the node's folder, what can be done with it, and what was."""

    def compose(self) -> ComposeResult:
        """Facts, then sizes."""
        facts = Facts(id="store-facts")
        facts.heading, facts.note = "operator.store", "operator.only_here"
        with VerticalScroll(classes="scrolled", can_focus=False), Room(classes="columns"):
            yield Stack(facts, classes="left")
            yield Stack(Sizes(id="sizes"))

    def __init__(self, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._shown_ns = 0

    def is_old(self, now_ns: int) -> bool:
        """Whether it is time to look again: what lies on a disk changes slowly, and counting it costs."""
        return now_ns - self._shown_ns >= FRESH_NS

    def show(self, store: StoreView, now_ns: int) -> None:
        """Put it into words. The sizes of tables, which cost most, stay until they are measured again."""
        texts = texts_of(self)
        self._shown_ns = now_ns
        sizes = self.query_one("#sizes", Sizes)
        measured = [part for part in (sizes.store.parts if sizes.store else ()) if part.name.startswith("table_")]
        if measured and not any(part.name.startswith("table_") for part in store.parts):
            database, *others = store.parts
            store = msgspec.structs.replace(store, parts=(database, *measured, *others))
        none = texts("operator.none")
        pruned = store.base > store.first
        self.query_one("#store-facts", Facts).facts = (
            Fact("operator.folder", store.folder),
            Fact("operator.free", size_of(store.free_bytes), "bad" if store.free_bytes < 10**9 else ""),
            Fact("operator.blocks", texts("operator.blocks_value", base=f"{store.base:,}", tip=f"{store.tip:,}")),
            Fact("operator.pruned", texts("operator.pruned_value", base=f"{store.base:,}") if pruned else none),
            Fact("operator.transactions", f"{store.transactions:,}"),
            Fact("operator.snapshots", " ".join(f"{height:,}" for height in store.snapshots) or none),
            Fact("operator.evidence", " ".join(store.evidence) or none, "bad" if store.evidence else ""),
        )
        sizes.store = store


class LogPart(Part):
    """The node's log: the newest line on top, of a level and with words."""

    class Asked(Message):
        """Another level or other words."""

    level: reactive[str] = reactive("info")

    def compose(self) -> ComposeResult:
        """The filter, the lines, and the whole of the one under the cursor."""
        with Horizontal(id="log-filter"):
            yield LogHead(id="log-head")
            yield Input(id="log-words", max_length=80)
        yield LineList[LogLine](
            (
                Column("operator.log_time", 19, from_width=50), Column("operator.log_level", 8),
                Column("operator.log_from", 14, from_width=90), Column("operator.log_what"),
            ),
            self._cells, lambda row: row, id="log-lines",
        )  # fmt: skip
        yield LogWhole(id="log-whole")

    @property
    def words(self) -> str:
        """What must be in a line."""
        return self.query_one("#log-words", Input).value

    def show(self, lines: Sequence[LogLine]) -> None:
        """Put them into the list; nothing moves where they are those that are there."""
        if not self.query("#log-lines"):
            return  # The console is being left: the screen is taken down from within.
        listed = self.query_one("#log-lines", LineList)
        if listed.items is not lines:
            listed.show(lines, empty=lambda: texts_of(self)("operator.log_empty"))
            self.query_one("#log-head", LogHead).found = len(lines)
            self._moved()

    def retranslate(self) -> None:
        """The hint in the field."""
        self.query_one("#log-words", Input).placeholder = texts_of(self)("operator.log_words")

    def on_mount(self) -> None:
        """The hint in the field."""
        self.retranslate()

    def watch_level(self, level: str) -> None:
        """Say it, and ask."""
        for head in self.query(LogHead):
            head.level = level
        self.post_message(self.Asked())

    def next_level(self) -> None:
        """Round and round."""
        self.level = LEVELS[(LEVELS.index(self.level) + 1) % len(LEVELS)]

    @on(Input.Changed, "#log-words")
    def words_changed(self) -> None:
        """Ask."""
        self.post_message(self.Asked())

    @on(Input.Submitted, "#log-words")
    def into_list(self) -> None:
        """Enter goes to the lines."""
        self.query_one("#log-lines").focus()

    @on(LineList.Moved, "#log-lines")
    def _moved(self) -> None:
        self.query_one("#log-whole", LogWhole).told = self.query_one("#log-lines", LineList).present

    def _cells(self, row: LogLine) -> Sequence[Cell]:
        tone = LEVEL_TONES.get(row.level, "")
        level = texts_of(self).known(f"log_level.{row.level}", row.level)
        return (
            (day_and_clock(row.time_ns, surroundings(self).zone), "muted"), (level, tone), (row.origin, "muted"),
            (row.what, tone if row.level != "info" else ""),
        )  # fmt: skip


class LogHead(LinesPanel):
    """The level, and how many lines there are."""

    level: reactive[str] = reactive("info")
    found: reactive[int] = reactive(0)

    def lines(self, width: int) -> Sequence[Content]:
        """One line."""
        texts = texts_of(self)
        told = texts("operator.log_head", level=texts(f"log.{self.level}"), count=f"{self.found:,}")
        return [line(told, "bold", width=width)]


class LogWhole(LinesPanel):
    """The line under the cursor, all of it."""

    told: reactive[LogLine | None] = reactive(None)

    def lines(self, width: int) -> Sequence[Content]:
        """As many rows as it takes, but a few."""
        if self.told is None:
            return [line("")] * 3
        head = f"{day_and_clock(self.told.time_ns, surroundings(self).zone)} {self.told.origin}"
        rows = [line(each) for each in wrap(self.told.what, width)[:2]]
        return [line(head, "$muted", width=width), *rows, *([line("")] * (2 - len(rows)))]


PARTS: dict[str, type[Part]] = {
    "state": Overview,
    "network": NetworkPart,
    "mempool": MempoolPart,
    "store": StorePart,
    "log": LogPart,
    "offices": OfficesPart,
}


class PartLine(LinesPanel):
    """Which parts there are, and where one is."""

    present: reactive[str] = reactive("state")

    class Chosen(Message):
        """A part was clicked."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    def _words(self) -> list[tuple[str, str]]:
        texts = texts_of(self)
        return [(name, f" {number} {texts(f'part_of_node.{name}')} ") for number, name in enumerate(PARTS, 1)]

    def lines(self, width: int) -> Sequence[Content]:
        """One line of them."""
        parts = [(words, "$accent bold reverse" if name == self.present else "$muted") for name, words in self._words()]
        return [Content.assemble(*parts).truncate(width)]

    def on_click(self, event: object) -> None:
        """Go there."""
        at = getattr(event, "x", -1)
        for name, words in self._words():
            if at < width_of(words):
                self.post_message(self.Chosen(name))
                return
            at -= width_of(words)

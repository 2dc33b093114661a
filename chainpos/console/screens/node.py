"""The node behind this till: what it has verified itself, whom it follows and how far it trusts them, what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from chainpos.console.cells import fit, width_of, wrap
from chainpos.console.context import texts_of
from chainpos.console.keymap import SEARCH, key
from chainpos.console.phrases import LINK_MARKS, age, short, size_of
from chainpos.console.screens.page import Page
from chainpos.console.widgets.facts import Fact, Facts
from chainpos.console.widgets.ground import Room, Stack
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule, spread
from chainpos.console.widgets.plot import bars
from chainpos.inspect.explain import ALARMS_BY_NAME
from chainpos.inspect.views import HALTED
from chainpos.till.views import Alarm, CounterView, Link, NodeView, UpstreamRow, ValidatorRow

EVERY_S = 2.0
ROOMY_ROWS = 30
TWO_LINES, ROOM_FOR_VERSIONS = 60, 80


class NodePanel(LinesPanel):
    """A part of the Node screen."""

    node: reactive[NodeView | None] = reactive(None, layout=True)


class Pace(NodePanel):
    """Blocks a minute, newest at the right."""

    def lines(self, width: int) -> Sequence[Content]:
        """A row of bars as wide as there are minutes, two rows tall."""
        texts = texts_of(self)
        counts = self.node.blocks_per_minute[-width:] if self.node else ()
        if not counts:
            return [rule(texts("node.blocks_minute"), width)]
        heading = rule(f"{texts('node.blocks_minute')} · {texts('node.latest', count=counts[-1])}", width)
        return [heading, *(Content.styled(row, "$accent") for row in bars(counts, width, 2))]


class Alarms(NodePanel):
    """What an operator should do something about; each says what."""

    now_ns: reactive[int] = reactive(0)

    def _alarm(self, alarm: Alarm, width: int) -> list[Content]:
        texts = texts_of(self)
        since = texts("node.ago", age=age(texts, self.now_ns - alarm.since_ns)) if alarm.since_ns else ""
        page = ALARMS_BY_NAME.get(alarm.page)
        mark, named = "■" if alarm.code == HALTED else "⚠", f"{alarm.code} {alarm.detail}".strip()
        what = texts.either(page.what_en, page.what_zh) if page else named
        rows = wrap(f"{mark} {what}", max(width - width_of(since) - 2, 1))
        head = spread(line(rows[0], "$bad-text bold"), line(since, "$muted"), width)
        more = [*rows[1:], *(wrap(f"  {named}", width) if page else ())]
        todo = texts.known(
            f"alarm.{alarm.page}", texts.either(page.do_en, page.do_zh) if page else texts("alarm.other")
        )
        steps = [line(f"  {'  ' if at else '→ '}{row}") for at, row in enumerate(wrap(todo, width - 4))]
        return [head, *(line(row, "$bad-text") for row in more), *steps]

    def lines(self, width: int) -> Sequence[Content]:
        """The halt first of all."""
        texts, node = texts_of(self), self.node
        lines = [rule(texts("node.alarms"), width)]
        if node is None:
            return lines
        if node.network.link is Link.HALTED and all(alarm.code != HALTED for alarm in node.alarms):
            reason = texts("node.halted", reason=node.network.halted_reason)
            lines += [line(row, "$bad-text bold") for row in wrap(f"■ {reason}", width)]
        for alarm in node.alarms[:20]:
            lines += self._alarm(alarm, width)
        if len(lines) == 1 and node.network.link is Link.OFFLINE:
            lines += [line(row, "$warn-text") for row in wrap(texts("node.alone"), width)]
        elif len(lines) == 1:
            lines.append(line(texts("node.no_alarms"), "$good-text", width=width))
        return lines


class Watched(NodePanel):
    """Who is frozen and whom an alert rule told of: what a regulator looks at first. Nothing where nothing is."""

    def lines(self, width: int) -> Sequence[Content]:
        """The latest ones."""
        texts, rows = texts_of(self), () if self.node is None else self.node.watched
        # What is there on the smallest screens must stay in sight without scrolling; the ledger tells these as well.
        if not rows or self.screen.size.height < ROOMY_ROWS:
            return []
        lines = [rule(texts("node.watched"), width)]
        for row in rows:
            tone = "$muted" if row.kind == "released" else "$warn-text bold"
            words = texts.known(f"watched.{row.kind}", "{subject} {name}")
            said = words.format(subject=short(row.subject, 12), name=row.name)
            mark = "○" if row.kind == "released" else "⚠"
            lines.append(
                spread(line(f"{mark} {said}", tone), line(f"{row.height:,}" if row.height else "", "$muted"), width)
            )
        return [Content(), *lines]


class Upstreams(NodePanel):
    """Whom this node follows: a mark, the verdict in words, the height they claim."""

    def _rows(self, row: UpstreamRow, width: int) -> list[Content]:
        texts = texts_of(self)
        if row.verdict:
            known = texts.known(f"verdict.{row.verdict}", texts("verdict.unknown", code=row.verdict))
            mark, words, style = "✗", known, "$bad-text"
        elif row.connected:
            mark, words, style = "●", texts("node.trusted"), "$good-text"
        else:
            mark, words, style = "○", texts("node.unreachable"), "$warn-text"
        if row.connected and row.latency_ms and not row.verdict:
            words += f" · {texts('node.latency', count=row.latency_ms)}"
        if row.version and (width < TWO_LINES or width >= ROOM_FOR_VERSIONS):
            words += f" · {row.version}"
        address, height = row.address.removeprefix("ws://").removesuffix("/websocket"), f"{row.height:,}"
        room = width - width_of(height) - 3
        if width < TWO_LINES:
            head = Content.assemble((f"{mark} ", style), fit(address, room), " ", height)
            return [head, line(f"  {words}", style, width=width)]
        column = min(room // 2, 30)
        told = fit(words, max(room - column - 1, 0))
        return [Content.assemble((f"{mark} ", style), fit(address, column), " ", (told, style), " ", height)]

    def lines(self, width: int) -> Sequence[Content]:
        """One row each, two where it is narrow."""
        texts, node = texts_of(self), self.node
        lines = [rule(texts("node.upstreams"), width)]
        if node is None:
            return lines
        if not node.upstreams:
            lines.append(line(texts("node.none_followed"), "$muted", width=width))
        return [*lines, *(drawn for row in node.upstreams[:40] for drawn in self._rows(row, width))]


class Validators(NodePanel):
    """Whose signatures make blocks, and who signed the tip."""

    def _row(self, row: ValidatorRow, width: int) -> Content:
        texts = texts_of(self)
        mark, words, style = ("✓", texts("node.signed"), "$good-text")
        if not row.signed:
            mark, words, style = "○", texts("node.not_signed"), "$warn-text"
        power = f"{row.power:>8,}"
        room = max(width - width_of(words) - width_of(power) - 5, 6)
        return Content.assemble((f"{mark} ", style), fit(row.address, room), " ", power, "  ", (words, style))

    def lines(self, width: int) -> Sequence[Content]:
        """One row each."""
        lines = [rule(texts_of(self)("node.validators"), width)]
        return [*lines, *(self._row(row, width) for row in (self.node.validators if self.node else ())[:100])]


class NodeScreen(Page):
    """Asked every two seconds while it is looked at."""

    NAME: ClassVar[str] = "node"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("up,k", "scroll(-1)", "panel.up", show=False),
        key("down,j", "scroll(1)", "panel.down", show=False),
        key("r", "refresh_node", "node.refresh"),
        SEARCH,
    ]

    def __init__(self) -> None:
        super().__init__()
        self.node: NodeView | None = None

    def content(self) -> Iterable[Widget]:
        """Alarms first; below, itself to the left and the others to the right, or all in one column."""
        left = Stack(Facts(id="overview"), Pace(id="pace"), id="node-left")
        right = Stack(Upstreams(id="upstreams"), Validators(id="validators"), id="node-right")
        both = Room(left, right, id="node-both")
        yield VerticalScroll(Alarms(id="alarms"), both, Watched(id="watched"), id="node", can_focus=False)

    def on_mount(self) -> None:
        """Ask at once, and again."""
        super().on_mount()
        facts = self.query_one("#overview", Facts)
        facts.heading, facts.note = "node.overview", "node.loading"
        self.set_interval(EVERY_S, self._ask_if_seen)
        self._ask()

    def on_screen_resume(self) -> None:
        """It may have moved."""
        if self.is_mounted:
            self._ask()

    def _ask_if_seen(self) -> None:
        if self.is_current:
            self._ask()

    def watch_view(self, before: CounterView | None, view: CounterView | None) -> None:
        """The link changed."""
        if self.is_current and view and before and before.network.link is not view.network.link:
            self._ask()

    def _ask(self) -> None:
        self.read(self._read, "node")

    async def _read(self) -> None:
        node = await self.console_app.till.node()
        self.node = node
        self.query_one("#overview", Facts).facts = self._overview(node)
        self.query_one("#alarms", Alarms).now_ns = self.console_app.now_ns()
        for panel in self.query(NodePanel):
            panel.node = node

    def retranslate(self) -> None:
        """The overview holds words."""
        super().retranslate()
        if self.node is not None:
            self.query_one("#overview", Facts).facts = self._overview(self.node)

    def _overview(self, node: NodeView) -> tuple[Fact, ...]:
        texts, network = self.console_app.texts, node.network
        mark, tone = LINK_MARKS[network.link]
        height = f"{network.known_height:,}"
        facts = [
            Fact("node.moniker", f"{node.moniker} · {texts(f'node.{node.mode}')}"),
            Fact("node.chain", network.chain_id),
            Fact("node.height", f"{mark} {texts(f'link.{network.link.value}')} · {height}", tone),
        ]
        if network.target_height > network.known_height:
            share = network.known_height * 100 // network.target_height
            bar = "━" * (share // 10) + "─" * (10 - share // 10)
            facts.append(Fact("node.progress", f"{bar} {share} % / {network.target_height:,}", "warn"))
        if network.tip_time_ns:
            passed = self.console_app.now_ns() - network.tip_time_ns
            facts.append(Fact("node.tip_age", texts("node.ago", age=age(texts, passed))))
        verified = texts(
            "node.verified_value", blocks=f"{node.verified_blocks:,}", signatures=f"{node.verified_signatures:,}"
        )
        waiting = texts(
            "node.mempool_value", count=f"{node.mempool_transactions:,}", size=size_of(node.mempool_bytes)
        )  # fmt: skip
        return (
            *facts,
            Fact("node.verified", verified),
            Fact("node.mempool", waiting),
            Fact("node.store", f"{size_of(node.store_bytes)} · {node.version}"),
            Fact("node.app_hash", short(node.app_hash, 20), "muted"),
        )

    def action_refresh_node(self) -> None:
        """Ask again."""
        self.told(None)
        self._ask()

    def action_scroll(self, by: int) -> None:
        """Up or down."""
        self.query_one("#node").scroll_relative(y=by * 3, animate=False)

"""How a node is and who is there: the first two parts of the operator's screen, and what all parts share.

They show what they are handed; they know no node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.reactive import var

from chainpos.console.cells import fit
from chainpos.console.context import surroundings, texts_of
from chainpos.console.phrases import LINK_MARKS, age, short, size_of
from chainpos.console.screens.node import Alarms, NodePanel, Upstreams, Validators
from chainpos.console.widgets.facts import Fact, Facts
from chainpos.console.widgets.ground import Stack
from chainpos.console.widgets.lines_panel import line, rule
from chainpos.console.widgets.plot import Plot
from chainpos.inspect.views import NodeView

KEPT_SAMPLES = 240


def milliseconds(value: int) -> str:
    """ "140 ms", "2.5 s"; a minute in which nothing waited has none."""
    if not value:
        return "–"
    return f"{value:,} ms" if value < 1_000 else f"{value / 1_000:.1f} s"


class Part(Container):
    """One part; `node` is the newest report."""

    node: var[NodeView | None] = var(None)

    def watch_node(self, node: NodeView | None) -> None:
        """Hand it down."""
        for panel in self.query(NodePanel):
            panel.node = node


class Overview(Part):
    """Alarms first; then how it stands, and how it went lately."""

    def __init__(self, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._waiting: list[int] = []

    def compose(self) -> ComposeResult:
        """Two columns where there is room."""
        facts = Facts(id="overview")
        facts.heading, facts.note = "node.overview", "node.loading"
        plots = (
            Plot("operator.payments_minute", "{:,}".format, id="plot-payments"),
            Plot("operator.blocks_minute", "{:,}".format, id="plot-blocks"),
            Plot("operator.finality", milliseconds, note="operator.not_told", id="plot-finality"),
            Plot("operator.waiting", "{:,}".format, id="plot-waiting"),
        )
        with VerticalScroll(classes="scrolled", can_focus=False):
            yield Alarms(id="alarms")
            with Container(classes="columns"):
                yield Stack(facts, classes="left")
                yield Stack(*plots)

    def sample(self, node: NodeView) -> None:
        """What a plot remembers goes on while another part is looked at."""
        self._waiting = [*self._waiting, node.mempool_transactions][-KEPT_SAMPLES:]

    def watch_node(self, node: NodeView | None) -> None:
        """The plots too."""
        super().watch_node(node)
        if node is None:
            return
        for name, values in (
            ("payments", node.transactions_per_minute),
            ("blocks", node.blocks_per_minute),
            ("finality", node.finality_ms if any(node.finality_ms) else ()),
            ("waiting", tuple(self._waiting)),
        ):
            self.query_one(f"#plot-{name}", Plot).values = values
        self.query_one("#alarms", Alarms).now_ns = surroundings(self).now_ns()
        self.query_one("#overview", Facts).facts = tuple(self._facts(node))

    def on_resize(self) -> None:
        """Taller plots where there is room for them."""
        rows = 2 if self.size.height < 28 else 4
        for plot in self.query(Plot):
            plot.rows = rows

    def _facts(self, node: NodeView) -> Iterable[Fact]:
        around, network = surroundings(self), node.network
        texts, now_ns = around.texts, around.now_ns()
        mark, tone = LINK_MARKS[network.link]
        yield Fact("node.moniker", f"{node.moniker} · {texts(f'node.{node.mode}')}")
        yield Fact("node.chain", network.chain_id)
        yield Fact("node.height", f"{mark} {texts(f'link.{network.link.value}')} · {network.known_height:,}", tone)
        if network.target_height > network.known_height:
            share = network.known_height * 100 // network.target_height
            bar = "━" * (share // 10) + "─" * (10 - share // 10)
            yield Fact("node.progress", f"{bar} {share} % / {network.target_height:,}", "warn")
        if network.tip_time_ns:
            yield Fact("node.tip_age", texts("node.ago", age=age(texts, now_ns - network.tip_time_ns)))
        if node.generic:
            yield Fact("operator.source", texts("operator.generic"), "warn")
        else:
            yield Fact(
                "node.verified",
                texts(
                    "node.verified_value",
                    blocks=f"{node.verified_blocks:,}",
                    signatures=f"{node.verified_signatures:,}",
                ),
            )
            yield Fact("operator.up", age(texts, now_ns - node.started_ns))
            yield Fact("node.store", size_of(node.store_bytes))
        yield Fact(
            "node.mempool",
            texts("node.mempool_value", count=f"{node.mempool_transactions:,}", size=size_of(node.mempool_bytes)),
        )
        yield Fact("operator.peers", self._peers(node))
        signed = sum(row.power for row in node.validators if row.signed)
        power = sum(row.power for row in node.validators)
        if power:
            low = signed * 3 <= power * 2
            told = texts("operator.signed_value", count=len(node.validators), share=signed * 100 // power)
            yield Fact("operator.signed", told, "bad" if low else "")
        yield Fact("operator.version", node.version)
        yield Fact("node.app_hash", short(node.app_hash, 20), "muted")

    def _peers(self, node: NodeView) -> str:
        texts = texts_of(self)
        if node.generic:
            return texts("operator.peers_value", count=len(node.peers))
        good = sum(row.connected and not row.verdict for row in node.upstreams)
        return texts("operator.upstreams_value", good=good, count=len(node.upstreams))


class Peers(NodePanel):
    """Whom a node is connected to, in its own words."""

    def lines(self, width: int) -> Sequence[Content]:
        """One row each; nothing where the node told of upstreams instead."""
        texts, node = texts_of(self), self.node
        if node is None or not node.generic:
            return []
        lines = [rule(texts("operator.connected_to", count=len(node.peers)), width)]
        for row in node.peers:
            way = "→" if row.outbound else "←"
            column = max((width - 4) // 3, 8)
            cells = [fit(each, column) for each in (row.moniker, row.address, row.version)]
            lines.append(line(f"{way} {' '.join(cells)}", width=width))
        return lines if node.peers else [*lines, line(texts("operator.no_peers"), "$muted", width=width)]


class NetworkPart(Part):
    """Who makes blocks and who signed; whom this node follows and what it thinks of them."""

    def compose(self) -> ComposeResult:
        """Two columns where there is room."""
        with VerticalScroll(classes="scrolled", can_focus=False), Container(classes="columns"):
            yield Stack(Validators(id="validators"), classes="left")
            yield Stack(Upstreams(id="upstreams"), Peers(id="peers"))

    def watch_node(self, node: NodeView | None) -> None:
        """A foreign node's peers stand where upstreams would."""
        super().watch_node(node)
        self.query_one("#upstreams").display = node is None or not node.generic

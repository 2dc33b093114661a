"""The bar on top of every screen: whose counter this is, and whether what it shows can be trusted to be current."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import width_of
from chainpos.console.context import texts_of
from chainpos.console.phrases import LINK_MARKS
from chainpos.console.widgets.lines_panel import LinesPanel, line, spread
from chainpos.till.views import Link, NetworkView, ShopView


class StatusBar(LinesPanel):
    """One line. The link's state is a shape, a word and a colour; each alone tells it."""

    shop: reactive[ShopView | None] = reactive(None)
    network: reactive[NetworkView | None] = reactive(None)
    silent: reactive[bool] = reactive(False)

    def watch_network(self, network: NetworkView | None) -> None:
        """The colour follows the link."""
        for link in Link:
            self.set_class(network is not None and network.link is link, f"-{link.value}")

    def _link(self, width: int) -> Content:
        texts = texts_of(self)
        if self.network is None:
            return line(texts("status.starting"))
        link = self.network.link
        mark, _ = LINK_MARKS[link]
        for key in (f"status.{link.value}", f"status.{link.value}_short"):
            words = texts(key, height=f"{self.network.known_height:,}", target=f"{self.network.target_height:,}")
            if width_of(words) + 2 <= max(width * 2 // 3, 18):
                break
        return line(f"{mark} {words}", "bold")

    def lines(self, width: int) -> Sequence[Content]:
        """Shop and till to the left, the link to the right."""
        texts = texts_of(self)
        right = self._link(width)
        if self.silent:
            right = Content.assemble(line(texts("status.silent")), "  ", right)
        left = Content()
        if self.shop is not None:
            name = texts.either(self.shop.name_en, self.shop.name_zh)
            left = Content.assemble(line(name, "bold"), line(f" · {self.shop.till}"))
            if self.shop.demo:
                left = Content.assemble(line(f"{texts('status.demo')} · "), left)
        return [spread(left, right, width)]

"""The bar on top of every screen: whose counter this is, and whether what it shows can be trusted to be current."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import width_of
from chainpos.console.context import texts_of
from chainpos.console.phrases import LINK_MARKS
from chainpos.console.widgets.lines_panel import LinesPanel, line, spread
from chainpos.console.widgets.shift_figures import named
from chainpos.till.views import Link, NetworkView, PrinterView, ShopView


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Whose console it is and how that stands: a shop's counter, or a chain that is looked into.

    `looked_into` names that chain where there is no shop; `as_of` is its height where there is no network.
    `may_change` says that this console may do more than look; `set_up` is the folder of a till that is being set up.
    `staff` is who is signed in, where people are told apart.
    """

    network: NetworkView | None = None
    shop: ShopView | None = None
    looked_into: str = ""
    as_of: int = 0
    printer: PrinterView = PrinterView()
    may_change: bool = False
    set_up: str = ""
    staff: str = ""


class StatusBar(LinesPanel):
    """One line. The link's state is a shape, a word and a colour; each alone tells it."""

    status: reactive[Status | None] = reactive(None)
    silent: reactive[bool] = reactive(False)

    @property
    def network(self) -> NetworkView | None:
        """How the node stands to the network."""
        return None if self.status is None else self.status.network

    def watch_status(self) -> None:
        """The colour follows the link."""
        for link in Link:
            self.set_class(self.network is not None and self.network.link is link, f"-{link.value}")

    def _link(self, width: int) -> Content:
        texts = texts_of(self)
        if self.status is not None and self.status.set_up:
            return Content()
        if self.network is None:
            as_of = 0 if self.status is None else self.status.as_of
            return line(texts("status.as_of", height=f"{as_of:,}") if as_of else texts("status.starting"), "bold")
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
        if self.status is not None and self.status.printer.problem:
            right = Content.assemble(line(f"▤ {texts('status.no_printer')}"), "  ", right)
        left = Content()
        shop = None if self.status is None else self.status.shop
        if self.status is not None and self.status.looked_into:
            what = texts("status.operating" if self.status.may_change else "status.read_only")
            left = Content.assemble(line(what, "bold"), line(f" · {self.status.looked_into}"))
        if self.status is not None and self.status.set_up:
            left = Content.assemble(line(texts("setup.status"), "bold"), line(f" · {self.status.set_up}"))
        if shop is not None:
            name = texts.either(shop.name_en, shop.name_zh) or shop.merchant
            staff = f" · {named(texts, self.status.staff)}" if self.status is not None and self.status.staff else ""
            left = Content.assemble(line(name, "bold"), line(f" · {shop.till}{staff}"))
            if shop.demo:
                left = Content.assemble(line(f"{texts('status.demo')} · "), left)
        return [spread(left, right, width)]

"""What the offices have in hand, a part of the operator's screen: proposals, freezes, keys being replaced, alerts.

It shows what it is handed; it knows no node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive

from chainpos.console.context import surroundings, texts_of
from chainpos.console.phrases import day_and_clock, short
from chainpos.console.screens.operator_overview import Part
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule, spread
from chainpos.inspect.offices import AlertRow, FreezeRow, OfficesView, ProposalRow, RecoveryRow

FRESH_NS = 5_000_000_000
ADDRESS_SHOWN = 16


class InHand(LinesPanel):
    """Four lists below each other; each row says what, by whom, and until when."""

    view: reactive[OfficesView | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """A list that is empty says so."""
        texts, view = texts_of(self), self.view
        if view is None:
            return [line(texts("node.loading"), "$muted", width=width)]
        rows: list[Content] = []
        for name, found in (
            ("proposals", [each for row in view.proposals for each in self._proposal(row, width)]),
            ("freezes", [each for row in view.freezes for each in self._freeze(row, width)]),
            ("recoveries", [each for row in view.recoveries for each in self._recovery(row, width)]),
            ("alerts", [self._alert(row, width) for row in view.alerts]),
        ):
            rows += [rule(texts(f"offices.{name}"), width)]
            rows += found or [line(texts(f"offices.no_{name}"), "$muted", width=width)]
        return [*rows, line(texts("offices.as_of", height=f"{view.height:,}"), "$muted", width=width)]

    def _until(self, key: str, time_ns: int) -> Content:
        return line(texts_of(self)(f"offices.{key}", time=day_and_clock(time_ns, surroundings(self).zone)), "$muted")

    def _proposal(self, row: ProposalRow, width: int) -> Iterable[Content]:
        texts = texts_of(self)
        yield spread(line(f"#{row.number} {row.title}", "bold"), self._until("until", row.expires_ns), width)
        needs = " · ".join(
            texts("offices.need", role=need.role, approved=need.approved, needed=need.needed) for need in row.needs
        )
        yield line(f"   {row.kind} · {needs}", "$muted", width=width)

    def _freeze(self, row: FreezeRow, width: int) -> Iterable[Content]:
        texts = texts_of(self)
        named = f"⚠ {_subject(row.subject)} · {row.legal_reference}"
        yield spread(line(named, "$warn-text bold"), self._until("until", row.until_ns), width)
        words = texts("offices.agreed" if row.is_agreed else "offices.alone")
        if row.release:
            words = f"{words} · {texts('offices.release', order=row.release)}"
        yield line(f"   {words}", "$muted", width=width)

    def _recovery(self, row: RecoveryRow, width: int) -> Iterable[Content]:
        texts = texts_of(self)
        yield spread(line(_subject(row.subject), "bold"), self._until("locked", row.ready_ns), width)
        words = texts("offices.upheld", ruling=row.upheld_by) if row.upheld_by else texts("offices.may_object")
        yield line(f"   {words}", "$muted", width=width)

    def _alert(self, row: AlertRow, width: int) -> Content:
        said = texts_of(self)("offices.alert", rule=row.rule, account=_subject(row.account), count=row.count)
        return spread(line(said), line(day_and_clock(row.time_ns, surroundings(self).zone), "$muted"), width)


def _subject(name: str) -> str:
    return short(name, ADDRESS_SHOWN)


class OfficesPart(Part):
    """All that needs an office's hand, or that one should see."""

    def __init__(self, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._shown_ns = 0

    def compose(self) -> ComposeResult:
        """One panel, scrolled where it is longer than the screen."""
        with VerticalScroll(classes="scrolled", can_focus=False):
            yield InHand(id="in-hand")

    def is_old(self, now_ns: int) -> bool:
        """Whether it is time to ask again."""
        return now_ns - self._shown_ns > FRESH_NS

    def show(self, view: OfficesView, now_ns: int) -> None:
        """The newest view."""
        self._shown_ns = now_ns
        self.query_one("#in-hand", InHand).view = view

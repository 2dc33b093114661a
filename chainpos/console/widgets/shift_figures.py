"""A shift in figures: what came in and went back, the drawer, what does not agree, and the takings by hour as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.reactive import reactive

from chainpos.console.cells import width_of, wrap
from chainpos.console.context import surroundings, texts_of
from chainpos.console.language import Texts
from chainpos.console.phrases import Tone, day_and_clock
from chainpos.console.widgets.facts import tone_style
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule, spread
from chainpos.core.values.amount import Amount, format_amount
from chainpos.till.shift_views import DifferenceView, Figure, ShiftView

EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
BAR_ROWS: Final = 3
# On a high screen a small difference can be seen too.
HIGH_ROWS: Final = 8
HIGH_SCREEN: Final = 34
MOST_DIFFERENCES: Final = 6


class ShiftHead(LinesPanel):
    """Which shift, since when, by whom; its figures in two columns where there is room."""

    shift: reactive[ShiftView | None] = reactive(None, layout=True)

    def _title(self, texts: Texts, view: ShiftView, width: int) -> list[Content]:
        """In one line where it fits, else in two."""
        zone = surroundings(self).zone
        if not view.number:
            return [line(texts("shift.none"), "bold", width=width)]
        opened = texts("shift.opened", time=day_and_clock(view.opened_ns, zone), name=named(texts, view.opened_by))
        head = texts("shift.open_title" if view.is_open else "shift.closed_title", number=view.number)
        if width_of(head) + 2 + width_of(opened) <= width:
            return [Content.assemble(line(head, "$accent bold"), "  ", line(opened, "$muted"))]
        return [line(head, "$accent bold", width=width), line(opened, "$muted", width=width)]

    def lines(self, width: int) -> Sequence[Content]:
        """The title, then the figures."""
        texts, view = texts_of(self), self.shift
        if view is None:
            return [line(texts("shift.loading"), "$muted", width=width)]
        lines = self._title(texts, view, width)
        if not view.number:
            return [*lines, *(line(row, "$muted") for row in wrap(texts("shift.none_detail"), width))]
        if not view.is_open:
            told = closing(texts, view, self)
            lines += [line(row, tone_style(tone)) for words, tone in told for row in wrap(words, width)]
        lines += disagreements(texts, view, width)
        cells = figures_of(texts, view)
        columns = 2 if width >= 64 else 1
        wide = (width - 3 * (columns - 1)) // columns
        rows = (len(cells) + columns - 1) // columns
        for row in range(rows):
            parts = [cells[at] for at in range(row, len(cells), rows)]
            joined: list[Content | str] = []
            for label, value, tone in parts:
                joined += ["   " if joined else "", spread(line(label, "$muted"), line(value, tone_style(tone)), wide)]
            lines.append(Content.assemble(*joined))
        return lines


class HourBars(LinesPanel):
    """Takings by the hour, as bars: a look says when the rush was."""

    shift: reactive[ShiftView | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """A few rows of bars, the hours below; nothing where nothing was sold."""
        view = self.shift
        hours = _every_hour(view.by_hour) if view is not None else []
        if view is None or not hours:
            return []
        texts, wide = texts_of(self), 3
        hours = hours[: max((width - 1) // wide, 1)]
        most = max([1, *(minor for _, minor in hours)])
        top = format_amount(Amount(most, view.currency))
        lines = [rule(texts("shift.by_hour", most=top), width)]
        rows = HIGH_ROWS if self.screen.size.height >= HIGH_SCREEN else BAR_ROWS
        heights = [minor * rows * 8 // most if minor > 0 else 0 for _, minor in hours]
        # What is not nothing shows as something.
        heights = [max(height, 1) if minor > 0 else 0 for height, (_, minor) in zip(heights, hours, strict=True)]
        for row in reversed(range(rows)):
            cells = (EIGHTHS[min(max(height - 8 * row, 0), 8)] * 2 + " " for height in heights)
            lines.append(line("".join(cells), "$accent"))
        lines.append(line("".join(f"{name} " for name, _ in hours), "$muted", width=width))
        return lines


def named(texts: Texts, name: str) -> str:
    """A person as the book names them; the owner in this language."""
    return texts("staff.owner") if name == "owner" else name


def disagreements(texts: Texts, view: ShiftView, width: int) -> list[Content]:
    """What does not agree, what it means, what to do; or that all agrees. A few at most: the list has them all."""
    if not view.differences:
        return [line(texts("shift.agrees"), "$good-text bold", width=width)]
    lines = [line(texts("shift.differs", count=len(view.differences)), "$bad-text bold", width=width)]
    for each in view.differences[:MOST_DIFFERENCES]:
        lines += [line(row) for row in wrap(told_difference(texts, each, view.currency), width)]
    return lines


def told_difference(texts: Texts, each: DifferenceView, currency: str) -> str:
    """Of what, what it means, both figures, the next step."""
    what = texts.either(each.sentence.what_en, each.sentence.what_zh)
    step = texts.either(each.sentence.next_en, each.sentence.next_zh)
    figures = ""
    if each.book_minor != each.ledger_minor:
        figures = f" {signed(each.book_minor, currency)} / {signed(each.ledger_minor, currency)}"
    head = f"{each.reference}: " if each.reference else ""
    return f"✗ {head}{what}{figures} {step}"


def signed(minor: int, currency: str, *, with_currency: bool = False) -> str:
    """An amount that may be below zero."""
    text = format_amount(Amount(abs(minor), currency), with_currency=with_currency)
    return f"-{text}" if minor < 0 else text


def closing(texts: Texts, view: ShiftView, panel: LinesPanel) -> list[tuple[str, Tone]]:
    """When it was closed, and whether its report is on the ledger."""
    zone = surroundings(panel).zone
    closed = texts("shift.closed", time=day_and_clock(view.closed_ns, zone), name=named(texts, view.closed_by))
    if view.anchor_height > 0:
        anchored: tuple[str, Tone] = (texts("shift.anchored", height=f"{view.anchor_height:,}"), "good")
    elif view.anchor_height < 0:
        anchored = (texts("shift.other_anchor"), "bad")
    else:
        anchored = (texts("shift.not_anchored"), "warn")
    return [(closed, "muted"), anchored]


def figures_of(texts: Texts, view: ShiftView) -> list[tuple[str, str, Tone]]:
    """Label, value and tone of each figure; tenders by name, then the drawer."""
    money, zero = view.currency, Amount(0, view.currency)
    cells: list[tuple[str, str, Tone]] = [
        (texts("shift.received"), format_amount(view.received or zero, with_currency=False), "good"),
        (texts("shift.returned"), format_amount(view.returned or zero, with_currency=False), "warn"),
        (texts("shift.fees"), signed(view.fees_minor, money), "muted"),
        (texts("shift.net"), signed(view.net_minor, money), "accent"),
    ]
    if view.tips is not None and view.tips.minor:
        cells.append((texts("shift.tips"), format_amount(view.tips, with_currency=False), ""))
    for each in view.by_tender:
        label = texts("shift.tender", name=texts.known(f"tender.{each.name}", each.name), count=each.count)
        cells.append((label, signed(each.received.minor - each.returned.minor, money), ""))
    if len(view.by_staff) > 1:
        for each in view.by_staff:
            label = texts("shift.by", name=named(texts, each.name) or "–", count=each.count)
            cells.append((label, signed(each.received.minor - each.returned.minor, money), "muted"))
    for each in view.by_tax:
        # What was keyed has no rate, and so no tax to tell.
        if each.name:
            percent = f"{each.percent} %"
            cells.append((texts("shift.tax", rate=percent), signed(each.tax_minor, money), "muted"))
            if each.tax_back_minor:
                kind = "shift.tax_back" if each.tax_back_minor > 0 else "shift.tax_denied"
                cells.append((texts(kind, rate=percent), signed(-each.tax_back_minor, money), "muted"))
    if view.requests:
        unpaid_minor = sum(each.amount.minor for each in view.requests)
        cells.append((texts("shift.unpaid", count=len(view.requests)), signed(unpaid_minor, money), "muted"))
    cells += [
        (texts("shift.float"), format_amount(view.float_amount or zero, with_currency=False), ""),
        (texts("shift.put_in"), format_amount(view.put_in or zero, with_currency=False), ""),
        (texts("shift.taken_out"), format_amount(view.taken_out or zero, with_currency=False), ""),
        (texts("shift.expected"), signed(view.expected_minor, money), ""),
    ]
    if view.counted is not None:
        over = view.counted.minor - view.expected_minor
        cells.append((texts("shift.counted"), format_amount(view.counted, with_currency=False), ""))
        cells.append((texts("shift.drawer_difference"), signed(over, money), "bad" if over else "good"))
    return cells


def _every_hour(sums: Sequence[Figure]) -> list[tuple[str, int]]:
    """Every hour from the first with takings to the last, those without among them."""
    found = {int(each.name): each.received.minor - each.returned.minor for each in sums}
    if not found:
        return []
    return [(f"{hour:02d}", found.get(hour, 0)) for hour in range(min(found), max(found) + 1)]

"""A case file, opened: every check by its name, then the payment's timeline and trace out of the file itself.

It refuses to show what is in a file of which one check does not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from textual import on
from textual.widget import Widget

from chainpos.console.phrases import Tone
from chainpos.console.screens.looking import About, Looking
from chainpos.console.screens.timeline import TimelineScreen
from chainpos.console.screens.trace import TraceScreen
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.notice import Told
from chainpos.inspect.case_open import Opened
from chainpos.inspect.words import words_in


class CaseRow(msgspec.Struct, frozen=True):
    """One row; `leads` is "timeline", "trace" or nothing."""

    name: str
    value: str = ""
    tone: Tone = ""
    leads: str = ""
    heading: bool = False


class CaseScreen(Looking):
    """The file at `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.opened: Opened | None = None

    def heading(self) -> str:
        """The file's name."""
        return self.console_app.texts("case.of", name=self.path.name)

    def inside(self) -> Iterable[Widget]:
        """Rows."""
        self.rows: LineList[CaseRow] = LineList(
            (Column("", 26), Column("", 0)), self._cells, lambda row: (row.name, row.value), id="rows"
        )
        yield self.rows

    def on_mount(self) -> None:
        """Verify it."""
        super().on_mount()
        self.rows.focus()
        self.asking(self._read, "case")

    def retranslate(self) -> None:
        """Rows are words."""
        super().retranslate()
        self._show()

    async def _read(self) -> None:
        self.opened = await self.desk.open_case(self.path)
        texts = self.console_app.texts
        if self.opened.verified:
            self.told(Told(texts("case.verified"), good=True))
        else:
            wrong = next(check for check in self.opened.checks if not check.holds)
            told = words_in(texts.language).told
            detail = told(wrong.detail)
            if self.opened.elsewhere:
                what, next_step = texts("case.elsewhere"), texts("case.elsewhere_next")
                detail = f"{detail[:1].upper()}{detail[1:]}{texts.either('.', '。')}"
            else:
                what, next_step = texts("case.not_verified", part=told(wrong.name)), texts("case.do_not_rely")
            self.told(Told(what, detail, next_step))
        self._show()

    def _show(self) -> None:
        self.rows.show(self._rows(), empty=lambda: self.console_app.texts("case.verifying"))

    def _rows(self) -> tuple[CaseRow, ...]:
        texts, opened = self.console_app.texts, self.opened
        words = words_in(texts.language)
        told = words.told
        if opened is None:
            return ()
        rows: list[CaseRow] = []
        case = opened.case if opened.verified else None
        if case is not None:
            rows += [
                CaseRow(texts("case.payment"), heading=True),
                CaseRow(texts("case.reference"), case.reference),
                CaseRow(texts("case.chain"), case.chain_id),
                CaseRow(texts("case.as_of"), f"{case.as_of:,}"),
                CaseRow(texts("case.timeline"), texts("case.moments", count=len(case.timeline.moments)), "accent",
                        "timeline"),
            ]  # fmt: skip
            if case.trace is not None:
                ended = (
                    f"{case.trace.code} {words.check(case.trace.name)}" if case.trace.code else texts("ledger.accepted")
                )
                steps = texts("case.steps", count=len(case.trace.steps), ended=ended)
                rows.append(CaseRow(texts("case.trace"), steps, "accent", "trace"))
        rows.append(CaseRow(texts("case.checks"), heading=True))
        rows += [
            CaseRow(
                "✓" if check.holds else "✗", f"{told(check.name)}  {told(check.detail)}".rstrip(),
                "good" if check.holds else "bad",
            )
            for check in opened.checks
        ]  # fmt: skip
        if case is not None:
            rows.append(CaseRow(texts("case.left_out"), heading=True))
            rows += [CaseRow("", told(each), "muted") for each in case.left_out]
            if case.stated:
                rows.append(CaseRow("", texts("case.stated", count=len(case.stated)), "warn"))
        return tuple(rows)

    def _cells(self, row: CaseRow) -> Sequence[Cell]:
        if row.heading:
            return ((row.name.upper(), "accent"), ("", ""))
        value = f"{row.value}{' ›' if row.leads else ''}"
        return ((f"  {row.name}", row.tone or "muted"), (value, row.tone))

    @on(LineList.Chosen, "#rows")
    def chosen(self) -> None:
        """Into the timeline or the trace, as the file has them."""
        row = self.rows.present
        case = self.opened.case if self.opened is not None and self.opened.verified else None
        if row is None or case is None:
            return
        if row.leads == "timeline":
            self.app.push_screen(TimelineScreen(case.reference, case.timeline))
        elif row.leads == "trace" and case.trace is not None:
            self.app.push_screen(TraceScreen(case.trace.height, case.trace.index, trace=case.trace))

    def about(self) -> About:
        """Its code, to be explained."""
        case = self.opened.case if self.opened is not None and self.opened.verified else None
        code = case.trace.code if case is not None and case.trace is not None else 0
        return About(code=str(code) if code else "")

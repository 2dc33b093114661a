"""Support's first screen: one field for whatever the customer has in hand, and what it leads to.

Where there is nothing it says which kind of nothing, with the height that this holds as of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input

from chainpos.console.cells import wrap
from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.phrases import day_and_clock
from chainpos.console.scanner import normalised
from chainpos.console.screens.card import open_thing
from chainpos.console.screens.case_file import CaseScreen
from chainpos.console.screens.case_form import FileForm
from chainpos.console.screens.looking import About, Looking, named_refusal, texts_for
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule
from chainpos.errors import UserFacingError
from chainpos.inspect.absence import Absence
from chainpos.inspect.search import MAX_HITS, Answer, Hit
from chainpos.inspect.support import Thing
from chainpos.inspect.words import words_in

MOST_HITS = 100_000
MORE = 10
COLUMNS = (
    Column("support.kind", 11),
    Column("support.time", 19, from_width=64),
    Column("support.what", 0),
    Column("support.result", 13),
    Column("support.where", 11, right=True, from_width=100),
)


class Nothing(LinesPanel):
    """What is absent, by kind; before the first question, what can be asked."""

    answer: reactive[Answer | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """One sentence for each kind of absence, at most eight."""
        texts = texts_of(self)
        if self.answer is None:
            asked = [each for row in texts("support.examples").split("|") for each in wrap(row.strip(), width - 2)]
            return [rule(texts("support.ask"), width), *(line(f"  {each}", "$muted") for each in asked)]
        lines: list[Content] = []
        for absence in self.answer.absences[:8]:
            lines += self._absence(absence, width)
        more = len(self.answer.absences) - 8
        if more > 0:
            lines.append(line(texts("support.more_absent", count=more), "$muted", width=width))
        return [rule(texts("support.absent"), width), *lines] if lines else []

    def _absence(self, absence: Absence, width: int) -> list[Content]:
        texts = texts_of(self)
        word = texts_for(self, "absence", absence.kind)
        sentence = texts.either(absence.sentence_en, absence.sentence_zh)
        hit = self.answer.refused(absence) if self.answer else None
        which = "" if hit is None else named_refusal(texts, hit.height, hit.index, hit.summary.partition(" ")[0])
        rows = wrap(f"○ {word} · {which}{sentence}", width)
        return [line(row, "$warn-text" if not at else "") for at, row in enumerate(rows)]


class SupportScreen(Looking):
    """The field, what was found, what is absent."""

    # The list's own name for that key: it goes on down from the field.
    BINDINGS: ClassVar[list[BindingType]] = [
        key("down", "to_list", "list.down", show=False),
        key("o", "open_case", "support.open_case"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.answer: Answer | None = None
        self.limit = MAX_HITS

    def heading(self) -> str:
        """The question, once there is one."""
        texts = self.console_app.texts
        return texts("support.found", text=self.answer.text) if self.answer else texts("tab.support")

    def inside(self) -> Iterable[Widget]:
        """Top to bottom."""
        self.hits: LineList[Hit] = LineList(COLUMNS, self._cells, lambda hit: (hit.kind, hit.name), id="hits")
        yield Field(id="sought", select_on_focus=True, max_length=200)
        yield self.hits
        yield Nothing(id="nothing")

    def on_mount(self) -> None:
        """Begin in the field."""
        super().on_mount()
        self.relabel("sought", self.console_app.texts("support.hint"))
        self.query_one("#sought").focus()
        self._show()

    def retranslate(self) -> None:
        """The field's hint is a text too."""
        self.relabel("sought", self.console_app.texts("support.hint"))
        super().retranslate()

    def _cells(self, hit: Hit) -> Sequence[Cell]:
        texts = self.console_app.texts
        words = words_in(texts.language)
        kind, what = texts_for(self, "kind", hit.kind), f"{words.told(hit.summary)} {hit.name}".strip()
        result: Cell = ("", "")
        if hit.kind == "transaction":
            # In the first column, so that the amount at the end is not cut on a narrow screen.
            named, _, what = hit.summary.partition(" ")
            kind = words.kind(named).rpartition(".")[2].replace("_", " ")
            refused = texts("ledger.refused", code=hit.code)
            result = (f"✗ {refused}", "bad") if hit.code else (f"✓ {texts('ledger.accepted')}", "good")
        where = f"{hit.height:,}/{hit.index}" if hit.index >= 0 else f"{hit.height:,}"
        return (
            (kind, "accent"),
            (day_and_clock(hit.time_ns, self.zone), "muted"),
            (what, ""),
            result,
            (where, "muted"),
        )

    # -- asking

    @on(Input.Submitted, "#sought")
    def submitted(self) -> None:
        """Search; the list takes the cursor when there is something in it."""
        field = self.query_one("#sought", Input)
        # Enter is an action and may overtake letters that the field has not taken yet: in its own queue it waits.
        field.call_later(lambda: self.search(field.value))

    def scanned(self, code: str) -> None:
        """A receipt, or the code of a request, in the customer's hand."""
        self.search(code)

    def search(self, text: str) -> None:
        """Ask for a text, as if it had been typed."""
        # The key line says "/" also where one stands in the field, and there it is a letter.
        asked = normalised(text).strip().lstrip("/").strip()
        if not asked:
            return
        self.told(None)
        with self.prevent(Input.Changed):
            self.query_one("#sought", Input).value = asked
        self.limit = MAX_HITS
        self.asking(lambda: self._search(asked), "search")

    async def _search(self, asked: str) -> None:
        self.answer = await self.desk.search(asked, self.limit)
        self._show()
        self._follow_trail()
        if self.answer.hits and self.limit == MAX_HITS:
            self.hits.action_go(0)
            self.hits.focus()
        elif not self.answer.hits:
            # The next thing typed takes its place.
            self.query_one("#sought", Input).select_all()

    def _show(self) -> None:
        answer = self.answer
        self.query_one("#nothing", Nothing).answer = answer
        hits = answer.hits if answer else ()
        none = "support.provable" if answer is not None and self._provable(answer) else "support.no_hits"
        self.hits.show(hits, empty=lambda: self.console_app.texts(none) if answer else "")

    @on(LineList.EndReached, "#hits")
    def more(self) -> None:
        """Ten times as many, where there may be more."""
        answer = self.answer
        if answer is not None and len(answer.hits) >= self.limit and self.limit < MOST_HITS:
            self.limit = min(self.limit * MORE, MOST_HITS)
            self.asking(lambda: self._search(answer.text), "search")

    @on(LineList.Chosen, "#hits")
    def chosen(self) -> None:
        """Open it."""
        hit = self.hits.present
        if hit is not None:
            open_thing(self, Thing(hit.kind, hit.name, hit.height, hit.index))

    def about(self) -> About:
        """The hit under the cursor, where it is a payment or a transaction."""
        hit = self.hits.present if self.hits.has_focus else None
        if self.hits.has_focus and self.answer is not None and self._provable(self.answer):
            # That there is nothing can be proved to whoever says that there is.
            return About(word=self.answer.text)
        if hit is None or hit.kind not in ("transaction", "request", "sale"):
            return About()
        return About(word=hit.name, height=hit.height, index=hit.index, code=str(hit.code) if hit.code else "")

    def _provable(self, answer: Answer) -> bool:
        """Whether a case file can prove the absence: of a whole hash, and of nothing less."""
        return not answer.hits and re.fullmatch("[0-9a-fA-F]{64}", answer.text) is not None

    @on(LineList.Moved, "#hits")
    def moved(self) -> None:
        """Other questions may be possible."""
        self.refresh_bindings()

    # -- keys

    def action_to_list(self) -> None:
        """From the field into the list."""
        self.hits.focus()

    def action_open_case(self) -> None:
        """A case file that somebody sent."""

        def chosen(path: Path | None) -> None:
            if path is not None:
                self.app.push_screen(CaseScreen(path))

        self.app.push_screen(FileForm("case_open", ""), chosen)

    def action_back(self) -> None:
        """From the list back to the field."""
        self.query_one("#sought").focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is no screen behind this one; there is the field."""
        if action == "back":
            return self.hits.has_focus
        if action == "to_list":
            return self.query_one("#sought").has_focus
        return super().check_action(action, parameters)

    def tell(self, error: UserFacingError) -> None:
        """A question that cannot be answered leaves the field to ask another."""
        super().tell(error)
        self.query_one("#sought").focus()

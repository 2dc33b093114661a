"""The page of a code, in both languages: what happened, why, did money move, what to tell the customer, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from chainpos.console.cells import wrap
from chainpos.console.context import texts_of
from chainpos.console.keymap import key
from chainpos.console.language import LANGUAGES, load_texts
from chainpos.console.screens.looking import Looking
from chainpos.console.widgets.lines_panel import LinesPanel, line, rule
from chainpos.inspect.explain import Page

PARTS = ("what", "why", "money", "tell", "do")


class Explanation(LinesPanel):
    """The language of now first, the other one below it: the person at the counter may read the other."""

    code: reactive[str] = reactive("")
    page: reactive[Page | None] = reactive(None, layout=True)

    def lines(self, width: int) -> Sequence[Content]:
        """All of it."""
        texts, page = texts_of(self), self.page
        if not self.code:
            return [line(texts("support.reading"), "$muted")]
        if page is None:
            return [line(each) for each in wrap(texts("explain.unknown", code=self.code), width)]
        lines: list[Content] = []
        for language in (texts.language, *(each for each in LANGUAGES if each != texts.language)):
            told = load_texts(language)
            for part in PARTS:
                lines.append(rule(told(f"explain.{part}"), width))
                style = "bold" if part == "what" else ""
                lines += [line(each, style) for each in wrap(getattr(page, f"{part}_{language}"), width)]
            lines.append(Content())
        if page.asked:
            lines.append(rule(texts("explain.asked"), width))
            lines += [line(each, "$muted") for asked in page.asked for each in wrap(asked, width)]
        return lines


class ExplainScreen(Looking):
    """One page."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("up,k", "scroll(-1)", "panel.up", show=False),
        key("down,j", "scroll(1)", "panel.down", show=False),
    ]

    def __init__(self, code: str) -> None:
        super().__init__()
        self.page: Page | None
        self.code, self.page = code, None

    def heading(self) -> str:
        """The code and its name."""
        if self.page is None:
            return self.code
        return f"{self.page.number or ''} {self.page.name}".strip()

    def inside(self) -> Iterable[Widget]:
        """It scrolls where it is long."""
        yield VerticalScroll(Explanation(id="explanation"), id="explained", can_focus=False)

    def on_mount(self) -> None:
        """Look it up."""
        super().on_mount()
        self.asking(self._read, "explain")

    async def _read(self) -> None:
        self.page = await self.desk.explain(self.code)
        explanation = self.query_one("#explanation", Explanation)
        explanation.code, explanation.page = self.code, self.page
        self._follow_trail()

    def action_scroll(self, by: int) -> None:
        """Up or down."""
        self.query_one("#explained").scroll_relative(y=by * 3, animate=False)

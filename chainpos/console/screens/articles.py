"""Finding an article while typing: by name in both languages, pinyin initials, sku or bar code; favourites first.

A number and a star before the name are the quantity. A scan that comes while it is open goes to the counter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, NamedTuple, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from chainpos.console.context import context, texts_of
from chainpos.console.keymap import key
from chainpos.console.scanner import normalised
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.ground import Box
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.words import Words
from chainpos.core.values.amount import format_amount
from chainpos.till.views import ArticleView

MOST_FOUND = 50


class Picked(NamedTuple):
    """An article, and how much of it was typed; nothing typed is an empty text."""

    article: ArticleView
    quantity: str


class TakesScans(Protocol):
    """Where a scan goes that came while this was open."""

    def scanned(self, code: str) -> None:
        """A whole code."""

    def scan_broken(self) -> None:
        """A scan lost its end."""


class ArticleSearch(Dialog[Picked | None]):
    """Answers the article that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "close", "dialog.close"),
        key("down", "move(1)", "list.down", show=False),
        key("up", "move(-1)", "list.up", show=False),
    ]

    def __init__(self, counter: TakesScans, begun_with: str = "") -> None:
        super().__init__()
        self.counter, self.begun_with = counter, begun_with
        # The name that the list answers.
        self.answered: str | None = None
        columns = (Column("", 0), Column("", 15, from_width=60), Column("", 12, right=True))
        self.list: LineList[ArticleView] = LineList(columns, self._cells, lambda each: each.sku, id="palette-list")
        self.list.can_focus = False

    def _cells(self, article: ArticleView) -> Sequence[Cell]:
        texts = texts_of(self)
        name = texts.either(article.name_en, article.name_zh)
        other = article.name_zh if name == article.name_en else article.name_en
        star = "★ " if article.favourite else "  "
        price = texts("articles.open") if article.price is None else format_amount(article.price, with_currency=False)
        if article.by_weight and article.price is not None:
            price += f"/{article.unit}"
        return (f"{star}{name}  {other}", ""), (article.barcode or article.sku, "muted"), (price, "accent")

    def compose(self) -> ComposeResult:
        """A field and what matches."""
        with Box(classes="dialog -palette"):
            yield Words(texts_of(self)("articles.title"), classes="dialog-title")
            placeholder = texts_of(self)("articles.placeholder")
            yield Field(self.begun_with, placeholder=placeholder, id="article-search")
            yield self.list

    def on_mount(self) -> None:
        """The favourites, or what was begun with."""
        field = self.query_one(Input)
        field.focus()
        field.cursor_position = len(field.value)
        self._look()

    def _typed(self) -> tuple[str, str]:
        """The quantity and the name."""
        head, star, tail = normalised(self.query_one(Input).value).partition("*")
        plain = head.strip().replace(".", "", 1)
        return (
            (head.strip(), tail.strip()) if star and plain.isascii() and plain.isdigit() else ("", head + star + tail)
        )

    @on(Input.Changed)
    def _look(self) -> None:
        # The newest question is the one that is answered.
        find: Callable[[], Awaitable[None]] = self._find
        self.run_worker(find, name="find", group="find", exclusive=True)

    async def _find(self) -> None:
        _, name = self._typed()
        found = await context(self).till.bills.find(name, MOST_FOUND)
        self.answered = name
        text = texts_of(self)
        self.list.show(found, empty=lambda: text("articles.none" if name.strip() else "articles.no_favourites"))
        self.list.action_go(0)

    @on(Input.Submitted)
    async def _submitted(self) -> None:
        # Enter may come before the answer to the last letter did; an answer that stands has been looked through.
        if self.answered != self._typed()[1]:
            await self._find()
        self._chosen()

    @on(LineList.Chosen)
    def _chosen(self) -> None:
        if self.list.present is not None:
            self.dismiss(Picked(self.list.present, self._typed()[0]))

    def action_move(self, by: int) -> None:
        """The cursor of the list, from the field."""
        self.list.action_move(by)

    def action_close(self) -> None:
        """Nothing was chosen."""
        self.dismiss(None)

    # -- a scanner types too

    def forget(self, first: str) -> None:
        """The first key of a scan was typed before it could be told from a person's."""
        field = self.query_one(Input)
        field.value = field.value.removesuffix(first)

    def scanned(self, code: str) -> None:
        """The counter knows what to do with it."""
        self.dismiss(None)
        self.counter.scanned(code)

    def scan_broken(self) -> None:
        """The counter tells it."""
        self.dismiss(None)
        self.counter.scan_broken()

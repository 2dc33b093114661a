"""Who stands here: a name, its PIN, Enter. As the lock it covers everything and has no way around it.

It keeps a PIN no longer than one try, and shows nothing of the shop's figures while it is the lock.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from chainpos.console.context import context
from chainpos.console.keymap import key
from chainpos.console.phrases import STATE_MARKS, parts_of
from chainpos.console.scanner import normalised
from chainpos.console.screens.dialog import Dialog
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.ground import Box
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.notice import Notice, Told
from chainpos.console.widgets.words import Words
from chainpos.core.values.amount import format_amount
from chainpos.errors import UserFacingError
from chainpos.till.roles import Member

COLUMNS = (Column("staff.name", 0), Column("staff.role", 14))


class SignIn(Dialog[bool]):
    """Answers whether somebody signed in. With `locked` it is the lock."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "close", "dialog.close"),
        key("down,tab", "choose(1)", "dialog.next_field", show=False),
        key("up,shift+tab", "choose(-1)", "dialog.previous_field", show=False),
        key("f8", "app.language", "app.language", show=False),
        key("ctrl+q,ctrl+c", "app.leave", "app.quit", show=False),
    ]

    def __init__(self, *, locked: bool = False) -> None:
        super().__init__(classes="-locked" if locked else "")
        self.locked = locked
        self.trying = False

    def compose(self) -> ComposeResult:
        """The names, and a field that always has the focus."""
        self.people: LineList[Member] = LineList(COLUMNS, self._cells, lambda each: each.name, id="people")
        self.people.can_focus = False
        with Box(classes="dialog -sign-in"):
            yield Words(id="sign-title", classes="dialog-title")
            yield Words(id="sign-sale", classes="dialog-text")
            yield self.people
            yield Field(id="sign-pin", password=True, max_length=12)
            yield Words(id="sign-hint", classes="dialog-text")
            yield Notice(id="sign-notice")

    def on_mount(self) -> None:
        """Begin at whoever was here last, where that is known."""
        view = context(self).view
        if view is not None:
            self.people.styles.height = min(len(view.staff.members), 8) + 1
            self.people.show(view.staff.members, empty=lambda: "")
            names = [each.name for each in view.staff.members]
            present = view.staff.present.name if view.staff.present is not None else context(self).last_member
            self.people.cursor = names.index(present) if present in names else 0
        self.query_one("#sign-pin", Input).focus()
        self.retranslate()

    def retranslate(self) -> None:
        """Every word in the language of now."""
        texts, view = context(self).texts, context(self).view
        self.query_one("#sign-title", Words).text = texts("staff.locked" if self.locked else "staff.who")
        sale = view.sale if view is not None and self.locked else None
        words = ""
        if sale is not None:
            mark, _ = STATE_MARKS[sale.state]
            state = texts(f"sale_state.{sale.state.value}")
            words = texts("staff.sale", amount=format_amount(sale.amount), state=f"{mark} {state}")
        self.query_one("#sign-sale", Words).text = words
        self.query_one("#sign-sale", Words).display = bool(words)
        self.query_one("#sign-pin", Input).placeholder = texts("staff.pin")
        self.query_one("#sign-hint", Words).text = texts("staff.trying" if self.trying else "staff.hint")
        self.people.refresh()

    def _cells(self, member: Member) -> tuple[Cell, ...]:
        texts = context(self).texts
        name = texts("staff.owner") if member.role == "owner" else member.name
        return (name, ""), (texts(f"role.{member.role}"), "muted")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is no way out of the lock but a PIN."""
        return super().check_action(action, parameters) if action != "close" else not self.locked

    def action_choose(self, by: int) -> None:
        """Another name; what was typed is not theirs."""
        self.people.cursor += by
        self.query_one("#sign-pin", Input).value = ""

    @on(LineList.Chosen)
    @on(LineList.Moved)
    def chosen(self) -> None:
        """Clicked: the PIN is typed all the same."""
        self.query_one("#sign-pin", Input).focus()

    @on(Input.Changed)
    def typed(self) -> None:
        """A new try."""
        self.query_one("#sign-notice", Notice).told = None

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Try it, once."""
        field, member = self.query_one("#sign-pin", Input), self.people.present
        if member is None or self.trying or not field.value:
            return
        pin = normalised(field.value)
        with self.prevent(Input.Changed):
            field.value = ""
        self.trying = True
        self.retranslate()
        self.run_worker(self._try(member, pin), name="sign in")

    async def _try(self, member: Member, pin: str) -> None:
        around = context(self)
        try:
            await around.till.staff.sign_in(member.name, pin)
        except UserFacingError as error:
            what, _, next_step = parts_of(around.texts, error)
            self.query_one("#sign-notice", Notice).told = Told(what, "", next_step)
        else:
            self.dismiss(True)
        finally:
            self.trying = False
            self.retranslate()

    def action_close(self) -> None:
        """Whoever was here stays."""
        if not self.locked:
            self.dismiss(False)

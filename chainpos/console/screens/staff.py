"""Who works here: a list, and the keys that set somebody up, change a role or a PIN, and take somebody out.

It is there for the owner and for managers alone, and each change asks for their PIN.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from chainpos.console.keymap import key
from chainpos.console.screens.page import Page
from chainpos.console.screens.staff_form import StaffEntered, StaffForm
from chainpos.console.widgets.ground import Stack
from chainpos.console.widgets.line_list import Cell, Column, LineList
from chainpos.console.widgets.notice import Told
from chainpos.console.widgets.tab_line import TabLine
from chainpos.console.widgets.words import Words
from chainpos.till.roles import OWNER_MEMBER, OWNER_ROLE, Member, Right
from chainpos.till.views import CounterView

COLUMNS = (
    Column("staff.name", 0),
    Column("staff.role", 12),
    Column("staff.may", 37, from_width=72),
    Column("", 10, from_width=60),
)


class StaffScreen(Page):
    """Belongs to the shift: it has no tab of its own."""

    NAME: ClassVar[str] = "staff"
    RIGHTS: ClassVar[dict[str, Right]] = dict.fromkeys(("add", "role", "pin", "remove"), Right.STAFF)
    BINDINGS: ClassVar[list[BindingType]] = [
        key("a", "add", "staff.add"),
        key("r", "role", "staff.role"),
        key("p", "pin", "staff.pin"),
        key("delete,x", "remove", "staff.remove"),
        key("escape", "app.go('shift')", "staff.back"),
    ]

    def content(self) -> Iterable[Widget]:
        """The people, and what to know."""
        self.people: LineList[Member] = LineList(COLUMNS, self._cells, lambda each: each.name, id="staff-list")
        yield Stack(self.people, Words(id="staff-note"), id="staff")

    def on_mount(self) -> None:
        """Arrows at once."""
        super().on_mount()
        self.people.focus()

    def show_places(self) -> None:
        """The tab of the shift is the present one."""
        super().show_places()
        self.query_one("#tabs", TabLine).current = "shift"

    def watch_view(self, before: CounterView | None, view: CounterView | None) -> None:
        """Somebody came or went."""
        if view is None or (before is not None and before.staff == view.staff):
            return
        others = [each for each in view.staff.members if each.role != OWNER_ROLE]
        self.people.show((OWNER_MEMBER, *others))
        self._note()
        self.refresh_bindings()

    def retranslate(self) -> None:
        """The note too."""
        super().retranslate()
        self._note()

    def _note(self) -> None:
        texts, staff = self.console_app.texts, self.view.staff if self.view is not None else None
        with_pin = self._owner_has_pin()
        if staff is None or not staff.named:
            known = "alone" if with_pin else "none"
        else:
            known = "some" if with_pin else "no_owner"
        self.query_one("#staff-note", Words).text = texts(f"staff_note.{known}")

    def _owner_has_pin(self) -> bool:
        staff = self.view.staff if self.view is not None else None
        owner = staff is not None and any(each.role == OWNER_ROLE for each in staff.members)
        return owner and staff is not None and staff.can_lock

    def _cells(self, each: Member) -> Sequence[Cell]:
        texts, present = self.console_app.texts, self.view.staff.present if self.view is not None else None
        owner = each.role == OWNER_ROLE
        state: Cell = (texts("staff.here"), "good") if present == each else ("", "")
        if owner and not self._owner_has_pin():
            state = (texts("staff.no_pin"), "warn")
        return (
            (texts("staff.owner") if owner else each.name, ""),
            (texts(f"role.{each.role}"), "accent"),
            (texts(f"may.{each.role}"), "muted"),
            state,
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The owner has no other role and cannot be taken out."""
        chosen = self.people.present if self.is_mounted else None
        if action in ("role", "remove") and (chosen is None or chosen.role == OWNER_ROLE):
            return False
        return super().check_action(action, parameters)

    def on_line_list_moved(self) -> None:
        """Other keys for another person."""
        self.refresh_bindings()

    # -- keys

    def action_add(self) -> None:
        """Somebody new."""
        staff = self.console_app.till.staff

        async def send(entered: StaffEntered) -> None:
            await staff.add(entered.name, entered.role, entered.pin, approval=entered.own)

        first = self.view is None or (not self.view.staff.named and not self._owner_has_pin())
        self._form("staff_add", "", ("name", "role", "pin"), send, role="manager" if first else "cashier")

    def action_role(self) -> None:
        """Another role for the one under the cursor."""
        staff, chosen = self.console_app.till.staff, self.people.present
        if chosen is None:
            return

        async def send(entered: StaffEntered) -> None:
            await staff.change_role(chosen.name, entered.role, approval=entered.own)

        self._form("staff_role", chosen.name, ("role",), send, role=chosen.role)

    def action_pin(self) -> None:
        """Another PIN for the one under the cursor."""
        staff, chosen = self.console_app.till.staff, self.people.present
        if chosen is None:
            return

        async def send(entered: StaffEntered) -> None:
            await staff.reset_pin(chosen.name, entered.pin, approval=entered.own)

        shown = self.console_app.texts("staff.owner") if chosen.role == OWNER_ROLE else chosen.name
        self._form("staff_pin", shown, ("pin",), send)

    def action_remove(self) -> None:
        """Take the one under the cursor out."""
        staff, chosen = self.console_app.till.staff, self.people.present
        if chosen is None:
            return

        async def send(entered: StaffEntered) -> None:
            await staff.remove(chosen.name, approval=entered.own)

        self._form("staff_remove", chosen.name, (), send)

    def _form(
        self,
        about: str,
        subject: str,
        asks: tuple[str, ...],
        send: Callable[[StaffEntered], Awaitable[None]],
        *,
        role: str = "cashier",
    ) -> None:
        own = ("own",) if self.view is not None and self.view.staff.can_lock else ()
        self.told(None)

        def answered(entered: StaffEntered | None) -> None:
            if entered is None:
                return
            texts, name = self.console_app.texts, subject or entered.name
            role_word = texts(f"role.{entered.role}") if entered.role else ""
            self.told(Told(texts(f"{about}.done", name=name, role=role_word), good=True))
            self.console_app.take(self.console_app.till.counter())

        self.app.push_screen(StaffForm(about, subject, (*asks, *own), send, role=role), answered)

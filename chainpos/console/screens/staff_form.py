"""A form for what changes who works here: a name, a role, a new PIN, and the PIN of whoever decides.

Enter sends nothing. It keeps no PIN longer than one try, and shows a refusal where it was typed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from chainpos.console.context import context
from chainpos.console.keymap import key
from chainpos.console.phrases import parts_of
from chainpos.console.scanner import normalised
from chainpos.console.screens.dialog import Dialog
from chainpos.console.screens.money_form import CONFIRM_KEY
from chainpos.console.widgets.choice import Choice
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.ground import Box, Row
from chainpos.console.widgets.hint import Hint
from chainpos.console.widgets.key_line import key_name
from chainpos.console.widgets.notice import Told
from chainpos.console.widgets.way import Way
from chainpos.console.widgets.words import Heading, Words
from chainpos.errors import UserFacingError
from chainpos.till.roles import ROLES

PINS = ("pin", "again", "own")
MIN_DIGITS, MAX_DIGITS, LONGEST_NAME = 4, 12, 24


class StaffEntered(msgspec.Struct, frozen=True):
    """What was typed; empty what was not asked for. `own` is the PIN of whoever decides."""

    name: str = ""
    role: str = ""
    pin: str = ""
    own: str = ""


class StaffForm(Dialog[StaffEntered | None]):
    """`about` is where its texts are, `subject` whom it is about; `asks` of "name", "role", "pin", "own"."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "keep", "dialog.close"),
        key(CONFIRM_KEY, "confirm", "dialog.confirm", priority=True),
        key("down,tab", "app.focus_next", "dialog.next_field", show=False),
        key("up,shift+tab", "app.focus_previous", "dialog.previous_field", show=False),
    ]

    def __init__(
        self,
        about: str,
        subject: str,
        asks: tuple[str, ...],
        send: Callable[[StaffEntered], Awaitable[None]],
        *,
        role: str = "cashier",
    ) -> None:
        super().__init__()
        self.about, self.subject, self.send, self.role = about, subject, send, role
        self.asks = tuple(name for each in asks for name in (("pin", "again") if each == "pin" else (each,)))
        self.sending = False

    def compose(self) -> ComposeResult:
        """Fields above, the two ways out below."""
        texts = context(self).texts
        with Box(classes="dialog"):
            yield Heading(texts(f"{self.about}.title", name=self.subject), texts(f"{self.about}.detail"))
            for name in self.asks:
                yield from self._field(name, texts(f"staff_form.{name}"))
            yield Hint()
            with Row(classes="dialog-buttons"):
                yield Way(f"{texts('staff_form.keep')} · {key_name(texts, 'escape')}", id="keep")
                confirm = f"{texts(f'{self.about}.confirm')} · {key_name(texts, CONFIRM_KEY)}"
                yield Way(confirm, id="confirm", classes="-danger", disabled=True)

    def _field(self, name: str, label: str) -> ComposeResult:
        if name == "role":
            with Row(classes="field"):
                yield Words(label, classes="field-label")
                yield Choice(ROLES, "role", self.role, id="staff-role")
        else:
            longest = LONGEST_NAME if name == "name" else MAX_DIGITS
            yield Field(label=label, id=f"staff-{name}", password=name in PINS, max_length=longest)

    def on_mount(self) -> None:
        """Begin at the first field."""
        if self.asks:
            self.query_one(f"#staff-{self.asks[0]}").focus()
        self._look()

    # -- what was typed

    def _typed(self, name: str) -> str:
        return normalised(next((field.value for field in self.query(f"#staff-{name}").results(Input)), "")).strip()

    def _entered(self) -> StaffEntered:
        role = next((choice.value for choice in self.query(Choice)), "")
        return StaffEntered(self._typed("name"), role, self._typed("pin"), self._typed("own"))

    def _wrong(self) -> str:
        texts, pin = context(self).texts, self._typed("pin")
        if "name" in self.asks and not self._typed("name"):
            return texts("staff_form.no_name")
        if "pin" in self.asks and not (pin.isascii() and pin.isdigit() and len(pin) >= MIN_DIGITS):
            return texts("staff_form.no_new_pin")
        if "pin" in self.asks and self._typed("again") != pin:
            return texts("staff_form.differ" if self._typed("again") else "staff_form.no_again")
        return texts("staff_form.no_own") if "own" in self.asks and not self._typed("own") else ""

    def _look(self) -> None:
        texts, wrong = context(self).texts, self._wrong()
        self.query_one("#confirm", Way).disabled = bool(wrong) or self.sending
        ready = texts("staff_form.ready", key=key_name(texts, CONFIRM_KEY))
        hint = texts("staff_form.working") if self.sending else wrong or ready
        self.query_one(Hint).text = hint

    @on(Input.Changed)
    @on(Choice.Changed)
    def typed(self) -> None:
        """Say at once what is still missing."""
        self.query_one(Hint).told = None
        self._look()

    @on(Input.Submitted)
    def next_field(self) -> None:
        """Enter goes on to the next field and no further."""
        if self.focused is not None and self.focused.id != f"staff-{self.asks[-1]}":
            self.focus_next()

    # -- the two ways out

    @on(Way.Pressed, "#keep")
    def action_keep(self) -> None:
        """Everything stays as it is."""
        if not self.sending:
            self.dismiss(None)

    @on(Way.Pressed, "#confirm")
    def action_confirm(self) -> None:
        """Send it, once."""
        if self._wrong() or self.sending:
            return
        self.sending = True
        entered = self._entered()
        # Taking the PINs away is not typing: what is told of this try must stay.
        with self.prevent(Input.Changed):
            for field in self.query(Input):
                if field.password:
                    field.value = ""
        self._look()
        self.run_worker(self._send(entered), name="send")

    async def _send(self, entered: StaffEntered) -> None:
        try:
            await self.send(entered)
        except UserFacingError as error:
            self.sending = False
            what, _, next_step = parts_of(context(self).texts, error)
            self.query_one(Hint).told = Told(what, next_step=next_step)
            self._look()
        else:
            self.dismiss(entered)

    def on_unmount(self) -> None:
        """Nothing that was typed stays."""
        for field in self.query(Input):
            field.clear()

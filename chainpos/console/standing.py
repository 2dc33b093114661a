"""Who stands at the till, as the console follows it: the lock and what opens it, idleness, places that a role has.

It refuses to leave anything on the screen when it locks: dialogs close, with what was typed in them. One that is
sending ends first.
"""

from __future__ import annotations

from abc import abstractmethod

from textual import events

from chainpos.console.screens.dialog import Dialog
from chainpos.console.screens.sign_in import SignIn
from chainpos.console.shell import Shell
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.till.roles import Right
from chainpos.till.use_cases import TillUseCases
from chainpos.till.views import CounterView

IDLE_LOOK_S = 1.0
LOCK_AGAIN_S = 0.1
# Places that are not for everybody.
NEEDS = {"counter": Right.SELL, "staff": Right.STAFF, "support": Right.INSPECT}


class Standing(Shell):
    """A shell with somebody before it."""

    till: TillUseCases
    view: CounterView | None
    last_member: str = ""
    _touched_ns: int = 0
    _locks_soon: bool = False

    def watch_idleness(self) -> None:
        """Lock when nobody touches it for as long as the till says."""
        self._touched_ns = self.now_ns()
        self.set_interval(IDLE_LOOK_S, self.look_whether_idle)

    def touched(self, event: events.Event) -> None:
        """A key or the mouse: somebody is there."""
        if isinstance(event, events.Key | events.MouseDown | events.MouseScrollDown | events.MouseScrollUp):
            self._touched_ns = self.now_ns()

    def look_whether_idle(self) -> None:
        """Lock it, if it is time."""
        staff = self.view.staff if self.view is not None else None
        if staff is None or not staff.lock_after_s or not staff.can_lock or staff.present is None:
            return
        if self.now_ns() - self._touched_ns >= staff.lock_after_s * SECOND_NS:
            self.action_lock()

    async def follow_staff(self, view: CounterView) -> None:
        """The lock is up while nobody is signed in; then one is where one's role has something to do."""
        present = view.staff.present
        if present is None:
            if not isinstance(self.screen, SignIn) or not self.screen.locked:
                while self.screen.is_modal:
                    if isinstance(self.screen, Dialog) and self.screen.sending:
                        self._lock_soon()
                        return
                    self.pop_screen()
                await self.push_screen(SignIn(locked=True))
            return
        self.last_member = present.name
        if self.current_mode in NEEDS and not view.staff.may(NEEDS[self.current_mode]):
            await self.switch_mode("sales")

    def _lock_soon(self) -> None:
        if not self._locks_soon:
            self._locks_soon = True
            self.set_timer(LOCK_AGAIN_S, self._try_to_lock)

    async def _try_to_lock(self) -> None:
        self._locks_soon = False
        if self.view is not None:
            await self.follow_staff(self.view)

    def allowed(self, place: str) -> bool:
        """Whether whoever is signed in has that place."""
        right = NEEDS.get(place)
        return right is None or self.view is None or self.view.staff.present is None or self.view.staff.may(right)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Locking and switching are there where there is a PIN to come back with."""
        if action in ("lock", "switch_staff"):
            return self.view is not None and self.view.staff.can_lock
        return super().check_action(action, parameters)

    def action_lock(self) -> None:
        """Nobody stands here until somebody signs in; the sale in hand stays in hand."""
        self.till.staff.lock()
        self.take(self.till.counter())

    def action_switch_staff(self) -> None:
        """Somebody else, by PIN."""

        def answered(changed: bool | None) -> None:  # noqa: FBT001 (Textual calls it)
            if changed:
                self.take(self.till.counter())

        self.push_screen(SignIn(), answered)

    @abstractmethod
    def take(self, view: CounterView) -> None:
        """A view of the till."""

"""A full screen of the till's console: views of the till are handed down to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.reactive import var

from chainpos.console.context import Context, context
from chainpos.console.screens.frame import Frame
from chainpos.console.widgets.notice import Notice, Told
from chainpos.till.roles import Right
from chainpos.till.views import CounterView


class Page(Frame):
    """`view` is the counter's view, whatever the screen itself shows."""

    # Actions that not everybody may do: for whom they are not, they are not there.
    RIGHTS: ClassVar[dict[str, Right]] = {}

    view: var[CounterView | None] = var(None)
    # Why a key did nothing, as told last.
    why: Told | None = None

    @property
    def console_app(self) -> Context:
        """The till's console around this screen."""
        return context(self)

    def on_mount(self) -> None:
        """Take the present view and follow the next ones."""
        super().on_mount()
        self.console_app.followers.add(self, self._take)
        if self.console_app.view is not None:
            self._take(self.console_app.view)

    def _take(self, view: CounterView) -> None:
        before, self.view = self.view, view
        if before is None or before.staff != view.staff:
            self.show_places()
            self.refresh_bindings()

    def may(self, right: Right) -> bool:
        """Whether whoever is signed in may do that."""
        return self.view is not None and self.view.staff.may(right)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What a role cannot do is absent."""
        if action in self.RIGHTS and not self.may(self.RIGHTS[action]):
            return False
        return super().check_action(action, parameters)

    def explain(self, event: events.Key, why_not: Callable[[str], Told]) -> None:
        """For `on_key`: of a key whose action is there and cannot be done now, tell what `why_not` says of that."""
        asked = self.active_bindings.get(event.key)
        if asked is not None and asked.node is self and not asked.enabled:
            self.why = why_not(asked.binding.action)
            self.told(self.why)
            event.stop()

    def forget_why(self) -> None:
        """What was told of a key is not true of what the cursor is on now."""
        if self.why is not None and self.query_one("#notice", Notice).told is self.why:
            self.told(None)

"""What every screen and widget may ask of the console around it. Widgets take the texts and the clock, no more."""

from __future__ import annotations

from datetime import tzinfo
from typing import Protocol, cast

from textual.dom import DOMNode
from textual.signal import Signal

from chainpos.console.filters import Glyphs
from chainpos.console.language import Texts
from chainpos.console.settings import Settings
from chainpos.console.showing import LastPaid
from chainpos.errors import UserFacingError
from chainpos.till.use_cases import TillUseCases
from chainpos.till.views import CounterView


class Context(Protocol):
    """The console application, as the rest of the room sees it."""

    texts: Texts
    zone: tzinfo | None
    till: TillUseCases
    view: CounterView | None
    last_paid: LastPaid | None
    view_signal: Signal[CounterView]
    settings: Settings
    glyphs: Glyphs

    def now_ns(self) -> int:
        """The wall clock, Unix nanoseconds."""

    def take(self, view: CounterView) -> None:
        """Hand a view of the till down to all screens."""

    def tell(self, error: UserFacingError) -> None:
        """Show a failure on the present screen: what happened, whether money moved, what to do."""


def context(node: DOMNode) -> Context:
    """The console that a screen or widget is part of."""
    return cast(Context, node.app)


def texts_of(node: DOMNode) -> Texts:
    """The texts in the present language."""
    return context(node).texts

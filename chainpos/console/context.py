"""What every screen and widget may ask of the console around it. Widgets take the texts and the clock, no more."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from textual.dom import DOMNode
from textual.signal import Signal

from chainpos.console.feed import Followers
from chainpos.console.filters import Glyphs
from chainpos.console.language import Texts
from chainpos.console.settings import Settings
from chainpos.console.showing import LastPaid
from chainpos.errors import UserFacingError
from chainpos.inspect.support import SupportDesk
from chainpos.till.use_cases import TillUseCases
from chainpos.till.views import CounterView

if TYPE_CHECKING:
    from chainpos.console.screens.frame import Place
    from chainpos.console.widgets.status_bar import Status


class Surroundings(Protocol):
    """Any console, as its screens and widgets see it. `support` is None where there is no chain to look into."""

    texts: Texts
    zone: tzinfo | None
    settings: Settings
    folder: Path
    glyphs: Glyphs
    status: Status | None
    status_signal: Signal[Status]
    support: SupportDesk | None

    @property
    def places(self) -> tuple[Place, ...]:
        """Where one can go here."""

    @property
    def styles_read(self) -> int:
        """How often the style sheets were read; -1 before they were all read once."""

    def now_ns(self) -> int:
        """The wall clock, Unix nanoseconds."""

    def tell(self, error: UserFacingError) -> None:
        """Show a failure on the present screen: what happened, whether money moved, what to do."""


class Context(Surroundings, Protocol):
    """The till's console, as its screens see it."""

    till: TillUseCases
    view: CounterView | None
    last_paid: LastPaid | None
    followers: Followers
    last_member: str

    def take(self, view: CounterView) -> None:
        """Hand a view of the till down to all screens."""


def surroundings(node: DOMNode) -> Surroundings:
    """The console that a screen or widget is part of, whichever it is."""
    return cast(Surroundings, node.app)


def context(node: DOMNode) -> Context:
    """The till's console that a screen or widget is part of."""
    return cast(Context, node.app)


def texts_of(node: DOMNode) -> Texts:
    """The texts in the present language."""
    return surroundings(node).texts

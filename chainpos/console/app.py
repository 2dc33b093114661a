"""The counter's console: the bell, the scanner, and the one task that follows the till.

What a screen shows is decided in the screens; what a sale means is decided by the till. It refuses to ring twice for
one payment.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import ScreenStackError
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Input

from chainpos.console.chime import Chime
from chainpos.console.feed import Feed, Followers
from chainpos.console.filters import Glyphs
from chainpos.console.keymap import key
from chainpos.console.scanner import GAP_S, Burst, Verdict
from chainpos.console.screens.articles import ArticleSearch
from chainpos.console.screens.counter import CounterScreen
from chainpos.console.screens.frame import Frame
from chainpos.console.screens.ledger import LedgerScreen
from chainpos.console.screens.node import NodeScreen
from chainpos.console.screens.question import Question
from chainpos.console.screens.sales import SalesScreen
from chainpos.console.screens.settlement import SettlementScreen
from chainpos.console.screens.shift import ShiftScreen
from chainpos.console.screens.staff import StaffScreen
from chainpos.console.screens.support import SupportScreen
from chainpos.console.screens.with_paper import WithPaper
from chainpos.console.settings import Settings
from chainpos.console.showing import LastPaid
from chainpos.console.standing import Standing
from chainpos.console.widgets.notice import Told
from chainpos.console.widgets.status_bar import Status
from chainpos.core.values.amount import format_amount
from chainpos.errors import EXIT_OK, UserFacingError
from chainpos.inspect.support import SupportDesk
from chainpos.till.use_cases import TillUseCases
from chainpos.till.views import CounterView, PrinterView, SaleState

# A pause that is looked at so late was none: the machine was held up.
LATE_S = GAP_S / 2

# Where a scan says something.
_SCANNED_ON = CounterScreen | ArticleSearch | SalesScreen | SupportScreen
# Says a sentence in a language ("en", "zh"); must return at once.
Voice = Callable[[str, str], None]


class ConsoleApp(Standing):
    """The console of one till. `support` looks into its chain, where it can be looked into."""

    MODES: ClassVar[dict[str, type[Screen[Any]]]] = {  # type: ignore[assignment]
        "counter": CounterScreen,
        "sales": SalesScreen,
        "settlement": SettlementScreen,
        "ledger": LedgerScreen,
        "node": NodeScreen,
        "support": SupportScreen,
        "shift": ShiftScreen,
        "staff": StaffScreen,
    }
    DEFAULT_MODE = "counter"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("f7", "sound", "app.sound", show=False),
        key("ctrl+s", "switch_staff", "app.staff", show=False),
        key("ctrl+l", "lock", "app.lock", show=False),
    ]

    def __init__(
        self,
        till: TillUseCases,
        *,
        now_ns: Callable[[], int],
        support: SupportDesk | None = None,
        folder: Path | None = None,
        settings: Settings | None = None,
        voice: Voice | None = None,
        zone: tzinfo | None = None,
        glyphs: Glyphs | None = None,
    ) -> None:
        super().__init__(now_ns=now_ns, support=support, folder=folder, settings=settings, zone=zone, glyphs=glyphs)
        self.till, self.voice = till, voice
        self.view: CounterView | None = None
        self._chime = Chime()
        self._burst: Burst[events.Key] = Burst()
        self._pause: asyncio.TimerHandle | None = None
        self._pause_due_s = 0.0
        self.last_paid: LastPaid | None = None
        self.followers = Followers()

    # -- the till

    async def on_mount(self) -> None:
        """Open the till, then follow it until the end."""
        self.heed_signals()
        try:
            await self.till.start()
        except UserFacingError as error:
            self.exit(error.exit_code, error.exit_code, Text(error.sentence()))
            return
        self.take(self.till.counter())
        feed = Feed(self.till, self.take)
        self.run_worker(feed.run(), name="follow the till", group="feed")
        self.watch_idleness()
        if self.theme_problems:
            self.tell(self.theme_problems[0])

    async def on_unmount(self) -> None:
        """Leave nothing half written."""
        await self.till.stop()
        if self.support is not None:
            await self.support.close()

    def take(self, view: CounterView) -> None:
        """A view of the till: ring for what was paid, then hand it down."""
        if not self.screen_stack:
            # The console is being left, and the till goes on until it has.
            return
        before, self.view = self.view, view
        for sale in self._chime.newly_paid(view):
            self.last_paid = LastPaid(sale, self.now_ns())
            self._announce(self.last_paid)
        self._close_what_hides_the_counter(view)
        self._tell_printer(before, view)
        if before is not None and _book_fails(before) and not _book_fails(view):
            self.say("fault.book_well")
        self.followers.tell(view)
        present = view.staff.present
        name = present.name if view.staff.named and present is not None else ""
        status = Status(shop=view.shop, network=view.network, printer=view.printer, staff=name)
        if self.status != status:
            self.show_status(status)
        self.call_next(self.follow_staff, view)

    def _announce(self, last_paid: LastPaid) -> None:
        if self.settings.sound:
            self.bell()
        if self.settings.voice and self.voice is not None:
            words = self.texts("counter.voice_paid", amount=format_amount(last_paid.sale.amount))
            self.voice(words, self.texts.language)
        self._tell_elsewhere(last_paid)

    def _tell_elsewhere(self, last_paid: LastPaid) -> None:
        page = next((each for each in reversed(self.screen_stack) if isinstance(each, Frame)), None)
        if page is not None and not isinstance(page, CounterScreen):
            amount = format_amount(last_paid.sale.amount)
            page.told(Told(self.texts("counter.also_paid", amount=amount), good=True))

    def _tell_printer(self, before: CounterView | None, view: CounterView) -> None:
        page = next((each for each in reversed(self.screen_stack) if isinstance(each, WithPaper)), None)
        known = before.printer if before is not None else PrinterView()
        if page is not None and known != view.printer:
            page.tell_printer(known, view.printer)

    def _close_what_hides_the_counter(self, view: CounterView) -> None:
        # A question about a sale that is no longer waiting has answered itself.
        waiting = view.sale is not None and view.sale.state in {SaleState.WAITING, SaleState.SEEN, SaleState.REFUSED}
        if isinstance(self.screen, Question) and self.screen.about == "cancel" and not waiting:
            self.screen.dismiss(False)

    # -- keys: a scanner types too

    async def on_event(self, event: events.Event) -> None:
        """Somebody is there."""
        self.touched(event)
        await super().on_event(event)

    async def typed(self, event: events.Key) -> None:
        """Hold back what may be a scan; everything else goes its way at once."""
        if self._pause is not None and event.time >= self._pause_due_s:
            self._burst.held_up = not self._burst.by_itself
        if not self._burst.text:
            # The first key of a scan may open the search; the rest of it was not meant for its field.
            self._burst.keep_if_broken = isinstance(self.focused, Input)
            self._burst.apart = not isinstance(self.screen, _SCANNED_ON)
            self._burst.first_waits = not self._burst.apart and self.as_bound(event) is not event
        if event.key == "enter":
            verdict = self._burst.enter(event, event.time)
        elif event.character is not None and event.is_printable:
            verdict = self._burst.key(event, event.character, event.time)
        else:
            verdict = self._burst.other(event)
        self._act_on(verdict)
        self._look_out_for_a_pause()

    def _act_on(self, verdict: Verdict[events.Key]) -> None:
        self.next_are(*(partial(self.pass_on, each) for each in verdict.deliver), partial(self._scanned, verdict))

    async def _scanned(self, verdict: Verdict[events.Key]) -> None:
        screen = self.screen
        if isinstance(screen, CounterScreen | ArticleSearch) and (verdict.code or verdict.broken):
            screen.forget(verdict.first)
        if verdict.code and isinstance(screen, _SCANNED_ON):
            screen.scanned(verdict.code)
        elif verdict.broken and isinstance(screen, CounterScreen | ArticleSearch):
            screen.scan_broken()

    def _look_out_for_a_pause(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._pause = None
        if self._burst.text:
            self._pause_due_s = time.monotonic() + self._burst.gap_s
            # Behind the keys that wait already, which may be its rest.
            self._pause = self.in_a_while(self._burst.gap_s, self._paused, self._pause_due_s)

    async def _paused(self, due_s: float) -> None:
        if self._pause is None or due_s != self._pause_due_s:
            # A key came after all.
            return
        if self.typed_ahead:
            self._look_out_for_a_pause()
            return
        if time.monotonic() - due_s > LATE_S and not self._burst.held_up and not self._burst.by_itself:
            # Keys may wait that nobody has read yet: look once more.
            self._burst.held_up = True
            self._look_out_for_a_pause()
            return
        self._pause = None
        # The console may have been left within the pause.
        with contextlib.suppress(ScreenStackError):
            self._act_on(self._burst.pause())
            await self.go_on()

    # -- actions

    def action_sound(self) -> None:
        """The bell on or off."""
        self.keep(sound=not self.settings.sound)
        for frame in self.frames():
            frame.show_silence()
        self.say("sound.on" if self.settings.sound else "sound.off")

    def action_leave(self) -> None:
        """Leave; ask first while a sale waits."""
        sale = self.view.sale if self.view is not None else None
        if sale is None or sale.state not in {SaleState.WAITING, SaleState.SEEN}:
            self.exit(EXIT_OK)
            return

        def answered(yes: bool | None) -> None:  # noqa: FBT001 (Textual calls it)
            if yes:
                self.exit(EXIT_OK)

        self.push_screen(Question("quit", self.texts("quit.detail")), answered)


def _book_fails(view: CounterView) -> bool:
    return any(fault.kind == "book" for fault in view.faults)


def run_console(
    till: TillUseCases,
    *,
    now_ns: Callable[[], int],
    support: SupportDesk | None = None,
    folder: Path | None = None,
    voice: Voice | None = None,
) -> int:
    """Run the console on a till until it is left; the exit code. `now_ns` is the node's clock.

    `folder` holds the person's settings, keymap, themes and crash reports. Raises UserFacingError for a broken one.
    """
    app = ConsoleApp(till, now_ns=now_ns, support=support, folder=folder, voice=voice)
    result = app.run()
    return result if result is not None else (app.return_code or EXIT_OK)

"""The console application: it owns the language, the theme, the bell and the one task that follows the till.

What a screen shows is decided in the screens; what a sale means is decided by the till. It refuses to ring twice for
one payment, and to print what it held when it fails.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path, PurePath
from typing import Any, ClassVar

import msgspec
from rich.text import Text
from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.signal import Signal
from textual.timer import Timer
from textual.widgets import Input

from chainpos.console.chime import Chime
from chainpos.console.failure import write_report
from chainpos.console.feed import Feed
from chainpos.console.filters import Glyphs, PlainGlyphs, SixteenColours, glyphs_of
from chainpos.console.keymap import key, load_keymap
from chainpos.console.language import LANGUAGES, Texts, load_texts
from chainpos.console.places import bindings_by_place, commands_of, live_pairs
from chainpos.console.resources import STYLES_FOLDER, personal_folder, personal_themes, shipped_themes
from chainpos.console.scanner import GAP_S, Burst, Verdict
from chainpos.console.screens.counter import CounterScreen
from chainpos.console.screens.help import Help
from chainpos.console.screens.ledger import LedgerScreen
from chainpos.console.screens.node import NodeScreen
from chainpos.console.screens.page import PLACES, Page
from chainpos.console.screens.palette import Palette
from chainpos.console.screens.question import Question
from chainpos.console.screens.sales import SalesScreen
from chainpos.console.screens.settlement import SettlementScreen
from chainpos.console.settings import Settings, load_settings, save_settings
from chainpos.console.showing import LastPaid
from chainpos.console.theming import load_themes, textual_theme
from chainpos.console.widgets.key_line import key_name
from chainpos.console.widgets.notice import Told
from chainpos.console.widgets.tab_line import TabLine
from chainpos.core.values.amount import format_amount
from chainpos.errors import EXIT_OK, UserFacingError
from chainpos.till.use_cases import TillUseCases
from chainpos.till.views import CounterView, SaleState

# Says a sentence in a language ("en", "zh"); must return at once.
Voice = Callable[[str, str], None]


class ConsoleApp(App[int], inherit_bindings=False):
    """Everything about the console as a whole."""

    TITLE = "chainpos"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        STYLES_FOLDER / name for name in ("frame.tcss", "counter.tcss", "screens.tcss", "dialogs.tcss")
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-normal"), (110, "-wide")]  # noqa: RUF012 (Textual's own)
    VERTICAL_BREAKPOINTS = [(0, "-low"), (24, "-usual"), (34, "-high")]  # noqa: RUF012 (Textual's own)
    MODES: ClassVar[dict[str, type[Screen[Any]]]] = {  # type: ignore[assignment]
        "counter": CounterScreen,
        "sales": SalesScreen,
        "settlement": SettlementScreen,
        "ledger": LedgerScreen,
        "node": NodeScreen,
    }
    DEFAULT_MODE = "counter"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("question_mark,f12", "help", "app.help"),
        key("ctrl+p", "palette", "app.palette"),
        *(key(pressed, f"go('{name}')", binding_id, show=False) for name, pressed, binding_id in PLACES),
        key("f7", "sound", "app.sound", show=False),
        key("f8", "language", "app.language"),
        key("f9", "theme", "app.theme", show=False),
        key("ctrl+q,ctrl+c", "leave", "app.quit", show=False),
        Binding("tab", "app.focus_next", show=False, id="app.next_field"),
        Binding("shift+tab", "app.focus_previous", show=False, id="app.previous_field"),
    ]

    def __init__(
        self,
        till: TillUseCases,
        *,
        now_ns: Callable[[], int],
        folder: Path | None = None,
        settings: Settings | None = None,
        voice: Voice | None = None,
        zone: tzinfo | None = None,
        glyphs: Glyphs | None = None,
    ) -> None:
        self.folder = folder or personal_folder()
        self.settings = settings or load_settings(self.folder)
        self.texts: Texts = load_texts(self.settings.language)
        self.till, self.voice, self.zone = till, voice, zone
        self.view: CounterView | None = None
        self._clock = now_ns
        self._chime = Chime()
        self._burst: Burst[events.Key] = Burst()
        self._pause: Timer | None = None
        self.last_paid: LastPaid | None = None
        self.themes_found, self.theme_problems = load_themes(shipped_themes(), personal_themes(self.folder))
        super().__init__()
        self.view_signal: Signal[CounterView] = Signal(self, "view")
        self.animation_level = "none"
        for theme in self.themes_found.values():
            self.register_theme(textual_theme(theme))
        self.theme = self.settings.theme if self.settings.theme in self.themes_found else "light"
        self.set_keymap(load_keymap(self.folder, bindings_by_place()))
        self.glyphs: Glyphs = glyphs or glyphs_of()
        self._degrade()

    def _degrade(self) -> None:
        # Textual keeps its filters in a private list and documents no other way to add one.
        if self.glyphs != "full":
            self._filters.append(PlainGlyphs(self.glyphs))
        if self.console.color_system == "standard":
            self._filters.append(SixteenColours())
        if self.glyphs != "full" and self.settings.language != "en":
            self.settings = msgspec.structs.replace(self.settings, language="en")
            self.texts = load_texts("en")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables for Textual's built-in themes too, which are registered before ours."""
        return textual_theme(self.themes_found["light"]).variables

    # -- the till

    async def on_mount(self) -> None:
        """Open the till, then follow it until the end."""
        self._heed_signals()
        try:
            await self.till.start()
        except UserFacingError as error:
            self.exit(error.exit_code, error.exit_code, Text(error.sentence()))
            return
        self.take(self.till.counter())
        feed = Feed(self.till, self.take)
        self.run_worker(feed.run(), name="follow the till", group="feed")
        if self.theme_problems:
            self.tell(self.theme_problems[0])

    def on_ready(self) -> None:
        """What was made to start with is not looked at again: collecting garbage over it would hold up a key."""
        if not self.is_headless:
            gc.collect()
            gc.freeze()

    async def on_unmount(self) -> None:
        """Leave nothing half written."""
        await self.till.stop()

    def _heed_signals(self) -> None:
        if self.is_headless or sys.platform == "win32":
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.exit, 128 + number, 128 + number)

    def now_ns(self) -> int:
        """The wall clock, Unix nanoseconds."""
        return self._clock()

    def take(self, view: CounterView) -> None:
        """A view of the till: ring for what was paid, then hand it down."""
        self.view = view
        for sale in self._chime.newly_paid(view):
            self.last_paid = LastPaid(sale, self.now_ns())
            self._announce(self.last_paid)
        self._close_what_hides_the_counter(view)
        self.view_signal.publish(view)

    def _announce(self, last_paid: LastPaid) -> None:
        if self.settings.sound:
            self.bell()
        if self.settings.voice and self.voice is not None:
            words = self.texts("counter.voice_paid", amount=format_amount(last_paid.sale.amount))
            self.voice(words, self.texts.language)
        self._tell_elsewhere(last_paid)

    def _tell_elsewhere(self, last_paid: LastPaid) -> None:
        page = next((each for each in reversed(self.screen_stack) if isinstance(each, Page)), None)
        if page is not None and not isinstance(page, CounterScreen):
            amount = format_amount(last_paid.sale.amount)
            page.told(Told(self.texts("counter.also_paid", amount=amount), good=True))

    def _close_what_hides_the_counter(self, view: CounterView) -> None:
        # A question about a sale that is no longer waiting has answered itself.
        waiting = view.sale is not None and view.sale.state in {SaleState.WAITING, SaleState.SEEN, SaleState.REFUSED}
        if isinstance(self.screen, Question) and self.screen.about == "cancel" and not waiting:
            self.screen.dismiss(False)

    def tell(self, error: UserFacingError) -> None:
        """Show a failure on the page that is looked at."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Page):
                screen.tell(error)
                return

    # -- keys: a scanner types too

    async def on_event(self, event: events.Event) -> None:
        """Hold back what may be a scan; everything else goes its way at once."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._burst.keep_if_broken = isinstance(self.focused, Input)
            if event.key == "enter":
                verdict = self._burst.enter(event, event.time)
            elif event.character is not None and event.is_printable:
                verdict = self._burst.key(event, event.character, event.time)
            else:
                verdict = self._burst.other(event)
            await self._deliver(verdict)
            self._look_out_for_a_pause()
        else:
            await super().on_event(event)

    async def _deliver(self, verdict: Verdict[events.Key]) -> None:
        for each in verdict.deliver:
            await super().on_event(each)
        screen = self.screen
        if isinstance(screen, CounterScreen) and (verdict.code or verdict.broken):
            screen.forget(verdict.first)
        if verdict.code and isinstance(screen, CounterScreen | SalesScreen):
            screen.scanned(verdict.code)
        elif verdict.broken and isinstance(screen, CounterScreen):
            screen.scan_broken()

    def _look_out_for_a_pause(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(GAP_S, self._paused) if self._burst.text else None

    async def _paused(self) -> None:
        self._pause = None
        await self._deliver(self._burst.pause())

    # -- actions

    @on(TabLine.Chosen)
    def tab_chosen(self, message: TabLine.Chosen) -> None:
        """A tab was clicked."""
        self.action_go(message.name)

    def action_go(self, name: str) -> None:
        """To a screen."""
        if name != self.current_mode:
            self.switch_mode(name)

    def action_help(self) -> None:
        """The live keys."""
        here, everywhere = live_pairs(self.screen, self.texts)
        self.push_screen(Help(here, everywhere, key_name(self.texts, "ctrl+p")))

    def action_palette(self) -> None:
        """Every action that can be done here."""
        screen = self.screen

        async def chosen(action: str | None) -> None:
            if action is not None:
                await screen.run_action(action)

        self.push_screen(Palette(commands_of(screen, self.texts)), chosen)

    def action_language(self) -> None:
        """The other language, at once and everywhere."""
        following = LANGUAGES[(LANGUAGES.index(self.texts.language) + 1) % len(LANGUAGES)]
        if self.glyphs != "full" and following != "en":
            # A terminal without these characters would show question marks.
            return
        self.texts = load_texts(following)
        self._keep(language=following)
        for page in self.pages():
            page.retranslate()

    def action_theme(self) -> None:
        """The next theme."""
        names = sorted(self.themes_found)
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        self._keep(theme=self.theme)
        theme = self.themes_found[self.theme]
        self._say("theme.now", name=self.texts.either(theme.title_en, theme.title_zh))

    def action_sound(self) -> None:
        """The bell on or off."""
        self._keep(sound=not self.settings.sound)
        for page in self.pages():
            page.show_silence()
        self._say("sound.on" if self.settings.sound else "sound.off")

    def _say(self, text: str, **values: object) -> None:
        if isinstance(self.screen, Page):
            self.screen.told(Told(self.texts(text, **values), good=True))

    def _keep(self, **changes: object) -> None:
        self.settings = msgspec.structs.replace(self.settings, **changes)
        try:
            save_settings(self.folder, self.settings)
        except OSError as error:
            why = f"The choice could not be saved in {self.folder}: {error.strerror}."
            self.tell(UserFacingError(why, money_moved="", next_step="It holds until the console is left."))

    def pages(self) -> list[Page]:
        """The full screens that exist."""
        return [each for stack in self._screen_stacks.values() for each in stack if isinstance(each, Page)]

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

    # -- failing

    def _handle_exception(self, error: Exception) -> None:
        # Textual prints local variables, and with them PINs and names: this leaves a report of places only.
        self._failed_with = error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        path = write_report(self.folder, self._failed_with, self.now_ns())
        lines = [self.texts("error.crash"), self.texts("error.crash_next")]
        if path is not None:
            lines.insert(1, self.texts("error.crash_report", path=path))
        self._exit_renderables.append(Text("\n".join(lines)))
        self._close_messages_no_wait()


def run_console(
    till: TillUseCases,
    *,
    now_ns: Callable[[], int],
    folder: Path | None = None,
    voice: Voice | None = None,
) -> int:
    """Run the console on a till until it is left; the exit code. `now_ns` is the node's clock.

    `folder` holds the person's settings, keymap, themes and crash reports. Raises UserFacingError for a broken one.
    """
    app = ConsoleApp(till, now_ns=now_ns, folder=folder, voice=voice)
    result = app.run()
    return result if result is not None else (app.return_code or EXIT_OK)

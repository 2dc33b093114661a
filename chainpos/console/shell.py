"""What every console has, whoever sits before it: language, theme, keymap, help, palette, places, leaving and failing.

`app.py` makes the shop's counter of it and `inspecting.py` the console of support, which has no till. It refuses to
print what it held when it fails.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path, PurePath
from typing import Any, ClassVar

import msgspec
from rich.text import Text
from textual import events, on
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import ANSIToTruecolor
from textual.screen import Screen
from textual.signal import Signal

from chainpos.console.failure import write_report
from chainpos.console.filters import Glyphs, PlainGlyphs, SixteenColours, glyphs_of
from chainpos.console.garbage import LOOK_EVERY_S, Garbage
from chainpos.console.in_turn import InTurn
from chainpos.console.keymap import key, load_keymap
from chainpos.console.language import LANGUAGES, Texts, load_texts
from chainpos.console.places import bindings_by_place, commands_of, live_pairs
from chainpos.console.resources import STYLES_FOLDER, personal_folder, personal_themes, shipped_themes
from chainpos.console.screens.frame import PLACES, Frame, Place
from chainpos.console.screens.help import Help
from chainpos.console.screens.palette import Palette
from chainpos.console.settings import Settings, load_settings, save_settings
from chainpos.console.theming import load_themes, textual_theme
from chainpos.console.widgets.key_line import key_name
from chainpos.console.widgets.notice import Told
from chainpos.console.widgets.status_bar import Status
from chainpos.console.widgets.tab_line import TabLine
from chainpos.errors import EXIT_OK, UserFacingError
from chainpos.inspect.support import SupportDesk

BETWEEN_PLACES_S = 0.1
# How long the picture may be held back to hide a change of screens: less than a person sees.
HELD_BACK_S = 0.005


class Shell(InTurn, inherit_bindings=False):
    """Its places are those of PLACES for which MODES has a screen."""

    TITLE = "chainpos"
    ENABLE_COMMAND_PALETTE = False
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        STYLES_FOLDER / name
        for name in (
            "frame.tcss", "counter.tcss", "screens.tcss", "support.tcss", "operator.tcss", "dialogs.tcss", "shift.tcss"
        )
    ]  # fmt: skip
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (76, "-normal"), (110, "-wide")]  # noqa: RUF012 (Textual's own)
    VERTICAL_BREAKPOINTS = [(0, "-low"), (24, "-usual"), (34, "-high")]  # noqa: RUF012 (Textual's own)
    BINDINGS: ClassVar[list[BindingType]] = [
        key("question_mark,f12", "help", "app.help"),
        key("ctrl+p", "palette", "app.palette"),
        *(key(place.pressed, f"go('{place.name}')", place.binding_id, show=False) for place in PLACES),
        key("f8", "language", "app.language"),
        key("f9", "theme", "app.theme", show=False),
        key("ctrl+q,ctrl+c", "leave", "app.quit", show=False),
        Binding("tab", "app.focus_next", show=False, id="app.next_field"),
        Binding("shift+tab", "app.focus_previous", show=False, id="app.previous_field"),
    ]

    def __init__(
        self,
        *,
        now_ns: Callable[[], int],
        support: SupportDesk | None = None,
        folder: Path | None = None,
        settings: Settings | None = None,
        zone: tzinfo | None = None,
        glyphs: Glyphs | None = None,
    ) -> None:
        self.folder = folder or personal_folder()
        self.settings = settings or load_settings(self.folder)
        self.texts: Texts = load_texts(self.settings.language)
        self.zone, self.support, self._clock = zone, support, now_ns
        self.status: Status | None = None
        self.garbage = Garbage(time.monotonic)
        self.themes_found, self.theme_problems = load_themes(shipped_themes(), personal_themes(self.folder))
        super().__init__()
        self.status_signal: Signal[Status] = Signal(self, "status")
        self.animation_level = "none"
        for theme in self.themes_found.values():
            self.register_theme(textual_theme(theme))
        self.theme = self.settings.theme if self.settings.theme in self.themes_found else "light"
        self.set_keymap(load_keymap(self.folder, bindings_by_place()))
        self.glyphs: Glyphs = glyphs or glyphs_of()
        self._degrade()

    def _degrade(self) -> None:
        # Textual keeps its filters in a private list and documents no other way to add one. The one that is there makes
        # a theme's colours of a terminal's own, of which this room has none: it would look at every line drawn.
        self._filters = [each for each in self._filters if not isinstance(each, ANSIToTruecolor)]
        if self.glyphs != "full":
            self._filters.append(PlainGlyphs(self.glyphs))
        if self.console.color_system == "standard":
            self._filters.append(SixteenColours())
        if self.glyphs != "full" and self.settings.language != "en":
            self.settings = msgspec.structs.replace(self.settings, language="en")
            self.texts = load_texts("en")

    def get_driver_class(self) -> type[Driver]:
        """The terminal's own, which lets Esc wait less where it can."""
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from chainpos.console.prompt_keys import PromptDriver, wait_less

        wait_less()
        return PromptDriver

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables for Textual's built-in themes too, which are registered before ours."""
        return textual_theme(self.themes_found["light"]).variables

    async def on_event(self, event: events.Event) -> None:
        """Garbage waits while somebody types."""
        if isinstance(event, events.InputEvent):
            self.garbage.typed()
        await super().on_event(event)

    def on_ready(self) -> None:
        """All is there for the first key."""
        if not self.is_headless:
            self.run_worker(self.put_up_places(), name="put up places")
            self.garbage.begin()
            self.set_interval(LOOK_EVERY_S, self.garbage.look)

    async def put_up_places(self) -> None:
        """All places, one after another while nothing else is to be done, so that no key waits for one to be made."""
        for place in self.places:
            await asyncio.sleep(BETWEEN_PLACES_S)
            # Textual makes a place when it is gone to first, and documents no other way.
            await self._init_mode(place.name)

    def heed_signals(self) -> None:
        """A terminal that goes away ends the console in order."""
        if self.is_headless or sys.platform == "win32":
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.exit, 128 + number, 128 + number)

    def now_ns(self) -> int:
        """The wall clock, Unix nanoseconds."""
        return self._clock()

    @property
    def places(self) -> tuple[Place, ...]:
        """Where one can go here."""
        without = {"support"} if self.support is None else set()
        here = [place for place in PLACES if place.name in self.MODES and place.name not in without]
        return tuple(place for place in here if self.allowed(place.name))

    def allowed(self, place: str) -> bool:  # noqa: ARG002 - consoles with people of several roles decide
        """Whether a place is for whoever sits here."""
        return True

    # -- telling

    def show_status(self, status: Status) -> None:
        """What the bar on top of every screen says from now on."""
        self.status = status
        self.status_signal.publish(status)

    def tell(self, error: UserFacingError) -> None:
        """Show a failure on the page that is looked at."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Frame):
                screen.tell(error)
                return

    def say(self, text: str, **values: object) -> None:
        """Show good news, by its text's key."""
        if isinstance(self.screen, Frame):
            self.screen.told(Told(self.texts(text, **values), good=True))

    def keep(self, **changes: object) -> None:
        """Change the person's settings and save them."""
        self.settings = msgspec.structs.replace(self.settings, **changes)
        try:
            save_settings(self.folder, self.settings)
        except OSError as error:
            why = f"The choice could not be saved in {self.folder}: {error.strerror}."
            self.tell(UserFacingError(why, money_moved="", next_step="It holds until the console is left."))

    def frames(self) -> list[Frame]:
        """The full screens that exist."""
        return [each for stack in self._screen_stacks.values() for each in stack if isinstance(each, Frame)]

    # -- screens

    @property
    def styles_read(self) -> int:
        """How often the style sheets were read; -1 before they were all read once."""
        return self._css_update_count if self._dom_ready else -1

    def delay_update(self, delay: float = HELD_BACK_S) -> None:
        """Textual holds back what it draws for 50 ms at each change of places, which is all the time that a key has."""
        super().delay_update(min(delay, HELD_BACK_S))

    def push_screen(self, screen: Screen[Any] | str, *args: Any, **named: Any) -> Any:
        """A dialog has the classes of its size before its styles are worked out, and not again after."""
        if isinstance(screen, Screen):
            screen.update_classes(self._size_classes(), update=False)
        below = self.screen_stack[-1:]
        pushed = super().push_screen(screen, *args, **named)
        for each in below:
            # Textual would draw what lies below once more, which looks as before.
            each._repaint_required = False  # noqa: SLF001 - there is no other way to say so
        return pushed

    def _size_classes(self) -> dict[str, bool]:
        classes: dict[str, bool] = {}
        for extent, points in (
            (self.size.width, self.HORIZONTAL_BREAKPOINTS),
            (self.size.height, self.VERTICAL_BREAKPOINTS),
        ):
            reached = max((least for least, _ in points if least <= extent), default=0)
            classes |= {name: least == reached for least, name in points}
        return classes

    # -- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A place that is not here cannot be gone to."""
        if action == "go":
            return parameters[0] in {place.name for place in self.places}
        if action == "search":
            return any(place.name == "support" for place in self.places)
        return super().check_action(action, parameters)

    @on(TabLine.Chosen)
    def tab_chosen(self, message: TabLine.Chosen) -> None:
        """A tab was clicked."""
        self.action_go(message.name)

    def action_go(self, name: str) -> None:
        """To a place."""
        if name != self.current_mode:
            self.switch_mode(name)

    async def action_search(self) -> None:
        """To support's search field, from wherever one is."""
        if self.current_mode != "support":
            await self.switch_mode("support")
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self.screen.query("#sought").first().focus()

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
        """The other language, at once and everywhere: a place that nobody looks at follows when it is gone to."""
        following = LANGUAGES[(LANGUAGES.index(self.texts.language) + 1) % len(LANGUAGES)]
        if self.glyphs != "full" and following != "en":
            # A terminal without these characters would show question marks.
            return
        self.texts = load_texts(following)
        self.keep(language=following)
        for frame in self.frames():
            if frame in self.screen_stack:
                frame.retranslate()
        if (retranslate := getattr(self.screen, "retranslate", None)) is not None and self.screen.is_modal:
            retranslate()

    def action_theme(self) -> None:
        """The next theme."""
        names = sorted(self.themes_found)
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        self.keep(theme=self.theme)
        theme = self.themes_found[self.theme]
        self.say("theme.now", name=self.texts.either(theme.title_en, theme.title_zh))

    def action_leave(self) -> None:
        """Leave."""
        self.exit(EXIT_OK)

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

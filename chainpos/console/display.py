"""The customer's display on a second terminal: it reads the till's file and draws it. It can press nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.screen import Screen

from chainpos.console.keymap import key
from chainpos.console.screens.customer import CustomerScreen
from chainpos.console.shell import Shell
from chainpos.console.widgets.lines_panel import LinesPanel
from chainpos.errors import StoreError
from chainpos.till.display import LOOK_S, DisplayFile, DisplayView


class DisplayApp(Shell, inherit_bindings=False):
    """Follows one till's file."""

    MODES: ClassVar[dict[str, type[Screen[Any]]]] = {"customer": CustomerScreen}  # type: ignore[assignment]
    DEFAULT_MODE = "customer"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("f8", "language", "app.language"),
        key("f9", "theme", "app.theme", show=False),
        key("ctrl+q,ctrl+c", "leave", "app.quit", show=False),
    ]

    def __init__(self, path: Path, *, now_s: Callable[[], float] = time.time, **shell: Any) -> None:
        """`path` is the till's file; the rest is Shell's."""
        super().__init__(**shell)
        self.file, self._now_s = DisplayFile(path), now_s

    def on_mount(self) -> None:
        """Look ten times a second: a change of a small file is seen at once."""
        self.heed_signals()
        self.set_interval(LOOK_S, self.follow)
        self.follow()

    def follow(self) -> None:
        """Take in what the till says now."""
        # None is there any more while it is being left.
        screen = self.screen_stack[-1] if self.screen_stack else None
        if isinstance(screen, CustomerScreen):
            screen.told = self._told()
            screen.now_ns = self.now_ns() // 10**9 * 10**9

    def _told(self) -> DisplayView | None:
        try:
            return self.file.read(self._now_s())
        except StoreError:
            # Half a truth is no amount: the counter counts as closed until the till speaks our tongue again.
            return None

    def keep(self, **changes: object) -> None:
        """The cashier's choices are not the display's to change: its own hold until it ends."""
        del changes
        if isinstance(self.screen, CustomerScreen):
            self.screen.look()
            for panel in self.screen.query(LinesPanel):
                panel.changed()


def run_display(path: Path, *, now_ns: Callable[[], int], language: str = "", theme: str = "") -> int:
    """Run the display until it is left; the exit code. Raises UserFacingError for broken settings."""
    import msgspec

    from chainpos.console.resources import personal_folder
    from chainpos.console.settings import load_settings

    settings = load_settings(personal_folder())
    chosen = {name: value for name, value in (("language", language), ("theme", theme)) if value}
    app = DisplayApp(path, now_ns=now_ns, settings=msgspec.structs.replace(settings, **chosen))
    result = app.run()
    return result if result is not None else app.return_code or 0

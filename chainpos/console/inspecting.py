"""The console without a till: it looks into one chain, and changes nothing.

It refuses everything that moves money: it holds no key and knows no use case that would.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from textual.screen import Screen

from chainpos.console.screens.case_file import CaseScreen
from chainpos.console.screens.support import SupportScreen
from chainpos.console.shell import Shell
from chainpos.console.widgets.status_bar import Status
from chainpos.errors import EXIT_OK, UserFacingError
from chainpos.inspect.support import SupportDesk

EVERY_S = 2.0


class InspectApp(Shell):
    """Support's places on one chain."""

    MODES: ClassVar[dict[str, type[Screen[Any]]]] = {"support": SupportScreen}  # type: ignore[assignment]
    DEFAULT_MODE = "support"
    support: SupportDesk

    def __init__(self, *, case: Path | None = None, **shell: Any) -> None:
        """`case` is a case file to begin with; the rest is Shell's."""
        super().__init__(**shell)
        self.case = case

    async def on_mount(self) -> None:
        """Say what is looked at, and how high it is from now on."""
        self.heed_signals()
        self.show_status(Status(looked_into=self.support.name))
        if self.case is not None:
            self.push_screen(CaseScreen(self.case))
        if not self.support.has_chain:
            return
        self.run_worker(self._height(), name="height", group="height")
        self.set_interval(EVERY_S, self._follow)
        if self.theme_problems:
            self.tell(self.theme_problems[0])

    async def on_unmount(self) -> None:
        """Let go of the chain."""
        await self.support.close()

    def _follow(self) -> None:
        if not any(worker.group == "height" and worker.is_running for worker in self.workers):
            self.run_worker(self._height(), name="height", group="height")

    async def _height(self) -> None:
        try:
            span = await self.support.span()
        except UserFacingError as error:
            if self.status is None or self.status.as_of == 0:
                self.tell(error)
            return
        self.show_status(Status(looked_into=self.support.name, as_of=span.tip))


def run_inspect_console(
    support: SupportDesk, *, now_ns: Callable[[], int], case: Path | None = None, folder: Path | None = None
) -> int:
    """Look into a chain until it is left; the exit code. Raises UserFacingError for a broken file of the person's."""
    app = InspectApp(case=case, now_ns=now_ns, support=support, folder=folder)
    result = app.run()
    return result if result is not None else (app.return_code or EXIT_OK)

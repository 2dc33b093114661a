"""The console that sets a till up. It refuses nothing that the setup itself allows."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from textual.screen import Screen

from chainpos.console.doctor import examine_terminal
from chainpos.console.screens.setup import READY, SetupScreen
from chainpos.console.shell import Shell
from chainpos.console.widgets.status_bar import Status
from chainpos.till.doctor import Finding, examine_machine, examine_node, examine_till
from chainpos.till.setup import ShopSetup


class SetupApp(Shell):
    """One screen, which goes from step to step."""

    MODES: ClassVar[dict[str, type[Screen[Any]]]] = {}  # type: ignore[assignment]

    def __init__(self, setup: ShopSetup, *, now_ns: Callable[[], int], folder: Path | None = None) -> None:
        super().__init__(now_ns=now_ns, folder=folder)
        self.setup = setup

    async def on_mount(self) -> None:
        """To the step that is due."""
        self.heed_signals()
        self.show_status(Status(set_up=str(self.setup.home.folder)))
        await self.push_screen(SetupScreen(self))

    async def examine(self) -> list[Finding]:
        """The doctor's findings, of this machine and of the till that was just set up."""
        size, home, now_ns = shutil.get_terminal_size(), self.setup.home, self.now_ns()

        def files() -> list[Finding]:
            return [*examine_machine(home.folder, now_ns), *examine_till(home)]

        terminal = list(examine_terminal((size.columns, size.lines), os.environ))
        return [*terminal, *await asyncio.to_thread(files), *await examine_node(home, now_ns)]


def run_setup_console(setup: ShopSetup, *, now_ns: Callable[[], int], folder: Path | None = None) -> bool:
    """Set up until it is left; whether the till is ready and its counter is to be opened."""
    return SetupApp(setup, now_ns=now_ns, folder=folder).run() == READY

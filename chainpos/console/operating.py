"""The operator's console: one node looked at, and support's places on the same chain.

It refuses nothing itself: what its desk may not do, its screens do not offer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.screen import Screen

from chainpos.console.screens.explained import ExplainScreen
from chainpos.console.screens.operator import OperatorScreen
from chainpos.console.screens.support import SupportScreen
from chainpos.console.shell import Shell
from chainpos.console.widgets.status_bar import Status
from chainpos.errors import EXIT_OK, UserFacingError
from chainpos.inspect.operating import OperatorDesk
from chainpos.inspect.support import SupportDesk
from chainpos.inspect.views import Link, NodeView

EVERY_S = 1.0
# To draw a report takes about as long as to answer a key, and whoever types sees the keys' answers first. But somebody
# who types on and on, or holds a key down, is shown what is so all the same.
REST_S = 0.4
AT_MOST_S = 3.0
LOOK_AGAIN_S = 0.05


class OperatorApp(Shell):
    """Polls the node once a second, and hands its report down."""

    MODES: ClassVar[dict[str, type[Screen[Any]]]] = {  # type: ignore[assignment]
        "node": OperatorScreen,
        "support": SupportScreen,
    }
    DEFAULT_MODE = "node"
    support: SupportDesk

    def __init__(self, operator: OperatorDesk, support: SupportDesk, **shell: Any) -> None:
        """The rest is Shell's."""
        super().__init__(support=support, **shell)
        self.operator = operator
        self.node: NodeView | None = None
        self._lost = False
        self._explained = -1
        self._key_s = -REST_S

    async def on_mount(self) -> None:
        """Say what is looked at; follow it from now on."""
        self.heed_signals()
        self.show_status(Status(looked_into=self.operator.name, may_change=self.operator.may_change))
        self._follow()
        self.set_interval(EVERY_S, self._follow)
        if self.theme_problems:
            self.tell(self.theme_problems[0])

    async def on_event(self, event: events.Event) -> None:
        """When there was a key last."""
        if isinstance(event, events.Key):
            self._key_s = time.monotonic()
        await super().on_event(event)

    async def hands_rest(self) -> None:
        """Wait until no key was pressed for a moment, or for as long as anybody may go on typing."""
        for _ in range(round(AT_MOST_S / LOOK_AGAIN_S)):
            if time.monotonic() - self._key_s >= REST_S:
                return
            await asyncio.sleep(LOOK_AGAIN_S)

    async def on_unmount(self) -> None:
        """Let go of the node and the chain."""
        await self.operator.close()
        await self.support.close()

    def _follow(self) -> None:
        if not any(worker.group == "node" and worker.is_running for worker in self.workers):
            self.run_worker(self._look(), name="node", group="node")

    async def _look(self) -> None:
        try:
            node = await self.operator.node()
            await self.hands_rest()
        except UserFacingError as error:
            if not self._lost:
                self._lost = True
                self.tell(error)
            self._show_lost()
            return
        if self._lost:
            self._lost = False
            self.say("operator.again")
        self.node = node
        self._tell_node(node)

    def _show_lost(self) -> None:
        if self.node is not None:
            # What was known last, and that it is not known now.
            offline = self.node.network
            network = type(offline)(
                link=Link.OFFLINE, chain_id=offline.chain_id, known_height=offline.known_height,
                target_height=offline.target_height, tip_time_ns=offline.tip_time_ns,
            )  # fmt: skip
            self._show(network)

    def _tell_node(self, node: NodeView) -> None:
        self._show(node.network)
        for frame in self.frames():
            if isinstance(frame, OperatorScreen) and frame.is_mounted:
                frame.node_changed(node)

    def _show(self, network: Any) -> None:
        status = Status(looked_into=self.operator.name, network=network, may_change=self.operator.may_change)
        if status != self.status:
            self.show_status(status)

    def alarms(self) -> tuple[str, ...]:
        """The pages of the alarms that are raised, each once."""
        return () if self.node is None else tuple(dict.fromkeys(alarm.page for alarm in self.node.alarms))

    def explain_alarms(self) -> None:
        """The page of the first alarm; asked again, of the next one."""
        codes = self.alarms()
        if codes:
            self._explained = (self._explained + 1) % len(codes)
            self.push_screen(ExplainScreen(codes[self._explained]))


def run_operator_console(
    operator: OperatorDesk, support: SupportDesk, *, now_ns: Callable[[], int], folder: Path | None = None
) -> int:
    """Look at a node until it is left; the exit code. Raises UserFacingError for a broken file of the person's."""
    app = OperatorApp(operator, support, now_ns=now_ns, folder=folder)
    result = app.run()
    return result if result is not None else (app.return_code or EXIT_OK)

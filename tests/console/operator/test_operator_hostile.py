"""What a node, its peers and its log say cannot draw, act or crash on the operator's screens."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import msgspec
import pytest

from chainpos.console.operating import OperatorApp
from chainpos.console.settings import Settings
from chainpos.inspect.operating import OperatorDesk
from chainpos.inspect.operating_views import LogLine, MempoolView, SignerRow, StorePart, StoreView, WaitingRow
from chainpos.inspect.support import node_desk
from chainpos.inspect.views import Alarm, Link, NodeView, PeerRow, UpstreamRow, ValidatorRow, WatchRow
from tests.console.looking import key_in, settle
from tests.console.prepared_figures import NOON_NS
from tests.console.prepared_till import NODE, network_of
from tests.console.screens.test_hostile_selling import EITHER
from tests.console.screens.test_hostile_text import assert_harmless

SIZE = (100, 30)


class PoisonedNode(OperatorDesk):
    """A node that says the text, whatever it is asked."""

    def __init__(self, text: str, folder: Path) -> None:
        super().__init__("127.0.0.1:1", lambda: NOON_NS, home=folder)
        self.text = text

    @property
    def name(self) -> str:
        return self.text

    async def node(self) -> NodeView:
        text = self.text
        return msgspec.structs.replace(
            NODE, network=network_of(Link.HALTED, chain_id=text, halted_reason=text), moniker=text,
            version=text, app_hash=text, peers=(PeerRow(text, text, text, True), PeerRow(text, text, text, False)),
            upstreams=(UpstreamRow(text, True, 5, text, NOON_NS, 3, text),), validators=(ValidatorRow(text, 5, True),),
            alarms=(Alarm(text, text, NOON_NS), Alarm("halted", text)), watched=(WatchRow(text, text, text, 5),),
        )  # fmt: skip

    async def waiting(self) -> MempoolView:
        text = self.text
        return MempoolView(
            total=2, total_bytes=9, told=2, signers=(SignerRow(text, 2, 9, NOON_NS),),
            oldest=(WaitingRow(text, text, text, 9, NOON_NS),),
        )  # fmt: skip

    async def store(self, *, measured: bool = False) -> StoreView:  # noqa: ARG002
        text = self.text
        return StoreView(
            folder=text, free_bytes=5, base=1, first=1, tip=9, transactions=3, parts=(StorePart(text, 5),),
            snapshots=(3,), evidence=(text, text),
        )  # fmt: skip

    async def log(self, least: str = "debug", words: str = "") -> tuple[LogLine, ...]:  # noqa: ARG002
        return tuple(LogLine(NOON_NS, level, self.text, self.text) for level in ("info", "error", self.text))


@pytest.mark.parametrize(
    "text",
    EITHER,
)
async def test_hostile_text_harms_none_of_the_operators_screens(text: str, tmp_path: Path) -> None:
    settings = Settings(theme="light", language="zh" if len(text) % 2 else "en")
    app = OperatorApp(
        PoisonedNode(text, tmp_path), node_desk("127.0.0.1:1"), now_ns=lambda: NOON_NS, folder=tmp_path / "me",
        settings=settings, zone=UTC, glyphs="full",
    )  # fmt: skip
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for part in "12345":
            await key_in(pilot, part)
            await settle(pilot)
            assert_harmless(app, SIZE)
            await key_in(pilot, "down", "down")
            assert_harmless(app, SIZE)
        await key_in(pilot, "1", "e")
        assert_harmless(app, SIZE)
        assert app.is_running

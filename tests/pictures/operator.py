"""The operator's screens on one node of the sample day: blocks and signers are the day's."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from functools import cache
from pathlib import Path

import msgspec
from textual.pilot import Pilot

from chainpos.console.operating import OperatorApp
from chainpos.console.settings import Settings
from chainpos.console.shell import Shell
from chainpos.inspect.lookups import Lookups
from chainpos.inspect.operating import OperatorDesk
from chainpos.inspect.operating_views import LogLine, MempoolView, SignerRow, StorePart, StoreView, WaitingRow
from chainpos.inspect.source import StoreSource
from chainpos.inspect.transactions import opened_message
from chainpos.inspect.views import Alarm, Link, NodeView, PeerRow, UpstreamRow, ValidatorRow
from chainpos.store.chain import ChainReader
from tests.console.looking import key_in, settle
from tests.console.looking_into import day_desk
from tests.console.prepared_till import NODE, network_of
from tests.pictures.scenes import Scene

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
WAITING = 7


class DayNode(OperatorDesk):
    """A peer that has the sample day; `alarms` are what it raises."""

    def __init__(self, database: Path, alarms: tuple[Alarm, ...] = (), link: Link = Link.ONLINE) -> None:
        with ChainReader.open(database) as reader:
            source = StoreSource(reader, "day")
            base, tip = source.span()
            header, found = source.header(tip), source.found(tip)
            assert header is not None
            assert found is not None
            self.now_ns = header.time_ns + 2 * SECOND_NS
            super().__init__("127.0.0.1:26657", lambda: self.now_ns, home=Path("/srv/chainpos/harbour-peer"))
            blocks, payments = _minutes(database)
            minutes = range(min(blocks), max(blocks) + 1)
            signers = [(vote.address.hex().upper(), bool(vote.signature)) for vote in found.commit.signatures]
            self.report = msgspec.structs.replace(
                NODE,
                network=network_of(
                    link, chain_id=header.chain_id, known_height=tip, target_height=tip, tip_time_ns=header.time_ns,
                    halted_reason="wrong_app_hash at height 1200" if link is Link.HALTED else "",
                ),
                moniker="harbour-peer", mode="peer", app_hash=found.app_hash.hex().upper(), verified_blocks=tip,
                verified_signatures=tip * len(signers), mempool_transactions=WAITING, mempool_bytes=WAITING * 412,
                store_bytes=database.stat().st_size, started_ns=self.now_ns - 95 * MINUTE_NS,
                blocks_per_minute=tuple(blocks[minute] for minute in minutes),
                transactions_per_minute=tuple(payments[minute] for minute in minutes),
                finality_ms=tuple(900 + 160 * (minute % 5) for minute in minutes),
                validators=tuple(ValidatorRow(address, 10, signed) for address, signed in signers),
                peers=(
                    PeerRow("10.8.0.41", "till-XM13", "0.9.0", False),
                    PeerRow("10.8.0.17", "till-XM02", "0.9.0", False),
                ),
                upstreams=(
                    UpstreamRow("10.8.0.1:26657", True, tip, "", self.now_ns - SECOND_NS, 14, "0.9.0"),
                    UpstreamRow("10.8.0.2:26657", False, tip - 40, "wrong_app_hash", self.now_ns - 9 * MINUTE_NS, 31),
                ),
                alarms=alarms, watched=(),
            )  # fmt: skip
            self.queue = _waiting(source, tip, self.now_ns)
            self.disk = StoreView(
                folder="/srv/chainpos/harbour-peer", free_bytes=48_300_000_000, base=base, first=base, tip=tip,
                transactions=sum(payments.values()),
                parts=(
                    StorePart("database", database.stat().st_size), StorePart("wal", 4_120_000),
                    StorePart("snapshots", 2_870_000), StorePart("log", 1_830_000),
                ),
                snapshots=(1000,),
            )  # fmt: skip

    async def node(self) -> NodeView:
        return self.report

    async def waiting(self) -> MempoolView:
        return self.queue

    async def store(self, *, measured: bool = False) -> StoreView:  # noqa: ARG002
        return self.disk

    async def log(self, least: str = "debug", words: str = "") -> tuple[LogLine, ...]:  # noqa: ARG002
        told = (
            ("info", "sync.loop", "block {tip} verified: 3 of 3 signatures, 9 transactions"),
            ("info", "node.mempool", "7 transactions wait, the oldest for 4 s"),
            ("warning", "sync.loop", "upstream 10.8.0.2:26657 quarantined: wrong_app_hash at height {low}"),
            ("info", "node.pruning", "kept blocks from height 1"),
            ("error", "node.disk", "0.40 GB free in /srv/chainpos: writing stops below 0.20 GB"),
            ("info", "rpc.server", "client 10.8.0.41 subscribed to payments of XM13"),
        )
        tip = self.report.network.known_height
        return tuple(
            LogLine(
                self.now_ns - at * 7 * SECOND_NS, level, f"chainpos.{room}", what.format(tip=tip - at, low=tip - 40)
            )
            for at, (level, room, what) in reversed(list(enumerate(told * 4)))
        )


@cache
def _minutes(database: Path) -> tuple[Counter[int], Counter[int]]:
    """Blocks and transactions of the day by minute."""
    blocks: Counter[int] = Counter()
    payments: Counter[int] = Counter()
    with ChainReader.open(database) as reader:
        source = StoreSource(reader, "day")
        base, tip = source.span()
        for height in range(base, tip + 1):
            each = source.found(height)
            if each is not None:
                minute = each.block.header.time_ns // MINUTE_NS
                blocks[minute] += 1
                payments[minute] += len(each.block.txs)
    return blocks, payments


def _waiting(source: StoreSource, tip: int, now_ns: int) -> MempoolView:
    """Transactions as they waited: the last ones of the day."""
    rows: list[WaitingRow] = []
    signers: dict[str, list[WaitingRow]] = {}
    for height in range(tip, 0, -1):
        found = source.found(height)
        for index, wire in enumerate(found.block.txs if found else ()):
            row = Lookups(source).transaction(height, index)
            assert row is not None
            signer = opened_message(wire).signer
            waits = WaitingRow(row.hash, signer, row.kind, len(wire), now_ns - len(rows) * SECOND_NS)
            rows.append(waits)
            signers.setdefault(signer, []).append(waits)
            if len(rows) == WAITING:
                return MempoolView(
                    total=WAITING, total_bytes=sum(each.size_bytes for each in rows), told=WAITING, most=5_000,
                    oldest=tuple(reversed(rows)),
                    signers=tuple(
                        SignerRow(name, len(its), sum(each.size_bytes for each in its), its[-1].since_ns)
                        for name, its in signers.items()
                    ),
                )  # fmt: skip
    raise AssertionError("the day has too few transactions")


def _keys(*keys: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    async def play(pilot: Pilot[int]) -> None:
        await key_in(pilot, *keys)
        await settle(pilot, 0.2)

    return play


TROUBLE = "operator-trouble"
SCENES = (
    Scene("operator", "The operator's node: how it stands, and how it went", _keys()),
    Scene("operator-network", "Validators and who signed, peers and whether they are trusted", _keys("2")),
    Scene("operator-waiting", "What waits, by account and by age", _keys("3")),
    Scene("operator-store", "The disk: blocks, state, pruning, snapshots", _keys("4")),
    Scene("operator-log", "The log, by level and by words", _keys("5")),
    Scene("operator-offices", "What the offices have in hand, each with its end", _keys("6")),
    Scene(TROUBLE, "A node in trouble: what is wrong, and what to do", _keys()),
    Scene("operator-explain", "An alarm explained, one key away", _keys("e")),
)


@asynccontextmanager
async def on_node(
    scene: Scene, database: Path, folder: Path, size: tuple[int, int], language: str, theme: str
) -> AsyncIterator[Shell]:
    """The console as it looks at the end of a scene."""
    alarmed = scene.name in (TROUBLE, "operator-explain")
    alarms = (Alarm("halted", "wrong_app_hash at height 1200"), Alarm("disk_low", "0.40 GB free")) if alarmed else ()
    node = DayNode(database, alarms, Link.HALTED if alarmed else Link.ONLINE)
    settings = Settings(theme=theme, language="zh" if language == "zh" else "en")
    app = OperatorApp(
        node, day_desk(database), now_ns=lambda: node.now_ns, folder=folder, settings=settings, zone=UTC, glyphs="full"
    )  # fmt: skip
    async with app.run_test(size=size) as pilot:
        await settle(pilot, 0.3)
        await scene.play(pilot)
        await settle(pilot, 0.3)
        yield app

"""The way of a transaction into the node, with a real ledger behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from chainpos.core.values.timestamps import SECOND_NS
from chainpos.node import intake as intake_module
from chainpos.node.executor import Executor
from chainpos.node.intake import Intake
from chainpos.node.mempool import Mempool, MempoolLimits
from chainpos.rpc.backend import BroadcastAnswer
from chainpos.rpc.subscriptions import EventHub
from chainpos.sync.loop import NoUpstream
from tests.core.blocks import pay, transaction
from tests.node.conftest import Clerk, until

PAID_BY_ALICE = transaction(pay(), "alice")
PAID_BY_CAROL = transaction(pay(), "carol")


class LedgerClock:
    """The clerk's time."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk

    def now_ns(self) -> int:
        return self._clerk.now_s * SECOND_NS

    def monotonic_ns(self) -> int:
        return 0


class Upstream:
    """Where a peer sends on: takes, refuses, or is away."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.away = False
        self.code = 0

    async def forward(self, wire: bytes) -> BroadcastAnswer:
        if self.away:
            raise NoUpstream
        if not self.code:
            self.taken.append(wire)
        return BroadcastAnswer(b"", self.code, log="their words")


class Rig:
    """An intake and what it is made of."""

    def __init__(self, clerk: Clerk, limits: MempoolLimits | None = None, *, peer: bool = True) -> None:
        self.clerk = clerk
        self.upstream = Upstream()
        self.executor = Executor()
        self.mempool = Mempool(limits or MempoolLimits())
        self.woken = 0
        self.hub = EventHub()
        self.intake = Intake(
            clerk.ledger,
            self.executor,
            self.mempool,
            self.hub,
            LedgerClock(clerk),
            forward=self.upstream.forward if peer else None,
            added=self.added,
            recheck_above=0 if peer else 2_000,
        )

    def added(self) -> None:
        self.woken += 1

    async def during(self, work: Coroutine[Any, Any, None], holds: Callable[[], bool]) -> None:
        """Run one of the intake's tasks until something holds."""
        task = asyncio.create_task(work)

        async def check() -> bool:
            return holds()

        await until(check)
        task.cancel()


@pytest.fixture
async def rig(clerk: Clerk) -> AsyncIterator[Rig]:
    made = Rig(clerk)
    yield made
    await made.executor.close()


async def test_a_peer_sends_on_what_it_takes_and_keeps_it(rig: Rig) -> None:
    wire = rig.clerk.issue()
    assert (await rig.intake.broadcast(wire)).code == 0
    assert rig.upstream.taken == [wire]
    assert (len(rig.mempool), rig.woken) == (1, 1)
    assert rig.mempool.unforwarded() == []


async def test_what_is_sent_twice_is_taken_once(rig: Rig) -> None:
    wire = rig.clerk.issue()
    answers = await asyncio.gather(*(rig.intake.broadcast(wire) for _ in range(3)))
    assert {answer.code for answer in answers} == {0}
    assert (len(rig.mempool), rig.woken) == (1, 1)


async def test_what_the_node_itself_would_refuse_is_not_sent_on(rig: Rig) -> None:
    assert (await rig.intake.broadcast(b"junk")).log == "malformed"
    assert (await rig.intake.broadcast(transaction(pay(), "alice", chain_id="elsewhere-1"))).log == "other_chain"
    assert rig.upstream.taken == []
    assert len(rig.mempool) == 0


async def test_what_an_upstream_refuses_is_not_kept_and_its_words_are_not_passed_on(rig: Rig) -> None:
    rig.upstream.code = 7
    answer = await rig.intake.broadcast(rig.clerk.issue())
    assert (answer.code, answer.log) == (7, "replayed")
    assert len(rig.mempool) == 0
    rig.upstream.code = 4_000_000
    answer = await rig.intake.broadcast(rig.clerk.issue())
    assert (answer.code, answer.log) == (4_000_000, "")


async def test_while_no_upstream_is_there_it_is_held_and_sent_when_one_comes(rig: Rig) -> None:
    rig.upstream.away = True
    wires = [rig.clerk.issue() for _ in range(40)]
    for wire in wires:
        answer = await rig.intake.broadcast(wire)
        assert (answer.code, answer.log) == (0, "held")
    rig.upstream.away = False
    rig.intake.upstream_came()
    await rig.during(rig.intake.resend(), lambda: len(rig.upstream.taken) == 40)
    assert rig.upstream.taken == wires
    assert rig.mempool.unforwarded() == []


async def test_what_an_upstream_took_is_sent_again_when_it_comes_back(rig: Rig) -> None:
    wire = rig.clerk.issue()
    await rig.intake.broadcast(wire)
    rig.intake.upstream_came()
    await rig.during(rig.intake.resend(), lambda: len(rig.upstream.taken) == 2)
    assert rig.upstream.taken == [wire, wire]


async def test_an_upstream_without_room_is_tried_again_later(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "RESEND_EVERY_S", 0.01)
    rig.upstream.away = True
    wire = rig.clerk.issue()
    await rig.intake.broadcast(wire)
    rig.upstream.away, rig.upstream.code = False, 10
    task = asyncio.create_task(rig.intake.resend())
    await asyncio.sleep(0.1)
    assert len(rig.mempool) == 1
    rig.upstream.code = 0

    async def taken() -> bool:
        return rig.upstream.taken == [wire]

    await until(taken)
    task.cancel()


async def test_what_is_refused_for_good_later_is_dropped(rig: Rig) -> None:
    rig.upstream.away = True
    await rig.intake.broadcast(rig.clerk.issue())
    rig.upstream.away, rig.upstream.code = False, 7
    rig.intake.upstream_came()
    await rig.during(rig.intake.resend(), lambda: len(rig.mempool) == 0)


async def test_after_a_block_what_can_no_longer_pass_is_dropped(rig: Rig) -> None:
    rig.upstream.away = True
    other = rig.clerk.issue()
    for wire in (PAID_BY_CAROL, other):
        assert (await rig.intake.broadcast(wire)).code == 0
    assert rig.clerk.make(PAID_BY_ALICE).results.results[0].code == 0
    rig.intake.block_came()
    await rig.during(rig.intake.recheck(), lambda: len(rig.mempool) == 1)
    assert [waiting.wire for waiting in rig.mempool.first(9)] == [other]


async def test_a_validator_leaves_what_fits_in_a_block_to_be_judged_there(clerk: Clerk) -> None:
    rig = Rig(clerk, peer=False)
    assert (await rig.intake.broadcast(PAID_BY_CAROL)).code == 0
    clerk.make(PAID_BY_ALICE)
    rig.intake.block_came()
    task = asyncio.create_task(rig.intake.recheck())
    await asyncio.sleep(0.1)
    task.cancel()
    assert len(rig.mempool) == 1
    assert clerk.make(PAID_BY_CAROL).results.results[0].log == "already_paid"
    await rig.executor.close()


async def test_only_what_an_upstream_took_or_nobody_could_is_seen(rig: Rig) -> None:
    seen: list[bytes] = []
    rig.hub.publish_pending = lambda pending: seen.append(pending.transaction)  # type: ignore[method-assign]
    refused, taken, held = rig.clerk.issue(), rig.clerk.issue(), rig.clerk.issue()
    rig.upstream.code = 7
    await rig.intake.broadcast(refused)
    rig.upstream.code = 0
    await rig.intake.broadcast(taken)
    rig.upstream.away = True
    await rig.intake.broadcast(held)
    assert seen == [taken, held]


async def test_what_an_upstream_is_heard_to_hold_is_seen_but_not_sent_back(rig: Rig) -> None:
    wire = rig.clerk.issue()
    rig.intake.overheard(b"junk")
    rig.intake.overheard(wire)
    await rig.during(rig.intake.follow_hints(), lambda: len(rig.mempool) == 1)
    assert rig.upstream.taken == []
    assert rig.mempool.unforwarded() == []


async def test_what_an_upstream_was_heard_to_hold_is_given_back_to_it_when_it_comes_again(rig: Rig) -> None:
    wire = rig.clerk.issue()
    rig.intake.overheard(wire)
    await rig.during(rig.intake.follow_hints(), lambda: len(rig.mempool) == 1)
    rig.intake.upstream_came()
    await rig.during(rig.intake.resend(), lambda: rig.upstream.taken == [wire])


async def test_what_was_heard_of_before_an_upstream_came_again_is_given_back_even_if_looked_at_after(rig: Rig) -> None:
    wire = rig.clerk.issue()
    rig.intake.overheard(wire)
    rig.intake.upstream_came()
    resending = asyncio.create_task(rig.intake.resend())
    await rig.during(rig.intake.follow_hints(), lambda: rig.upstream.taken == [wire])
    resending.cancel()


async def test_hints_beyond_the_bound_are_passed_over(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(intake_module.MAX_HINTS + 20):
        rig.intake.overheard(rig.clerk.issue())
    await rig.during(rig.intake.follow_hints(), lambda: len(rig.mempool) == intake_module.MAX_HINTS)


async def test_a_full_mempool_refuses_before_it_checks_signatures(clerk: Clerk) -> None:
    rig = Rig(clerk, MempoolLimits(max_per_signer=1), peer=False)
    first, second = clerk.issue(), clerk.issue()
    assert (await rig.intake.broadcast(first)).code == 0
    unsigned = bytes(64) + second[64:]
    assert (await rig.intake.broadcast(unsigned)).log == "too_many_waiting"
    assert (await rig.intake.broadcast(PAID_BY_ALICE)).code == 0
    await rig.executor.close()
    tight = Rig(clerk, MempoolLimits(max_transactions=1), peer=False)
    assert (await tight.intake.broadcast(first)).code == 0
    assert (await tight.intake.broadcast(PAID_BY_ALICE)).log == "mempool_full"
    await tight.executor.close()

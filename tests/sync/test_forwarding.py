"""Sending a transaction on: one upstream that lies of it, drops it or is silent does not decide for the others."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from chainpos.core.contracts.codes import BLOCK_FULL
from chainpos.core.values.hashes import sha256
from chainpos.rpc.backend import BroadcastAnswer
from chainpos.rpc.client import Disconnected, RpcError
from chainpos.sync import loop as loop_module
from chainpos.sync.loop import FollowLoop, NoUpstream

WIRE = b"a transaction"
TAKEN = BroadcastAnswer(sha256(WIRE))
REFUSED = BroadcastAnswer(sha256(WIRE), 602, log="exceeds_payment")


class Upstream:
    """Answers as it is told, after `after_s`."""

    def __init__(self, answer: BroadcastAnswer | Exception, after_s: float = 0) -> None:
        self.answer = answer
        self.after_s = after_s
        self.heard: list[bytes] = []

    async def broadcast_tx_sync(self, wire: bytes) -> BroadcastAnswer:
        self.heard.append(wire)
        await asyncio.sleep(self.after_s)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def loop_with(**upstreams: Upstream) -> FollowLoop:
    sink: Any = None
    loop = FollowLoop(tuple(upstreams), "chain", 0, sink, time.monotonic_ns)
    clients: Any = upstreams
    loop._clients.update(clients)
    return loop


async def test_every_upstream_hears_of_it_so_that_one_that_drops_it_changes_nothing() -> None:
    swallows, honest = Upstream(TAKEN), Upstream(TAKEN, after_s=0.05)
    assert await loop_with(a=swallows, b=honest).forward(WIRE) == TAKEN
    await asyncio.sleep(0.1)
    assert (swallows.heard, honest.heard) == ([WIRE], [WIRE])


async def test_a_refusal_counts_only_where_no_other_takes_it() -> None:
    assert await loop_with(a=Upstream(REFUSED), b=Upstream(TAKEN, after_s=0.05)).forward(WIRE) == TAKEN
    assert await loop_with(a=Upstream(REFUSED), b=Upstream(REFUSED)).forward(WIRE) == REFUSED
    assert await loop_with(a=Upstream(REFUSED), b=Upstream(Disconnected("gone"))).forward(WIRE) == REFUSED


async def test_want_of_room_decides_nothing_where_another_may_have_taken_it() -> None:
    full = Upstream(BroadcastAnswer(sha256(WIRE), BLOCK_FULL.number))
    gone = Upstream(Disconnected("gone"), after_s=0.05)
    for upstreams in ({"a": full, "b": gone}, {"a": gone, "b": full}):
        with pytest.raises(NoUpstream):
            await loop_with(**upstreams).forward(WIRE)
    assert (await loop_with(a=full, b=full).forward(WIRE)).code == BLOCK_FULL.number
    for after_s in (0, 0.05):
        assert await loop_with(a=full, b=Upstream(REFUSED, after_s=after_s), c=gone).forward(WIRE) == REFUSED


async def test_who_is_silent_keeps_nobody_waiting_for_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = Upstream(TAKEN, after_s=10_000)
    monkeypatch.setattr(loop_module, "FORWARD_TIMEOUT_S", 10_000)
    async with asyncio.timeout(60):
        assert await loop_with(a=silent, b=Upstream(TAKEN)).forward(WIRE) == TAKEN
    monkeypatch.setattr(loop_module, "FORWARD_TIMEOUT_S", 0.2)
    assert await loop_with(a=silent, b=Upstream(REFUSED)).forward(WIRE) == REFUSED
    with pytest.raises(NoUpstream):
        await loop_with(a=silent).forward(WIRE)


async def test_cometbft_says_in_words_that_it_holds_it_already() -> None:
    held = RpcError(-32603, "Internal error", "tx already exists in cache")
    assert await loop_with(a=Upstream(held)).forward(WIRE) == TAKEN
    with pytest.raises(NoUpstream):
        await loop_with(a=Upstream(RpcError(-32603, "Internal error", "mempool is full"))).forward(WIRE)
    with pytest.raises(NoUpstream):
        await loop_with().forward(WIRE)

"""An act that may have arrived is never called refused, nor said to have moved nothing: it would be done again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from chainpos.core.chain.envelope import tx_hash
from chainpos.core.chain.results import TxResult
from chainpos.core.contracts import codes
from chainpos.core.contracts.balances.codes import BAD_REASON
from chainpos.core.contracts.balances.messages import Issue
from chainpos.errors import UserFacingError
from chainpos.node.clock import SystemClock
from chainpos.rpc.backend import BroadcastAnswer
from chainpos.sync.light import Included
from chainpos.wallet.keys import Key
from chainpos.wallet.office import MAY_HAVE_ARRIVED, ActEnd, Office

ISSUE = Issue("eastbank", bytes(20), "CNY", 100, "cash", "slip 1")
SILENCE = UserFacingError("No node answers.", next_step="Check the connection.")


class Wire:
    """A network whose door says these codes in turn, the last one again and again; `included` is what it shows."""

    chain_id = "testnet-1"
    genesis = None
    clock = SystemClock()

    def __init__(self, door: Sequence[int | Exception], *, takes: bool = False) -> None:
        self.door = list(door)
        self.takes = takes
        self.sent: list[bytes] = []

    async def broadcast(self, wire: bytes) -> BroadcastAnswer:
        self.sent.append(wire)
        said = self.door.pop(0) if len(self.door) > 1 else self.door[0]
        if isinstance(said, Exception):
            raise said
        return BroadcastAnswer(tx_hash(wire), said)

    async def included(self, _: bytes) -> Included | None:
        return Included(7, 0, TxResult(data=b"ok")) if self.takes and len(self.door) == 1 else None


async def act(network: Any, wait_s: float = 0.3) -> ActEnd:
    result = await Office(network, Key(bytes(32))).act("balances.issue", ISSUE, wait_s=wait_s)
    return result.end


@pytest.mark.parametrize("code", sorted(codes.FOR_NOW))
async def test_a_node_without_room_is_asked_again_and_decides_nothing(code: int) -> None:
    network = Wire([code])
    assert await act(network) is ActEnd.UNKNOWN
    assert len(network.sent) > 1
    assert len(set(network.sent)) == 1
    assert await act(Wire([code, 0], takes=True)) is ActEnd.DONE


async def test_silence_is_not_known_and_is_not_told_as_no_money_moved() -> None:
    with pytest.raises(UserFacingError, match="No node answers") as silent:
        await act(Wire([SILENCE]))
    assert silent.value.money_moved == MAY_HAVE_ARRIVED


async def test_what_was_judged_is_refused_at_once() -> None:
    assert await act(Wire([BAD_REASON.number]), wait_s=60) is ActEnd.REFUSED_AT_DOOR

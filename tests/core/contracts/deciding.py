"""How tests put a change to the vote: the operator proposes, the regulator's approval enacts it."""

from __future__ import annotations

import msgspec

from chainpos.core.chain.results import TxResult
from chainpos.core.contracts.governance.messages import Approve, Propose, change_hash
from chainpos.errors import Code
from tests.core.contracts.conftest import World

HOUR_S = 3_600


def encoded(change: msgspec.Struct) -> bytes:
    return msgspec.msgpack.encode(change)


def proposal(world: World, kind: str, change: msgspec.Struct, role: str = "operator") -> Propose:
    return Propose(role, kind, encoded(change), "Test", world.time_s + HOUR_S)


def proposed(world: World, kind: str, change: msgspec.Struct, role: str = "operator") -> int:
    """The number of a proposal that was accepted."""
    return int.from_bytes(world.accepted(proposal(world, kind, change, role), role).data, "big")


def approval(number: int, kind: str, change: msgspec.Struct, role: str = "regulator") -> Approve:
    return Approve(number, role, change_hash(kind, encoded(change)))


def decided(world: World, kind: str, change: msgspec.Struct) -> TxResult:
    """Enact a change by the default quorum; the deciding approval's result."""
    number = proposed(world, kind, change)
    return world.accepted(approval(number, kind, change), "regulator")


def undecidable(world: World, kind: str, change: msgspec.Struct, code: Code) -> None:
    """A change that is refused already when it is proposed, without a trace."""
    world.refused(proposal(world, kind, change), "operator", code)

"""Schedules keep what is in force: alone, and in each capability that has one."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.contracts.compliance.changes import SetAlertRules
from chainpos.core.contracts.compliance.records import AlertRule
from chainpos.core.contracts.customers.changes import SetClassCaps, SetRecoveryTime, SetTierLimits
from chainpos.core.contracts.customers.records import ClassCap, TierLimits
from chainpos.core.contracts.dated import followed
from chainpos.core.contracts.fees.changes import SetFeeRule, SetPublishedRate
from chainpos.core.contracts.governance.changes import SetQuorum
from chainpos.core.contracts.governance.codes import BAD_CHANGE
from chainpos.core.contracts.merchants.changes import SetDelays
from chainpos.core.contracts.payments.changes import SetOfflineCodes
from chainpos.core.contracts.payments.records import OfflineCap
from chainpos.core.contracts.ports import DYNAMIC_QR
from chainpos.core.contracts.settlement.changes import SetCutoffs
from chainpos.errors import MalformedBytes
from tests.core.contracts.conftest import CNY, GENESIS_S, World
from tests.core.contracts.deciding import decided, undecidable

RULE = AlertRule("all", CNY, 60, 0, 1_000, 1, 0)
NEEDS = (("operator", 1), ("regulator", 1))
# The kind, how many steps it keeps, how many of them genesis wrote, a step from a second on.
SCHEDULES: list[tuple[str, int, int, Callable[[int], msgspec.Struct]]] = [
    ("governance.quorum", 16, 1, lambda from_s: SetQuorum("", from_s, NEEDS, 3_600 + from_s % 7)),
    ("governance.quorum", 16, 0, lambda from_s: SetQuorum("customers.tier", from_s, NEEDS, 3_600)),
    ("compliance.alert_rules", 16, 0, lambda from_s: SetAlertRules(from_s, (RULE,))),
    ("customers.tier", 64, 1, lambda from_s: SetTierLimits("tier_3", from_s, (TierLimits(CNY, 1, 1, 1),))),
    ("customers.code_class", 64, 1, lambda from_s: SetClassCaps("B", from_s, (ClassCap(CNY, 600_000),))),
    ("customers.recovery", 64, 0, lambda from_s: SetRecoveryTime(from_s, 600)),
    ("merchants.delays", 64, 0, lambda from_s: SetDelays(from_s, 600, 600)),
    ("fees.schedule", 64, 1, lambda from_s: SetFeeRule("standard", DYNAMIC_QR, CNY, from_s, 1, 0, 9, 0)),
    ("payments.offline_codes", 64, 0, lambda from_s: SetOfflineCodes(from_s, 600, (OfflineCap(CNY, 1),))),
    ("fees.comparison", 64, 0, lambda from_s: SetPublishedRate(0, "Cards", "银行卡", from_s, 6_000)),
    ("settlement.timetable", 64, 1, lambda from_s: SetCutoffs(CNY, from_s, 600, 0)),
]


@pytest.mark.parametrize(("kind", "at_most", "begun", "step"), SCHEDULES)
def test_the_step_in_force_makes_no_room_for_one_to_come(
    world: World, kind: str, at_most: int, begun: int, step: Callable[[int], msgspec.Struct]
) -> None:
    ctx = world.context()
    known = ctx.ports.changes.find(kind)
    assert known is not None
    for second in range(begun, at_most):
        known.apply(ctx, step(GENESIS_S + 60 + second))
    world.commit(ctx)
    after = GENESIS_S + 60 + at_most
    undecidable(world, kind, step(after), BAD_CHANGE)
    # Once a later one has begun, what it replaced makes room, and nothing else does.
    world.advance(60 + begun + (0 if begun else 1))
    decided(world, kind, step(after))
    undecidable(world, kind, step(after + 1), BAD_CHANGE)


@given(begun=st.integers(0, 6), to_come=st.integers(0, 6), at_most=st.integers(1, 6))
def test_what_is_in_force_or_to_come_is_kept(begun: int, to_come: int, at_most: int) -> None:
    steps = tuple(range(begun + to_come))[-at_most:]
    begun = max(len(steps) - to_come, 0)
    needed = steps[max(begun - 1, 0) :]
    if len(needed) == at_most:
        with pytest.raises(MalformedBytes):
            followed(steps, 99, begun=begun, at_most=at_most)
        return
    kept = followed(steps, 99, begun=begun, at_most=at_most)
    assert kept[-1 - len(needed) :] == (*needed, 99)
    assert kept == (*steps, 99)[-len(kept) :]
    assert len(kept) == min(len(steps) + 1, at_most)

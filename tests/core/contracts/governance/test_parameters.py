"""Fee schedules and cut-offs as governance changes them: dated, appended, never edited."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainpos.core.contracts.fees import port as fees
from chainpos.core.contracts.fees.changes import SetFeeRule, SetPublishedRate
from chainpos.core.contracts.fees.records import COMPARISONS, comparison_key
from chainpos.core.contracts.fees.rules import cost_elsewhere
from chainpos.core.contracts.governance.codes import BAD_CHANGE, CHANGE_NOT_AHEAD
from chainpos.core.contracts.ports import DYNAMIC_QR
from chainpos.core.contracts.settlement.changes import SetCutoffs
from chainpos.core.contracts.settlement.messages import Close
from chainpos.core.contracts.settlement.records import TIMETABLES
from tests.core.contracts.conftest import BANK, CNY, GENESIS_S, World, events_of
from tests.core.contracts.deciding import decided, undecidable

FEE = SetFeeRule("standard", DYNAMIC_QR, CNY, GENESIS_S + 60, 6_000, 0, 10_000, 200_000)
RATE = SetPublishedRate(0, "Card acquiring", "银行卡收单", GENESIS_S + 60, 6_000)
CUTOFFS = SetCutoffs(CNY, GENESIS_S + 60, 600, 0)


def fee(world: World, currency: str = CNY) -> int:
    return fees.quote(world.context(), "standard", DYNAMIC_QR, currency, 1_000_000).total_minor


def test_a_fee_changes_at_its_second(world: World) -> None:
    result = decided(world, "fees.schedule", FEE)
    assert events_of(result, "fees.schedule_changed")[0]["ppm"] == "6000"
    world.advance(59)
    assert fee(world) == 3_800
    world.advance(1)
    assert fee(world) == 6_000


def test_a_schedule_is_made_where_there_was_none(world: World) -> None:
    decided(world, "fees.schedule", msgspec.structs.replace(FEE, currency="HKD"))
    world.advance(60)
    assert fee(world, "HKD") == 6_000


def test_cycles_are_cut_off_by_the_new_timetable(world: World) -> None:
    """Genesis lies at 14:13:20, and cut-offs are hourly; from 14:14:20 on they are every ten minutes.

    So the one of 14:10, which the hourly cycle did not have, is open to be closed as soon as the new step begins.
    """
    result = decided(world, "settlement.timetable", CUTOFFS)
    assert events_of(result, "settlement.timetable_changed")[0]["interval_s"] == "600"
    timetable = world.state.get(TIMETABLES, CNY.encode())
    assert timetable is not None
    assert len(timetable.steps) == 2
    world.advance(59)
    assert world.run(Close(BANK, CNY), BANK).log == "before_cutoff"
    world.advance(1)
    assert world.run(Close(BANK, CNY), BANK).log == "nothing_to_settle"


@pytest.mark.parametrize(
    "fields",
    [
        {"fee_class": "Standard"},
        {"instrument": "cash"},
        {"currency": "XXX"},
        {"ppm": 1_000_001},
        {"network_share_ppm": -1},
        {"minimum_minor": 2, "maximum_minor": 1},
        {"maximum_minor": 2**63},
        {"from_s": 2**60},
    ],
)
def test_a_fee_that_cannot_be_is_refused(world: World, fields: dict[str, Any]) -> None:
    undecidable(world, "fees.schedule", msgspec.structs.replace(FEE, **fields), BAD_CHANGE)


@pytest.mark.parametrize(
    "fields",
    [
        {"currency": "HKD"},
        {"interval_s": 9},
        {"interval_s": 604_801},
        {"offset_s": 600},
        {"offset_s": -1},
        {"from_s": 2**60},
    ],
)
def test_cutoffs_that_cannot_be_are_refused(world: World, fields: dict[str, Any]) -> None:
    undecidable(world, "settlement.timetable", msgspec.structs.replace(CUTOFFS, **fields), BAD_CHANGE)


def test_a_published_rate_holds_from_its_second_and_the_one_before_stays(world: World) -> None:
    decided(world, "fees.comparison", RATE)
    decided(world, "fees.comparison", msgspec.structs.replace(RATE, from_s=GENESIS_S + 600, ppm=5_000))
    kept = world.state.get(COMPARISONS, comparison_key(0))
    assert kept is not None
    costs = [cost_elsewhere(kept, GENESIS_S + after_s, 1_000_000) for after_s in (59, 60, 599, 600)]
    assert costs == [None, 6_000, 6_000, 5_000]


@pytest.mark.parametrize(
    "fields",
    [
        {"number": 1},
        {"number": -1},
        {"number": 16},
        {"name_en": ""},
        {"name_zh": "\u202e"},
        {"name_zh": "x" * 97},
        {"ppm": 1_000_001},
        {"ppm": -1},
        {"from_s": 2**60},
    ],
)
def test_a_rate_that_cannot_be_is_refused(world: World, fields: dict[str, Any]) -> None:
    undecidable(world, "fees.comparison", msgspec.structs.replace(RATE, **fields), BAD_CHANGE)


@pytest.mark.parametrize(
    ("kind", "change"),
    [("fees.comparison", RATE), ("fees.schedule", FEE), ("settlement.timetable", CUTOFFS)],
)
def test_a_change_lies_ahead_and_follows_the_last(world: World, kind: str, change: Any) -> None:
    undecidable(world, kind, msgspec.structs.replace(change, from_s=GENESIS_S), CHANGE_NOT_AHEAD)
    decided(world, kind, change)
    undecidable(world, kind, change, BAD_CHANGE)

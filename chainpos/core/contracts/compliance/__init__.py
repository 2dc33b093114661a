"""Freezes of accounts and merchants, by order and agreement; alerts about how accounts pay, which stop nothing."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.compliance import changes, codes, genesis, invariants, records, rules
from chainpos.core.contracts.compliance.messages import Agree, Freeze, Release
from chainpos.core.contracts.context import Capability, Message

CAPABILITY: Final = Capability(
    name="compliance",
    codes=codes.CODES,
    messages=(
        Message("compliance.freeze", Freeze, rules.freeze, gas=500),
        Message("compliance.release", Release, rules.release, gas=500),
        Message("compliance.agree", Agree, rules.agree, gas=500),
    ),
    tables=(records.FREEZES, records.ALERT_RULES, records.ACTIVITY, records.ALERTS),
    invariants=(
        invariants.freezes_have_an_order_and_an_end,
        invariants.alerts_are_on_record,
        invariants.alert_rules_ascend_by_date,
    ),
    load_genesis=genesis.load_genesis,
    changes=changes.CHANGES,
)

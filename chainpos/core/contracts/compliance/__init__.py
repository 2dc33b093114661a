"""Freezes of accounts and merchants, by order, with a reference and an end."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.compliance import codes, genesis, invariants, records, rules
from chainpos.core.contracts.compliance.messages import Freeze, Release
from chainpos.core.contracts.context import Capability, Message

CAPABILITY: Final = Capability(
    name="compliance",
    codes=codes.CODES,
    messages=(
        Message("compliance.freeze", Freeze, rules.freeze, gas=500),
        Message("compliance.release", Release, rules.release, gas=500),
    ),
    tables=(records.FREEZES,),
    invariants=(invariants.freezes_have_an_order_and_an_end,),
    load_genesis=genesis.load_genesis,
)

"""Refunds of payments, whole and in part; never more than was paid."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Capability, Message
from chainpos.core.contracts.refunds import codes, genesis, invariants, records, rules
from chainpos.core.contracts.refunds.messages import Refund, refund_subject

CAPABILITY: Final = Capability(
    name="refunds",
    codes=codes.CODES,
    messages=(Message("refunds.refund", Refund, rules.refund, gas=1000, subject=refund_subject),),
    tables=(records.REFUNDS,),
    invariants=(invariants.refunds_are_whole,),
    load_genesis=genesis.load_genesis,
)

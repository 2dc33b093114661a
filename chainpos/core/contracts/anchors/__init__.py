"""Anchors: hashes that a shop's tills put on the ledger, so that nobody can put other papers in their place later."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.anchors import codes, genesis, invariants, records, rules
from chainpos.core.contracts.anchors.messages import Record, record_subject
from chainpos.core.contracts.context import Capability, Message

CAPABILITY: Final = Capability(
    name="anchors",
    codes=codes.CODES,
    messages=(Message("anchors.record", Record, rules.record, gas=300, subject=record_subject),),
    tables=(records.ANCHORS, records.SERIES, records.DAYS),
    invariants=(invariants.series_end_at_their_last_anchor, invariants.tills_keep_to_their_day),
    load_genesis=genesis.load_genesis,
)

"""What receiving money costs a merchant: dated schedules, their arithmetic, and what others charge."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Capability
from chainpos.core.contracts.fees import changes, codes, genesis, invariants, records

CAPABILITY: Final = Capability(
    name="fees",
    codes=codes.CODES,
    messages=(),
    tables=(records.SCHEDULES, records.COMPARISONS),
    invariants=(invariants.schedules_are_dated_in_order,),
    load_genesis=genesis.load_genesis,
    changes=changes.CHANGES,
)

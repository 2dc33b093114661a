"""Merchants: certified names, owners, till keys with their own limits."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Capability, Message
from chainpos.core.contracts.merchants import codes, genesis, invariants, records, rules
from chainpos.core.contracts.merchants.messages import AddTill, Register, RevokeTill

CAPABILITY: Final = Capability(
    name="merchants",
    codes=codes.CODES,
    messages=(
        Message("merchants.register", Register, rules.register, gas=1_000),
        Message("merchants.add_till", AddTill, rules.add_till, gas=500),
        Message("merchants.revoke_till", RevokeTill, rules.revoke_till, gas=300),
    ),
    tables=(records.MERCHANTS, records.TILLS),
    invariants=(invariants.tills_have_merchants, invariants.deposits_are_at_the_acquirer),
    load_genesis=genesis.load_genesis,
)

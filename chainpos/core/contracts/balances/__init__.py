"""Double-entry deposits and central-bank money; every movement is balanced postings. Below all other capabilities."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.balances import codes, genesis, invariants, records, rules
from chainpos.core.contracts.balances.messages import Issue, Redeem
from chainpos.core.contracts.context import Capability, Message

CAPABILITY: Final = Capability(
    name="balances",
    codes=codes.CODES,
    messages=(
        Message("balances.issue", Issue, rules.issue, gas=600),
        Message("balances.redeem", Redeem, rules.redeem, gas=600),
    ),
    tables=(records.ACCOUNTS, records.SUPPLY),
    invariants=(
        invariants.postings_sum_to_zero,
        invariants.no_negative_balance,
        invariants.supply_is_issued_less_redeemed,
    ),
    load_genesis=genesis.load_genesis,
)

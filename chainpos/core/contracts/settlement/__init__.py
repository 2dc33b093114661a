"""Clearing and settlement between institutions, and the states of a merchant's money until it is paid out."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Capability, Message
from chainpos.core.contracts.settlement import changes, codes, genesis, invariants, records, rules
from chainpos.core.contracts.settlement.messages import Close, ConfirmPayout, FailPayout, RequestPayout, Resolve

CAPABILITY: Final = Capability(
    name="settlement",
    codes=codes.CODES,
    messages=(
        Message("settlement.close", Close, rules.close, gas=5000),
        Message("settlement.resolve", Resolve, rules.resolve, gas=5000),
        Message("settlement.request_payout", RequestPayout, rules.request_payout, gas=800),
        Message("settlement.confirm_payout", ConfirmPayout, rules.confirm_payout, gas=800),
        Message("settlement.fail_payout", FailPayout, rules.fail_payout, gas=600),
    ),
    tables=(
        records.BATCHES,
        records.OBLIGATIONS,
        records.POSITIONS,
        records.PAYOUTS,
        records.CYCLES,
        records.CLOCKS,
        records.TIMETABLES,
    ),
    invariants=(
        invariants.batches_are_the_sum_of_obligations,
        invariants.money_is_in_one_state,
        invariants.pending_money_is_owed,
        invariants.nettings_add_up,
    ),
    load_genesis=genesis.load_genesis,
    changes=changes.CHANGES,
)

"""Who acts for the network itself, and how it changes: roles, proposals with a quorum, validators, versions."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Capability, Message
from chainpos.core.contracts.governance import changes, codes, genesis, invariants, records, rules
from chainpos.core.contracts.governance.messages import Approve, Propose, Withdraw

CAPABILITY: Final = Capability(
    name="governance",
    codes=codes.CODES,
    messages=(
        Message("governance.propose", Propose, rules.propose, gas=1_000),
        Message("governance.approve", Approve, rules.approve, gas=1_000),
        Message("governance.withdraw", Withdraw, rules.withdraw, gas=300),
    ),
    tables=(
        records.ROLE_HOLDERS,
        records.ROLE_LISTS,
        records.PROPOSALS,
        records.COUNTER,
        records.QUORUMS,
        records.VALIDATORS,
        records.UPGRADES,
    ),
    invariants=(
        invariants.roles_are_known,
        invariants.quorums_need_two,
        invariants.proposals_are_sound,
        invariants.somebody_makes_blocks,
    ),
    load_genesis=genesis.load_genesis,
    changes=changes.CHANGES,
)

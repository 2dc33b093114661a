"""Banks and wallet companies, and their central-bank money."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Capability, Message
from chainpos.core.contracts.institutions import changes, codes, genesis, invariants, records, rules
from chainpos.core.contracts.institutions.messages import DrainReserve, FundReserve, RotateKey, new_key_claim

CAPABILITY: Final = Capability(
    name="institutions",
    codes=codes.CODES,
    messages=(
        Message("institutions.rotate_key", RotateKey, rules.rotate_key, gas=500, signatures=new_key_claim),
        Message("institutions.fund_reserve", FundReserve, rules.fund_reserve, gas=5500),
        Message("institutions.drain_reserve", DrainReserve, rules.drain_reserve, gas=500),
    ),
    tables=(records.INSTITUTIONS, records.DIRECTORY),
    invariants=(invariants.directory_is_complete, invariants.accounts_belong_to_institutions),
    load_genesis=genesis.load_genesis,
    changes=changes.CHANGES,
)

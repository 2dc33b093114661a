"""Who may act for the network itself: the operator, the central bank, the regulator, the city."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Capability
from chainpos.core.contracts.governance import codes, genesis, invariants, records

CAPABILITY: Final = Capability(
    name="governance",
    codes=codes.CODES,
    messages=(),
    tables=(records.ROLE_HOLDERS,),
    invariants=(invariants.roles_are_known,),
    load_genesis=genesis.load_genesis,
)

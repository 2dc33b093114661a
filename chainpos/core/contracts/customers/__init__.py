"""Customers: accounts by key, wallet tiers and code classes with dated limits, and no personal data."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Capability, Message
from chainpos.core.contracts.customers import codes, genesis, invariants, records, rules
from chainpos.core.contracts.customers.messages import Open

CAPABILITY: Final = Capability(
    name="customers",
    codes=codes.CODES,
    messages=(Message("customers.open", Open, rules.open_account, gas=500),),
    tables=(records.CUSTOMERS, records.CUSTOMER_KEYS, records.TIERS, records.CODE_CLASSES),
    invariants=(
        invariants.keys_and_accounts_agree,
        invariants.deposits_have_owners,
        invariants.days_are_counted_once,
        invariants.limits_ascend_by_date,
    ),
    load_genesis=genesis.load_genesis,
)

"""Customers: accounts by key, wallet tiers and code classes with dated limits, and no personal data."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Capability, Message
from chainpos.core.contracts.customers import changes, codes, genesis, invariants, messages, records, rules

_account: Final = messages.about_account

CAPABILITY: Final = Capability(
    name="customers",
    codes=codes.CODES,
    messages=(
        Message("customers.open", messages.Open, rules.open_account, gas=500),
        Message(
            "customers.rotate_key",
            messages.RotateKey,
            rules.rotate_key,
            gas=500,
            signatures=messages.new_key_claim,
            subject=_account,
        ),
        Message("customers.lock", messages.Lock, rules.lock, gas=300, subject=_account),
        Message("customers.unlock", messages.Unlock, rules.unlock, gas=300, subject=_account),
        Message(
            "customers.start_recovery",
            messages.StartRecovery,
            rules.start_recovery,
            gas=500,
            signatures=messages.new_key_claim,
            subject=_account,
        ),
        Message(
            "customers.complete_recovery", messages.CompleteRecovery, rules.complete_recovery, gas=300, subject=_account
        ),
        Message("customers.uphold_recovery", messages.UpholdRecovery, rules.uphold_recovery, gas=300, subject=_account),
        Message("customers.cancel_recovery", messages.CancelRecovery, rules.cancel_recovery, gas=300, subject=_account),
        Message("customers.close", messages.Close, rules.close, gas=300, subject=_account),
        Message("customers.reopen", messages.Reopen, rules.reopen, gas=300, subject=_account),
        Message("customers.set_tier", messages.SetTier, rules.set_tier, gas=300, subject=_account),
        Message("customers.agree_limits", messages.AgreeLimits, rules.agree_limits, gas=300, subject=_account),
    ),
    tables=(
        records.CUSTOMERS,
        records.CUSTOMER_KEYS,
        records.TIERS,
        records.CODE_CLASSES,
        records.AGREED,
        records.RECOVERIES,
        records.RECOVERY_TIMES,
    ),
    invariants=(
        invariants.keys_and_accounts_agree,
        invariants.deposits_have_owners,
        invariants.days_are_counted_once,
        invariants.limits_ascend_by_date,
        invariants.closed_accounts_hold_nothing,
        invariants.recoveries_lock,
        invariants.printed_codes_have_the_lowest_cap,
        invariants.customers_have_limits,
    ),
    load_genesis=genesis.load_genesis,
    changes=changes.CHANGES,
)

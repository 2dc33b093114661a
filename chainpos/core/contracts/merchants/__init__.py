"""Merchants: certified names, owners, till keys with their own limits."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Capability, Message
from chainpos.core.contracts.merchants import changes, codes, genesis, invariants, messages, records, recovery, rules

_shop: Final = messages.about_merchant

CAPABILITY: Final = Capability(
    name="merchants",
    codes=codes.CODES,
    messages=(
        Message("merchants.register", messages.Register, rules.register, gas=1_000, subject=_shop),
        Message("merchants.add_till", messages.AddTill, rules.add_till, gas=500, subject=_shop),
        Message("merchants.revoke_till", messages.RevokeTill, rules.revoke_till, gas=300, subject=_shop),
        Message("merchants.set_till_limits", messages.SetTillLimits, rules.set_till_limits, gas=300, subject=_shop),
        Message(
            "merchants.rotate_owner",
            messages.RotateOwner,
            rules.rotate_owner,
            gas=500,
            signatures=messages.new_owner_claim,
            subject=_shop,
        ),
        Message(
            "merchants.start_owner_recovery",
            messages.StartOwnerRecovery,
            recovery.start,
            gas=500,
            signatures=messages.new_owner_claim,
            subject=_shop,
        ),
        Message(
            "merchants.complete_owner_recovery", messages.CompleteOwnerRecovery, recovery.complete, 300, subject=_shop
        ),
        Message("merchants.uphold_owner_recovery", messages.UpholdOwnerRecovery, recovery.uphold, 300, subject=_shop),
        Message("merchants.cancel_owner_recovery", messages.CancelOwnerRecovery, recovery.cancel, 300, subject=_shop),
        Message("merchants.change_terms", messages.ChangeTerms, rules.change_terms, gas=300, subject=_shop),
        Message("merchants.cancel_terms", messages.CancelTerms, rules.cancel_terms, gas=300, subject=_shop),
        Message("merchants.certify", messages.Certify, rules.certify, gas=300, subject=_shop),
        Message(
            "merchants.cancel_certificate", messages.CancelCertificate, rules.cancel_certificate, 300, subject=_shop
        ),
        Message("merchants.suspend", messages.Suspend, rules.suspend, gas=300, subject=_shop),
        Message("merchants.reopen", messages.Reopen, rules.reopen, gas=300, subject=_shop),
        Message("merchants.close", messages.Close, rules.close, gas=300, subject=_shop),
    ),
    tables=(records.MERCHANTS, records.TILLS, records.OWNER_RECOVERIES, records.DELAYS),
    invariants=(
        invariants.tills_have_merchants,
        invariants.deposits_are_at_the_acquirer,
        invariants.closed_shops_hold_nothing,
        invariants.shops_have_terms,
        invariants.owner_recoveries_wait,
    ),
    load_genesis=genesis.load_genesis,
    changes=changes.CHANGES,
)

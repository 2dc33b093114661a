"""Payments of signed requests and customer-presented codes; each request is payable once."""

from __future__ import annotations

from typing import Final

from chainpos.core.contracts.context import Capability, Message
from chainpos.core.contracts.payments import changes, codes, genesis, invariants, records, rules
from chainpos.core.contracts.payments.messages import (
    Cancel,
    Charge,
    Pay,
    cancel_subject,
    charge_signatures,
    charge_subject,
    charge_tokens,
    pay_signatures,
    pay_subject,
)

CAPABILITY: Final = Capability(
    name="payments",
    codes=codes.CODES,
    messages=(
        Message("payments.pay", Pay, rules.pay, gas=1000, signatures=pay_signatures, subject=pay_subject),
        Message(
            "payments.charge", Charge, rules.charge, gas=1100,
            tokens=charge_tokens, signatures=charge_signatures, subject=charge_subject,
        ),
        Message("payments.cancel", Cancel, rules.cancel, gas=400, subject=cancel_subject),
    ),
    tables=(records.PAYMENTS, records.CANCELLED, records.OFFLINE_CODES),
    invariants=(invariants.a_request_is_paid_at_most_once, invariants.refunds_stay_within_what_was_paid),
    load_genesis=genesis.load_genesis,
    changes=changes.CHANGES,
)  # fmt: skip

"""Ground keys and execution: whose records may be refused for want of room in their bucket, and whose never."""

from __future__ import annotations

from itertools import count

import pytest

from chainpos.core.contracts import registry
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.compliance.records import FREEZES
from chainpos.core.contracts.payments.records import PAYMENTS
from chainpos.core.contracts.ports import account_subject
from chainpos.core.state import crowding
from chainpos.core.state.commitment import bucket_of
from tests.core.blocks import Chain, transaction
from tests.core.contracts.conftest import GENESIS_S, key_of
from tests.core.state.conftest import advance


def test_ground_keys_keep_nobody_from_what_has_one_place_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Chain()
    # Payments' IDs can be ground, at a few seconds each; the records then stay for good.
    frozen = account_subject(key_of("alice").address)
    bucket = bucket_of(FREEZES.full_key(frozen))
    ground = (PAYMENTS.full_key(number.to_bytes(32, "big")) for number in count())
    advance(chain.state, {next(key for key in ground if bucket_of(key) == bucket): b"\x90"})
    monkeypatch.setattr(crowding, "MAX_BUCKET_RECORDS", 1)
    order = Freeze(frozen, "Order 1", GENESIS_S + 86_400)
    assert chain.append_one(transaction(order, "regulator")).log == ""


def test_of_every_table_it_is_said_whether_its_keys_are_chosen() -> None:
    # The next payout, proposal or debt has one place alone: if that could be taken, money would stand still.
    chosen = sorted(table.name for table in registry.TABLES if table.chosen_keys)
    assert chosen == [
        "anchors", "anchors.series", "customer_keys", "customers", "merchants", "payments", "payments.cancelled",
        "refunds", "seen_bodies", "spent_tokens", "tills",
    ]  # fmt: skip

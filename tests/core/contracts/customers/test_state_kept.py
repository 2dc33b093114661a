"""What the ledger keeps of a customer for good: little enough for a city's millions to fit into a node's memory."""

from __future__ import annotations

from typing import Final

import pytest

from tests.core.contracts.city import City
from tests.core.contracts.conftest import key_of

MAX_BYTES: Final = 300


def kept_bytes(city: City, name: str) -> int:
    """Keys and values of every record that is kept under a customer's account or key."""
    key = key_of(name)
    marks = (key.public, key.address, key.address.hex().encode())
    return sum(
        len(full_key) + len(value)
        for full_key, value in city.state.values().items()
        if any(mark in full_key for mark in marks)
    )


@pytest.mark.parametrize("name", ["alice", "dave"])
def test_a_customer_who_pays_in_one_currency_is_kept_in_300_bytes(name: str) -> None:
    city = City()
    city.bought(name, "TEAHOUSE", 10_000)
    assert 200 < kept_bytes(city, name) <= MAX_BYTES

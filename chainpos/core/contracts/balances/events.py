"""What balances tell: every movement with its legs, and money that came into being or went.

It refuses to read legs that `posted` did not write.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from chainpos.errors import MalformedBytes

POSTED: Final = "balances.posted"
ISSUED: Final = "balances.issued"
REDEEMED: Final = "balances.redeemed"


class Leg(NamedTuple):
    """One leg of a balanced movement: what an account gains, or loses where `delta_minor` is below zero."""

    account: str
    delta_minor: int


def encode_legs(legs: Iterable[tuple[str, int]]) -> str:
    """The text of a posting: "customer/ab…/bank:-100;merchant/M1/bank:+100"."""
    return ";".join([f"{account}:{delta_minor:+d}" for account, delta_minor in legs])


def decode_legs(text: str) -> tuple[Leg, ...]:
    """The inverse of `encode_legs`. Raises MalformedBytes."""
    legs = []
    for part in text.split(";"):
        account, separator, delta = part.rpartition(":")
        if not separator or not account.isascii() or not delta[1:].isdigit() or delta[0] not in "+-":
            raise MalformedBytes("not the legs of a posting")
        legs.append(Leg(account, int(delta)))
    return tuple(legs)

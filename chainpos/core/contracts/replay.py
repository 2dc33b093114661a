"""What was on the ledger before: bodies of transactions, and one-time tokens such as a customer's code.

A mark is kept until what it stands for could not be accepted any more, and forgotten then. Execution alone reads and
writes it: a rule cannot tell whether its transaction was tried before, nor forget to say so.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from chainpos.core.contracts.context import Capability, Context
from chainpos.core.state.tables import Table


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """That something was used; it may be forgotten after the second `expires_s` of block time."""

    expires_s: int


def _expires(mark: Mark) -> int:
    return mark.expires_s


# By the sha256 of the body: a malleated signature makes another transaction, but not another payment.
BODIES: Final = Table("seen_bodies", b"xb", Mark, expires=_expires, chosen_keys=True)
TOKENS: Final = Table("spent_tokens", b"xt", Mark, expires=_expires, chosen_keys=True)


def _load_genesis(_: Context, __: Any) -> None:
    raise ValueError("nothing was used before genesis")


CAPABILITY: Final = Capability(
    name="replay", codes=(), messages=(), tables=(BODIES, TOKENS), invariants=(), load_genesis=_load_genesis
)

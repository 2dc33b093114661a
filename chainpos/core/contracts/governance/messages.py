"""What may be asked of governance: to propose a change, to approve one, to withdraw one's own."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.values.hashes import sha256

_CHANGE_DOMAIN: Final = b"chainpos/change/1\0"


class Propose(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "governance.propose", signed by a holder of `role`; it is the proposer's approval as well.

    `kind` names what governance may decide ("customers.tier"), `change` is the MessagePack of that kind's struct in
    canonical form; `title` 1 to 96 bytes of safe text; `expires_s` the second of block time at which it lapses.
    """

    role: str
    kind: str
    change: bytes
    title: str
    expires_s: int


class Approve(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "governance.approve", signed by a holder of `role`. `change_hash` is `change_hash(kind, change)`.

    The approval that completes the quorum enacts the change, in the same transaction.
    """

    number: int
    role: str
    change_hash: bytes


class Withdraw(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "governance.withdraw", signed by the key that proposed it."""

    number: int


def change_hash(kind: str, change: bytes) -> bytes:
    """32 bytes that stand for what is proposed: so nobody approves by number what they did not read."""
    return sha256(_CHANGE_DOMAIN + kind.encode() + b"\0" + change)

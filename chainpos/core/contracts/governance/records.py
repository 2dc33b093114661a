"""Who holds which role, what was proposed and by whom approved, the quorums, the validators, the next version."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.state.tables import Table

ROLES: Final = ("central_bank", "city", "operator", "regulator")
MAX_HOLDERS: Final = 16
MAX_VALIDATORS: Final = 100
# Far below CometBFT's own limit for the sum of all, so that no order of updates can go beyond it.
MAX_POWER: Final = 1_000_000_000
MAX_QUORUMS: Final = 64
MAX_QUORUM_STEPS: Final = 16
# The version of the application whose rules these are: CometBFT's app version.
APP_VERSION: Final = 1

OPEN: Final = 1
ENACTED: Final = 2
WITHDRAWN: Final = 3
# The quorum of every kind of change that has none of its own.
ANY_KIND: Final = ""


class RoleHolder(msgspec.Struct, frozen=True, array_like=True):
    """That a key holds a role, since the second `since_s` of block time."""

    since_s: int


class RoleList(msgspec.Struct, frozen=True, array_like=True):
    """The 32-byte keys that hold a role, ascending; at most MAX_HOLDERS."""

    keys: tuple[bytes, ...] = ()


class Approval(msgspec.Struct, frozen=True, array_like=True):
    """One key's approval, in the name of one role it holds."""

    role: str
    key: bytes
    at_s: int


class Proposal(msgspec.Struct, frozen=True, array_like=True):
    """A change that was proposed. `change` is its MessagePack; `kind` says whose and what it is.

    `state` is OPEN, ENACTED or WITHDRAWN; an open one that is past `expires_s` (block time) has expired.
    """

    kind: str
    change: bytes
    title: str
    role: str
    proposer: bytes
    proposed_s: int
    proposed_height: int
    expires_s: int
    state: int
    approvals: tuple[Approval, ...]
    decided_s: int = 0
    decided_height: int = 0


class Counter(msgspec.Struct, frozen=True, array_like=True):
    """How many proposals there ever were."""

    proposals: int = 0


class Need(msgspec.Struct, frozen=True, array_like=True):
    """How many keys of a role must approve."""

    role: str
    approvals: int


class QuorumStep(msgspec.Struct, frozen=True, array_like=True):
    """Who must approve from the second `effective_from_s` on; a proposal is open for `lifetime_s` at most."""

    effective_from_s: int
    needs: tuple[Need, ...]
    lifetime_s: int


class QuorumRule(msgspec.Struct, frozen=True, array_like=True):
    """The quorum of one kind of change (ANY_KIND: of all that have none of their own), by ascending date."""

    kind: str
    steps: tuple[QuorumStep, ...]


class Quorums(msgspec.Struct, frozen=True, array_like=True):
    """All quorums, by ascending kind; at most MAX_QUORUMS. One record, as removing a key must look at all of them."""

    rules: tuple[QuorumRule, ...] = ()


class ValidatorPower(msgspec.Struct, frozen=True, array_like=True):
    """One validator: its 32-byte public key, and its power."""

    public_key: bytes
    power: int


class Validators(msgspec.Struct, frozen=True, array_like=True):
    """Who makes blocks, by ascending key. A change of it is in force two blocks later, as CometBFT does it."""

    validators: tuple[ValidatorPower, ...] = ()


class Upgrade(msgspec.Struct, frozen=True, array_like=True):
    """From the block `height` on, only version `app_version` or later may execute. Height 0: none is planned."""

    height: int
    app_version: int
    name: str
    decided_s: int


ROLE_HOLDERS: Final = Table("role_holders", b"gr", RoleHolder)
ROLE_LISTS: Final = Table("role_lists", b"gl", RoleList)
PROPOSALS: Final = Table("proposals", b"gp", Proposal)
COUNTER: Final = Table("proposal_counter", b"gc", Counter)
QUORUMS: Final = Table("quorums", b"gq", Quorums)
VALIDATORS: Final = Table("validators", b"gv", Validators)
UPGRADES: Final = Table("upgrade", b"gu", Upgrade)
# The key of those that are one record.
ONLY: Final = b""


def role_key(role: str, public_key: bytes) -> bytes:
    """The record's key in ROLE_HOLDERS; `public_key` is 32 bytes."""
    return b"%s/%s" % (role.encode(), public_key)


def proposal_key(number: int) -> bytes:
    """The record's key in PROPOSALS: 4 bytes, big-endian, so that they are read in their order."""
    return number.to_bytes(4, "big")


def step_in_force(rule: QuorumRule, time_s: int) -> QuorumStep | None:
    """The last step that has begun at `time_s`, or None."""
    for step in reversed(rule.steps):
        if step.effective_from_s <= time_s:
            return step
    return None

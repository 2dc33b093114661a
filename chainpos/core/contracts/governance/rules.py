"""Propose, approve, withdraw. They refuse what nobody could enact, a second voice of one key, and what has lapsed.

A proposal is tried when it is made, and undone: so what is put to the vote could be enacted as the ledger stands.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.contracts.context import Change, Context
from chainpos.core.contracts.governance import codes, port
from chainpos.core.contracts.governance.events import APPROVED, ENACTED, PROPOSED, WITHDRAWN
from chainpos.core.contracts.governance.messages import Approve, Propose, Withdraw, change_hash
from chainpos.core.contracts.governance.records import (
    COUNTER,
    ONLY,
    OPEN,
    PROPOSALS,
    ROLES,
    Approval,
    Counter,
    Proposal,
    proposal_key,
)
from chainpos.core.contracts.governance.records import ENACTED as STATE_ENACTED
from chainpos.core.contracts.governance.records import WITHDRAWN as STATE_WITHDRAWN
from chainpos.errors import MalformedBytes, Rejected

MAX_TITLE_BYTES: Final = 96
MAX_NUMBER: Final = 2**32 - 1


def propose(ctx: Context, message: Propose) -> bytes:
    """The proposal's number, 4 bytes, big-endian. Raises with codes of the change's own capability, too."""
    _require_role(ctx, message.role)
    ctx.require_text(message.title, codes.BAD_PROPOSAL_TITLE, max_bytes=MAX_TITLE_BYTES)
    known, change = _read(ctx, message.kind, message.change)
    step = port.quorum(ctx, message.kind)
    ctx.require(0 < message.expires_s - ctx.block.time_s <= step.lifetime_s, codes.BAD_PROPOSAL_EXPIRY)
    mark, told = ctx.journal.mark(), len(ctx.events)
    _apply(ctx, known, change)
    ctx.journal.rollback(mark)
    del ctx.events[told:]
    number = (ctx.get(COUNTER, ONLY) or Counter()).proposals + 1
    ctx.put(COUNTER, ONLY, Counter(number))
    proposal = Proposal(
        kind=message.kind,
        change=message.change,
        title=message.title,
        role=message.role,
        proposer=ctx.signer,
        proposed_s=ctx.block.time_s,
        proposed_height=ctx.block.height,
        expires_s=message.expires_s,
        state=OPEN,
        approvals=(Approval(message.role, ctx.signer, ctx.block.time_s),),
    )
    ctx.emit(
        PROPOSED,
        number=number,
        change=message.kind,
        change_hash=change_hash(message.kind, message.change),
        role=message.role,
        title=message.title,
        expires_s=message.expires_s,
    )
    _keep(ctx, number, proposal)
    return proposal_key(number)


def approve(ctx: Context, message: Approve) -> bytes:
    """The change is enacted if the quorum is complete. Raises with codes of the change's own capability, too."""
    proposal = _open(ctx, message.number)
    ctx.require(change_hash(proposal.kind, proposal.change) == message.change_hash, codes.PROPOSAL_DIFFERS)
    _require_role(ctx, message.role)
    ctx.require(all(each.key != ctx.signer for each in proposal.approvals), codes.ALREADY_APPROVED)
    approvals = (*proposal.approvals, Approval(message.role, ctx.signer, ctx.block.time_s))
    ctx.emit(APPROVED, number=message.number, change=proposal.kind, role=message.role)
    _keep(ctx, message.number, msgspec.structs.replace(proposal, approvals=approvals))
    return b""


def withdraw(ctx: Context, message: Withdraw) -> bytes:
    """The proposal is off the table; it stays on record."""
    proposal = _open(ctx, message.number)
    ctx.require(proposal.proposer == ctx.signer, codes.NOT_PROPOSER)
    ctx.put(PROPOSALS, proposal_key(message.number), _decided(ctx, proposal, STATE_WITHDRAWN))
    ctx.emit(WITHDRAWN, number=message.number, change=proposal.kind)
    return b""


def _keep(ctx: Context, number: int, proposal: Proposal) -> None:
    """Write the proposal, enacted where its quorum is complete."""
    if port.is_met(ctx, port.quorum(ctx, proposal.kind), proposal.approvals):
        _apply(ctx, *_read(ctx, proposal.kind, proposal.change))
        proposal = _decided(ctx, proposal, STATE_ENACTED)
        ctx.emit(ENACTED, number=number, change=proposal.kind)
    ctx.put(PROPOSALS, proposal_key(number), proposal)


def _decided(ctx: Context, proposal: Proposal, state: int) -> Proposal:
    return msgspec.structs.replace(proposal, state=state, decided_s=ctx.block.time_s, decided_height=ctx.block.height)


def _open(ctx: Context, number: int) -> Proposal:
    ctx.require(0 < number <= MAX_NUMBER, codes.UNKNOWN_PROPOSAL)
    proposal = ctx.found(ctx.get(PROPOSALS, proposal_key(number)), codes.UNKNOWN_PROPOSAL)
    ctx.require(proposal.state == OPEN, codes.PROPOSAL_DECIDED)
    ctx.require(ctx.block.time_s < proposal.expires_s, codes.PROPOSAL_EXPIRED)
    return proposal


def _require_role(ctx: Context, role: str) -> None:
    ctx.require(role in ROLES, codes.UNKNOWN_ROLE)
    port.require_role(ctx, role, ctx.signer)


def _read(ctx: Context, kind: str, encoded: bytes) -> tuple[Change, msgspec.Struct]:
    known = ctx.ports.changes.find(kind)
    if known is None:
        raise Rejected(codes.UNKNOWN_CHANGE)
    try:
        return known, ctx.ports.changes.decode(known, encoded)
    except MalformedBytes as error:
        raise Rejected(codes.BAD_CHANGE, str(error)) from error


def _apply(ctx: Context, known: Change, change: msgspec.Struct) -> None:
    if known.effective_from_s is not None:
        ctx.require(known.effective_from_s(change) > ctx.block.time_s, codes.CHANGE_NOT_AHEAD)
    try:
        known.apply(ctx, change)
    except MalformedBytes as error:
        raise Rejected(codes.BAD_CHANGE, str(error)) from error

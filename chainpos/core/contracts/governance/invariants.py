"""What must hold of roles, quorums, proposals and validators."""

from __future__ import annotations

from itertools import pairwise

from chainpos.core.chain.validators import MAX_TOTAL_POWER
from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.contracts.governance.changes import is_quorum
from chainpos.core.contracts.governance.records import (
    COUNTER,
    ENACTED,
    MAX_HOLDERS,
    OPEN,
    PROPOSALS,
    QUORUMS,
    ROLE_HOLDERS,
    ROLE_LISTS,
    ROLES,
    VALIDATORS,
    Proposal,
    proposal_key,
)
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES


def roles_are_known(scan: Scan) -> list[Violation]:
    """Every role that is held exists, is held by a key, and its list names exactly its holders."""
    found = []
    held: dict[bytes, list[bytes]] = {}
    for key, _ in scan.records(ROLE_HOLDERS):
        role, _, holder = key.partition(b"/")
        held.setdefault(role, []).append(holder)
        if role.decode(errors="replace") not in ROLES or len(holder) != PUBLIC_KEY_BYTES:
            found.append(Violation("roles_are_known", key.hex()))
    listed = {role: list(record.keys) for role, record in scan.records(ROLE_LISTS) if record.keys}
    if not found and listed != {role: sorted(keys) for role, keys in held.items()}:
        found.append(Violation("roles_are_known", "lists and holders differ"))
    found += [Violation("roles_are_known", role.decode()) for role, keys in listed.items() if len(keys) > MAX_HOLDERS]
    return found


def quorums_need_two(scan: Scan) -> list[Violation]:
    """No quorum lets one key decide; each has steps that ascend by date, and kinds are named once."""
    found = []
    for _, record in scan.records(QUORUMS):
        kinds = [rule.kind for rule in record.rules]
        if kinds != sorted(set(kinds)):
            found.append(Violation("quorums_need_two", "kinds out of order"))
        for rule in record.rules:
            seconds = [step.effective_from_s for step in rule.steps]
            ascends = all(earlier < later for earlier, later in pairwise(seconds))
            if not seconds or not ascends or not all(is_quorum(step.needs) for step in rule.steps):
                found.append(Violation("quorums_need_two", rule.kind))
    return found


def proposals_are_sound(scan: Scan) -> list[Violation]:
    """They are numbered without a gap; a key approves once; an enacted one had two approvals, in its time."""
    proposals = list(scan.records(PROPOSALS))
    counted = max([record.proposals for _, record in scan.records(COUNTER)], default=0)
    found = []
    if [key for key, _ in proposals] != [proposal_key(number) for number in range(1, counted + 1)]:
        found.append(Violation("proposals_are_sound", f"{len(proposals)} kept, {counted} counted"))
    found += [Violation("proposals_are_sound", key.hex()) for key, proposal in proposals if not _is_sound(proposal)]
    return found


def _is_sound(proposal: Proposal) -> bool:
    voices = [approval.key for approval in proposal.approvals]
    if len(set(voices)) != len(voices) or not proposal.proposed_s < proposal.expires_s:
        return False
    if proposal.state == OPEN:
        return proposal.decided_height == 0
    in_time = proposal.proposed_s <= proposal.decided_s < proposal.expires_s
    return in_time and (proposal.state != ENACTED or len(voices) >= 2)


def somebody_makes_blocks(scan: Scan) -> list[Violation]:
    """Validators are named once, each has power, and all together no more than CometBFT can count."""
    found = []
    for _, record in scan.records(VALIDATORS):
        keys = [each.public_key for each in record.validators]
        powers = [each.power for each in record.validators]
        if not keys or keys != sorted(set(keys)) or min(powers) <= 0 or sum(powers) > MAX_TOTAL_POWER:
            found.append(Violation("somebody_makes_blocks", f"{len(keys)} validators"))
    return found

"""Proposals: made, approved, enacted, withdrawn, lapsed; each refusal by its code and without a trace."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chainpos.core.contracts.governance import codes, port
from chainpos.core.contracts.governance.changes import SetQuorum, SetRole
from chainpos.core.contracts.governance.invariants import proposals_are_sound, quorums_need_two
from chainpos.core.contracts.governance.messages import Approve, Propose, Withdraw
from chainpos.core.contracts.governance.records import (
    ENACTED,
    ONLY,
    OPEN,
    PROPOSALS,
    QUORUMS,
    WITHDRAWN,
    Approval,
    Need,
    Proposal,
    QuorumRule,
    Quorums,
    QuorumStep,
    proposal_key,
)
from chainpos.errors import Code
from tests.core.contracts.conftest import GENESIS_S, World, events_of, key_of
from tests.core.contracts.deciding import HOUR_S, approval, decided, encoded, proposal, proposed

NEW = key_of("new holder").public
ROLE = "governance.role"
CHANGE = SetRole("city", NEW, is_held=True)
WEEK_S = 7 * 86_400


def kept(world: World, number: int) -> Proposal:
    record = world.state.get(PROPOSALS, proposal_key(number))
    assert record is not None
    return record


def test_a_proposal_is_enacted_by_the_approval_that_completes_its_quorum(world: World) -> None:
    number = proposed(world, ROLE, CHANGE)
    assert number == 1
    assert kept(world, 1).state == OPEN
    assert not port.holds(world.context(), "city", NEW)
    world.advance(60)
    result = world.accepted(approval(1, ROLE, CHANGE), "regulator")
    assert port.holds(world.context(), "city", NEW)
    record = kept(world, 1)
    assert (record.state, record.decided_s, record.decided_height) == (ENACTED, GENESIS_S + 60, 2)
    assert [each.role for each in record.approvals] == ["operator", "regulator"]
    assert events_of(result, "governance.enacted") == [{"number": "1", "change": ROLE}]
    assert events_of(result, "governance.role_added") == [{"role": "city", "key": NEW.hex()}]
    assert events_of(result, "governance.approved") == [{"number": "1", "change": ROLE, "role": "regulator"}]


def test_a_proposal_tells_what_is_proposed_and_nothing_of_its_trial(world: World) -> None:
    result = world.accepted(proposal(world, ROLE, CHANGE), "operator")
    assert [event.type for event in result.events] == ["governance.proposed"]
    (told,) = events_of(result, "governance.proposed")
    assert told["change"] == ROLE
    assert told["change_hash"] == approval(1, ROLE, CHANGE).change_hash.hex()
    assert port.holders(world.context(), "city") == (key_of("city").public,)


def test_an_approval_by_others_than_the_quorum_names_does_not_enact(world: World) -> None:
    proposed(world, ROLE, CHANGE)
    world.accepted(approval(1, ROLE, CHANGE, "city"), "city")
    assert kept(world, 1).state == OPEN
    world.accepted(approval(1, ROLE, CHANGE), "regulator")
    assert kept(world, 1).state == ENACTED


PROPOSE: list[tuple[str, dict[str, Any], str, Code]] = [
    ("nobody", {}, "alice", codes.MISSING_ROLE),
    ("another role's key", {}, "city", codes.MISSING_ROLE),
    ("a role that is none", {"role": "emperor"}, "operator", codes.UNKNOWN_ROLE),
    ("no title", {"title": ""}, "operator", codes.BAD_PROPOSAL_TITLE),
    ("a title that hides", {"title": "x\x1b[2J"}, "operator", codes.BAD_PROPOSAL_TITLE),
    ("an endless title", {"title": "x" * 97}, "operator", codes.BAD_PROPOSAL_TITLE),
    ("another kind", {"kind": "governance.coup"}, "operator", codes.UNKNOWN_CHANGE),
    ("no change", {"change": b""}, "operator", codes.BAD_CHANGE),
    ("another shape", {"change": b"\x91\x01"}, "operator", codes.BAD_CHANGE),
    ("more than one change", {"change": encoded(CHANGE) + b"\x00"}, "operator", codes.BAD_CHANGE),
    ("no canonical form", {"change": b"\x93\xd9\x04city" + encoded(CHANGE)[6:]}, "operator", codes.BAD_CHANGE),
    ("over already", {"expires_s": GENESIS_S}, "operator", codes.BAD_PROPOSAL_EXPIRY),
    ("open for too long", {"expires_s": GENESIS_S + WEEK_S + 1}, "operator", codes.BAD_PROPOSAL_EXPIRY),
]


@pytest.mark.parametrize(("change", "signer", "code"), [row[1:] for row in PROPOSE], ids=[row[0] for row in PROPOSE])
def test_a_proposal_is_refused(world: World, change: dict[str, Any], signer: str, code: Code) -> None:
    message = proposal(world, ROLE, CHANGE)
    world.refused(msgspec.structs.replace(message, **change), signer, code)
    world.accepted(msgspec.structs.replace(message, expires_s=GENESIS_S + WEEK_S), "operator")


def test_a_network_without_quorums_decides_nothing(world: World) -> None:
    ctx = world.context()
    ctx.delete(QUORUMS, ONLY)
    world.commit(ctx)
    world.refused(proposal(world, ROLE, CHANGE), "operator", codes.NO_QUORUM_SET)


@pytest.mark.parametrize("number", [0, -1, 2, 2**40])
def test_what_was_not_proposed_is_neither_approved_nor_withdrawn(world: World, number: int) -> None:
    proposed(world, ROLE, CHANGE)
    world.refused(approval(number, ROLE, CHANGE), "regulator", codes.UNKNOWN_PROPOSAL)
    world.refused(Withdraw(number), "operator", codes.UNKNOWN_PROPOSAL)


def test_an_approval_is_refused(world: World) -> None:
    proposed(world, ROLE, CHANGE)
    world.refused(Approve(1, "regulator", bytes(32)), "regulator", codes.PROPOSAL_DIFFERS)
    world.refused(approval(1, ROLE, CHANGE, "emperor"), "regulator", codes.UNKNOWN_ROLE)
    world.refused(approval(1, ROLE, CHANGE), "alice", codes.MISSING_ROLE)
    world.refused(approval(1, ROLE, CHANGE, "operator"), "operator", codes.ALREADY_APPROVED)
    world.accepted(approval(1, ROLE, CHANGE), "regulator")
    world.refused(approval(1, ROLE, CHANGE), "regulator", codes.PROPOSAL_DECIDED)


def test_a_proposal_lapses_at_its_second(world: World) -> None:
    proposed(world, ROLE, CHANGE)
    world.advance(HOUR_S)
    world.refused(approval(1, ROLE, CHANGE), "regulator", codes.PROPOSAL_EXPIRED)
    world.refused(Withdraw(1), "operator", codes.PROPOSAL_EXPIRED)


def test_only_the_proposer_withdraws(world: World) -> None:
    proposed(world, ROLE, CHANGE)
    world.refused(Withdraw(1), "regulator", codes.NOT_PROPOSER)
    result = world.accepted(Withdraw(1), "operator")
    assert events_of(result, "governance.withdrawn") == [{"number": "1", "change": ROLE}]
    assert kept(world, 1).state == WITHDRAWN
    world.refused(Withdraw(1), "operator", codes.PROPOSAL_DECIDED)
    world.refused(approval(1, ROLE, CHANGE), "regulator", codes.PROPOSAL_DECIDED)


def test_an_approval_counts_only_while_its_key_holds_the_role(world: World) -> None:
    for name in ("second operator", "third operator"):
        decided(world, ROLE, SetRole("operator", key_of(name).public, is_held=True))
    message = proposal(world, ROLE, CHANGE)
    number = int.from_bytes(world.accepted(message, "second operator").data, "big")
    decided(world, ROLE, SetRole("operator", key_of("second operator").public, is_held=False))
    world.accepted(approval(number, ROLE, CHANGE), "regulator")
    assert kept(world, number).state == OPEN
    world.accepted(approval(number, ROLE, CHANGE, "operator"), "third operator")
    assert kept(world, number).state == ENACTED


def test_what_can_no_longer_be_enacted_stays_on_the_table_until_it_lapses(world: World) -> None:
    first, second = proposed(world, ROLE, CHANGE), proposed(world, ROLE, CHANGE)
    world.accepted(approval(first, ROLE, CHANGE), "regulator")
    world.refused(approval(second, ROLE, CHANGE), "regulator", codes.ROLE_HELD)
    assert kept(world, second).state == OPEN


QUORUM = SetQuorum(ROLE, GENESIS_S + 100, (("city", 1), ("operator", 1), ("regulator", 1)), HOUR_S)


def test_a_quorum_holds_from_its_date_on_also_for_what_was_proposed_before(world: World) -> None:
    result = decided(world, "governance.quorum", QUORUM)
    (told,) = events_of(result, "governance.quorum_changed")
    assert told["needs"] == "city:1,operator:1,regulator:1"
    decided(world, ROLE, SetRole("city", key_of("early").public, is_held=True))
    number = proposed(world, ROLE, CHANGE)
    world.advance(100)
    world.accepted(approval(number, ROLE, CHANGE), "regulator")
    assert kept(world, number).state == OPEN
    world.accepted(approval(number, ROLE, CHANGE, "city"), "city")
    assert kept(world, number).state == ENACTED
    # Other kinds still have the general quorum, and the shorter lifetime is this kind's alone.
    message = msgspec.structs.replace(proposal(world, ROLE, CHANGE), expires_s=world.time_s + HOUR_S + 1)
    world.refused(message, "operator", codes.BAD_PROPOSAL_EXPIRY)


BAD_QUORUMS: list[tuple[dict[str, Any], Code]] = [
    ({"kind": "governance.coup"}, codes.UNKNOWN_CHANGE),
    ({"needs": ()}, codes.BAD_QUORUM),
    ({"needs": (("operator", 1),)}, codes.BAD_QUORUM),
    ({"needs": (("operator", 1), ("operator", 1))}, codes.BAD_QUORUM),
    ({"needs": (("operator", 2), ("emperor", 1))}, codes.BAD_QUORUM),
    ({"needs": (("operator", 2), ("city", 0))}, codes.BAD_QUORUM),
    ({"needs": (("operator", 2), ("city", -1))}, codes.BAD_QUORUM),
    ({"needs": (("operator", 17),)}, codes.BAD_QUORUM),
    ({"lifetime_s": 0}, codes.BAD_QUORUM),
    ({"lifetime_s": 90 * 86_400 + 1}, codes.BAD_QUORUM),
    ({"effective_from_s": 2**62}, codes.BAD_QUORUM),
    ({"needs": (("operator", 2),)}, codes.QUORUM_UNREACHABLE),
    ({"effective_from_s": GENESIS_S}, codes.CHANGE_NOT_AHEAD),
    ({"kind": "", "effective_from_s": 0}, codes.CHANGE_NOT_AHEAD),
]


@pytest.mark.parametrize(("fields", "code"), BAD_QUORUMS)
def test_a_quorum_is_refused(world: World, fields: dict[str, Any], code: Code) -> None:
    change = msgspec.structs.replace(QUORUM, **fields)
    world.refused(proposal(world, "governance.quorum", change), "operator", code)


def test_a_quorum_follows_the_last_one_that_is_scheduled(world: World) -> None:
    decided(world, "governance.quorum", QUORUM)
    world.refused(proposal(world, "governance.quorum", QUORUM), "operator", codes.QUORUM_NOT_LATER)
    decided(world, "governance.quorum", msgspec.structs.replace(QUORUM, effective_from_s=GENESIS_S + 101))


def test_a_dated_change_must_be_decided_before_its_date(world: World) -> None:
    number = proposed(world, "governance.quorum", QUORUM)
    world.advance(100)
    world.refused(approval(number, "governance.quorum", QUORUM), "regulator", codes.CHANGE_NOT_AHEAD)


def test_a_quorum_by_which_one_key_decides_is_found(world: World) -> None:
    ctx = world.context()
    ctx.put(QUORUMS, ONLY, Quorums((QuorumRule("", (QuorumStep(0, (Need("operator", 1),), 1),)),)))
    world.commit(ctx)
    (violation,) = quorums_need_two(world.state)
    assert violation.invariant == "quorums_need_two"


ENOUGH = (Approval("operator", b"a", 1), Approval("regulator", b"b", 2))
SOUND = Proposal(ROLE, b"", "t", "operator", b"a", 1, 1, 9, ENACTED, ENOUGH, 2, 2)


@pytest.mark.parametrize(
    "fields",
    [
        {"approvals": ENOUGH[:1]},
        {"approvals": (ENOUGH[0], ENOUGH[0])},
        {"decided_s": 9},
        {"decided_s": 0},
        {"state": OPEN},
        {"expires_s": 1},
    ],
)
def test_a_proposal_decided_wrongly_is_found(world: World, fields: dict[str, Any]) -> None:
    proposed(world, ROLE, CHANGE)
    ctx = world.context()
    ctx.put(PROPOSALS, proposal_key(1), SOUND)
    world.commit(ctx)
    assert proposals_are_sound(world.state) == []
    ctx = world.context()
    ctx.put(PROPOSALS, proposal_key(1), msgspec.structs.replace(SOUND, **fields))
    world.commit(ctx)
    (violation,) = proposals_are_sound(world.state)
    assert violation.invariant == "proposals_are_sound"


def test_a_proposal_that_was_not_counted_is_found(world: World) -> None:
    ctx = world.context()
    ctx.put(PROPOSALS, proposal_key(1), SOUND)
    world.commit(ctx)
    assert [violation.invariant for violation in proposals_are_sound(world.state)] == ["proposals_are_sound"]


def test_a_proposal_fits_a_transaction_only_with_its_change(world: World) -> None:
    message = Propose("operator", ROLE, encoded(CHANGE), "Test", GENESIS_S + 5)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=Propose) == message

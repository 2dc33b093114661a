"""Execution: one result a transaction, always; what is remembered; what is refused before any rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpos.core import execution
from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.chain.evidence import Misdeed
from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.signatures import Signature, verify_batch
from chainpos.core.contracts import codes, registry
from chainpos.core.contracts.balances.codes import INSUFFICIENT_FUNDS
from chainpos.core.contracts.balances.messages import Issue
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.context import Context, Violation
from chainpos.core.contracts.payments.messages import Pay
from chainpos.core.contracts.ports import account_subject
from chainpos.core.contracts.replay import BODIES
from chainpos.core.execution import BlockInput, check_transaction, execute_block, genesis_state, signatures_of
from chainpos.core.state import crowding
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import Code, Rejected, StateMismatch
from tests.core.blocks import Chain, charge, genesis_records, issue, pay, transaction
from tests.core.contracts.conftest import (
    BANK,
    CHAIN_ID,
    GENESIS_S,
    KINDS,
    attributes_of,
    events_of,
    key_of,
    make_app_state,
)


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_a_payment_takes_effect_and_says_so(chain: Chain) -> None:
    result = chain.append_one(transaction(pay(), "alice"))
    assert (result.code, result.log, result.codespace) == (0, "", "")
    assert result.gas_wanted == result.gas_used == KINDS[Pay].gas
    assert events_of(result, "payments.paid")[0]["reference"] == "S1"
    assert len(result.data) == 32
    assert registry.check_invariants(chain.state) == []


def test_a_transaction_sees_what_the_ones_before_it_in_the_block_did(chain: Chain) -> None:
    first, second = chain.append(transaction(pay(), "alice"), transaction(pay(), "carol"))
    assert first.code == 0
    assert second.log == "already_paid"


def unsigned(wire: bytes) -> bytes:
    return bytes(64) + wire[64:]


def reencoded(wire: bytes, change: Callable[[list[object]], object]) -> bytes:
    """The transaction with its body's fields changed and rightly signed by Alice, canonical or not."""
    fields = msgspec.msgpack.decode(wire[64:])
    change(fields)
    body = msgspec.msgpack.encode(fields)
    signed = b"chainpos/tx/1\0" + CHAIN_ID.encode() + b"\0" + body
    return key_of("alice").sign(signed) + body


def longer(message: object) -> bytes:
    """An encoded message with one field more."""
    fields = msgspec.msgpack.decode(message) if isinstance(message, bytes) else []
    return msgspec.msgpack.encode([*fields, 0])


GOOD = transaction(pay(), "alice")
UNREADABLE: list[tuple[str, bytes, Code]] = [
    ("nothing", b"", codes.MALFORMED),
    ("a signature alone", bytes(64), codes.MALFORMED),
    ("noise", bytes(range(256)), codes.MALFORMED),
    ("one byte more", GOOD + b"\0", codes.MALFORMED),
    ("one byte less", GOOD[:-1], codes.MALFORMED),
    ("a long form of a number", GOOD[:64] + GOOD[64:].replace(b"\x97\x01", b"\x97\xcc\x01", 1), codes.MALFORMED),
    ("another version", reencoded(GOOD, lambda body: body.__setitem__(0, 2)), codes.MALFORMED),
    ("a short nonce", reencoded(GOOD, lambda body: body.__setitem__(4, bytes(15))), codes.MALFORMED),
    ("a field too many", reencoded(GOOD, lambda body: body.append(0)), codes.MALFORMED),
    ("a message of another kind", transaction(pay(), "alice", kind="balances.issue"), codes.MALFORMED),
    ("a message too long", reencoded(GOOD, lambda body: body.__setitem__(6, longer(body[6]))), codes.MALFORMED),
    ("too many bytes", bytes(4_097), codes.OVERSIZED),
    ("another chain", transaction(pay(), "alice", chain_id="othernet-1"), codes.OTHER_CHAIN),
    ("expired", transaction(pay(), "alice", expires_s=GENESIS_S), codes.TX_EXPIRED),
    ("too long a life", transaction(pay(), "alice", expires_s=GENESIS_S + 86_401), codes.EXPIRY_TOO_FAR),
    ("an unknown kind", transaction(pay(), "alice", kind="payments.give"), codes.UNKNOWN_KIND),
    ("no signature", unsigned(GOOD), codes.BAD_SIGNATURE),
    ("another's signature", transaction(pay(), "bob")[:64] + GOOD[64:], codes.BAD_SIGNATURE),
    ("a till's signature for another chain", transaction(pay(chain_id="othernet-1"), "alice"), codes.BAD_SIGNATURE),
]


@pytest.mark.parametrize(("wire", "code"), [row[1:] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE])
def test_what_fails_before_its_rule_has_a_result_and_leaves_nothing(chain: Chain, wire: bytes, code: Code) -> None:
    before = chain.state.app_hash
    result = chain.append_one(wire)
    assert (result.code, result.log, result.codespace) == (code.number, code.name, "chainpos")
    assert result.events == ()
    assert result.data == b""
    assert chain.state.app_hash == before


def test_a_block_of_junk_and_payments_has_one_result_for_each_in_order(chain: Chain) -> None:
    results = chain.append(*[wire for _, wire, _ in UNREADABLE], GOOD, b"junk", transaction(pay("S2"), "bob"))
    expected = [code.number for _, _, code in UNREADABLE] + [0, codes.MALFORMED.number, 0]
    assert [result.code for result in results] == expected


def test_a_message_in_a_longer_form_is_malformed_even_when_signed(chain: Chain) -> None:
    fields: list[object] = msgspec.msgpack.decode(GOOD[64:])
    message = fields[6]
    assert isinstance(message, bytes)
    assert message[-5:-4] == b"\x00"
    # The tip of zero, written in two bytes.
    stretched = message[:-5] + b"\xcc\x00" + message[-4:]
    wire = reencoded(GOOD, lambda body: body.__setitem__(6, stretched))
    result = chain.append_one(wire)
    assert result.log == "malformed"
    assert "canonical" in result.info


def test_a_refused_transaction_leaves_its_mark_and_nothing_else(chain: Chain) -> None:
    before = chain.money()
    refused = chain.append_one(transaction(pay("S1", 900_000), "dave"))
    assert refused.code != 0
    assert refused.codespace == registry.CODESPACES[refused.code] == "customers"
    assert refused.gas_used == KINDS[Pay].gas
    assert refused.data == b""
    assert chain.money() == before
    assert chain.marks() == 1


def test_a_refusal_is_told_with_its_subject_and_nothing_that_did_not_happen(chain: Chain) -> None:
    refused = chain.append_one(transaction(pay("S1", 900_000), "dave"))
    (event,) = refused.events
    assert event.type == "chainpos.rejected"
    told = attributes_of(event)
    assert told["kind"] == "payments.pay"
    assert told["code"] == str(refused.code)
    assert told["name"] == refused.log
    assert told["signer"] == key_of("dave").address.hex()
    assert told["reference"] == "S1"
    assert told["merchant"] == "TEAHOUSE"


def test_a_transaction_works_once_in_one_block_and_ever_after(chain: Chain) -> None:
    wire = transaction(issue(), BANK)
    assert [result.log for result in chain.append(wire, wire)] == ["", "replayed"]
    before = chain.state.app_hash
    assert chain.append_one(wire).log == "replayed"
    assert chain.state.app_hash == before


def test_a_refused_payment_cannot_be_sent_again_when_it_would_succeed(chain: Chain) -> None:
    broke = Freeze(account_subject(key_of("dave").address), "order 1", GENESIS_S + 5)
    wire = transaction(pay("S1", 900), "dave")
    _, refused = chain.append(transaction(broke, "regulator"), wire)
    assert refused.code != 0
    chain.time_s += 10
    assert chain.append_one(wire).log == "replayed"
    assert chain.append_one(transaction(pay("S1", 900), "dave", nonce=1)).code == 0


def test_a_bad_signature_uses_nothing_up(chain: Chain) -> None:
    assert [result.log for result in chain.append(unsigned(GOOD), GOOD)] == ["bad_signature", ""]


def test_every_signature_of_a_transaction_is_asked_for(chain: Chain) -> None:
    envelope = decode_envelope(GOOD)
    message = pay()
    claims = signatures_of(envelope, message)
    assert [claim.public_key for claim in claims] == [key_of("alice").public, key_of("TEAHOUSE.till").public]
    assert verify_batch(claims) == [True, True]


def test_one_batch_verifies_a_whole_block(chain: Chain) -> None:
    batches: list[int] = []

    def counting(claims: Sequence[Signature]) -> list[bool]:
        batches.append(len(claims))
        return verify_batch(claims)

    chain.outcome(GOOD, b"junk", transaction(issue(), BANK), verify=counting)
    chain.outcome(b"junk", verify=counting)
    assert batches == [3]


def test_a_verifier_that_loses_an_answer_halts(chain: Chain) -> None:
    with pytest.raises(StateMismatch):
        chain.outcome(GOOD, verify=lambda _: [True])


def test_a_customers_code_works_once_even_when_the_charge_was_refused(chain: Chain) -> None:
    first = transaction(charge("S1", nonce=1, amount_minor=50_001), "TEAHOUSE.till")
    second = transaction(charge("S2", nonce=1), "TEAHOUSE.till")
    third = transaction(charge("S2", nonce=2), "TEAHOUSE.till")
    results = chain.append(first, second, third)
    assert results[0].code != 0
    assert [result.log for result in results[1:]] == ["code_already_used", ""]
    told = attributes_of(results[1].events[0])
    assert (told["name"], told["reference"]) == ("code_already_used", "S2")


def test_a_short_lived_transaction_cannot_free_a_code_early(chain: Chain) -> None:
    short = transaction(charge("S1", nonce=1, amount_minor=50_001), "TEAHOUSE.till", expires_s=GENESIS_S + 1)
    assert chain.append_one(short).code != 0
    chain.time_s += 30
    again = transaction(charge("S2", nonce=1), "TEAHOUSE.till")
    assert chain.append_one(again).log == "code_already_used"


def test_an_empty_block_changes_nothing_however_late_it_comes(chain: Chain) -> None:
    chain.append(GOOD)
    before = chain.state.app_hash
    chain.time_s += 1_000_000
    outcome = chain.outcome()
    assert (outcome.changes, outcome.results, outcome.events) == ([], (), ())
    assert (outcome.validator_updates, outcome.param_updates) == ((), None)
    assert outcome.app_hash == before


def test_marks_are_forgotten_once_what_they_mark_has_expired(chain: Chain) -> None:
    wire = transaction(issue(), BANK, expires_s=GENESIS_S + 60)
    chain.append(wire)
    chain.time_s += 60
    assert chain.append_one(wire).log == "transaction_expired"
    assert chain.marks() == 1
    chain.time_s += 1
    chain.append(b"junk")
    assert chain.marks() == 0


def test_a_block_forgets_a_bounded_number_the_oldest_first(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "MAX_FORGOTTEN_A_BLOCK", 2)
    chain.append(*[transaction(issue(), BANK, nonce=n, expires_s=GENESIS_S + 100 - n) for n in range(5)])
    chain.time_s += 200
    left = []
    for _ in range(3):
        chain.append(b"junk")
        left.append([mark.expires_s - GENESIS_S for _, mark in chain.state.records(BODIES)])
    assert [sorted(each) for each in left] == [[98, 99, 100], [100], []]


def test_a_bug_in_a_rule_leaves_as_it_came(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    def buggy(*_: object) -> bytes:
        raise KeyError("a bug")

    known = registry.MESSAGES["balances.issue"]
    monkeypatch.setitem(registry.MESSAGES, "balances.issue", known._replace(rule=buggy))
    before = chain.state.app_hash
    with pytest.raises(KeyError):
        chain.append(transaction(issue(), BANK))
    assert chain.state.app_hash == before


def test_a_rule_that_writes_and_then_refuses_leaves_no_write(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.MESSAGES["balances.issue"]

    def late(ctx: Context, message: Issue) -> bytes:
        known.rule(ctx, message)
        raise Rejected(INSUFFICIENT_FUNDS)

    monkeypatch.setitem(registry.MESSAGES, "balances.issue", known._replace(rule=late))
    before = chain.money()
    result = chain.append_one(transaction(issue(), BANK))
    assert [event.type for event in result.events] == ["chainpos.rejected"]
    assert chain.money() == before


def test_where_no_mark_finds_room_nothing_is_done(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowding, "MAX_BUCKET_RECORDS", 0)
    before = chain.state.app_hash
    assert chain.append_one(GOOD).log == "ledger_crowded"
    assert chain.state.app_hash == before


def test_where_a_rules_records_find_no_room_it_is_refused(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([True, False])
    monkeypatch.setattr(crowding.Growth, "admit", lambda *_: next(answers))
    before = chain.money()
    assert chain.append_one(GOOD).log == "ledger_crowded"
    assert chain.money() == before
    assert chain.marks() == 1


@pytest.mark.parametrize("wire", [GOOD, b"junk", unsigned(GOOD), transaction(pay("S1", 900_000), "dave")])
def test_a_check_says_what_a_block_would_say_and_keeps_nothing(chain: Chain, wire: bytes) -> None:
    before = chain.state.values()
    checked = check_transaction(chain.state, wire, chain.facts)
    assert chain.state.values() == before
    assert (checked.data, checked.events) == (b"", ())
    executed = chain.append_one(wire)
    assert (checked.code, checked.log, checked.gas_used) == (executed.code, executed.log, executed.gas_used)


def test_a_check_does_not_walk_over_all_that_has_expired(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    # After a quiet night these are thousands, and whoever is not even a customer may have junk checked.
    used = charge("S5", nonce=1)
    chain.append(transaction(used, "TEAHOUSE.till"))
    chain.time_s += 2 * 86_400
    again = charge("S6", nonce=1, issued_s=chain.time_s)
    wire = transaction(again, "TEAHOUSE.till", nonce=2, expires_s=chain.time_s + 60)
    with monkeypatch.context() as patched:
        patched.setattr(type(chain.state), "expired", None)
        checked = check_transaction(chain.state, wire, chain.facts)
    assert checked.log == chain.append_one(wire).log == ""


def test_a_check_knows_what_was_on_the_ledger_before(chain: Chain) -> None:
    chain.append(GOOD)
    assert check_transaction(chain.state, GOOD, chain.facts).log == "replayed"


def test_a_fault_in_genesis_is_told_by_its_path() -> None:
    doc = GenesisDoc(CHAIN_ID, 0, 1, DEFAULT, (), app_state=b'{"network": {"name": "x"}}')
    with pytest.raises(ValueError, match=r"missing required field `demo` - at `\$\.network`"):
        genesis_state(doc)


def test_genesis_that_breaks_an_invariant_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "check_invariants", lambda _: [Violation("supply", "gone")])
    app_state = json.dumps(make_app_state()).encode()
    with pytest.raises(ValueError, match="supply: gone"):
        genesis_state(GenesisDoc(CHAIN_ID, GENESIS_S * SECOND_NS, 1, DEFAULT, (), app_state=app_state))


def test_no_accepted_transaction_applies_to_another_chain(chain: Chain) -> None:
    wires = [GOOD, transaction(issue(), BANK), transaction(charge("S9", nonce=1), "TEAHOUSE.till")]
    assert [result.code for result in chain.append(*wires)] == [0, 0, 0]
    other = Chain()
    block = BlockInput("othernet-1", 1, GENESIS_S * SECOND_NS, wires)
    outcome = execute_block(other.state, block)
    assert [result.log for result in outcome.results] == ["other_chain"] * 3
    assert outcome.changes == []


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_altered_byte_is_ever_accepted(position: int, difference: int) -> None:
    altered = bytearray(GOOD)
    altered[position] ^= difference
    chain = Chain()
    result = chain.append_one(bytes(altered))
    assert result.code != 0
    assert chain.state.values() == genesis_records()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_have_a_result(wire: bytes) -> None:
    assert Chain().append_one(wire).code != 0


def test_what_a_block_proves_of_a_validator_is_told_and_changes_nothing(chain: Chain) -> None:
    misdeed = Misdeed("duplicate_vote", bytes(range(20)), 7, 10)
    block = BlockInput(CHAIN_ID, 1, chain.time_s * SECOND_NS, (), bytes(20))
    outcome = execute_block(chain.state, block._replace(misdeeds=(misdeed,)))
    (event,) = outcome.events
    told = {each.key: each.value for each in event.attributes}
    assert event.type == execution.MISBEHAVED
    assert told == {"validator": bytes(range(20)).hex().upper(), "kind": "duplicate_vote", "height": "7", "power": "10"}
    assert outcome.app_hash == execute_block(chain.state, block).app_hash == chain.state.app_hash

"""Proofs: what we verify, what verifiers that share no code with us verify, and what nobody does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpos.core.chain import merkle
from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.state.commitment import bucket_name, bucket_of, map_leaf
from chainpos.core.state.proofs import (
    MAX_PROOF_BYTES,
    AbsenceProof,
    PresenceProof,
    ProofOp,
    RecordProof,
    decode_proof,
    encode_proof,
    proof_from_ops,
    verify_absence,
    verify_presence,
)
from chainpos.core.state.state import State
from chainpos.core.values.hashes import sha256
from chainpos.errors import MalformedBytes
from tests.core.state import ics23, simple_value
from tests.core.state.conftest import GROUND_KEYS, advance
from tests.core.state.ics23 import as_existence
from tests.core.state.naive import map_entry, state_root, tree_root

ABSENT = [b"never there", b"ac\xff\xff\xff", b"a", GROUND_KEYS[0] + b"0"]


def presence_of(state: State, key: bytes) -> PresenceProof:
    proof = state.prove(key)
    assert isinstance(proof, PresenceProof)
    return proof


def absence_of(state: State, key: bytes) -> AbsenceProof:
    proof = state.prove(key)
    assert isinstance(proof, AbsenceProof)
    return proof


def test_every_record_is_proved_and_survives_the_wire(state: State, records: dict[bytes, bytes]) -> None:
    assert state.app_hash == state_root(records)
    for key, value in records.items():
        proof = decode_proof(encode_proof(state.prove(key)))
        assert proof == state.prove(key) == proof_from_ops(proof.ops())
        assert verify_presence(state.app_hash, key, value, proof)
        assert not verify_absence(state.app_hash, key, proof)


def test_every_proof_passes_cometbfts_rules_in_other_hands(state: State, records: dict[bytes, bytes]) -> None:
    for key, value in records.items():
        encoded, path = encode_proof(state.prove(key)), [bucket_name(bucket_of(key)), key]
        assert simple_value.verifies(state.app_hash, path, value, encoded)
        assert not simple_value.verifies(state.app_hash, path, value + b"0", encoded)
        assert not simple_value.verifies(bytes(32), path, value, encoded)
        assert not simple_value.verifies(state.app_hash, [b"0000", key], value, encoded)


def test_every_proof_is_two_chained_ics23_proofs_of_the_tendermint_spec(
    state: State, records: dict[bytes, bytes]
) -> None:
    for key, value in records.items():
        proof = presence_of(state, key)
        lower = as_existence(key, value, proof.record.index, proof.record.total, proof.record.aunts)
        name = bucket_name(bucket_of(key))
        upper = as_existence(name, lower.root(), proof.bucket.index, proof.bucket.total, proof.bucket.aunts)
        assert ics23.exists(lower.root(), key, value, lower)
        assert ics23.read_commitment_proof(ics23.write_commitment_proof(lower)) == lower
        assert ics23.exists(state.app_hash, name, lower.root(), upper)
        assert not ics23.exists(state.app_hash, name, bytes(32), upper)


@pytest.mark.parametrize("key", ABSENT)
def test_absence_is_proved_and_survives_the_wire(state: State, key: bytes) -> None:
    proof = decode_proof(encode_proof(absence_of(state, key)))
    assert proof == state.prove(key) == proof_from_ops(proof.ops())
    assert verify_absence(state.app_hash, key, proof)
    assert not verify_presence(state.app_hash, key, b"", proof)


def test_absence_from_a_crowded_bucket_discloses_all_of_it(state: State) -> None:
    advance(state, {GROUND_KEYS[7]: None})
    proof = absence_of(state, GROUND_KEYS[7])
    assert [key for key, _ in proof.entries] == sorted(set(GROUND_KEYS) - {GROUND_KEYS[7]})
    assert verify_absence(state.app_hash, GROUND_KEYS[7], proof)


def test_absence_cannot_be_shown_by_leaving_the_record_out(state: State, records: dict[bytes, bytes]) -> None:
    key = GROUND_KEYS[3]
    bucket = presence_of(state, key).bucket
    entries = tuple((each, sha256(records[each])) for each in sorted(GROUND_KEYS))
    without = AbsenceProof(key, tuple(entry for entry in entries if entry[0] != key), bucket)
    assert merkle.root([map_leaf(*entry) for entry in entries]) == state_bucket_root(records)
    assert not verify_absence(state.app_hash, key, AbsenceProof(key, entries, bucket))
    assert not verify_absence(state.app_hash, key, without)


def state_bucket_root(records: dict[bytes, bytes]) -> bytes:
    return tree_root([map_entry(each, records[each]) for each in sorted(GROUND_KEYS)])


def test_absence_refuses_entries_out_of_order_twice_or_of_another_bucket(state: State) -> None:
    key = GROUND_KEYS[0] + b"0"
    advance(state, {GROUND_KEYS[7]: None})
    proof = absence_of(state, GROUND_KEYS[7])
    entries = proof.entries
    for forged in (entries[::-1], entries[:1] + entries, entries[:-1], (*entries, (b"zz", bytes(32)))):
        assert not verify_absence(state.app_hash, GROUND_KEYS[7], AbsenceProof(GROUND_KEYS[7], forged, proof.bucket))
    assert not verify_absence(state.app_hash, key, proof)


def test_a_proof_is_good_for_its_own_state_only(state: State) -> None:
    key = GROUND_KEYS[5]
    before, old_root, old_value = state.prove(key), state.app_hash, state.value(key)
    assert old_value is not None
    advance(state, {b"ac-new": b"elsewhere"})
    assert verify_presence(old_root, key, old_value, before)
    assert not verify_presence(state.app_hash, key, old_value, before)


def accepted(root: bytes, key: bytes, value: bytes, encoded: bytes) -> RecordProof | None:
    try:
        proof = decode_proof(encoded)
    except MalformedBytes:
        return None
    good = verify_presence(root, key, value, proof) or verify_absence(root, key, proof)
    return proof if good else None


@pytest.mark.parametrize("key", [GROUND_KEYS[11], GROUND_KEYS[0] + b"0", b"ac\x00\x00\x07"])
def test_any_changed_bit_of_a_proof_is_noticed(state: State, key: bytes) -> None:
    """But for `total` in the lower step, which its own hashes do not bind, in CometBFT neither: it claims nothing."""
    value = state.value(key) or b""
    proof = state.prove(key)
    encoded = encode_proof(proof)
    assert accepted(state.app_hash, key, value, encoded) == proof
    for bit in range(len(encoded) * 8):
        forged = bytearray(encoded)
        forged[bit // 8] ^= 1 << bit % 8
        found = accepted(state.app_hash, key, value, bytes(forged))
        if found is not None:
            assert isinstance(found, PresenceProof)
            assert isinstance(proof, PresenceProof)
            assert found.record.total != proof.record.total
            assert (found.key, found.bucket, found.record.aunts) == (proof.key, proof.bucket, proof.record.aunts)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_changed_bit_of_the_statement_is_noticed(data: st.DataObject) -> None:
    key, value = GROUND_KEYS[11], b"ground " + GROUND_KEYS[11]
    proof, root = PROOF
    which = data.draw(st.sampled_from(["root", "key", "value"]))
    parts = {"root": root, "key": key, "value": value}
    bit = data.draw(st.integers(0, len(parts[which]) * 8 - 1))
    changed = bytearray(parts[which])
    changed[bit // 8] ^= 1 << bit % 8
    parts[which] = bytes(changed)
    assert not verify_presence(parts["root"], parts["key"], parts["value"], proof)
    assert not verify_absence(parts["root"], parts["key"], proof)


def made_proof() -> tuple[RecordProof, bytes]:
    made = State((), {key: b"ground " + key for key in GROUND_KEYS})
    return made.prove(GROUND_KEYS[11]), made.app_hash


PROOF = made_proof()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_junk_is_refused_by_name(junk: bytes) -> None:
    try:
        proof = decode_proof(junk)
    except MalformedBytes:
        return
    assert encode_proof(proof) == junk


def test_proofs_of_other_shapes_are_refused(state: State) -> None:
    record, upper = state.prove(GROUND_KEYS[0]).ops()
    for ops in ((), (record,), (record, upper, upper), (upper, record), (record, record)):
        with pytest.raises(MalformedBytes):
            proof_from_ops(ops)
    with pytest.raises(MalformedBytes, match="unknown type"):
        proof_from_ops((ProofOp("ics23:simple", record.key, record.data), upper))
    with pytest.raises(MalformedBytes, match="bytes"):
        decode_proof(bytes(MAX_PROOF_BYTES + 1))


def test_a_wrong_place_in_the_upper_map_is_refused_even_where_the_hashes_fit(state: State) -> None:
    proof = presence_of(state, GROUND_KEYS[0])
    value = state.value(GROUND_KEYS[0]) or b""
    other = MerkleProof(proof.bucket.total - 1, proof.bucket.index, proof.bucket.leaf_hash, proof.bucket.aunts)
    assert merkle.root_from_proof(other) == state.app_hash
    assert verify_presence(state.app_hash, GROUND_KEYS[0], value, proof)
    assert not verify_presence(state.app_hash, GROUND_KEYS[0], value, PresenceProof(proof.key, proof.record, other))


def test_a_proof_that_names_another_key_is_refused(state: State) -> None:
    proof = presence_of(state, GROUND_KEYS[0])
    value = state.value(GROUND_KEYS[0]) or b""
    renamed = PresenceProof(GROUND_KEYS[1], proof.record, proof.bucket)
    assert not verify_presence(state.app_hash, GROUND_KEYS[0], value, renamed)
    assert not verify_presence(state.app_hash, GROUND_KEYS[1], value, renamed)

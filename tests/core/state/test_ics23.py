"""The public ICS-23 vectors of the Tendermint spec, against the verifier that our own proofs are checked with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainpos.core.state.commitment import map_leaf
from chainpos.core.values.hashes import sha256
from tests.core.state import ics23
from tests.core.state.naive import map_entry

PRESENT = ["exist_left", "exist_middle", "exist_right"]
ABSENT = ["nonexist_left", "nonexist_middle", "nonexist_right"]


def load(vectors: Path, name: str) -> tuple[bytes, bytes, bytes, bytes]:
    """Root, key, value and proof of one vector."""
    read: dict[str, Any] = json.loads((vectors / "ics23" / "tendermint" / f"{name}.json").read_text(encoding="utf-8"))
    return tuple(bytes.fromhex(read.get(part) or "") for part in ("root", "key", "value", "proof"))  # type: ignore[return-value]


@pytest.mark.parametrize("name", PRESENT)
def test_a_vector_of_presence_verifies_and_nothing_else_does(vectors: Path, name: str) -> None:
    root, key, value, raw = load(vectors, name)
    proof = ics23.read_commitment_proof(raw)
    assert isinstance(proof, ics23.Existence)
    assert ics23.exists(root, key, value, proof)
    assert not ics23.exists(root, key, value + b"0", proof)
    assert not ics23.exists(root, key + b"0", value, proof)
    assert not ics23.exists(bytes(32), key, value, proof)


@pytest.mark.parametrize("name", PRESENT)
def test_our_leaf_is_the_vectors_leaf(vectors: Path, name: str) -> None:
    _, key, value, raw = load(vectors, name)
    proof = ics23.read_commitment_proof(raw)
    assert isinstance(proof, ics23.Existence)
    assert proof._replace(path=()).root() == sha256(b"\x00" + map_leaf(key, sha256(value)))
    assert map_leaf(key, sha256(value)) == map_entry(key, value)


@pytest.mark.parametrize("name", ABSENT)
def test_a_vector_of_absence_verifies_and_nothing_else_does(vectors: Path, name: str) -> None:
    root, key, _, raw = load(vectors, name)
    proof = ics23.read_commitment_proof(raw)
    assert isinstance(proof, ics23.NonExistence)
    assert ics23.is_absent(root, key, proof)
    assert not ics23.is_absent(bytes(32), key, proof)
    for neighbour in (proof.left, proof.right):
        if neighbour is not None:
            assert ics23.exists(root, neighbour.key, neighbour.value, neighbour)
            assert not ics23.is_absent(root, neighbour.key, proof)


@pytest.mark.parametrize("name", PRESENT)
def test_any_changed_bit_of_a_vectors_path_is_noticed(vectors: Path, name: str) -> None:
    root, key, value, raw = load(vectors, name)
    proof = ics23.read_commitment_proof(raw)
    assert isinstance(proof, ics23.Existence)
    for at, inner in enumerate(proof.path):
        forgeries = [inner._replace(prefix=prefix) for prefix in with_one_bit_changed(inner.prefix)]
        forgeries += [inner._replace(suffix=suffix) for suffix in with_one_bit_changed(inner.suffix)]
        for forged in forgeries:
            path = (*proof.path[:at], forged, *proof.path[at + 1 :])
            assert not ics23.exists(root, key, value, proof._replace(path=path))


def with_one_bit_changed(before: bytes) -> Iterator[bytes]:
    for bit in range(len(before) * 8):
        after = bytearray(before)
        after[bit // 8] ^= 1 << bit % 8
        yield bytes(after)

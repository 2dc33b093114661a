"""RFC 6962 roots and proofs, beside a model that follows the RFC's own recursive words."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.chain import merkle
from chainpos.core.chain.merkle import MerkleProof
from chainpos.errors import MalformedBytes

items_strategy = st.lists(st.binary(max_size=40), max_size=70)


def model_root(items: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not items:
        return sha256(b"").digest()
    if len(items) == 1:
        return sha256(b"\x00" + items[0]).digest()
    split = 1
    while split * 2 < len(items):
        split *= 2
    return sha256(b"\x01" + model_root(items[:split]) + model_root(items[split:])).digest()


@pytest.mark.parametrize(
    ("items", "root"),
    [
        # CometBFT crypto/merkle/tree_test.go TestHashFromByteSlices
        ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ([b"\1\2\3"], "054edec1d0211f624fed0cbca9d4f9400b0e491c43742af2c5b0abebf0c990d8"),
        ([b""], "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        ([b"\1\2\3", b"\4\5\6"], "82e6cfce00453804379b53962939eaa7906b39904be0813fcadd31b100773c4b"),
        (
            [b"\1\2", b"\3\4", b"\5\6", b"\7\x08", b"\x09\x0a"],
            "f326493eceab4f2d9ffbc78c59432a0a005d6ea98392045c74df5d14a113be18",
        ),
    ],
)
def test_roots_are_those_of_cometbfts_own_test(items: list[bytes], root: str) -> None:
    assert merkle.root(items).hex() == root


@given(items_strategy)
def test_level_by_level_is_the_same_as_the_rfcs_recursion(items: list[bytes]) -> None:
    assert merkle.root(items) == model_root(items)
    assert merkle.root_of_leaf_hashes([merkle.leaf_hash(item) for item in items]) == model_root(items)


@given(items_strategy.filter(bool), st.data())
def test_every_item_has_a_proof_that_holds_for_it_alone(items: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(items) - 1))
    root, proof = merkle.root(items), merkle.proof(items, index)
    assert merkle.verify(root, items[index], proof)
    assert not merkle.verify(root, items[index] + b"!", proof)
    assert not merkle.verify(sha256(root).digest(), items[index], proof)
    assert MerkleProof.decode(proof.encode()) == proof


@given(items_strategy.filter(lambda items: len(items) > 1), st.data())
def test_a_proof_that_was_tampered_with_does_not_hold(items: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(items) - 1))
    root, proof = merkle.root(items), merkle.proof(items, index)
    at = data.draw(st.integers(0, len(proof.aunts) - 1))
    aunts = list(proof.aunts)
    aunts[at] = sha256(aunts[at]).digest()
    replace = msgspec.structs.replace
    for bent in (
        replace(proof, aunts=tuple(aunts)),
        replace(proof, aunts=proof.aunts[:-1]),
        replace(proof, aunts=(*proof.aunts, aunts[0])),
        replace(proof, leaf_hash=sha256(proof.leaf_hash).digest()),
        replace(proof, index=proof.total),
        replace(proof, index=-1),
        replace(proof, total=0),
    ):
        assert not merkle.verify(root, items[index], bent)


def test_an_inner_node_never_passes_for_a_leaf() -> None:
    left, right = merkle.leaf_hash(b"left"), merkle.leaf_hash(b"right")
    assert merkle.root([left + right]) != merkle.root([b"left", b"right"])


def test_there_is_no_proof_for_an_item_that_is_not_there() -> None:
    for index in (-1, 2):
        with pytest.raises(IndexError):
            merkle.proof([b"a", b"b"], index)


def test_a_proof_with_too_many_aunts_or_short_hashes_is_refused() -> None:
    hash_ = bytes(32)
    assert merkle.root_from_proof(MerkleProof(2**101, 0, hash_, (hash_,) * 101)) is None
    for bent in (
        MerkleProof(2**62, 0, hash_, (hash_,) * 101),
        MerkleProof(1, 0, hash_[1:]),
        MerkleProof(2, 0, hash_, (hash_[1:],)),
        MerkleProof(-1, 0, hash_),
        MerkleProof(1, -1, hash_),
    ):
        with pytest.raises(MalformedBytes):
            MerkleProof.decode(bent.encode())

"""Blocks, their parts, and proofs of their transactions."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from chainpos.core.chain import merkle
from chainpos.core.chain.block import (
    Block,
    data_hash,
    evidence_hash,
    part_set_of,
    tx_proof,
    unwrapped_evidence,
    verify_tx,
)
from chainpos.core.chain.merkle import EMPTY_ROOT
from chainpos.core.chain.params import PART_BYTES
from chainpos.core.chain.protobuf import put_message
from chainpos.errors import MalformedBytes
from tests.core.chain.conftest import MadeChain


def block_with(*txs: bytes) -> Block:
    chain = MadeChain()
    chain.add()
    return chain.add(txs).block


def test_a_block_reads_back_with_and_without_transactions() -> None:
    for block in (block_with(), block_with(b"one"), block_with(b"one", b"", b"three" * 1000)):
        assert Block.decode(block.encode()) == block


def test_an_empty_block_still_writes_its_data_and_evidence() -> None:
    assert b"\x12\x00\x1a\x00\x22" in block_with().encode()


@pytest.mark.parametrize(("size", "parts"), [(1, 1), (PART_BYTES, 1), (PART_BYTES + 1, 2), (3 * PART_BYTES, 3)])
def test_a_block_is_cut_in_parts_of_64_kib(size: int, parts: int) -> None:
    encoded = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    found = part_set_of(encoded)
    assert b"".join(found.parts) == encoded
    assert (found.header.total, len(found.parts)) == (parts, parts)
    assert found.header.hash == merkle.root([encoded[n * PART_BYTES : (n + 1) * PART_BYTES] for n in range(parts)])


def test_a_block_id_changes_with_every_byte_of_the_block() -> None:
    one, other = block_with(b"a" * 70_000), block_with(b"a" * 69_999 + b"b")
    assert one.part_set().header.total == 2
    assert one.block_id().hash != other.block_id().hash
    assert one.block_id().parts != other.block_id().parts


def test_the_data_hash_is_over_the_hashes_of_the_transactions() -> None:
    txs = [b"one", b"two", b"three"]
    assert data_hash(txs) == merkle.root([sha256(tx).digest() for tx in txs])
    assert data_hash([]) == evidence_hash([]) == EMPTY_ROOT


def test_every_transaction_is_proved_in_its_block_and_no_other() -> None:
    txs = [b"tx %d" % n for n in range(11)]
    for index, tx in enumerate(txs):
        proof = tx_proof(txs, index)
        assert verify_tx(data_hash(txs), tx, proof)
        assert not verify_tx(data_hash(txs[:-1]), tx, proof)
        assert not verify_tx(data_hash(txs), b"another", proof)


def test_evidence_of_no_known_kind_is_refused() -> None:
    assert unwrapped_evidence(put_message(2, b"inside")) == (2, b"inside")
    for bent in (b"", put_message(3, b"inside"), put_message(1, b"") + put_message(2, b"")):
        with pytest.raises(MalformedBytes):
            unwrapped_evidence(bent)


def test_a_block_without_its_last_commit_is_refused() -> None:
    block = block_with(b"one")
    commit = put_message(4, block.last_commit.encode())
    with pytest.raises(MalformedBytes, match="missing"):
        Block.decode(block.encode().removesuffix(commit))


def test_a_block_with_its_parts_in_another_order_is_refused() -> None:
    block = msgspec.structs.replace(block_with(), evidence=())
    encoded = block.encode().replace(b"\x12\x00\x1a\x00", b"\x1a\x00\x12\x00")
    with pytest.raises(MalformedBytes):
        Block.decode(encoded)

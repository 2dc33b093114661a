"""Every hash and signature of the real CometBFT v0.38 blocks in the public vectors (tendermint-rs, rpc_v0_38)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainpos.core.chain import merkle
from chainpos.core.chain.block import Block, data_hash, evidence_hash, tx_proof, verify_tx
from chainpos.core.chain.commit import COMMIT, Commit, median_time
from chainpos.core.chain.genesis import load_genesis
from chainpos.core.chain.header import Header, header_fault
from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.signatures import verify
from chainpos.core.chain.validators import ValidatorSet
from tests.core.chain.conftest import (
    Json,
    block_id_of,
    commit_of,
    evidence_of,
    find_objects,
    header_of,
    load_json,
    unbase64,
    unhex,
)

DOCKERCHAIN = "dockerchain"


@pytest.fixture(scope="module")
def answers(vectors: Path) -> dict[str, Json]:
    found = {path.name: load_json(path) for path in sorted((vectors / "rpc_v0_38" / "incoming").glob("*.json"))}
    assert len(found) == 41
    return found


@pytest.fixture(scope="module")
def blocks(answers: dict[str, Json]) -> list[tuple[Json, Block]]:
    """Each block that some answer holds, with its block ID where the answer has one."""
    found = []
    for answer in answers.values():
        for holder in find_objects(answer, "block", "block_id"):
            read = holder["block"]
            block = Block(
                header=header_of(read["header"]),
                txs=tuple(unbase64(tx) for tx in read["data"]["txs"] or ()),
                evidence=tuple(evidence_of(item) for item in read["evidence"]["evidence"] or ()),
                last_commit=commit_of(read["last_commit"]),
            )
            found.append((holder["block_id"], block))
    return found


@pytest.fixture(scope="module")
def genesis_validators(answers: dict[str, Json]) -> ValidatorSet:
    genesis = answers["genesis.json"]["result"]["genesis"]
    return load_genesis(str_bytes(genesis)).validator_set()


def str_bytes(read: Json) -> bytes:
    return json.dumps(read).encode()


def test_the_vectors_hold_the_blocks_that_are_checked_here(blocks: list[tuple[Json, Block]]) -> None:
    assert len(blocks) == 54
    assert sum(len(block.evidence) for _, block in blocks) == 1


def test_every_header_hashes_to_its_block_id(answers: dict[str, Json]) -> None:
    checked = 0
    for answer in answers.values():
        for holder in find_objects(answer, "block_id", "header"):
            assert header_of(holder["header"]).hash() == unhex(holder["block_id"]["hash"])
            checked += 1
        for holder in find_objects(answer, "block_id", "block"):
            assert header_of(holder["block"]["header"]).hash() == unhex(holder["block_id"]["hash"])
            checked += 1
        for holder in find_objects(answer, "header", "commit"):
            assert header_of(holder["header"]).hash() == unhex(holder["commit"]["block_id"]["hash"])
            checked += 1
    assert checked == 65


def test_every_header_is_well_formed_and_survives_encoding(blocks: list[tuple[Json, Block]]) -> None:
    for _, block in blocks:
        assert header_fault(block.header) == ""
        assert Header.decode(block.header.encode()) == block.header


def test_every_blocks_parts_hash_to_its_part_set_header(blocks: list[tuple[Json, Block]]) -> None:
    for block_id, block in blocks:
        assert block.block_id() == block_id_of(block_id)


def test_every_block_size_is_the_length_of_its_encoding(
    answers: dict[str, Json], blocks: list[tuple[Json, Block]]
) -> None:
    sizes = {
        meta["block_id"]["hash"]: int(meta["block_size"])
        for answer in answers.values()
        for meta in find_objects(answer, "block_size", "block_id")
    }
    compared = [len(block.encode()) == sizes[b["hash"]] for b, block in blocks if b["hash"] in sizes]
    assert len(compared) >= 2
    assert all(compared)


def test_every_data_commit_and_evidence_hash_is_reproduced(blocks: list[tuple[Json, Block]]) -> None:
    for _, block in blocks:
        assert data_hash(block.txs) == block.header.data_hash
        assert block.last_commit.hash() == block.header.last_commit_hash
        assert evidence_hash(block.evidence) == block.header.evidence_hash


def test_every_block_survives_encoding(blocks: list[tuple[Json, Block]]) -> None:
    for _, block in blocks:
        assert Block.decode(block.encode()) == block
        assert Commit.decode(block.last_commit.encode()) == block.last_commit


def test_the_validators_and_consensus_hashes_are_those_of_genesis(
    answers: dict[str, Json], genesis_validators: ValidatorSet
) -> None:
    params = load_genesis(str_bytes(answers["genesis.json"]["result"]["genesis"])).params
    read = answers["consensus_params.json"]["result"]["consensus_params"]
    assert params == ConsensusParams(
        max_bytes=int(read["block"]["max_bytes"]),
        max_gas=int(read["block"]["max_gas"]),
        evidence_max_age_blocks=int(read["evidence"]["max_age_num_blocks"]),
        evidence_max_age_ns=int(read["evidence"]["max_age_duration"]),
        evidence_max_bytes=int(read["evidence"]["max_bytes"]),
    )
    checked = 0
    for answer in answers.values():
        for read in find_objects(answer, "validators_hash"):
            header = header_of(read)
            assert header.consensus_hash == params.hash()
            if genesis_validators.by_address(header.proposer_address):
                assert header.validators_hash == header.next_validators_hash == genesis_validators.hash()
                checked += 1
    assert checked == 63


def test_every_vote_of_the_known_validator_verifies(answers: dict[str, Json], genesis_validators: ValidatorSet) -> None:
    checked = 0
    for answer in answers.values():
        for read in find_objects(answer, "signatures", "height"):
            commit = commit_of(read)
            found = genesis_validators.by_address(commit.signatures[0].address) if commit.signatures else None
            if found is None:
                # Another run of the chain, whose validator's key no answer tells.
                continue
            assert verify(found[1].public_key, commit.sign_bytes(DOCKERCHAIN, 0), commit.signatures[0].signature)
            assert not verify(found[1].public_key, commit.sign_bytes("dockerchaim", 0), commit.signatures[0].signature)
            checked += 1
    assert checked == 52


def test_every_block_time_is_the_median_of_its_last_commit(
    blocks: list[tuple[Json, Block]], genesis_validators: ValidatorSet
) -> None:
    for _, block in blocks:
        if block.header.height > 1 and genesis_validators.by_address(block.header.proposer_address):
            assert median_time(block.last_commit, genesis_validators) == block.header.time_ns
            assert all(vote.flag == COMMIT for vote in block.last_commit.signatures)


def test_every_transaction_proof_verifies_and_is_the_one_we_make(answers: dict[str, Json]) -> None:
    found = list(find_objects(answers["tx_search_with_prove.json"], "root_hash", "data", "proof"))
    assert len(found) == 9
    for read in found:
        proof = MerkleProof(
            int(read["proof"]["total"]),
            int(read["proof"]["index"]),
            unbase64(read["proof"]["leaf_hash"]),
            tuple(unbase64(aunt) for aunt in read["proof"]["aunts"]),
        )
        tx, root = unbase64(read["data"]), unhex(read["root_hash"])
        assert verify_tx(root, tx, proof)
        assert not verify_tx(root, tx + b"!", proof)
        if proof.total == 1:
            assert tx_proof([tx], 0) == proof


def test_the_results_hash_of_a_block_without_transactions_is_that_of_nothing(
    answers: dict[str, Json], blocks: list[tuple[Json, Block]]
) -> None:
    assert answers["block_results_at_height_10.json"]["result"]["txs_results"] is None
    by_height = {block.header.height: block for _, block in blocks if block.header.chain_id == DOCKERCHAIN}
    assert by_height[10].header.last_results_hash == merkle.EMPTY_ROOT

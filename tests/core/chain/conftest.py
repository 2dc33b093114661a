"""Real blocks for the tests: a small reader of CometBFT's RPC JSON, and a maker of signed chains.

It is written apart from chainpos.rpc on purpose, so that one reader's mistake is not both's.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from ed25519_zebra import ed_from_seed, ed_sign

from chainpos.core.chain.block import Block, data_hash
from chainpos.core.chain.commit import ABSENT, COMMIT, EMPTY_COMMIT, Commit, CommitSig, vote_sign_bytes
from chainpos.core.chain.evidence import DuplicateVote, Vote, encode_duplicate_vote
from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator
from chainpos.core.chain.header import BlockId, Header, PartSetHeader
from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.protobuf import put_message, put_uint, timestamp
from chainpos.core.chain.results import TxResult
from chainpos.core.chain.tip import ChainTip, build_block, make_genesis_tip, next_tip
from chainpos.core.chain.validators import Validator, ValidatorSet, make_validator_set
from chainpos.core.chain.verifier import UntrustedBlock
from chainpos.core.values.hashes import address_of, sha256
from chainpos.core.values.timestamps import parse_rfc3339

Json = Any


def unhex(text: str | None) -> bytes:
    return bytes.fromhex(text or "")


def unbase64(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def block_id_of(read: Json) -> BlockId:
    if read is None:
        return BlockId()
    parts = read.get("parts") or read.get("part_set_header") or {"total": 0, "hash": ""}
    return BlockId(unhex(read["hash"]), PartSetHeader(int(parts["total"]), unhex(parts["hash"])))


def header_of(read: Json) -> Header:
    return Header(
        version_block=int(read["version"]["block"]),
        version_app=int(read["version"].get("app", "0")),
        chain_id=read["chain_id"],
        height=int(read["height"]),
        time_ns=parse_rfc3339(read["time"]),
        last_block_id=block_id_of(read["last_block_id"]),
        last_commit_hash=unhex(read["last_commit_hash"]),
        data_hash=unhex(read["data_hash"]),
        validators_hash=unhex(read["validators_hash"]),
        next_validators_hash=unhex(read["next_validators_hash"]),
        consensus_hash=unhex(read["consensus_hash"]),
        app_hash=unhex(read["app_hash"]),
        last_results_hash=unhex(read["last_results_hash"]),
        evidence_hash=unhex(read["evidence_hash"]),
        proposer_address=unhex(read["proposer_address"]),
    )


def commit_of(read: Json) -> Commit:
    votes = tuple(
        CommitSig(
            int(vote["block_id_flag"]),
            unhex(vote["validator_address"]),
            parse_rfc3339(vote["timestamp"]),
            unbase64(vote["signature"]),
        )
        for vote in read["signatures"] or ()
    )
    return Commit(int(read["height"]), int(read["round"]), block_id_of(read["block_id"]), votes)


def vote_of(read: Json) -> Vote:
    return Vote(
        kind=read["type"],
        height=int(read["height"]),
        round=int(read["round"]),
        block_id=block_id_of(read["block_id"]),
        time_ns=parse_rfc3339(read["timestamp"]),
        address=unhex(read["validator_address"]),
        index=int(read["validator_index"]),
        signature=unbase64(read["signature"]),
    )


def evidence_of(read: Json) -> bytes:
    value = read["value"]
    return encode_duplicate_vote(
        DuplicateVote(
            vote_a=vote_of(value["vote_a"]),
            vote_b=vote_of(value["vote_b"]),
            total_power=int(value["total_voting_power"]),
            validator_power=int(value["validator_power"]),
            time_ns=parse_rfc3339(value["timestamp"]),
        )
    )


def validators_of(read: Json) -> ValidatorSet:
    return make_validator_set(
        Validator(unbase64(row["pub_key"]["value"]), int(row.get("voting_power") or row["power"])) for row in read
    )


def find_objects(read: Json, *keys: str) -> Iterator[Json]:
    """Every JSON object in `read`, however deep, that has all of `keys`."""
    if isinstance(read, dict):
        if all(key in read for key in keys):
            yield read
        for value in read.values():
            yield from find_objects(value, *keys)
    elif isinstance(read, list):
        for value in read:
            yield from find_objects(value, *keys)


def load_json(path: Path) -> Json:
    return json.loads(path.read_text(encoding="utf-8"))


SECOND = 1_000_000_000
GENESIS_NS = 1_760_000_000 * SECOND


@cache
def key_pair(number: int) -> tuple[bytes, bytes]:
    """(secret, public) of test key `number`."""
    secret, public = ed_from_seed(sha256(b"test key %d" % number))
    return bytes(secret), bytes(public)


_SECRETS: dict[bytes, bytes] = {}


def public_key(number: int) -> bytes:
    secret, public = key_pair(number)
    _SECRETS[public] = secret
    return public


def signed_vote(chain_id: str, commit: Commit, public: bytes, flag: int, time_ns: int) -> CommitSig:
    """A true vote of `public`'s holder in `commit`, whatever its flag says it is for."""
    if flag == ABSENT:
        return CommitSig()
    block_id = commit.block_id if flag == COMMIT else None
    message = vote_sign_bytes(chain_id, commit.height, commit.round, block_id, time_ns)
    return CommitSig(flag, address_of(public), time_ns, bytes(ed_sign(_SECRETS[public], message)))


def signed_commit(
    chain_id: str,
    height: int,
    block_id: BlockId,
    validators: ValidatorSet,
    time_ns: int,
    *,
    round_: int = 0,
    flags: Mapping[int, int] = MappingProxyType({}),
) -> Commit:
    """All of `validators` signing, each a millisecond after the one before; `flags` says who does otherwise."""
    empty = Commit(height, round_, block_id)
    votes = tuple(
        signed_vote(chain_id, empty, row.public_key, flags.get(index, COMMIT), time_ns + index * 1_000_000)
        for index, row in enumerate(validators.validators)
    )
    return Commit(height, round_, block_id, votes)


def duplicate_vote(made: MadeBlock, index: int = 0) -> bytes:
    """Evidence that the validator at `index` voted for a made block and for another."""
    validator, header = made.before.validators.validators[index], made.block.header
    other = BlockId(sha256(b"another block"), made.block_id.parts)
    votes = [
        vote_for(made, block_id, validator.public_key, index)
        for block_id in sorted((made.block_id, other), key=lambda block_id: block_id.hash)
    ]
    total = made.before.validators.total_power
    return encode_duplicate_vote(DuplicateVote(votes[0], votes[1], total, validator.power, header.time_ns))


def vote_for(made: MadeBlock, block_id: BlockId, public: bytes, index: int) -> Vote:
    header = made.block.header
    message = vote_sign_bytes(header.chain_id, header.height, 0, block_id, header.time_ns + SECOND)
    signature = bytes(ed_sign(_SECRETS[public], message))
    return Vote(2, header.height, 0, block_id, header.time_ns + SECOND, address_of(public), index, signature)


def attack(made: MadeBlock, common_height: int) -> bytes:
    """Evidence of an attack on light clients by means of a made block."""
    light = made.light
    signed_header = put_message(1, light.header.encode()) + put_message(2, light.commit.encode())
    block = put_message(1, signed_header) + put_message(2, light.validators.encode())
    byzantine = b"".join(put_message(3, row.encode()) for row in light.validators.validators)
    return put_message(
        2,
        put_message(1, block)
        + put_uint(2, common_height)
        + byzantine
        + put_uint(4, light.validators.total_power)
        + put_message(5, timestamp(light.header.time_ns)),
    )


class MadeBlock(NamedTuple):
    """One block of a made chain: the tips before and after it, the commit that made it final, and what it did."""

    before: ChainTip
    block: Block
    block_id: BlockId
    commit: Commit
    after: ChainTip
    results: list[TxResult]
    updates: Sequence[tuple[bytes, int]]

    @property
    def light(self) -> UntrustedBlock:
        return UntrustedBlock(self.block.header, self.commit, self.before.validators)


class MadeChain:
    """A chain that real keys sign, block by block."""

    def __init__(
        self, powers: Sequence[int] = (10, 10, 10, 10), *, initial_height: int = 1, chain_id: str = "made-chain"
    ) -> None:
        self.doc = GenesisDoc(
            chain_id=chain_id,
            genesis_time_ns=GENESIS_NS,
            initial_height=initial_height,
            params=DEFAULT,
            validators=tuple(GenesisValidator(public_key(n), power) for n, power in enumerate(powers)),
        )
        self.tip = make_genesis_tip(self.doc, sha256(b"genesis state"))
        self.blocks: list[MadeBlock] = []

    def add(
        self,
        txs: Sequence[bytes] = (),
        *,
        updates: Sequence[tuple[bytes, int]] = (),
        flags: Mapping[int, int] = MappingProxyType({}),
        evidence: Sequence[bytes] = (),
        seconds: int = 1,
    ) -> MadeBlock:
        """The next block, signed, executed to some made-up state, and now the tip."""
        before = self.tip
        last_commit = self.blocks[-1].commit if self.blocks else EMPTY_COMMIT
        block = build_block(before, txs, last_commit, before.validators.proposer().address, evidence)
        block_id = block.block_id()
        commit = signed_commit(
            before.chain_id,
            before.next_height,
            block_id,
            before.validators,
            block.header.time_ns + seconds * SECOND,
            flags=flags,
        )
        results = [TxResult(data=sha256(tx)[:8], gas_used=len(tx)) for tx in txs]
        state = sha256(before.app_hash + data_hash(txs)) if txs else before.app_hash
        self.tip = next_tip(before, block, block_id, state, results, updates)
        self.blocks.append(MadeBlock(before, block, block_id, commit, self.tip, results, updates))
        return self.blocks[-1]

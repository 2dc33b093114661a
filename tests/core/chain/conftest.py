"""Real blocks for the tests: a small reader of CometBFT's RPC JSON, and a maker of signed chains.

It is written apart from chainpos.rpc on purpose, so that one reader's mistake is not both's.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainpos.core.chain.commit import Commit, CommitSig
from chainpos.core.chain.evidence import DuplicateVote, Vote, encode_duplicate_vote
from chainpos.core.chain.header import BlockId, Header, PartSetHeader
from chainpos.core.chain.validators import Validator, ValidatorSet, make_validator_set
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

"""The questions that are put to CometBFT's own code (`main.go`) and to ours: made up, the same for the same seed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from random import Random

import msgspec

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import ABSENT, COMMIT, NIL, Commit, CommitSig, median_time
from chainpos.core.chain.genesis import dump_genesis
from chainpos.core.chain.header import BlockId, Header
from chainpos.core.chain.validators import Validator, make_validator_set
from chainpos.core.values.timestamps import ZERO_TIME_NS
from tests.core.chain.conftest import (
    SECOND,
    Json,
    MadeBlock,
    MadeChain,
    attack,
    duplicate_vote,
    public_key,
    signed_commit,
)


def ask_validators(dice: Random) -> Json:
    top = dice.choice([3, 100, 10**6, 2**57])
    numbers = dice.sample(range(12), dice.randint(1, 8))
    steps = []
    for _ in range(dice.randint(0, 8)):
        changed = dice.sample(range(12), dice.choice([0, 0, 1, 1, 2, 5]))
        update = [{"key": public_key(n).hex(), "power": dice.choice([0, dice.randint(1, top)])} for n in changed]
        if update and dice.random() < 0.1:
            update.append(update[0])
        steps.append({"advance": dice.choice([1, 1, 2, 7, 50]), "update": update})
    members = [{"key": public_key(n).hex(), "power": dice.randint(1, top)} for n in numbers]
    return {"members": members, "steps": steps}


def ask_results(dice: Random) -> Json:
    return {
        "results": [
            {
                "code": dice.choice([0, 0, 1, 501, 2**32 - 1]),
                "data": dice.randbytes(dice.choice([0, 0, 1, 40, 200])).hex(),
                "log": dice.choice(["", "prose"]),
                "gas_wanted": dice.choice([0, -1, 5000, 2**62]),
                "gas_used": dice.choice([0, 1, 4711]),
            }
            for _ in range(dice.choice([0, 1, 2, 3, 5, 8, 13, 100]))
        ]
    }


def made_chain(dice: Random, blocks: int) -> MadeChain:
    powers = [dice.randint(1, 40) for _ in range(dice.randint(1, 5))]
    chain = MadeChain(powers, initial_height=dice.choice([1, 1, 7]))
    for _ in range(blocks):
        updates = [(public_key(dice.randrange(9)), dice.randint(1, 60))] if dice.random() < 0.4 else []
        txs = [dice.randbytes(dice.randint(1, 300)) for _ in range(dice.choice([0, 0, 1, 3]))]
        flags = {dice.randrange(5): dice.choice([ABSENT, NIL])} if len(powers) > 1 and dice.random() < 0.3 else {}
        chain.add(txs, updates=updates, flags=flags)
    return chain


def ask_block(dice: Random) -> Json:
    chain = made_chain(dice, dice.randint(0, 2))
    size = dice.choice([0, 10, 300, 70_000])
    evidence = []
    if chain.blocks and dice.random() < 0.5:
        evidence = [duplicate_vote(chain.blocks[-1]), attack(chain.blocks[-1], chain.blocks[0].block.header.height)]
    txs = [dice.randbytes(dice.randint(0, size)) for _ in range(dice.choice([0, 1, 2, 9]))]
    made = chain.add(txs, evidence=evidence[: dice.randint(0, 2)])
    return {"block": made.block.encode().hex()}


def bent_vote(dice: Random, vote: CommitSig) -> CommitSig:
    return dice.choice(
        [
            CommitSig(),
            msgspec.structs.replace(vote, flag=dice.choice([ABSENT, COMMIT, NIL])),
            msgspec.structs.replace(
                vote, time_ns=max(ZERO_TIME_NS, vote.time_ns + dice.choice([1, -SECOND, 5 * SECOND]))
            ),
            msgspec.structs.replace(vote, signature=dice.randbytes(64)),
            msgspec.structs.replace(vote, address=dice.randbytes(20)),
        ]
    )


def bent_commit(dice: Random, commit: Commit) -> Commit:
    votes = list(commit.signatures)
    bend = dice.choice(["vote", "vote", "vote", "drop", "swap", "double", "round", "height", "block_id"])
    if bend == "vote" and votes:
        at = dice.randrange(len(votes))
        votes[at] = bent_vote(dice, votes[at])
    elif bend == "drop":
        votes = votes[1:]
    elif bend == "swap":
        votes = votes[::-1]
    elif bend == "double" and votes:
        votes[-1] = votes[0]
    found = msgspec.structs.replace(commit, signatures=tuple(votes))
    if bend == "round":
        return msgspec.structs.replace(found, round=commit.round + 1)
    if bend == "height":
        return msgspec.structs.replace(found, height=commit.height + dice.choice([1, -1]))
    if bend == "block_id":
        return msgspec.structs.replace(found, block_id=BlockId(dice.randbytes(32), commit.block_id.parts))
    return found


def bent_header(dice: Random, header: Header) -> Header:
    name = dice.choice([field for field in header.__struct_fields__ if field not in {"last_block_id", "chain_id"}])
    value = getattr(header, name)
    changed: object
    if isinstance(value, bytes):
        changed = dice.choice([b"", dice.randbytes(len(value)), value[:-1]])
    elif name == "time_ns":
        # No clock of CometBFT's says an earlier time than year 1.
        changed = max(ZERO_TIME_NS, value + dice.choice([1, -1, 2 * SECOND]))
    else:
        changed = value + dice.choice([1, -1, 1])
    return msgspec.structs.replace(header, **{name: changed})


def ask_commit(dice: Random) -> Json:
    made = made_chain(dice, 3).blocks[-1]
    commit = bent_commit(dice, made.commit) if dice.random() < 0.7 else made.commit
    return {
        "chain_id": made.before.chain_id,
        "validators": made.before.validators.encode().hex(),
        "block_id": made.block_id.encode().hex(),
        "height": made.block.header.height,
        "commit": commit.encode().hex(),
    }


def ask_light(dice: Random) -> Json:
    chain = made_chain(dice, dice.randint(2, 12))
    low, high = sorted(dice.sample(range(len(chain.blocks)), 2))
    if dice.random() < 0.1:
        low, high = high, low
    trusted, target = chain.blocks[low], chain.blocks[high]
    header, commit, validators = target.block.header, target.commit, target.before.validators
    bend = dice.choice(["", "", "", "", "", "commit", "commit", "header", "header_signed", "validators"])
    if bend == "commit":
        commit = bent_commit(dice, commit)
    elif bend.startswith("header"):
        header = bent_header(dice, header)
        if bend == "header_signed" and header.height > 0:
            block_id = BlockId(header.hash(), target.block_id.parts)
            commit = signed_commit(header.chain_id, header.height, block_id, validators, header.time_ns)
    elif bend == "validators":
        validators = make_validator_set([*validators.validators, Validator(public_key(11), 5)])
    return {
        "trusted": trusted.block.header.encode().hex(),
        "trusted_commit": trusted.commit.encode().hex(),
        "trusted_set": dice.choice([trusted.before.validators, trusted.before.next_validators]).encode().hex(),
        "header": header.encode().hex(),
        "commit": commit.encode().hex(),
        "validators": validators.encode().hex(),
        "period_ns": dice.choice([5, 1000, 1000]) * SECOND,
        "drift_ns": dice.choice([0, 10 * SECOND]),
        "now_ns": max(0, header.time_ns + dice.choice([-30, -5, 0, 1, 1, 1, 1, 20]) * SECOND),
        "level": dice.choice([[1, 3], [2, 3], [1, 1]]),
    }


def ask_validate(dice: Random) -> Json:
    made = made_chain(dice, dice.randint(1, 4)).blocks[-1]
    block = made.block
    if dice.random() < 0.75:
        block = bent_block(dice, made)
    tip = made.before
    return {
        "chain_id": tip.chain_id,
        "initial_height": tip.initial_height,
        "height": tip.height,
        "block_id": tip.block_id.encode().hex(),
        "time_ns": tip.time_ns,
        "app_hash": tip.app_hash.hex(),
        "results_hash": tip.last_results_hash.hex(),
        "last_validators": tip.last_validators.encode().hex(),
        "validators": tip.validators.encode().hex(),
        "next_validators": tip.next_validators.encode().hex(),
        "params": tip.params.encode().hex(),
        "app_version": tip.app_version,
        "block": block.encode().hex(),
    }


def bent_block(dice: Random, made: MadeBlock) -> Block:
    block = made.block
    bend = dice.choice(["header", "header", "txs", "last_commit", "last_commit_fitted", "last_commit_fitted"])
    if bend == "header":
        return msgspec.structs.replace(block, header=bent_header(dice, block.header))
    if bend == "txs":
        return msgspec.structs.replace(block, txs=(*block.txs, b"one more"))
    commit = bent_commit(dice, block.last_commit)
    header = block.header
    if bend == "last_commit_fitted":
        # As a proposer would who chose other votes: the header agrees with them.
        header = msgspec.structs.replace(header, last_commit_hash=commit.hash())
        with contextlib.suppress(KeyError):
            header = msgspec.structs.replace(header, time_ns=median_time(commit, made.before.last_validators))
    return msgspec.structs.replace(block, header=header, last_commit=commit)


def ask_genesis(dice: Random) -> Json:
    doc = MadeChain([dice.randint(1, 9) for _ in range(dice.randint(1, 6))], initial_height=dice.randint(1, 9)).doc
    read = json.loads(dump_genesis(msgspec.structs.replace(doc, app_state=b'{"city":"\\u4e0a\\u6d77"}')))
    bend = dice.choice(["", "", "height", "power", "address", "chain_id", "max_bytes", "no_address"])
    if bend == "height":
        read["initial_height"] = dice.choice(["0", "-1"])
    elif bend == "power":
        read["validators"][0]["power"] = dice.choice(["0", "1152921504606846975"])
    elif bend == "address":
        read["validators"][0]["address"] = "00" * 20
    elif bend == "no_address":
        read["validators"][0]["address"] = ""
    elif bend == "chain_id":
        read["chain_id"] = dice.choice(["", "c" * 50, "c" * 51])
    elif bend == "max_bytes":
        read["consensus_params"]["block"]["max_bytes"] = dice.choice(["0", "-1", "-2", "104857601"])
    return {"text": json.dumps(read, separators=(",", ":"))}


QUESTIONS: dict[str, Callable[[Random], Json]] = {
    "validators": ask_validators,
    "results": ask_results,
    "block": ask_block,
    "commit": ask_commit,
    "light": ask_light,
    "validate": ask_validate,
    "genesis": ask_genesis,
}


def questions(count: int, seed: int) -> Iterator[Json]:
    for kind, ask in QUESTIONS.items():
        dice = Random(f"{kind} {seed}")
        for _ in range(count):
            yield {"ask": kind} | ask(dice)

"""Our answers beside those of CometBFT's own code (`main.go`, built on v0.38.25), on made-up cases.

The default run compares with recorded answers; the `cometbft` run asks the oracle itself, many more questions.
To record anew: CHAINPOS_RECORD=1 pytest -m cometbft tests/core/chain/test_oracle.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import ABSENT, Commit, median_time
from chainpos.core.chain.evidence import decode_evidence
from chainpos.core.chain.genesis import dump_genesis, load_genesis
from chainpos.core.chain.header import BlockId, Header
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.results import TxResult, result_proof, results_hash
from chainpos.core.chain.tip import ChainTip
from chainpos.core.chain.validation import BlockRefused, check_block
from chainpos.core.chain.validators import InvalidValidators, Validator, ValidatorSet, make_validator_set
from chainpos.core.chain.verifier import TrustedState, TrustOptions, UntrustedBlock, verify, verify_commit
from chainpos.errors import MalformedBytes
from tests.core.chain.conftest import Json
from tests.core.chain.oracle.conftest import questions
from tests.seeds import EXPLORE

ORACLE = Path(__file__).parent
RECORDED = ORACLE / "answers.jsonl"
RECORDED_CASES = 40
LIVE_CASES = 400


def our_validators(q: Json) -> Json:
    current = make_validator_set(Validator(bytes.fromhex(row["key"]), row["power"]) for row in q["members"])
    states = [described(current)]
    for step in q["steps"]:
        try:
            current = current.updated([(bytes.fromhex(row["key"]), row["power"]) for row in step["update"]])
        except InvalidValidators:
            states.append({"error": True})
            continue
        current = current.advanced(step["advance"])
        states.append(described(current))
    return {"states": states}


def described(current: ValidatorSet) -> Json:
    assert ValidatorSet.decode(current.encode()) == current
    return {
        "rows": [[row.public_key.hex(), row.power, row.priority] for row in current.validators],
        "hash": current.hash().hex(),
        "proposer": current.proposer().address.hex(),
        "encoded": current.encode().hex(),
    }


def our_results(q: Json) -> Json:
    results = [
        TxResult(row["code"], bytes.fromhex(row["data"]), row["log"], "", row["gas_wanted"], row["gas_used"])
        for row in q["results"]
    ]
    proofs = [result_proof(results, index).encode().hex() for index in range(len(results))]
    return {"hash": results_hash(results).hex(), "proofs": proofs}


def our_block(q: Json) -> Json:
    encoded = bytes.fromhex(q["block"])
    block = Block.decode(encoded)
    found = block.block_id()
    return {
        "hash": found.hash.hex(),
        "parts": found.parts.total,
        "parts_hash": found.parts.hash.hex(),
        "size": len(encoded),
        "evidence": len([decode_evidence(item) for item in block.evidence]),
    }


def our_commit(q: Json) -> Json:
    commit, validators = Commit.decode(bytes.fromhex(q["commit"])), ValidatorSet.decode(bytes.fromhex(q["validators"]))
    verdict = verify_commit(
        q["chain_id"], validators, BlockId.decode(bytes.fromhex(q["block_id"])), q["height"], commit
    )
    sign_bytes = [commit.sign_bytes(q["chain_id"], index).hex() for index in range(len(commit.signatures))]
    found = {"ok": verdict.ok, "sign_bytes": sign_bytes, "hash": commit.hash().hex()}
    if any(vote.flag != ABSENT for vote in commit.signatures):
        try:
            found["median_ns"] = median_time(commit, validators)
        except KeyError:
            assert not verdict.ok
    return found


def our_light(q: Json) -> Json:
    header = Header.decode(bytes.fromhex(q["trusted"]))
    trusted_set = ValidatorSet.decode(bytes.fromhex(q["trusted_set"]))
    trusted = TrustedState(
        header.chain_id, header.height, header.time_ns, header, trusted_set, header.next_validators_hash
    )
    block = UntrustedBlock(
        Header.decode(bytes.fromhex(q["header"])),
        Commit.decode(bytes.fromhex(q["commit"])),
        ValidatorSet.decode(bytes.fromhex(q["validators"])),
    )
    options = TrustOptions(q["period_ns"], q["drift_ns"], (q["level"][0], q["level"][1]))
    return {"outcome": verify(trusted, block, options, q["now_ns"]).outcome.value}


def our_validate(q: Json) -> Json:
    tip = ChainTip(
        chain_id=q["chain_id"],
        initial_height=q["initial_height"],
        height=q["height"],
        block_id=BlockId.decode(bytes.fromhex(q["block_id"])),
        time_ns=q["time_ns"],
        app_hash=bytes.fromhex(q["app_hash"]),
        last_results_hash=bytes.fromhex(q["results_hash"]),
        last_validators=ValidatorSet.decode(bytes.fromhex(q["last_validators"])),
        validators=ValidatorSet.decode(bytes.fromhex(q["validators"])),
        next_validators=ValidatorSet.decode(bytes.fromhex(q["next_validators"])),
        params=ConsensusParams.decode(bytes.fromhex(q["params"])),
        app_version=q["app_version"],
    )
    block = Block.decode(bytes.fromhex(q["block"]))
    try:
        check_block(tip, block, block.block_id())
    except BlockRefused:
        return {"ok": False}
    return {"ok": True}


def our_genesis(q: Json) -> Json:
    try:
        doc = load_genesis(q["text"].encode())
    except MalformedBytes:
        return {"error": True}
    validators = doc.validator_set()
    return {
        "read_back": dump_genesis(doc).decode(),
        "params_hash": doc.params.hash().hex(),
        "validators": described(validators),
        "next_validators": described(validators.advanced()),
    }


OURS: dict[str, Callable[[Json], Json]] = {
    "validators": our_validators,
    "results": our_results,
    "block": our_block,
    "commit": our_commit,
    "light": our_light,
    "validate": our_validate,
    "genesis": our_genesis,
}


def our_answer(question: Json) -> Json:
    return OURS[question["ask"]](question)


def digest(read: Json) -> str:
    return sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()[:16]


def comparable(question: Json, answer: Json) -> Json:
    """What of the oracle's answer ours must equal."""
    if question["ask"] == "genesis" and "text" in answer:
        # Go's own writing of the document, read and written by us, is what we write.
        read_back = dump_genesis(load_genesis(answer["text"].encode())).decode()
        return {"read_back": read_back} | {key: value for key, value in answer.items() if key != "text"}
    if "panic" in answer:
        # CometBFT's decoder refuses what our verifier judges.
        refusals: Json = {
            "light": {"outcome": "invalid"},
            "validate": {"ok": False},
            "commit": {"ok": False},
            "genesis": {"error": True},
        }
        return refusals.get(question["ask"], answer)
    if question["ask"] == "genesis":
        return {"error": True}
    if question["ask"] == "light" and answer.get("error", "").startswith("wrong signature"):
        votes = Commit.decode(bytes.fromhex(question["commit"])).signatures
        if len(votes) == 1:
            # CometBFT verifies a lone signature before it counts power, and several after; either way nobody believes.
            return {}
    return {key: value for key, value in answer.items() if key != "error"}


def ask_oracle(program: Path, asked: list[Json]) -> list[Json]:
    lines = "".join(json.dumps(question) + "\n" for question in asked)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True, timeout=300)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None:
        pytest.skip("the oracle is built with Go, and there is none here")
    program = tmp_path_factory.mktemp("oracle") / "oracle"
    subprocess.run(["go", "build", "-o", program, "."], cwd=ORACLE, check=True, timeout=900)
    return program


def short(answer: Json) -> Json:
    """Long texts by their hash, to keep the recording small."""
    if isinstance(answer, dict):
        return {key: short(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [short(value) for value in answer]
    return "sha256 " + digest(answer) if isinstance(answer, str) and len(answer) > 64 else answer


def difference(question: Json, expected: Json) -> str:
    """Where our answer is not what is expected, or ""."""
    ours = short(our_answer(question))
    differing = {key: (ours.get(key), value) for key, value in expected.items() if ours.get(key) != value}
    return f"{question['ask']} {digest(question)}: (ours, theirs) {differing}" if differing else ""


def test_our_answers_are_the_recorded_ones() -> None:
    lines = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
    asked = list(questions(RECORDED_CASES, seed=0))
    assert [digest(question) for question in asked] == [line["question"] for line in lines]
    differences = [difference(question, line["answer"]) for question, line in zip(asked, lines, strict=True)]
    assert [found for found in differences if found] == []


def test_the_recording_has_every_outcome() -> None:
    lines = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
    outcomes = Counter((line["ask"], line["answer"].get("outcome", line["answer"].get("ok"))) for line in lines)
    for wanted in ("success", "not_enough_trust", "invalid"):
        assert outcomes[("light", wanted)] >= 2
    for kind in ("commit", "validate"):
        assert outcomes[(kind, True)] >= 5
        assert outcomes[(kind, False)] >= 5


@pytest.mark.cometbft
def test_our_answers_are_cometbfts(oracle: Path) -> None:
    if os.environ.get("CHAINPOS_RECORD"):
        record(oracle)
    asked = list(questions(LIVE_CASES, seed=Random().randrange(2**32) if EXPLORE else 1))
    answers = ask_oracle(oracle, asked)
    differences = [
        difference(question, short(comparable(question, answer)))
        for question, answer in zip(asked, answers, strict=True)
    ]
    assert [found for found in differences if found] == []


def record(oracle: Path) -> None:
    asked = list(questions(RECORDED_CASES, seed=0))
    lines = [
        {"ask": question["ask"], "question": digest(question), "answer": short(comparable(question, answer))}
        for question, answer in zip(asked, ask_oracle(oracle, asked), strict=True)
    ]
    RECORDED.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

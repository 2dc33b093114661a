"""Our proofs before CometBFT's own proof runtime and the reference implementation of ICS-23 (`main.go`)."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.state.proofs import PresenceProof, encode_proof
from chainpos.core.state.state import State
from tests.core.state import ics23
from tests.core.state.conftest import GROUND_KEYS
from tests.core.state.ics23 import as_existence

pytestmark = pytest.mark.cometbft
Asked = dict[str, Any]
ORACLE = Path(__file__).parent


@pytest.fixture(scope="session")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Asked]], list[str]]:
    """What the oracle has against each proof; "" where it verifies."""
    if shutil.which("go") is None:
        pytest.skip("the oracle is built with Go, and there is none here")
    program = tmp_path_factory.mktemp("oracle") / "oracle"
    subprocess.run(["go", "build", "-o", program, "."], cwd=ORACLE, check=True, timeout=900)

    def ask(questions: list[Asked]) -> list[str]:
        lines = "".join(json.dumps(question) + "\n" for question in questions)
        done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True, timeout=300)
        return [json.loads(line)["refused"] for line in done.stdout.splitlines()]

    return ask


def simple_value(state: State, key: bytes, value: bytes, root: bytes | None = None) -> Asked:
    return {
        "ask": "simple_value",
        "root": (state.app_hash if root is None else root).hex(),
        "path": [bucket_name(bucket_of(key)).hex(), key.hex()],
        "value": value.hex(),
        "proof": encode_proof(state.prove(key)).hex(),
    }


def membership(root: bytes, key: bytes, value: bytes, proof: ics23.Existence) -> Asked:
    encoded = ics23.write_commitment_proof(proof).hex()
    return {"ask": "membership", "root": root.hex(), "key": key.hex(), "value": value.hex(), "proof": encoded}


def test_cometbfts_proof_runtime_verifies_every_record(
    state: State, records: dict[bytes, bytes], refusals: Callable[[list[Asked]], list[str]]
) -> None:
    answers = refusals([simple_value(state, key, value) for key, value in records.items()])
    assert answers == [""] * len(records)


def test_cometbfts_proof_runtime_refuses_other_values_roots_and_keys(
    state: State, records: dict[bytes, bytes], refusals: Callable[[list[Asked]], list[str]]
) -> None:
    key = GROUND_KEYS[5]
    honest = simple_value(state, key, records[key])
    questions = [
        simple_value(state, key, records[key] + b"0"),
        simple_value(state, key, records[key], bytes(32)),
        honest | {"path": [b"0000".hex(), key.hex()]},
        honest | {"path": [honest["path"][0], GROUND_KEYS[6].hex()]},
        honest | {"path": honest["path"][1:]},
    ]
    assert all(refusals(questions))


def test_the_reference_ics23_verifies_both_levels_of_every_record(
    state: State, records: dict[bytes, bytes], refusals: Callable[[list[Asked]], list[str]]
) -> None:
    questions = []
    for key, value in records.items():
        proof = state.prove(key)
        assert isinstance(proof, PresenceProof)
        name = bucket_name(bucket_of(key))
        lower = as_existence(key, value, proof.record.index, proof.record.total, proof.record.aunts)
        upper = as_existence(name, lower.root(), proof.bucket.index, proof.bucket.total, proof.bucket.aunts)
        questions.append(membership(lower.root(), key, value, lower))
        questions.append(membership(state.app_hash, name, lower.root(), upper))
    assert refusals(questions) == [""] * len(questions)
    assert all(refusals([question | {"root": bytes(32).hex()} for question in questions[:20]]))

"""The recorded trading day is the same day on every machine: under any hash seed, under `-O`, and recorded again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chainpos.core.chain.block import Block
from chainpos.pilot.record import RECORDED_NAME
from chainpos.pilot.resources import sample_data
from chainpos.store.chainfile import open_chain_file

RECORDED = sample_data() / RECORDED_NAME


def start(*arguments: str, seed: str = "random") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def recorded() -> tuple[int, int, str]:
    """Height and transactions of the file, and the app hash that its last header committed to, as the file has them."""
    last: Block | None = None
    transactions = 0
    with open_chain_file(RECORDED) as reader:
        for each in reader.blocks():
            last = Block.decode(each.block)
            transactions += len(last.txs)
    assert last is not None
    assert last.txs == ()  # the day ends with a block that only commits to what was before it
    return last.header.height, transactions, last.header.app_hash.hex().upper()


@pytest.mark.slow
def test_the_day_replays_to_its_recorded_app_hash_under_any_hash_seed_and_without_asserts() -> None:
    height, transactions, app_hash = recorded()
    replay = ("-m", "chainpos", "replay", "--json")
    running = [start(*replay, seed="0"), start("-O", *replay, seed="1")]
    answers = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, "")
        answers.append(json.loads(out))
    for answer in answers:
        found = (answer["height"], answer["transactions"], answer["app_hash"])
        assert found == (height, transactions, app_hash)
        assert answer["violations"] == []


@pytest.mark.slow
def test_recorded_again_the_day_is_the_same_to_the_byte(tmp_path: Path) -> None:
    process = start("-O", "-m", "chainpos.pilot.record", str(tmp_path / "again"), seed="7")
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert (tmp_path / "again").read_bytes() == RECORDED.read_bytes()


@pytest.mark.parametrize("at", [0.02, pytest.param(0.7, marks=pytest.mark.slow)])
def test_a_byte_altered_anywhere_is_found(tmp_path: Path, at: float) -> None:
    content = bytearray(RECORDED.read_bytes())
    content[int(len(content) * at)] ^= 1
    altered = tmp_path / "altered.chain"
    altered.write_bytes(content)
    process = start("-m", "chainpos", "replay", str(altered), "--json")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (4, "")
    assert err.count("\n") == 1

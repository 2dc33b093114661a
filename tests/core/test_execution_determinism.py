"""The same blocks on every machine: another hash seed, another process, optimised or not, one app hash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.ports import account_subject
from chainpos.core.values.hashes import sha256
from tests.core.blocks import Chain, charge, issue, pay, transaction
from tests.core.contracts.conftest import BANK, GENESIS_S, key_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def chain() -> Chain:
    return Chain()


def busy_day() -> str:
    """The app hash and results of a day with many kinds of transactions; the same on every machine."""
    chain = Chain()
    seen = sha256(b"")
    for hour in range(6):
        chain.time_s = GENESIS_S + hour * 4_000
        at_s = chain.time_s
        until_s = at_s + 600
        frozen = Freeze(account_subject(key_of("dave").address), f"order {hour}", at_s + 900)
        outcome = chain.outcome(
            transaction(issue(reference=f"h{hour}"), BANK, expires_s=until_s),
            transaction(frozen, "regulator", expires_s=until_s),
            transaction(charge(f"C{hour}", nonce=hour, issued_s=at_s), "TEAHOUSE.till", expires_s=until_s),
            transaction(pay(f"P{hour}"), "bob", expires_s=until_s),
            transaction(pay(f"P{hour}"), "dave", nonce=hour, expires_s=until_s),
            b"junk %d" % hour,
        )
        chain.state.commit(outcome.staged)
        chain.height += 1
        seen = sha256(seen + outcome.app_hash + b"".join(result.leaf() for result in outcome.results))
    return seen.hex()


@pytest.mark.parametrize(("seed", "options"), [("0", ()), ("4242", ("-O",))], ids=["seed 0", "seed 4242, -O"])
def test_another_process_comes_to_the_same_hash(seed: str, options: tuple[str, ...]) -> None:
    code = "from tests.core.test_execution_determinism import busy_day; print(busy_day())"
    answer = subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == busy_day()


def test_the_same_block_twice_on_one_state_gives_the_same_outcome(chain: Chain) -> None:
    wires = (transaction(pay(), "alice"), transaction(issue(), BANK), b"junk")
    first, second = chain.outcome(*wires), chain.outcome(*wires)
    assert first.results == second.results
    assert first.app_hash == second.app_hash


def test_changes_start_from_the_committed_records(chain: Chain) -> None:
    changes = chain.outcome(transaction(pay(), "alice")).changes
    assert changes
    for change in changes:
        assert chain.state.value(change.key) == change.before


def test_an_outcome_is_never_seen_before_it_is_committed(chain: Chain) -> None:
    before = chain.state.values()
    chain.outcome(transaction(pay(), "alice"))
    assert chain.state.values() == before

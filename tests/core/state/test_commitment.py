"""The commitment against a naive recomputation from the records alone, written apart from it."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpos.core.state.commitment import (
    BUCKETS,
    MAX_KEY_BYTES,
    Commitment,
    bucket_name,
    bucket_of,
    record_leaf_hash,
)
from chainpos.errors import StateMismatch
from tests.core.state.conftest import GROUND_BUCKET, GROUND_KEYS
from tests.core.state.naive import state_root
from tests.seeds import rounds

# Few enough that random blocks meet the same keys again; half of them share one bucket.
KEYS = GROUND_KEYS[:12] + [b"k%d" % number for number in range(12)]
Blocks = list[dict[bytes, bytes | None]]
blocks = st.lists(st.dictionaries(st.sampled_from(KEYS), st.none() | st.binary(max_size=6), max_size=10), max_size=6)


def test_the_empty_tree_is_that_of_no_records() -> None:
    assert Commitment().root == state_root({})


def test_the_ground_keys_share_their_bucket() -> None:
    assert {bucket_of(key) for key in GROUND_KEYS} == {GROUND_BUCKET}
    assert bucket_name(GROUND_BUCKET) == b"beef"
    assert bucket_name(7) == b"0007"


@settings(max_examples=60, deadline=None)
@given(blocks)
def test_the_root_is_that_of_the_records_after_any_history(history: Blocks) -> None:
    tree = Commitment()
    records: dict[bytes, bytes] = {}
    for block in history:
        staged = tree.stage(block.items())
        tree.commit(staged)
        for key, value in block.items():
            records.pop(key, None)
            if value is not None:
                records[key] = value
        assert staged.root == tree.root == state_root(records)
    assert Commitment(records).root == tree.root
    assert sum(tree.records_in(bucket) for bucket in {bucket_of(key) for key in KEYS}) == len(records)


@pytest.mark.slow
@settings(max_examples=rounds(300), deadline=None)
@given(blocks)
def test_the_root_is_that_of_the_records_after_very_many_histories(history: Blocks) -> None:
    tree = Commitment()
    for block in history:
        tree.commit(tree.stage(block.items()))
    records = {key: value for block in history for key, value in block.items()}
    assert tree.root == state_root({key: value for key, value in records.items() if value is not None})


@pytest.mark.parametrize("count", [*range(1, 10), 15, 16, 17, 31, 32, 33, 40])
def test_a_bucket_of_any_size_has_the_root_of_its_records(count: int) -> None:
    records = dict.fromkeys(GROUND_KEYS[:count], b"v")
    assert Commitment(records).root == state_root(records)


def test_many_records_have_the_root_of_the_records(records: dict[bytes, bytes]) -> None:
    many = records | {b"mn%d" % number: b"%d" % number for number in range(5_000)}
    tree = Commitment(records)
    tree.commit(tree.stage((key, many[key]) for key in many if key not in records))
    assert tree.root == state_root(many)


def test_the_order_of_insertion_does_not_matter(records: dict[bytes, bytes]) -> None:
    expected = Commitment(records).root
    for seed in range(3):
        keys = list(records)
        random.Random(seed).shuffle(keys)
        tree = Commitment()
        for begin in range(0, len(keys), 50):
            tree.commit(tree.stage([(key, records[key]) for key in keys[begin : begin + 50]]))
        assert tree.root == expected


@pytest.mark.parametrize(("seed", "flag"), [("0", ()), ("1", ("-O",)), ("4242", ())])
def test_the_hash_seed_and_optimised_mode_do_not_matter(seed: str, flag: tuple[str, ...]) -> None:
    code = (
        "from chainpos.core.state.commitment import Commitment\n"
        "tree = Commitment({b'k%d' % n: b'v' for n in range(500)})\n"
        "tree.commit(tree.stage({b'k%d' % n: None if n % 3 else b'w' for n in range(300)}.items()))\n"
        "print(tree.root.hex())"
    )
    command = [sys.executable, *flag, "-c", code]
    run = subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True)
    records = {b"k%d" % n: b"w" if n < 300 else b"v" for n in range(500) if n >= 300 or n % 3 == 0}
    assert run.stdout.strip() == state_root(records).hex()


def test_staging_changes_nothing(records: dict[bytes, bytes]) -> None:
    tree = Commitment(records)
    root, nodes, sizes = tree.root, bytes(tree._nodes), [tree.records_in(bucket) for bucket in range(BUCKETS)]
    staged = tree.stage([(key, None) for key in records])
    assert staged.root == state_root({})
    assert (tree.root, bytes(tree._nodes)) == (root, nodes)
    assert [tree.records_in(bucket) for bucket in range(BUCKETS)] == sizes
    assert tree.record_proof(GROUND_KEYS[0]).total == len(GROUND_KEYS)


def test_of_two_updates_staged_on_one_state_only_one_is_committed(records: dict[bytes, bytes]) -> None:
    tree = Commitment(records)
    first, second = tree.stage([(b"a", b"1")]), tree.stage([(b"b", b"1")])
    tree.commit(first)
    with pytest.raises(StateMismatch):
        tree.commit(second)
    assert tree.root == first.root


def test_staging_nothing_leads_to_the_same_root(records: dict[bytes, bytes]) -> None:
    tree = Commitment(records)
    assert tree.stage([]).root == tree.root


def test_removing_what_is_absent_leads_to_the_same_root(records: dict[bytes, bytes]) -> None:
    tree = Commitment(records)
    tree.commit(tree.stage([(b"never there", None)]))
    assert tree.root == state_root(records)


def test_a_key_may_be_as_long_as_the_limit_and_no_longer() -> None:
    key = b"k" * MAX_KEY_BYTES
    assert Commitment({key: b"v"}).root == state_root({key: b"v"})
    with pytest.raises(ValueError, match="257 bytes"):
        record_leaf_hash(key + b"k", b"v")


def test_a_key_and_a_value_cannot_be_shifted_against_each_other() -> None:
    assert record_leaf_hash(b"ab", b"c") != record_leaf_hash(b"a", b"bc")


def test_a_record_that_is_not_there_has_no_proof_of_presence(records: dict[bytes, bytes]) -> None:
    tree = Commitment(records)
    for absent in (b"never there", GROUND_KEYS[0] + b"0"):
        with pytest.raises(KeyError):
            tree.record_proof(absent)

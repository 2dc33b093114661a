"""The application as CometBFT uses it, without CometBFT: what it answers, what it keeps, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec
import pytest

from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.protobuf import put_message, put_text
from chainpos.core.contracts.balances.records import ACCOUNTS
from chainpos.core.contracts.codes import BAD_SIGNATURE, MALFORMED, REPLAYED, TOO_MANY_WAITING, TX_EXPIRED
from chainpos.core.execution import genesis_state
from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.state.proofs import ProofOp, RecordProof, proof_from_ops, verify_absence, verify_presence
from chainpos.core.state.snapshots import MAX_CHUNK_BYTES, MAX_TAKEN_CHUNKS, Manifest
from chainpos.core.values.hashes import sha256
from chainpos.engine.cometbft import messages as abci
from chainpos.engine.cometbft.application import MAX_PER_SIGNER, Application
from chainpos.errors import StateMismatch, StoreError, UserFacingError
from chainpos.store.application import ApplicationReader
from tests.engine.cometbft.conftest import Bench
from tests.node.conftest import Clerk, clerk, issue_tx

__all__ = ["clerk"]


def issue(bench: Bench, number: int, **changes: int) -> bytes:
    return issue_tx(number, now_s=bench.clock.now_s, **changes)


# Where it stands.


def test_before_the_first_block_it_asks_for_genesis(bench: Bench) -> None:
    assert (bench.info().height, bench.info().app_hash) == (0, b"")
    assert bench.init() == genesis_state(bench.doc).app_hash


def test_it_asks_for_genesis_also_where_the_first_block_has_another_height(tmp_path: Path) -> None:
    bench = Bench(tmp_path, initial_height=500)
    assert bench.info().height == 0
    bench.init()
    bench.block()
    assert bench.info().height == 500
    bench.application.close()


def test_genesis_can_be_asked_for_again_until_there_is_a_block(bench: Bench) -> None:
    assert bench.init() == bench.init()
    bench.block()
    with pytest.raises(StateMismatch):
        bench.init()


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": "another"},
        {"time_ns": 1},
        {"initial_height": 2},
        {"validators": ()},
        {"app_state": b"{}"},
        {"consensus_params": msgspec.structs.replace(DEFAULT, evidence_max_age_blocks=1).encode()},
        {"consensus_params": b""},
        {"consensus_params": DEFAULT.encode() + put_message(6, put_text(1, "somebody"))},
    ],
)
def test_another_networks_genesis_is_refused(bench: Bench, change: dict[str, object]) -> None:
    with pytest.raises(StateMismatch):
        bench.application.answer(msgspec.structs.replace(bench.init_request(), **change))


def test_an_authority_that_is_nobody_as_cometbft_040_tells_it_is_no_other_genesis(bench: Bench) -> None:
    told = msgspec.structs.replace(bench.init_request(), consensus_params=DEFAULT.encode() + put_message(6, b""))
    assert bench.application.answer(told).app_hash == bench.init()


def test_the_version_of_the_application_is_that_of_genesis(bench: Bench) -> None:
    assert bench.info().app_version == bench.doc.params.app_version == 1


# Blocks.


def test_the_same_blocks_give_the_same_results_hashes_and_records_as_the_ledger(bench: Bench, clerk: Clerk) -> None:
    bench.init()
    for count in (1, 0, 3, 2):
        clerk.now_s += 1
        txs = [clerk.issue() for _ in range(count)]
        appended = clerk.make(*txs)
        bench.clock.now_s = appended.stored.block.header.time_ns // 10**9
        request = abci.FinalizeBlockRequest(
            tuple(txs),
            height=bench.height + 1,
            time_ns=appended.stored.block.header.time_ns,
            proposer_address=appended.stored.block.header.proposer_address,
        )
        answer = bench.application.answer(request)
        bench.commit()
        assert answer.app_hash == appended.results.app_hash
        assert answer.results == appended.results.results
    bench.application.close()
    with ApplicationReader.open(bench.database) as reader:
        assert reader.load_records() == clerk.ledger.records()
    bench.application = Application.open(bench.database, bench.clock)


def test_every_transaction_has_a_result_also_what_is_no_transaction(bench: Bench) -> None:
    good = issue(bench, 1)
    answer = bench.block(b"", b"junk", good, good, good[:64] + b"\xff" + good[65:])
    assert len(answer.results) == 5
    assert [each.code for each in answer.results[:2]] == [MALFORMED.number] * 2
    assert answer.results[2].code == 0
    assert answer.results[3].code == REPLAYED.number


def test_an_empty_block_leaves_the_app_hash(bench: Bench) -> None:
    before = bench.block(issue(bench, 1)).app_hash
    assert bench.block().app_hash == before


def test_what_was_not_committed_is_gone_after_a_crash_and_leads_to_the_same_hash_again(bench: Bench) -> None:
    before = bench.block(issue(bench, 1)).app_hash
    finalized = bench.finalize(issue(bench, 2))
    bench.reopen()
    assert (bench.info().height, bench.info().app_hash) == (1, before)
    assert bench.block(issue(bench, 2)) == finalized
    bench.reopen()
    assert (bench.info().height, bench.info().app_hash) == (2, finalized.app_hash)


def test_a_block_may_be_finalized_again_before_it_is_committed(bench: Bench) -> None:
    assert bench.finalize(issue(bench, 1)) == bench.finalize(issue(bench, 1))
    bench.commit()
    assert bench.info().height == 1


def test_a_block_that_does_not_follow_and_a_commit_of_nothing_are_refused(bench: Bench) -> None:
    for height in (0, 2):
        with pytest.raises(StateMismatch):
            bench.application.answer(abci.FinalizeBlockRequest(height=height, time_ns=1))
    with pytest.raises(StateMismatch):
        bench.application.answer(abci.CommitRequest())


def test_damaged_records_are_found_at_the_start(bench: Bench) -> None:
    bench.block(issue(bench, 1))
    bench.application.close()
    connection = apsw.Connection(str(bench.database))
    connection.execute("DELETE FROM records WHERE key IN (SELECT key FROM records LIMIT 1)")
    connection.close()
    with pytest.raises(UserFacingError, match="damaged"):
        Application.open(bench.database, bench.clock)


def test_a_second_process_is_refused(bench: Bench) -> None:
    with pytest.raises(StoreError, match="another process"):
        Application.open(bench.database, bench.clock)


# The mempool.


def test_a_checked_transaction_carries_no_data(bench: Bench) -> None:
    answer = bench.check(issue(bench, 1))
    assert (answer.code, answer.gas_wanted > 0) == (0, True)
    assert "data" not in abci.CheckTxResponse.__struct_fields__


def test_what_no_block_would_take_is_refused_at_the_door(bench: Bench) -> None:
    wire = issue(bench, 1)
    assert bench.check(b"junk").code == MALFORMED.number
    assert bench.check(bytes(64) + wire[64:]).code == BAD_SIGNATURE.number
    bench.clock.now_s += 601
    assert bench.check(wire).code == TX_EXPIRED.number


def test_a_signer_may_have_only_so_many_waiting(bench: Bench) -> None:
    answers = [bench.check(issue(bench, number)).code for number in range(MAX_PER_SIGNER + 1)]
    assert answers == [0] * MAX_PER_SIGNER + [TOO_MANY_WAITING.number]
    bench.block()
    assert bench.check(issue(bench, 9_999)).code == 0


def test_what_waits_is_judged_in_a_block_unless_it_expired(bench: Bench) -> None:
    """Dropped from the mempool it would never be answered, and whoever sent it would not know why."""
    wire = issue(bench, 1)
    bench.block(wire)
    assert bench.check(wire).code == REPLAYED.number
    assert bench.check(wire, again=True).code == 0
    bench.clock.now_s += 601
    assert bench.check(wire, again=True).code == TX_EXPIRED.number


# Proposals.


def test_a_proposal_leaves_out_what_no_block_may_hold(bench: Bench) -> None:
    good, other = issue(bench, 1), issue(bench, 2)
    unsigned = bytes(64) + other[64:]
    assert bench.prepare(b"junk", good, unsigned, good, other) == (good, other)
    assert bench.process(good, other) is abci.Verdict.ACCEPT
    for bad in ((b"junk",), (unsigned,), (good, good)):
        assert bench.process(*bad) is abci.Verdict.REJECT


def test_a_proposal_stays_within_its_bytes_and_nothing_overtakes(bench: Bench) -> None:
    first, second, third = (issue(bench, number) for number in range(3))
    room = 3 + len(first) + 3 + len(second)
    assert bench.prepare(first, second, third, max_bytes=room) == (first, second)
    assert bench.prepare(first, second, third, max_bytes=room - 1) == (first,)


def test_after_a_rest_an_empty_block_brings_the_time_first(bench: Bench) -> None:
    wire = issue(bench, 1)
    bench.check(wire)
    assert bench.prepare(wire, age_s=60) == ()
    bench.block()
    bench.check(wire, again=True)
    assert bench.prepare(wire, age_s=60) == (wire,), "a network that is slower than this must still make progress"
    bench.block(wire)
    assert bench.prepare(issue(bench, 2), age_s=1) == (issue(bench, 2),)


def test_nothing_is_added_to_votes_and_nothing_added_is_accepted(bench: Bench) -> None:
    assert bench.application.answer(abci.ExtendVoteRequest(bytes(32), 1)).extension == b""
    for extension, verdict in ((b"", abci.Verdict.ACCEPT), (b"x", abci.Verdict.REJECT)):
        request = abci.VerifyExtensionRequest(bytes(32), bytes(20), 1, extension)
        assert bench.application.answer(request).status is verdict


# Queries.


def _path(key: bytes) -> str:
    return f"/store/{bucket_name(bucket_of(key)).decode()}/key"


def _proof(proof: abci.Proof) -> RecordProof:
    return proof_from_ops([ProofOp(op.type, op.key, op.data) for op in proof.ops])


def test_a_record_is_given_with_a_proof_and_its_absence_too(bench: Bench) -> None:
    app_hash = bench.block(issue(bench, 1)).app_hash
    bench.block()
    key = next(key for key in genesis_state(bench.doc).values() if key.startswith(ACCOUNTS.prefix))
    found = bench.query(_path(key), key, prove=True)
    assert found.height == 1, "the header after this height is there already"
    assert found.proof is not None
    assert verify_presence(app_hash, key, found.value, _proof(found.proof))
    absent = bench.query(_path(b"no such record"), b"no such record", prove=True)
    assert absent.proof is not None
    assert absent.value == b""
    assert verify_absence(app_hash, b"no such record", _proof(absent.proof))


def test_a_record_is_given_as_it_was_but_without_proof(bench: Bench) -> None:
    key = next(key for key in genesis_state(bench.doc).values() if key.startswith(ACCOUNTS.prefix))
    values = []
    for number in range(4):
        bench.block(issue(bench, number))
        values.append(bench.query(_path(key), key, bench.height).value)
    assert [bench.query(_path(key), key, height).value for height in range(1, 5)] == values
    assert bench.query(_path(key), key, 1, prove=True).code == 3


@pytest.mark.parametrize(("path", "height", "code"), [("/store/0000/key", 0, 1), ("/x", 0, 1), ("", 9, 2)])
def test_other_questions_are_refused_by_code(bench: Bench, path: str, height: int, code: int) -> None:
    bench.block()
    key = b"key"
    assert bench.query(path or _path(key), key, height).code == code


# Snapshots.


def test_a_snapshot_takes_a_new_application_to_the_same_state(tmp_path: Path) -> None:
    old_folder, new_folder = tmp_path / "old", tmp_path / "new"
    old_folder.mkdir()
    new_folder.mkdir()
    old, new = Bench(old_folder, snapshot_every=2), Bench(new_folder)
    for number in range(6):
        app_hash = old.block(issue(old, number)).app_hash
    # Only then is the last one written for certain.
    old.reopen()
    listed = old.application.answer(abci.ListSnapshotsRequest()).snapshots
    assert [each.height for each in listed] == [6, 4]
    offer = abci.OfferSnapshotRequest(listed[0], app_hash)
    assert new.application.answer(offer).result is abci.Offer.ACCEPT
    chunk = old.application.answer(abci.LoadChunkRequest(6, listed[0].format, 0)).chunk
    bad = new.application.answer(abci.ApplyChunkRequest(0, chunk[:-1], "liar"))
    assert (bad.result, bad.refetch, bad.reject_senders) == (abci.Applied.RETRY, b"\0", ("liar",))
    for index in range(listed[0].chunks):
        chunk = old.application.answer(abci.LoadChunkRequest(6, listed[0].format, index)).chunk
        assert new.application.answer(abci.ApplyChunkRequest(index, chunk, "peer")).result is abci.Applied.ACCEPT
    assert (new.info().height, new.info().app_hash) == (6, app_hash)
    new.height = 6
    new.reopen()
    # CometBFT may have died before it noted its own beginning; once a block was executed, it cannot have.
    assert new.application.answer(offer).result is abci.Offer.ACCEPT
    for index in range(listed[0].chunks):
        chunk = old.application.answer(abci.LoadChunkRequest(6, listed[0].format, index)).chunk
        assert new.application.answer(abci.ApplyChunkRequest(index, chunk, "peer")).result is abci.Applied.ACCEPT
    assert new.block(issue(old, 77)).app_hash == old.block(issue(old, 77)).app_hash
    assert new.application.answer(offer).result is abci.Offer.ABORT
    old.application.close()
    new.application.close()


def test_a_snapshot_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def offered(*chunks: bytes) -> abci.Offer:
        metadata = Manifest(tuple(sha256(chunk) for chunk in chunks), 1).encode()
        snapshot = abci.Snapshot(5, 1, len(chunks), sha256(metadata), metadata)
        answer: abci.OfferSnapshotResponse = bench.application.answer(abci.OfferSnapshotRequest(snapshot, bytes(32)))
        return answer.result

    assert offered(*[b"x"] * (MAX_TAKEN_CHUNKS + 1)) is abci.Offer.REJECT
    large = bytes(MAX_CHUNK_BYTES + 1)
    assert offered(large, b"x") is abci.Offer.ACCEPT
    assert bench.application.answer(abci.ApplyChunkRequest(0, large)).result is abci.Applied.REJECT_SNAPSHOT
    assert bench.application.answer(abci.ApplyChunkRequest(0, large)).result is abci.Applied.ABORT
    bench.application.close()


def test_a_snapshot_of_another_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    old, new = Bench(tmp_path / "old", snapshot_every=1), Bench(tmp_path / "new")
    old.block(issue(old, 1))
    old.reopen()
    snapshot = old.application.answer(abci.ListSnapshotsRequest()).snapshots[0]
    for changed in (
        msgspec.structs.replace(snapshot, format=2),
        msgspec.structs.replace(snapshot, chunks=0),
        msgspec.structs.replace(snapshot, hash=bytes(32)),
    ):
        answer = new.application.answer(abci.OfferSnapshotRequest(changed, bytes(32)))
        assert answer.result in (abci.Offer.REJECT, abci.Offer.REJECT_FORMAT)
    assert new.application.answer(abci.OfferSnapshotRequest(snapshot, bytes(32))).result is abci.Offer.ACCEPT
    chunk = old.application.answer(abci.LoadChunkRequest(1, 1, 0)).chunk
    assert new.application.answer(abci.ApplyChunkRequest(0, chunk)).result is abci.Applied.REJECT_SNAPSHOT
    assert new.info().height == 0
    old.application.close()
    new.application.close()

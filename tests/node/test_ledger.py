"""The one append, on a real database."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec
import pytest

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.validation import BlockRefused
from chainpos.core.contracts.merchants.records import MERCHANTS, merchant_key
from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.state.proofs import ProofOp, proof_from_ops, verify_absence, verify_presence
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import StoreError, UserFacingError
from chainpos.node.ledger import Diverged, Ledger, create_ledger
from chainpos.rpc.backend import QueryAnswer
from tests.core.contracts.conftest import GENESIS_S
from tests.node.conftest import Clerk, issue_tx

MERCHANT = MERCHANTS.full_key(merchant_key("TEAHOUSE"))
MISSING = MERCHANTS.full_key(merchant_key("NOBODY"))


def path_of(key: bytes) -> str:
    return f"/store/{bucket_name(bucket_of(key)).decode()}/key"


def test_a_block_changes_the_state_and_survives_reopening(clerk: Clerk) -> None:
    before = clerk.ledger.tip.app_hash
    appended = clerk.make(clerk.issue(), clerk.issue())
    assert [result.code for result in appended.results.results] == [0, 0]
    assert appended.tip.app_hash != before
    tip = clerk.ledger.tip
    clerk.reopen()
    assert clerk.ledger.tip == tip
    clerk.make(clerk.issue())
    assert clerk.ledger.tip.height == 2


def test_an_empty_block_leaves_the_state_and_commits_to_it(clerk: Clerk) -> None:
    clerk.make(clerk.issue())
    committed = [clerk.ledger.state_committed]
    app_hash = clerk.ledger.tip.app_hash
    empty = clerk.make()
    committed.append(clerk.ledger.state_committed)
    assert committed == [False, True]
    assert empty.stored.block.header.app_hash == app_hash == clerk.ledger.tip.app_hash
    clerk.reopen()
    assert clerk.ledger.state_committed


def test_every_transaction_has_one_result_the_unreadable_ones_too(clerk: Clerk) -> None:
    appended = clerk.make(b"junk", clerk.issue(), b"")
    assert [result.log for result in appended.results.results] == ["malformed", "", "malformed"]


def test_a_block_that_was_not_signed_changes_nothing(clerk: Clerk) -> None:
    block = clerk.propose(clerk.issue())
    commit = clerk.sign(block)
    altered = msgspec.structs.replace(block, txs=(clerk.issue(999),))
    tip = clerk.ledger.tip
    with pytest.raises(BlockRefused, match="altered_transactions"):
        clerk.ledger.append(altered, commit)
    assert clerk.ledger.tip == tip
    clerk.ledger.append(block, commit)


def test_a_signed_block_that_does_not_fit_our_state_halts_the_ledger(clerk: Clerk) -> None:
    clerk.make(clerk.issue())
    block = clerk.propose()
    other = msgspec.structs.replace(block, header=msgspec.structs.replace(block.header, app_hash=bytes(32)))
    with pytest.raises(Diverged) as caught:
        clerk.ledger.append(other, clerk.sign(other))
    assert caught.value.code == "wrong_app_hash"
    with pytest.raises(Diverged):
        clerk.ledger.append(block, clerk.sign(block))
    assert clerk.ledger.tip.height == 1


def test_a_rule_that_fails_halts_the_ledger_and_stores_nothing(clerk: Clerk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("chainpos.node.ledger.execute_block", broken)
    with pytest.raises(Exception, match="cannot be executed: ZeroDivisionError"):
        clerk.make(clerk.issue())
    monkeypatch.undo()
    with pytest.raises(Exception, match="cannot be executed"):
        clerk.make()
    clerk.reopen()
    assert clerk.ledger.tip.height == 0


def test_two_processes_never_write_one_chain(clerk: Clerk) -> None:
    with pytest.raises(StoreError):
        Ledger.open(clerk.database)


def test_records_that_are_not_the_tips_are_found_on_opening(clerk: Clerk) -> None:
    clerk.make(clerk.issue())
    clerk.ledger.close()
    with apsw.Connection(str(clerk.database)) as connection:
        connection.execute("UPDATE records SET value = x'00' WHERE key = ?", (MERCHANT,))
    connection.close()
    with pytest.raises((UserFacingError, StoreError)):
        Ledger.open(clerk.database)
    with apsw.Connection(str(clerk.database)) as connection:
        connection.execute("DELETE FROM records WHERE key = ?", (MERCHANT,))
    connection.close()
    with pytest.raises((UserFacingError, StoreError)):
        Ledger.open(clerk.database)


def test_a_genesis_that_the_rules_refuse_makes_no_chain(tmp_path: Path, clerk: Clerk) -> None:
    document = msgspec.json.decode(clerk.genesis)
    document["app_state"]["network"]["demo"] = "perhaps"
    with pytest.raises(UserFacingError, match="app_state"):
        create_ledger(tmp_path / "other.db", msgspec.json.encode(document))


def test_a_check_judges_by_the_present_where_that_is_later(clerk: Clerk) -> None:
    wire = issue_tx(1, now_s=GENESIS_S)  # expires after 600 seconds
    assert clerk.ledger.check(wire, GENESIS_S * SECOND_NS).code == 0
    assert clerk.ledger.check(wire, (GENESIS_S + 601) * SECOND_NS).log == "transaction_expired"


def test_who_makes_no_blocks_lets_pass_what_the_next_blocks_time_would(clerk: Clerk) -> None:
    wire = issue_tx(1, now_s=GENESIS_S)
    tomorrow_ns = (GENESIS_S + 86_400) * SECOND_NS
    assert clerk.ledger.check(wire, tomorrow_ns, or_earlier=True).code == 0
    assert clerk.ledger.check(b"junk", tomorrow_ns, or_earlier=True).log == "malformed"


def test_after_days_of_rest_a_transaction_of_the_present_passes(clerk: Clerk) -> None:
    later_s = GENESIS_S + 3 * 86_400
    assert clerk.ledger.check(issue_tx(1, now_s=later_s), later_s * SECOND_NS, or_earlier=True).code == 0


def test_a_check_judges_by_the_next_blocks_time_where_that_is_later(clerk: Clerk) -> None:
    clerk.now_s = GENESIS_S + 700
    clerk.make()
    assert clerk.ledger.check(issue_tx(1, now_s=GENESIS_S), GENESIS_S * SECOND_NS).log == "transaction_expired"


def test_a_check_changes_nothing(clerk: Clerk) -> None:
    wire = clerk.issue()
    records = clerk.ledger.records()
    assert [clerk.ledger.check(wire, GENESIS_S * SECOND_NS).code for _ in range(2)] == [0, 0]
    assert clerk.ledger.records() == records
    assert clerk.make(wire).results.results[0].code == 0
    assert clerk.ledger.check(wire, GENESIS_S * SECOND_NS).log == "replayed"


def proved(clerk: Clerk, answer: QueryAnswer, blocks: list[Block]) -> bool:
    """Whether the answer's proof leads to the app hash in the header above the answer's height."""
    assert answer.proof is not None
    header = next(block.header for block in blocks if block.header.height == answer.height + 1)
    proof = proof_from_ops([ProofOp(op.type, op.key, op.data) for op in answer.proof])
    if answer.value:
        return verify_presence(header.app_hash, answer.key, answer.value, proof)
    return verify_absence(header.app_hash, answer.key, proof)


def test_a_proof_verifies_against_the_header_above_its_height(clerk: Clerk) -> None:
    blocks = [clerk.make().stored.block, clerk.make().stored.block]
    for transactions in ((), (clerk.issue(),), (), (), (clerk.issue(), clerk.issue())):
        present = clerk.ledger.query(path_of(MERCHANT), MERCHANT, 0, prove=True)
        absent = clerk.ledger.query(path_of(MISSING), MISSING, 0, prove=True)
        blocks.append(clerk.make(*transactions).stored.block)
        assert present.value
        assert not absent.value
        assert proved(clerk, present, blocks)
        assert proved(clerk, absent, blocks)


def test_at_rest_the_header_that_a_proof_needs_is_there_already(clerk: Clerk) -> None:
    blocks = [clerk.make().stored.block, clerk.make().stored.block]
    answer = clerk.ledger.query(path_of(MERCHANT), MERCHANT, 0, prove=True)
    assert answer.height == 1
    assert proved(clerk, answer, blocks)
    blocks.append(clerk.make(clerk.issue()).stored.block)
    assert clerk.ledger.query(path_of(MERCHANT), MERCHANT, 0, prove=True).height == 3
    blocks.append(clerk.make().stored.block)
    answer = clerk.ledger.query(path_of(MERCHANT), MERCHANT, 0, prove=True)
    assert answer.height == 3
    assert proved(clerk, answer, blocks)


def test_a_past_value_is_told_without_proof(clerk: Clerk) -> None:
    clerk.make(clerk.issue())
    before = clerk.ledger.records()
    clerk.make(clerk.issue())
    clerk.make()
    after = clerk.ledger.records()
    [changed] = [key for key in before if key in after and before[key] != after[key] and key.startswith(b"ba")][:1]
    assert clerk.ledger.query(path_of(changed), changed, 1, prove=False).value == before[changed]
    assert clerk.ledger.query(path_of(changed), changed, 0, prove=False).value == after[changed]
    assert clerk.ledger.query(path_of(changed), changed, 1, prove=True).code == 3


@pytest.mark.parametrize(
    ("path", "height", "code"),
    [("/store/0000/key", 0, 1), ("/key", 0, 1), ("", 0, 1), (path_of(MERCHANT), 9, 2), (path_of(MERCHANT), -1, 2)],
)
def test_a_query_for_what_there_is_not_is_refused_by_code(clerk: Clerk, path: str, height: int, code: int) -> None:
    clerk.make()
    answer = clerk.ledger.query(path, MERCHANT, height, prove=True)
    assert (answer.code, answer.codespace, answer.value) == (code, "chainpos/query", b"")


def test_a_block_read_back_from_its_bytes_is_appended_alike(clerk: Clerk, tmp_path: Path) -> None:
    made = clerk.make(clerk.issue(), b"junk")
    other = Ledger.in_memory(clerk.genesis)
    again = other.append(Block.decode(made.stored.block.encode()), Commit.decode(made.commit.encode()))
    assert again.tip == made.tip
    assert again.results == made.results

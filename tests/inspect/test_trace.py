"""A trace is execution: what it says happened is what was recorded, and what it imagines leaves nothing behind."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.results import Event, EventAttribute
from chainpos.core.contracts.compliance.records import FREEZES
from chainpos.core.contracts.registry import MESSAGES, TABLES_BY_PREFIX
from chainpos.errors import UserFacingError
from chainpos.inspect.changing import parse_change, parse_record_key
from chainpos.inspect.fields import key_text
from chainpos.inspect.foreseen import foreseen_keys
from chainpos.inspect.past import past_state
from chainpos.inspect.source import Found, StoreSource
from chainpos.inspect.steps import CHECK, EVENT, FAILED, PASSED, POSTING, READ, REFUSAL, WRITE, Trace
from chainpos.inspect.trace import Run, block_changes, trace_transaction
from chainpos.inspect.what_if import compare, what_if
from chainpos.store.chain_ranges import changes_between
from tests.inspect.recorded import first_place, places


def _digest(database: Path) -> dict[str, str]:
    # What is written stands in the log first, which a reader makes, too, and leaves empty.
    parts = {end: database.with_name(database.name + end) for end in ("", "-wal")}
    found = {end: path.read_bytes() for end, path in parts.items() if path.exists()}
    return {end: hashlib.sha256(content).hexdigest() for end, content in found.items() if content}


def _told_events(trace: Trace) -> list[str]:
    """The events that a trace's steps came to; a refused transaction's own are undone, and one tells of the refusal."""
    if trace.code:
        return ["chainpos.rejected"] if trace.name != "bad_signature" and trace.kind in MESSAGES else []
    return [
        "balances.posted" if step.kind == POSTING else step.what
        for step in trace.steps
        if step.kind in (POSTING, EVENT)
    ]


@pytest.fixture(scope="module", autouse=True)
def nothing_here_touches_the_store(day_database: Path) -> Iterator[None]:
    before = _digest(day_database)
    yield
    assert _digest(day_database) == before


def _found(source: StoreSource, height: int) -> Found:
    found = source.found(height)
    assert found is not None
    return found


def test_every_block_of_the_sample_day_comes_out_as_recorded(day: StoreSource) -> None:
    tip = day.span().tip
    recorded = changes_between(day.reader, 1, tip)
    transactions = 0
    for height in range(1, tip + 1):
        found = day.found(height)
        assert found is not None
        if not found.block.txs:
            assert height not in recorded
            continue
        results, changes = block_changes(day, height)
        assert tuple(results) == found.results
        transactions += len(results)
        mine = {change.key: change.after for change in changes}
        theirs = recorded[height]
        assert all(theirs[key] == value for key, value in mine.items())
        # All else that the block changed are marks that it forgot before its first transaction.
        for key in theirs.keys() - mine.keys():
            assert theirs[key] is None
            assert TABLES_BY_PREFIX[key[:2]].expires is not None
    assert transactions > 1_000


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_every_transactions_trace_ends_as_recorded(day: StoreSource, every: int) -> None:
    recorded = changes_between(day.reader, 1, day.span().tip)
    # Blocks with transactions are every third of the recording.
    for height in range(2, day.span().tip + 1, every * 3 if every > 1 else 1):
        first: dict[bytes, bytes | None] = {}
        last: dict[bytes, bytes | None] = {}
        for index, result in enumerate(_found(day, height).results):
            trace = trace_transaction(day, height, index)
            assert trace.reproduces
            assert (trace.code, trace.gas, trace.data) == (result.code, result.gas_used, result.data)
            assert _told_events(trace) == [event.type for event in result.events]
            assert (trace.refused_at >= 0) == bool(result.code)
            for write in trace.writes:
                # What one transaction left is what the next one found.
                assert last.get(write.key, write.before) == write.before
                first.setdefault(write.key, write.before)
                last[write.key] = write.after
        for key, value in recorded.get(height, {}).items():
            assert last.pop(key, None) == value
        # Only what was put back as it had been is in no history.
        assert all(value == first[key] for key, value in last.items())


def test_a_payments_trace_tells_checks_records_postings_and_events(day: StoreSource) -> None:
    trace = trace_transaction(day, *first_place(day, kind="payments.paid"))
    assert [step.index for step in trace.steps] == list(range(len(trace.steps)))
    checked = {step.what for step in trace.steps if step.kind == CHECK}
    assert {
        "underpaid",
        "overpaid",
        "already_paid",
        "request_expired",
        "over_till_limit",
        "frozen_merchant or frozen_account",
    } <= checked
    assert all(step.outcome == PASSED for step in trace.steps if step.kind == CHECK)
    postings = [step for step in trace.steps if step.kind == POSTING]
    assert postings
    assert any("customer/" in account for account, _ in postings[0].fields)
    balances = [step for step in trace.steps if step.kind == WRITE and step.what == "accounts"]
    assert all(step.after is not None and step.after[0][0] == "balance_minor" for step in balances)
    assert balances[0].before != balances[0].after
    assert {write.name.split()[0] for write in trace.writes} >= {"accounts", "payments", "seen_bodies"}
    read = {step.what for step in trace.steps if step.kind == READ}
    assert read >= {"merchants", "tills", "customers", "wallet_tiers", "network", "fees.schedules"}
    assert all(":" in step.where for step in trace.steps if step.kind == CHECK)


@pytest.mark.parametrize(
    "name", ["already_paid", "underpaid", "insufficient_funds", "frozen_account", "unknown_payout", "request_cancelled"]
)
def test_the_rejecting_check_is_named_with_its_line(day: StoreSource, name: str) -> None:
    trace = trace_transaction(day, *first_place(day, name))
    refusal = trace.steps[trace.refused_at]
    assert (refusal.kind, refusal.what, refusal.code) == (REFUSAL, name, trace.code)
    assert refusal.where.startswith("contracts/")
    assert "rules.py:" in refusal.where or "port.py:" in refusal.where
    assert [step.what for step in trace.steps if step.kind == CHECK and step.outcome == FAILED] in (
        [name], [f"frozen_merchant or {name}"], [],
    )  # fmt: skip
    # A refused transaction leaves its mark and nothing else.
    assert {write.name.split()[0] for write in trace.writes} <= {"seen_bodies", "spent_tokens"}


def test_what_is_foreseen_changes_no_trace_and_saves_most_look_ups(
    day: StoreSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    height = max(range(1, day.span().tip + 1), key=lambda each: len(_found(day, each).results))
    count = len(_found(day, height).results)
    asked: list[bytes] = []
    one_by_one = day.record_at

    def counted(key: bytes, at: int) -> bytes | None:
        asked.append(key)
        return one_by_one(key, at)

    monkeypatch.setattr(day, "record_at", counted)
    quick = [trace_transaction(day, height, index) for index in range(count)]
    looked_up = len(asked)
    monkeypatch.setattr("chainpos.inspect.trace.foreseen_keys", lambda *_: ())
    asked.clear()
    assert [trace_transaction(day, height, index) for index in range(count)] == quick
    assert 0 < looked_up < len(asked) / 2


def test_a_damaged_result_is_not_foreseen_and_the_trace_says_that_it_does_not_come_out(day: StoreSource) -> None:
    height, index = first_place(day, kind="payments.paid")
    found = _found(day, height)
    broken = Event("payments.paid", (EventAttribute("payer", "no account"),))
    results = tuple(msgspec.structs.replace(result, events=(broken,)) for result in found.results)
    damaged = msgspec.structs.replace(found, results=results)
    assert foreseen_keys(damaged, len(results))
    run = Run(past_state(day, damaged), damaged)
    run.before(index)
    again = run.observed(found.block.txs[index], index)
    assert not again.reproduces
    assert again.writes == trace_transaction(day, height, index).writes


def test_a_trace_is_the_same_every_time_and_leaves_no_tracer(day: StoreSource) -> None:
    place = first_place(day, kind="payments.paid")
    before = sys.gettrace()
    assert trace_transaction(day, *place) == trace_transaction(day, *place)
    assert sys.gettrace() is before


def test_what_if_never_touches_the_store(day: StoreSource, day_database: Path) -> None:
    before = _digest(day_database)
    height, index = first_place(day, "underpaid")
    real = trace_transaction(day, height, index)
    due = real.steps[real.refused_at].detail.split()[0]
    imagined = what_if(day, height, index, [parse_change(f"message.amount_minor={due}")])
    assert (imagined.code, imagined.hypothetical) == (0, True)
    assert imagined.changed
    assert len(imagined.writes) > 5
    assert not real.hypothetical
    comparison = compare(real, imagined)
    assert comparison.codes == ("underpaid", "accepted")
    assert comparison.first >= 0
    assert compare(real, real).first == -1
    assert _digest(day_database) == before


def test_what_if_takes_records_away_and_moves_time(day: StoreSource) -> None:
    height, index = first_place(day, "frozen_account")
    real = trace_transaction(day, height, index)
    frozen = next(
        step.key for step in real.steps if step.kind == READ and step.what == FREEZES.name and step.before is not None
    )
    subject = frozen.split(" ", 1)[1]
    assert key_text(parse_record_key("freezes", subject)) == frozen
    assert what_if(day, height, index, [parse_change(f"record:freezes:{subject}=none")]).code == 0
    late = what_if(day, height, index, [parse_change("time=2027-01-01T00:00:00Z")])
    assert late.name == "transaction_expired"
    poor = next(places(day, kind="payments.paid"))
    trace = trace_transaction(day, poor[0], poor[1])
    account = next(write.name for write in trace.writes if write.name.startswith("accounts customer/"))
    change = parse_change(f"record:accounts:{account.split(' ', 1)[1]}.balance_minor=1")
    assert what_if(day, poor[0], poor[1], [change]).name == "insufficient_funds"


@pytest.mark.parametrize(
    "text", ["nonsense", "message.nothing=1", "message.amount_minor=lots", "record:nowhere:x.y=1", "time=noon",
             "record:accounts:nobody.balance_minor=1", "message.request=zz", "color=red"],
)  # fmt: skip
def test_a_change_that_cannot_be_is_one_sentence(day: StoreSource, text: str) -> None:
    height, index = first_place(day, kind="payments.paid")
    with pytest.raises(UserFacingError):
        what_if(day, height, index, [parse_change(text)])


@pytest.mark.parametrize(
    "text",
    [f"{field}={number}" for number in ("9" * 20, f"-{'9' * 20}", "1" * 5_000)
     for field in ("message.amount_minor", "message.request.amount_minor")]
    + [f"record:settlement.cycles:CNY/{'9' * 20}=none"],
)  # fmt: skip
def test_a_number_that_no_field_holds_is_one_sentence_and_no_fault(day: StoreSource, text: str) -> None:
    height, index = first_place(day, kind="payments.paid")
    with pytest.raises(UserFacingError, match="number"):
        what_if(day, height, index, [parse_change(text)])


def test_what_is_in_no_block_cannot_be_traced(day: StoreSource) -> None:
    with pytest.raises(UserFacingError):
        trace_transaction(day, 10**6, 0)
    with pytest.raises(UserFacingError):
        trace_transaction(day, 2, 10**6)

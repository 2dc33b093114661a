"""Ranges under other rules, and two stores of one chain held against each other."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import pytest

from chainpos.core.contracts.balances.records import ACCOUNTS, Account
from chainpos.errors import UserFacingError
from chainpos.inspect.bulk import bulk_replay, load_rules
from chainpos.inspect.divergence import TELL_EVERY, diverge
from chainpos.inspect.source import StoreSource
from chainpos.store.chain import ChainReader
from chainpos.store.chain_ranges import history_size
from tests.inspect.recorded import first_place

STRICTER = """
from chainpos.core.contracts.payments import codes, rules

def pay(ctx, message):
    ctx.require(message.amount_minor < 5_000, codes.OVER_TILL_LIMIT, "a stricter network")
    return rules.pay(ctx, message)

RULES = {"payments.pay": pay}
"""


def test_the_same_rules_change_nothing(day: StoreSource) -> None:
    reached: list[int] = []
    report = bulk_replay(day, 500, 620, progress=lambda height, _: reached.append(height))
    assert (report.different, report.state_differs_at, report.violations) == (0, 0, ())
    assert not report.hypothetical
    assert reached[-1] == 620


def test_ux31_other_rules_are_reported_by_transaction(day: StoreSource, tmp_path: Path) -> None:
    file = tmp_path / "stricter.py"
    file.write_text(STRICTER)
    report = bulk_replay(day, 500, 620, rules=load_rules(file), name=file.name)
    assert report.hypothetical
    assert report.outcomes["accepted -> over_till_limit"] > 5
    assert report.different == sum(report.outcomes.values())
    assert report.state_differs_at == report.differences[0].height
    assert report.violations == ()


@pytest.mark.parametrize(
    ("text", "fault"), [("city-server-7", "NameError"), ("RULES = {", "SyntaxError"), ("exit(3)", "SystemExit"),
                        ("import no_such_module", "ModuleNotFoundError"), ("\0", "Error")],
)  # fmt: skip
def test_a_rule_file_that_does_not_run_says_so_in_a_sentence(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(UserFacingError, match=f"The rule file does not run: .*{fault}"):
        load_rules(tmp_path / "bad.py")


def test_what_cannot_be_run_is_said(day: StoreSource, tmp_path: Path) -> None:
    with pytest.raises(UserFacingError):
        bulk_replay(day, 5, 10**6)
    with pytest.raises(UserFacingError):
        load_rules(tmp_path / "nothing.py")
    for text in ("RULES = {}", "RULES = {'no.such': print}", "x = 1"):
        (tmp_path / "bad.py").write_text(text)
        with pytest.raises(UserFacingError):
            load_rules(tmp_path / "bad.py")


@pytest.fixture
def other(day_database: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "chain.db"
    shutil.copy(day_database, copy)
    return copy


def _plant(database: Path, statement: str, bindings: tuple[object, ...] = ()) -> None:
    connection = apsw.Connection(str(database))
    connection.execute(statement, bindings)
    connection.close()


def test_ux33_equal_stores_agree(day: StoreSource, other: Path) -> None:
    told: list[tuple[int, int]] = []
    with ChainReader.open(other) as reader:
        found = diverge(day, StoreSource(reader, "other"), progress=lambda *so_far: told.append(so_far))
    assert (found.kind, found.common_height) == ("", day.span().tip)
    rows = history_size(day.reader)
    assert told == [(done, rows) for done in range(TELL_EVERY, rows + 1, TELL_EVERY)]
    assert told


@pytest.mark.parametrize("swapped", [False, True])
def test_ux33_one_planted_record_is_found_and_named(day: StoreSource, other: Path, swapped: bool) -> None:
    height, index = next((height, index) for height, index in [first_place(day, kind="payments.paid")] if height > 1)
    (key,) = day.reader.connection.execute(
        "SELECT key FROM history WHERE height = ? AND substr(key, 1, 11) = CAST('bacustomer/' AS BLOB)", (height,)
    ).fetchone()  # type: ignore[misc]
    planted = ACCOUNTS.encode(Account(4_242))
    _plant(other, "UPDATE history SET value = ? WHERE key = ? AND height = ?", (planted, key, height))
    with ChainReader.open(other) as reader:
        theirs = StoreSource(reader, "other")
        found = diverge(theirs, day) if swapped else diverge(day, theirs)
    assert (found.kind, found.height, found.common_height) == ("record", height, height - 1)
    assert found.wrong == ("left" if swapped else "right")
    assert found.hash
    (record,) = found.records
    assert record.key == bytes(key).hex()
    assert (("balance_minor", "42.42 CNY"),) in (record.left, record.right)
    assert index >= 0


def test_ux33_a_missing_row_is_found(day: StoreSource, other: Path) -> None:
    _plant(other, "DELETE FROM history WHERE height = 500 AND substr(key, 1, 2) = CAST('ba' AS BLOB)")
    with ChainReader.open(other) as reader:
        found = diverge(day, StoreSource(reader, "other"))
    assert (found.kind, found.height) == ("record", 500)

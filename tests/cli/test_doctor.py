"""`chainpos doctor` (ux 36): each thing that can be wrong with a machine is named, with what mends it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import sys
from collections import namedtuple
from pathlib import Path

import msgspec
import pytest

from chainpos.cli.main import main
from chainpos.console.doctor import examine_terminal
from chainpos.core.chain.genesis import dump_genesis
from chainpos.pilot.city import load_city
from chainpos.pilot.genesis import city_genesis
from chainpos.pilot.resources import sample_data
from chainpos.till import doctor
from chainpos.till.doctor import Finding, examine_machine, examine_node, examine_till
from chainpos.till.home import TillHome, TillSettings
from chainpos.wallet.keys import Key, demo_key

NOW_NS = 1_800_000_000_000_000_000
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def home(tmp_path: Path) -> TillHome:
    folder = sample_data()
    doc = city_genesis(load_city(folder), folder, validator=demo_key("v").public_key, genesis_time_ns=0)
    made = TillHome(tmp_path / "till")
    made.create(dump_genesis(doc), TillSettings("HF01", "127.0.0.1:1", "CNY"), Key(bytes(range(32))))
    return made


def verdicts(findings: object) -> dict[str, str]:
    assert not isinstance(findings, str)
    return {each.name: each.verdict for each in findings}  # type: ignore[attr-defined]


def the(findings: list[Finding], name: str) -> Finding:
    return next(each for each in findings if each.name == name)


def test_ux36_what_is_well_is_said_and_nothing_is_left_behind(home: TillHome) -> None:
    before = sorted(path.name for path in home.folder.iterdir())
    found = [*examine_machine(home.folder, NOW_NS), *examine_till(home)]
    assert set(verdicts(found).values()) <= {"good", "look"}
    assert all(each.mend for each in found if each.verdict != "good")
    assert sorted(path.name for path in home.folder.iterdir()) == before


def test_ux36_a_full_disk_and_a_folder_that_cannot_be_written_are_found(
    home: TillHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1, 1, 1_000_000))
    assert verdicts(examine_machine(home.folder, NOW_NS))["disk"] == "bad"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1, 1, 1_000_000_000))
    assert verdicts(examine_machine(home.folder, NOW_NS))["disk"] == "look"

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(doctor, "write_durably", refuse)
    assert verdicts(examine_machine(home.folder, NOW_NS))["folder"] == "bad"


def test_ux36_an_old_sqlite_and_a_clock_that_was_never_set_are_found(
    home: TillHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    found = list(examine_machine(home.folder, 0))
    assert the(found, "SQLite of the shop's book").verdict == "bad"
    assert the(found, "clock").verdict == "bad"


def test_ux36_keys_that_others_read_settings_that_are_wrong_and_a_damaged_book_are_found(home: TillHome) -> None:
    home.key_path.chmod(0o644)
    assert "chmod 600" in the(list(examine_till(home)), "key").mend
    home.key_path.chmod(0o600)
    with contextlib.closing(sqlite3.connect(home.book_path)) as book:
        book.execute("CREATE TABLE sales (number)")
        book.commit()
    assert verdicts(examine_till(home))["book"] == "good"
    home.book_path.write_bytes(b"no database at all" * 400)
    assert verdicts(examine_till(home))["book"] == "bad"
    home.settings_path.write_text("{}")
    assert verdicts(examine_till(home)) == {"settings": "bad"}


def test_ux36_a_book_in_another_programs_hands_is_not_called_damaged(
    home: TillHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chainpos.store.shop_reading._BUSY_S", 0.05)
    with contextlib.closing(sqlite3.connect(home.book_path, isolation_level=None)) as book:
        book.execute("CREATE TABLE sales (number)")
        book.execute("BEGIN EXCLUSIVE")
        found = the(list(examine_till(home)), "book")
    assert (found.verdict, "damaged" in found.found) == ("look", False)
    assert "Close that program" in found.mend


async def test_ux36_a_node_that_does_not_answer_is_found(home: TillHome) -> None:
    (found,) = await examine_node(home, NOW_NS)
    assert found.verdict == "bad"
    assert "chainpos node start" in found.mend


@pytest.mark.parametrize(
    ("size", "environ", "expected"),
    [
        ((80, 24), {"TERM": "xterm-256color", "LANG": "C.UTF-8"}, ("good", "good", "good")),
        ((79, 24), {"TERM": "xterm", "LANG": "C.UTF-8"}, ("look", "look", "good")),
        ((59, 19), {"TERM": "linux", "LANG": "C.UTF-8"}, ("bad", "look", "look")),
        ((200, 60), {"TERM": "xterm", "LANG": "C", "COLORTERM": "truecolor"}, ("good", "good", "look")),
        ((80, 24), {"TERM": "xterm", "NO_COLOR": "1", "LANG": "C.UTF-8"}, ("good", "good", "good")),
    ],
)
def test_ux36_a_terminal_is_judged_by_its_size_its_colours_and_its_characters(
    size: tuple[int, int], environ: dict[str, str], expected: tuple[str, str, str]
) -> None:
    found = list(examine_terminal(size, environ))
    assert tuple(each.verdict for each in found) == expected
    assert all(each.mend for each in found if each.verdict != "good")


def test_ux35_doctor_answers_with_one_object_and_an_exit_code(
    home: TillHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["chainpos", "doctor", "--home", str(home.folder), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    told = msgspec.json.decode(capsys.readouterr().out)
    assert told["well"] is False
    assert {"name", "verdict", "found", "mend"} == set(told["findings"][0])
    monkeypatch.setattr(sys, "argv", ["chainpos", "doctor", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0

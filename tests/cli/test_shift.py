"""`till shift`, `till staff` and `till verify-z` on a till that meets no node: what they say, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chainpos.cli.main import app
from chainpos.cli.output import told_plainly
from chainpos.errors import EXIT_REFUSED, EXIT_USAGE
from chainpos.till.home import TillHome, TillSettings
from chainpos.till.pin import Cost
from chainpos.wallet.keys import Key
from tests.node.conftest import validator_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("chainpos.till.counter.START_WAIT_S", 0.01)
    genesis = validator_home(tmp_path / "validator")
    (tmp_path / "genesis.json").write_bytes(genesis)
    TillHome(tmp_path / "till").create(genesis, TillSettings("TEAHOUSE", "127.0.0.1:1", "CNY"), Key(bytes(range(32))))
    return tmp_path / "till"


def run(*words: object, code: int = 0) -> str:
    """What a command says on stdout and stderr."""
    runner = CliRunner()

    def call() -> int:
        result = runner.invoke(app, ["till", *map(str, words)])
        said.append(result.output)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            with told_plainly():
                raise result.exception
        return result.exit_code

    said: list[str] = []
    try:
        found = call()
    except SystemExit as ended:
        found = ended.code if isinstance(ended.code, int) else 1
    assert found == code, said
    return "".join(said)


def test_a_shift_is_opened_counted_closed_and_exported_without_a_screen(home: Path, tmp_path: Path) -> None:
    assert "Shift 1, open" in run("shift", "open", "500.00", "--home", home)
    run("shift", "open", "1.00", "--home", home, code=EXIT_REFUSED)
    run("shift", "cash-out", "20.00", "milk", "--home", home)
    x = json.loads(run("shift", "x", "--home", home, "--json"))
    assert (x["number"], x["expected_minor"], x["closed_ns"]) == (1, 48_000, 0)
    z = run("shift", "close", "479.50", "--home", home)
    for part in ("Z report of shift 1", "Difference", "-0.50 CNY", "Less cash in the drawer", "not yet anchored"):
        assert part in z
    assert "not yet anchored" in run("shift", "list", "--home", home)
    told = json.loads(run("shift", "export", "1", "--home", home, "-o", tmp_path / "out", "--json"))
    (table, taxes, report) = told["files"]
    assert "cash_out" in Path(table).read_text(encoding="utf-8-sig")
    assert "tax_given_back" in Path(taxes).read_text(encoding="utf-8-sig")
    said = run("verify-z", report, "--genesis", tmp_path / "genesis.json", code=EXIT_REFUSED)
    assert "SIGNED: till" in said
    assert "NOT PROVED" in said
    bent = Path(report).read_text().replace('"closed_by":"owner"', '"closed_by":"nobody"')
    (tmp_path / "bent.json").write_text(bent)
    facts = json.loads(
        run("verify-z", tmp_path / "bent.json", "--genesis", tmp_path / "genesis.json", "--json", code=EXIT_REFUSED)
    )
    assert facts == {"proved": False, "reason": "bad_signature"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("shift", "close", "1.00"), EXIT_REFUSED),
        (("shift", "open", "much"), EXIT_USAGE),
        (("shift", "export", "7", "-o", "x"), EXIT_REFUSED),
        (("staff", "remove", "Mei"), EXIT_REFUSED),
        (("staff", "add", "Mei", "--role", "manager"), EXIT_USAGE),
    ],
)
def test_what_cannot_be_is_refused_by_its_exit_code(home: Path, words: tuple[str, ...], code: int) -> None:
    run(*words, "--home", home, code=code)


def test_nobody_is_set_up_at_first(home: Path) -> None:
    assert json.loads(run("staff", "list", "--home", home, "--json")) == []


@pytest.mark.slow
def test_where_there_is_staff_the_owners_pin_is_set_by_who_knows_it_or_a_manager(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chainpos.till.pin.COST", Cost())
    typed: list[str] = []
    for room in ("shift", "till"):
        monkeypatch.setattr(f"chainpos.cli.{room}.ask", lambda *_, **__: typed.pop(0))

    def types(pins: list[str], *words: object, code: int = 0) -> str:
        typed[:] = pins
        return run(*words, "--home", home, code=code)

    # Alone: whoever forgot it sets it anew.
    for pin in ("9999", "8888"):
        types([pin], "--set-pin")
    types(["8888", "2222"], "staff", "add", "Wang")
    types(["2222", "2222"], "--set-pin", code=EXIT_REFUSED)
    assert "PIN is set" in types(["8888", "7777"], "--set-pin")
    types(["7777", "3333"], "staff", "add", "Mei", "--role", "manager")
    assert "PIN is set" in types(["3333", "6666"], "--set-pin")

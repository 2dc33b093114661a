"""What the command line says when it is used wrongly: one sentence on stderr, nothing on stdout, the right code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chainpos.cli.main import main
from chainpos.cli.output import note, print_line, told_plainly
from chainpos.errors import StoreError, StoreInUse

NO_PAYMENT = "HTTP://127.0.0.1:1/P/AAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file and a full folder in it; nobody's wallet is near."""
    (tmp_path / "afile").write_text("not what you want\n")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").write_text("x")
    for name in ("HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("CHAINPOS_WALLET", raising=False)
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, arguments: str) -> int:
    """The exit code."""
    monkeypatch.setattr(sys, "argv", ["chainpos", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("demo", 2, "needs a terminal"),
        ("demo --json", 2, "Add --headless"),
        ("demo --headless --merchant NOBODY", 2, "no merchant 'NOBODY'"),
        ("demo --headless --folder afile", 2, "cannot hold a pilot"),
        ("demo --headless --folder full", 2, "holds something else"),
        ("replay nothing.chain", 2, "no recorded chain"),
        ("replay afile", 4, "not a recorded chain"),
        ("replay full", 2, "no node's chain"),
        ("replay --home full", 2, "no node's chain"),
        ("replay afile --home full", 2, "both named"),
        ("verify --home nowhere", 2, "no node's chain"),
        ("till --home nowhere", 2, "no till"),
        ("node init --home new", 2, "--genesis"),
        ("node init --home new --mode king", 2, "no mode 'king'"),
        ("node init --home new --mode validator", 2, "--chain-id"),
        ("node init --home new --mode validator --chain-id t", 2, "--app-state"),
        ("node init --home new --mode validator --chain-id t --app-state afile", 2, "cannot begin"),
        ("node init --home new --mode validator --chain-id t --app-state nothing", 2, "cannot be read"),
        ("node init --home new --mode validator --chain-id t --listen foo", 2, "HOST:PORT"),
        ("node init --home full --genesis afile", 2, "something at full"),
        ("node start --home nowhere", 2, "chainpos node init"),
        ("node status", 2, "Which node?"),
        ("node join --home nowhere --trust-height 3", 2, "a height and a hash"),
        ("node start --light --home nowhere", 2, "for one merchant"),
        ("node payments --home nowhere", 2, "No light node has run"),
        ("node status --rpc nonsense", 2, "HOST:PORT"),
        ("node status --rpc 127.0.0.1:1", 3, "No node answers"),
        ("wallet show", 2, "no wallet"),
        ("wallet history", 2, "no wallet"),
        ("wallet code 12.345", 2, "not an amount"),
        (f"wallet pay {NO_PAYMENT} --yes", 2, "no wallet"),
        (f"wallet pay {NO_PAYMENT} --home full --yes", 2, "no wallet"),
        ("wallet new --genesis afile --node a:1", 2, "no terminal to ask on"),
        ("wallet new --genesis afile --node a:1 --passphrase-file nothing", 2, "No passphrase"),
    ],
)
def test_ux35_what_cannot_be_done_is_one_sentence(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    code: int,
    says: str,
) -> None:
    before = sorted(place.rglob("*"))
    assert run(monkeypatch, arguments) == code
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments", ["nonsense", "demo --payments -1", "demo --payments many", "replay --to -1", "verify", "wallet pay"]
)
def test_ux35_wrong_usage_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: str
) -> None:
    assert run(monkeypatch, arguments) == 2
    said = capsys.readouterr()
    assert "Usage:" in said.err
    assert "Error:" in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_a_height_past_the_end_is_wrong_usage_and_not_a_damaged_ledger(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "replay --to 99999") == 2
    assert "ends at height 1200" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (StoreInUse("another process has it"), 2, "End that process first"),
        (StoreError("it is torn"), 4, "chainpos verify"),
        (OSError(28, "No space left on device", "somewhere"), 2, "chainpos wallet history"),
    ],
)
def test_ux35_what_the_machine_refuses_is_one_sentence_too(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int, says: str
) -> None:
    with pytest.raises(SystemExit) as ended, told_plainly():
        raise error
    assert ended.value.code == code
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_ux35_what_another_machine_said_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("node \x1b]0;PAID\x07\x1b[2J\u202e城市\r")
    note("\x9b31mPAID\x1b[0m")
    said = capsys.readouterr()
    assert not set(said.out + said.err) & set("\x1b\x07\x9b\r\u202e")
    assert "城市" in said.out


def test_the_program_says_its_version_and_what_it_can() -> None:
    told = subprocess.run([sys.executable, "-m", "chainpos", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == "chainpos 0.1.0\n"
    told = subprocess.run([sys.executable, "-m", "chainpos", "--help"], capture_output=True, text=True, check=True)
    for command in ("demo", "till", "node", "wallet", "replay", "verify"):
        assert f"  {command} " in told.stdout

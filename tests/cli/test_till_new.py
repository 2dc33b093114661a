"""`chainpos till --new`: a till is set up once, wholly, with a key of its own; what it was set up with stays."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from chainpos.cli.main import main
from chainpos.core.chain.genesis import dump_genesis
from chainpos.pilot.city import load_city
from chainpos.pilot.genesis import city_genesis
from chainpos.pilot.resources import sample_data
from chainpos.wallet.keys import demo_key


@pytest.fixture
def genesis(tmp_path: Path) -> Path:
    folder = sample_data()
    doc = city_genesis(load_city(folder), folder, validator=demo_key("v").public_key, genesis_time_ns=0)
    path = tmp_path / "genesis.json"
    path.write_bytes(dump_genesis(doc))
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["chainpos", "till", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_till_is_set_up_once_and_wholly(
    genesis: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "till"
    new = ("--new", "--home", home, "--node", "127.0.0.1:1", "--merchant", "HF01", "--genesis")
    (tmp_path / "other.json").write_text("{}")
    for wrong in (tmp_path / "nothing", tmp_path / "other.json"):
        assert run(monkeypatch, *new, wrong) == 2
        assert not home.exists()
    assert run(monkeypatch, "--new", "--home", home, "--genesis", genesis) == 2
    capsys.readouterr()
    assert run(monkeypatch, *new, genesis, "--json") == 0
    told = msgspec.json.decode(capsys.readouterr().out)
    assert set(told) == {"home", "merchant", "public_key"}
    made = {path.name: path.read_bytes() for path in home.iterdir()}
    assert msgspec.json.decode(made["till.json"])["merchant"] == "HF01"
    assert (home / "key.json").stat().st_mode & 0o077 == 0
    assert run(monkeypatch, *new, genesis) == 2
    assert "already" in capsys.readouterr().err
    for wrong_options in (("--node", "a:1"), ("--json",), ("--merchant", "HF02")):
        assert run(monkeypatch, "--home", home, *wrong_options) == 2
    assert {path.name: path.read_bytes() for path in home.iterdir()} == made

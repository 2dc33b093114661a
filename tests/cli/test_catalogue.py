"""`chainpos till import-catalogue`, `find` and `price`, as a shell runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chainpos.till.home import TillHome, TillSettings
from chainpos.wallet.keys import Key
from tests.node.conftest import validator_home

pytestmark = pytest.mark.slow

SHIPPED = Path(__file__).parents[2] / "sample_data" / "catalogues"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    genesis = validator_home(tmp_path / "validator")
    TillHome(tmp_path / "till").create(genesis, TillSettings("TEAHOUSE", "127.0.0.1:1", "CNY"), Key(bytes(range(32))))
    return tmp_path / "till"


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chainpos", "till", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_catalogue_is_previewed_imported_searched_and_priced(home: Path) -> None:
    bakery = SHIPPED / "bakery.csv"
    seen = run("import-catalogue", bakery, "--home", home, "--preview", "--json")
    assert (seen.returncode, json.loads(seen.stdout)["imported"]) == (0, False)
    assert json.loads(run("find", "BAK", "--home", home, "--json").stdout) == []
    done = json.loads(run("import-catalogue", bakery, "--home", home, "--json").stdout)
    assert done["imported"]
    assert done["added"] == json.loads(seen.stdout)["added"] > 0
    (bread,) = json.loads(run("find", "szmb", "--home", home, "--json").stdout)
    assert (bread["sku"], bread["name_zh"]) == ("BAK001", "酸种面包")
    priced = run("price", "BAK001*2", "2000000100142", "--discount", "10%", "--tip", "1", "--home", home, "--json")
    totals = json.loads(priced.stdout)["totals"]
    # 2 x 22.00 + 4.50 = 48.50, less 4.85, and 1.00 on top.
    assert (totals["due"]["minor"], totals["charged"]["minor"]) == (4365, 4465)
    assert "TOTAL 22.00" in run("price", "BAK001", "--home", home).stdout


def test_wrong_lines_are_told_on_stderr_and_nothing_is_imported(home: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text((SHIPPED / "bakery.csv").read_text().replace("22000", "x").replace(",2200,", ",22.00,"))
    failed = run("import-catalogue", wrong, "--home", home)
    assert failed.returncode == 1
    assert "line 2, price_minor: a whole number" in failed.stderr
    assert failed.stdout == ""
    assert run("find", "BAK", "--home", home).stderr == "No article matches.\n"


@pytest.mark.parametrize(
    "words", [("price", "NOTHING"), ("price", "BAK001*0"), ("import-catalogue", "nowhere.csv"), ()]
)
def test_wrong_usage_ends_with_two_and_a_next_step(home: Path, words: tuple[str, ...]) -> None:
    failed = run(*words, *(("--home", home) if words else ()))
    assert failed.returncode == 2
    assert failed.stderr.strip()

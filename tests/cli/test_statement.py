"""`chainpos statement`: what it writes and says, and what it refuses with which exit code."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from chainpos.cli.main import app
from chainpos.errors import EXIT_OK, EXIT_REFUSED, EXIT_USAGE, UserFacingError
from tests.inspect.recorded import day_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return day_home(tmp_path_factory).folder


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["statement", *arguments, "--home", str(home)])


def test_a_statement_is_written_and_told_in_a_line(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "hf01.xml"
    for _ in range(2):  # the same file may be made again
        told = run(home, "--merchant", "HF01", "--cycle", "3", "-o", str(file))
        assert told.exit_code == EXIT_OK, told.output
        figures = re.search(
            r"entries\. It began with (\S+) CNY, (\S+) CNY came, (\S+) CNY went, (\S+) CNY are", told.output
        )
        assert figures is not None, told.output
        began, came, went, ended = (Decimal(each.replace(",", "")) for each in figures.groups())
        assert began + came - went == ended > 0
    assert file.read_bytes().startswith(b"<?xml")


def test_json_has_the_figures_and_the_entries(home: Path) -> None:
    told = json.loads(run(home, "--institution", "chaohubank", "--cycle", "3", "--json").stdout)
    found = told["statement"]
    assert told["records"] == len(found["entries"]) > 0
    assert found["opening_minor"] + found["came_minor"] - found["went_minor"] == found["closing_minor"]
    legs = json.loads(run(home, "--cycle", "3", "--format", "pacs009", "--json").stdout)["nettings"][0]["legs"]
    assert sum(leg["amount_minor"] for leg in legs) == 0


def test_a_file_goes_to_stdout_where_none_is_named(home: Path) -> None:
    told = run(home, "--merchant", "HF01", "--cycle", "3", "--format", "csv")
    assert told.stdout.startswith("booked_at,height,")


def test_a_day_that_is_not_over_says_so(home: Path) -> None:
    assert "2026-03-02 is not over" in run(home, "--merchant", "HF02", "--day", "2026-03-02").stderr


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (("--merchant", "HF01"), "Say for when", EXIT_USAGE),
        (("--merchant", "HF01", "--day", "2026-03-02", "--cycle", "1"), "Say for when", EXIT_USAGE),
        (("--merchant", "HF01", "--day", "2026-04-02"), "has the days", EXIT_USAGE),
        (("--merchant", "NOPE", "--cycle", "1"), "There is no shop 'NOPE'", EXIT_USAGE),
        (("--cycle", "1"), "Whose file was not said", EXIT_USAGE),
        (("--merchant", "HF01", "--day", "2026-03-02", "--currency", "XXX"), "carries a currency 'XXX'", EXIT_USAGE),
        (("--merchant", "HF02", "--cycle", "3", "--format", "pacs004"), "nothing to write", EXIT_REFUSED),
    ],
)
def test_what_cannot_be_is_refused(home: Path, arguments: tuple[str, ...], sentence: str, code: int) -> None:
    refused = run(home, *arguments).exception
    assert isinstance(refused, UserFacingError)
    assert sentence in refused.what
    assert refused.exit_code == code


def test_another_file_is_not_overwritten(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "book.xlsx"
    file.write_bytes(b"the year's accounts")
    refused = run(home, "--merchant", "HF01", "--cycle", "3", "-o", str(file)).exception
    assert isinstance(refused, UserFacingError)
    assert "is there already" in refused.what
    assert file.read_bytes() == b"the year's accounts"

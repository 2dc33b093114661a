"""`chainpos inspect` and `chainpos explain`: what they print, in words and as JSON, and their exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from chainpos.cli.main import app
from chainpos.errors import EXIT_CORRUPT, EXIT_OK, EXIT_REFUSED, EXIT_USAGE, UserFacingError
from chainpos.inspect.search import MAX_HITS
from chainpos.node.home import Home
from chainpos.pilot.record import RECORDED_NAME
from chainpos.pilot.resources import sample_data
from chainpos.store.chainfile import open_chain_file
from tests.inspect.recorded import day_home

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    paths = day_home(tmp_path_factory)
    paths.genesis.parent.mkdir()
    with open_chain_file(sample_data() / RECORDED_NAME) as reader:
        paths.genesis.write_bytes(reader.genesis_json)
    return paths.folder


@pytest.fixture
def run(home: Path) -> Run:
    def invoke(*arguments: str, home: Path | None = home) -> Result:
        place = () if home is None else ("--home", str(home))
        return CliRunner().invoke(app, ["inspect", *arguments, *place])

    return invoke


def _json(result: Result) -> Any:
    assert result.exit_code == EXIT_OK, result.output
    return json.loads(result.stdout)


def test_a_payment_is_found_shown_traced_and_told(run: Run) -> None:
    hits = _json(run("search", "XM13-00180", "--json"))["hits"]
    place = next(f"{hit['height']}/{hit['index']}" for hit in hits if hit["kind"] == "transaction" and not hit["code"])
    assert "payments.pay" in run("search", "XM13-00180").stdout
    trace = _json(run("trace", place, "--json"))
    assert trace["steps"][-1]["kind"] == "result"
    assert "check passed underpaid" in run("trace", place).stdout
    story = _json(run("timeline", "XM13-00180", "--json"))
    assert {"requested", "executed", "paid", "confirmed"} <= {moment["stage"] for moment in story["moments"]}
    assert "requested" in run("timeline", "XM13-00180").stdout
    for kind, name in (("merchant", "XM13"), ("block", "59"), ("cycle", "CNY/1"), ("request", story["request_id"])):
        assert _json(run("show", kind, name, "--json"))["kind"] == kind
    assert "[merchant]" in run("show", "merchant", "XM13").stdout


def test_a_search_that_stops_before_the_last_hit_says_so(run: Run) -> None:
    many, one = _json(run("search", "2026-03-02", "--json")), _json(run("search", "XM13-00180", "--json"))
    assert (len(many["hits"]), many["more"], one["more"]) == (MAX_HITS, True, False)
    assert f"There are more than these {MAX_HITS}" in run("search", "2026-03-02").stdout
    assert "There are more" not in run("search", "XM13-00180").stdout


def test_records_are_shown_as_they_were(run: Run) -> None:
    account = next(
        write["name"].split(" ", 1)[1]
        for write in _json(run("trace", "59/3", "--json"))["writes"]
        if write["name"].startswith("accounts merchant/XM13")
    )
    then = _json(run("show", "accounts", account, "--at", "59", "--json"))
    now = _json(run("show", "accounts", account, "--json"))
    assert then["parts"][0] != now["parts"][0]


def test_ux31_what_if_says_that_it_never_happened(run: Run) -> None:
    shown = run("whatif", "59/3", "--set", "message.amount_minor=1").stdout
    assert "HYPOTHETICAL: it was accepted; so it would have been underpaid." in shown
    answer = _json(run("whatif", "59/3", "--set", "message.amount_minor=1", "--json"))
    assert answer["trace"]["hypothetical"] is True


def test_what_is_absent_ends_with_its_kind(run: Run) -> None:
    result = run("search", "5000000", "--json")
    assert result.exit_code == EXIT_REFUSED
    assert [each["kind"] for each in json.loads(result.stdout)["absences"]] == ["not_synced"]


def test_times_are_by_the_network_s_clock_and_say_so(run: Run) -> None:
    assert "2026-03-02T09:30:00+08:00" in run("search", "XM13-00180").stdout
    told = run("timeline", "XM13-00180").stdout
    assert "2026-03-02T09:29:55+08:00" in told
    assert "Did money move? YES: 90.00 CNY to XM13." in told.splitlines()
    assert "2026-03-02T09:30:00+08:00 59/3 payments.pay" in run("show", "merchant", "XM13").stdout
    block = run("show", "block", "59").stdout
    assert "2026-03-02T09:30:00+08:00" in block
    assert not re.search(r"\dZ$", block, re.MULTILINE)
    assert run("search", "2026-03-02T09:30:00+08:00").exit_code == EXIT_OK


def test_what_was_refused_leads_to_its_trace(run: Run) -> None:
    for command in ("search", "timeline"):
        (told,) = [line for line in run(command, "XM13-00180").stdout.splitlines() if "Rejected at height 59" in line]
        assert told.endswith("chainpos inspect trace 59/4")
    assert "already_paid" in run("trace", "59/4").stdout


def test_ux32_a_case_is_written_opened_and_refused_when_damaged(run: Run, home: Path, tmp_path: Path) -> None:
    file, page = tmp_path / "a.case", tmp_path / "a.html"
    facts = _json(run("case", "XM13-00180", "-o", str(file), "--json"))
    assert facts["bytes"] == file.stat().st_size
    genesis = ("--genesis", str(Home(home).genesis))
    opened = run("open", str(file), *genesis, "--html", str(page), home=None)
    assert opened.exit_code == EXIT_OK
    assert opened.stdout.rstrip().endswith("Verified.")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file.write_bytes(damaged)
    refused = run("open", str(file), *genesis, "--json", home=None)
    assert refused.exit_code == EXIT_CORRUPT
    assert json.loads(refused.stdout)["verified"] is False


def test_a_case_is_never_written_over_another_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "holiday.jpg"
    file.write_bytes(b"the only picture")
    refused = run("case", "XM13-00180", "-o", str(file)).exception
    assert isinstance(refused, UserFacingError)
    assert "is there already" in refused.what
    assert file.read_bytes() == b"the only picture"


def test_a_case_of_another_network_is_told_so_once_with_the_way_out(run: Run, home: Path, tmp_path: Path) -> None:
    file, other, none = tmp_path / "a.case", tmp_path / "other.json", tmp_path / "none.json"
    run("case", "XM13-00180", "-o", str(file))
    genesis = Home(home).genesis.read_bytes()
    other.write_bytes(genesis.replace(b"chainpos-pilot-day", b"chainpos-pilot-nyt"))
    none.write_bytes(b"{}")
    refused = run("open", str(file), "--genesis", str(other), home=None)
    assert (refused.stdout, isinstance(refused.exception, UserFacingError)) == ("", True)
    assert "belongs to another network: it names chainpos-pilot-day" in str(refused.exception)
    told = run("open", str(file), "--genesis", str(other), "--json", home=None)
    assert (told.exit_code, len(json.loads(told.stdout)["checks"])) == (EXIT_REFUSED, 1)
    for arguments in ((str(file), "--genesis", str(none)), (str(tmp_path / "no.case"), "--genesis", str(other))):
        assert isinstance(run("open", *arguments, home=None).exception, UserFacingError)


def test_a_case_s_page_is_never_written_over_another_file(run: Run, home: Path, tmp_path: Path) -> None:
    file, page = tmp_path / "a.case", tmp_path / "index.html"
    run("case", "XM13-00180", "-o", str(file))
    page.write_bytes(b"somebody's own page")
    arguments = ("open", str(file), "--genesis", str(Home(home).genesis), "--html")
    refused = run(*arguments, str(page), home=None).exception
    assert isinstance(refused, UserFacingError)
    assert "is there already" in refused.what
    assert page.read_bytes() == b"somebody's own page"
    again = tmp_path / "case.html"
    assert [run(*arguments, str(again), home=None).exit_code for _ in range(2)] == [EXIT_OK, EXIT_OK]


def test_ux33_ranges_and_stores_are_compared(run: Run, home: Path) -> None:
    report = _json(run("replay", "300", "330", "--json"))
    assert report["different"] == 0
    same = CliRunner().invoke(app, ["inspect", "diverge", str(home), str(home), "--json"])
    assert _json(same)["kind"] == ""


@pytest.mark.parametrize(
    "arguments",
    [("trace", "nonsense"), ("trace", "9/9999"), ("show", "merchant", "NOBODY"), ("show", "nothing", "x"),
     ("timeline", "NO-SUCH"), ("whatif", "59/3", "--set", "x=y"), ("replay", "1", "99999"),
     ("show", "merchant", "XM13", "--at", "99999"), ("show", "block", "5", "--at", "3")],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, UserFacingError)
    assert result.exception.exit_code == EXIT_USAGE
    assert result.exception.next_step


def test_codes_are_explained_in_both_languages() -> None:
    def explained(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["explain", *arguments])

    both = explained("underpaid").stdout
    assert "Did money move?" in both
    assert "资金是否变动" in both
    assert "资金是否变动" not in explained("504", "--language", "en").stdout
    assert _json(explained("halted", "--json"))["kind"] == "alarm"
    assert "already_paid" in explained("all").stdout
    assert isinstance(explained("nothing_like_it").exception, UserFacingError)

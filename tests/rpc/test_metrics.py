"""GET /metrics: every line is one that Prometheus reads, whatever the report says; the dashboard knows the names."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec

import chainpos.rpc
from chainpos.pilot.resources import sample_data
from chainpos.rpc.backend import AlarmReport, NodeReport, UpstreamReport, ValidatorReport
from chainpos.rpc.metrics import STATES, render_metrics

LINE = re.compile(r'chainpos_[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? [0-9.]+')
REPORT = NodeReport(
    mode="peer",
    state="syncing",
    chain_id="city",
    moniker='evil"\n} 1\x1b[2J\\',
    version="1",
    height=7,
    target_height=9,
    tip_time_ns=1_500_000_000_250_000_000,
    finality_ms=(90, 140, 0),
    upstreams=(
        UpstreamReport("10.0.0.1:26657", True, 9, "", 0, 12, "chainpos 0.1"),
        UpstreamReport("x", False, 3, "forged_header"),
    ),
    validators=(ValidatorReport("AB" * 20, 10, True),),
    alarms=(AlarmReport("upstream_dropped", "x"), AlarmReport("upstream_dropped", "y")),
)


def test_every_line_can_be_read() -> None:
    lines = render_metrics(REPORT).decode().splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in samples), [line for line in samples if not LINE.fullmatch(line)]
    assert "chainpos_height 7" in samples
    assert "chainpos_finality_seconds 0.140" in samples
    assert "chainpos_tip_time_seconds 1500000000.250" in samples
    assert 'chainpos_alarms{code="upstream_dropped"} 2' in samples
    assert 'chainpos_upstream_dropped{address="x",verdict="forged_header"} 1' in samples
    assert [f'chainpos_state{{state="{state}"}} {int(state == "syncing")}' for state in STATES] == [
        line for line in samples if line.startswith("chainpos_state")
    ]


def test_each_name_is_declared_once() -> None:
    lines = render_metrics(REPORT).decode().splitlines()
    declared = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(declared) == len(set(declared))
    assert {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")} <= set(declared)


def test_a_report_of_nothing_is_rendered() -> None:
    nothing = msgspec.structs.replace(REPORT, upstreams=(), validators=(), alarms=())
    assert render_metrics(nothing).endswith(b"\n")


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    known = set(re.findall(r"# TYPE (\w+)", render_metrics(REPORT).decode()))
    dashboard = json.loads((sample_data() / "grafana.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        asked = set(re.findall(r"chainpos_\w+", panel["targets"][0]["expr"]))
        assert asked
        assert asked <= known


KNOWN = set(re.findall(r"# TYPE (\w+)", render_metrics(REPORT).decode()))


def test_the_documented_list_is_the_list() -> None:
    readme = (Path(chainpos.rpc.__file__).parent / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Metrics")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(chainpos_\w+)`", section)) == KNOWN


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    panels = json.loads((sample_data() / "grafana.json").read_text(encoding="utf-8"))["panels"]
    shown = {name for panel in panels for name in re.findall(r"chainpos_\w+", panel["targets"][0]["expr"])}
    assert shown == KNOWN
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places) == len({panel["id"] for panel in panels})

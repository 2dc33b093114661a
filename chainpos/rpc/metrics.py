"""A node's report as Prometheus reads it, at GET /metrics. The list is in README.md, "Metrics".

It refuses to let a value out of its line: labels are escaped, and hold codes and addresses only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.rpc.backend import NodeReport

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
STATES: Final = ("online", "syncing", "offline", "halted")
Sample = tuple[Mapping[str, str], int | str]
_NO_LABELS: Final[Mapping[str, str]] = {}


def render_metrics(report: NodeReport) -> bytes:
    """The exposition text, version 0.0.4. Source: Prometheus docs, exposition formats."""
    lines: list[str] = []

    def add(name: str, kind: str, help_text: str, samples: Iterable[Sample]) -> None:
        lines.append(f"# HELP chainpos_{name} {help_text}")
        lines.append(f"# TYPE chainpos_{name} {kind}")
        lines.extend(f"chainpos_{name}{_labels(labels)} {value}" for labels, value in samples)

    node = {"chain_id": report.chain_id, "moniker": report.moniker, "mode": report.mode, "version": report.version}
    add("node_info", "gauge", "Always 1; who the node is.", [(node, 1)])
    states: list[Sample] = [({"state": state}, int(report.state == state)) for state in STATES]
    add("state", "gauge", "1 for the state that the node is in.", states)
    add("height", "gauge", "The last block verified and executed.", [(_NO_LABELS, report.height)])
    add("target_height", "gauge", "The highest that a trusted upstream claims.", [(_NO_LABELS, report.target_height)])
    add("tip_time_seconds", "gauge", "The last block's time.", [(_NO_LABELS, _seconds(report.tip_time_ns))])
    add("started_seconds", "gauge", "When the node started.", [(_NO_LABELS, _seconds(report.started_ns))])
    for name, value, help_text in (
        ("verified_blocks_total", report.verified_blocks, "Blocks verified since the start."),
        ("verified_signatures_total", report.verified_signatures, "Signatures verified since the start."),
        ("executed_transactions_total", report.executed_transactions, "Transactions executed since the start."),
    ):
        add(name, "counter", help_text, [(_NO_LABELS, value)])
    add("mempool_transactions", "gauge", "Transactions that wait.", [(_NO_LABELS, report.mempool_transactions)])
    add("mempool_bytes", "gauge", "Their bytes.", [(_NO_LABELS, report.mempool_bytes)])
    waits = [wait_ms for wait_ms in report.finality_ms[-2:] if wait_ms]
    finality: list[Sample] = [(_NO_LABELS, f"{wait_ms / 1_000:.3f}") for wait_ms in waits[-1:]]
    add("finality_seconds", "gauge", "What a transaction lately waited here for its block; none: no line.", finality)
    add("store_bytes", "gauge", "The chain database and its log.", [(_NO_LABELS, report.store_bytes)])
    upstreams = [({"address": each.address}, each) for each in report.upstreams]
    add("upstream_connected", "gauge", "1 while connected.", [(at, int(each.connected)) for at, each in upstreams])
    add("upstream_height", "gauge", "What the upstream claims.", [(at, each.height) for at, each in upstreams])
    latencies: list[Sample] = [(at, f"{each.latency_ms / 1_000:.3f}") for at, each in upstreams]
    add("upstream_latency_seconds", "gauge", "The last answer's delay.", latencies)
    versions: list[Sample] = [({**at, "version": each.version}, 1) for at, each in upstreams if each.version]
    add("upstream_info", "gauge", "Always 1; the version that the upstream says it has.", versions)
    verdicts: list[Sample] = [({**at, "verdict": each.verdict}, 1) for at, each in upstreams if each.verdict]
    add("upstream_dropped", "gauge", "1 for each dropped upstream, with why.", verdicts)
    signed: list[Sample] = [({"address": each.address}, int(each.signed)) for each in report.validators]
    add("validator_signed", "gauge", "1 where the validator signed the tip.", signed)
    powers: list[Sample] = [({"address": each.address}, each.power) for each in report.validators]
    add("validator_power", "gauge", "Its power.", powers)
    raised: dict[str, int] = {}
    for alarm in report.alarms:
        raised[alarm.code] = raised.get(alarm.code, 0) + 1
    add("alarms", "gauge", "Alarms raised now; chainpos explain CODE.", [({"code": c}, n) for c, n in raised.items()])
    return ("\n".join(lines) + "\n").encode()


def _seconds(time_ns: int) -> str:
    whole, part = divmod(time_ns, SECOND_NS)
    return f"{whole}.{part // 1_000_000:03d}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return clean(value).replace("\\", r"\\").replace('"', r"\"")

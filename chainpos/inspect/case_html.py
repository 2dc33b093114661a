"""A case as a page for people without chainpos: static, without scripts, links or anything fetched.

It refuses nothing: every text is escaped, whatever it says. The page is made from the case alone, so that whoever opens
the case makes it again and finds it the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import format_rfc3339
from chainpos.inspect.case import Case
from chainpos.inspect.fields import Fields
from chainpos.inspect.steps import Step, Trace

_HEAD: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>chainpos case</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;color:#111;background:#fff;max-width:70em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.3em .5em;text-align:left;
vertical-align:top;overflow-wrap:anywhere}code{font-size:13px}.failed,.refusal{background:#fde8e8}
</style></head><body>
"""
_NOTE: Final = (
    "This page is for reading. It proves nothing by itself: chainpos inspect open verifies the file that it is part "
    "of, on any machine that has the network's genesis."
)
_MAX_TEXT: Final = 400


def render_case(case: Case) -> bytes:
    """The page, as UTF-8."""
    story = case.timeline
    parts = [
        _HEAD,
        f"<h1>Case {_text(case.reference or story.request_id)}</h1><p>{_text(_NOTE)}</p>",
        _table(
            ("", ""),
            (
                ("network", case.chain_id),
                ("as of height", str(case.as_of)),
                ("shop", story.merchant),
                ("request", story.request_id),
                ("the shop's money is", story.money or "—"),
            ),
        ),
        "<h2>Timeline</h2>",
        _table(
            ("time", "stage", "source", "detail", "evidence"),
            ((_time(one.time_ns), one.stage, one.source, one.detail, one.evidence) for one in story.moments),
        ),
    ]
    if story.absences:
        parts.append("<h2>What is not there</h2>")
        parts.append(
            _table(("kind", "en", "zh"), ((one.kind, one.sentence_en, one.sentence_zh) for one in story.absences))
        )
    if case.trace is not None:
        parts.append(_trace(case.trace))
    parts.append("<h2>Records, proved</h2>")
    parts.append(
        _table(
            ("record", "after block", ""),
            ((one.name, str(one.height), "there is none" if one.value is None else "present") for one in case.records),
        )
    )
    parts.append("<h2>Left out</h2><ul>" + "".join(f"<li>{_text(each)}</li>" for each in case.left_out) + "</ul>")
    parts.append("</body></html>\n")
    return "\n".join(parts).encode()


def _trace(trace: Trace) -> str:
    head = f"<h2>Execution: {_text(trace.kind)}, {_text(trace.name or 'accepted')}</h2>"
    rows = "".join(_step(step) for step in trace.steps)
    return f"{head}<table><tr><th>#</th><th>step</th><th>what</th><th>where</th><th></th></tr>{rows}</table>"


def _step(step: Step) -> str:
    said = [part for part in (step.key, step.condition, step.detail) if part]
    if step.before is not None:
        said.append("before: " + _fields(step.before))
    if step.after is not None:
        said.append("after: " + _fields(step.after))
    if step.fields:
        said.append(_fields(step.fields))
    mark = "failed" if step.outcome == "failed" or step.kind == "refusal" else ""
    cells = (str(step.index), f"{step.kind} {step.outcome}".strip(), step.what, step.where, "; ".join(said))
    return f'<tr class="{mark}">' + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"


def _fields(fields: Fields) -> str:
    return ", ".join(f"{name}={text}" for name, text in fields)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    top = "".join(f"<th>{_text(head)}</th>" for head in heads)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _time(time_ns: int) -> str:
    return format_rfc3339(time_ns)


def _text(text: str) -> str:
    return escape(clean(text, max_characters=_MAX_TEXT), quote=True)

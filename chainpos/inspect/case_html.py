"""A case as a page for people without chainpos: static, without scripts, links or anything fetched.

It refuses nothing: every text is escaped, whatever it says. The page is made from the case alone, so that whoever opens
the case makes it again and finds it the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import Final

from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import format_rfc3339
from chainpos.inspect.case import Case
from chainpos.inspect.fields import Fields
from chainpos.inspect.steps import CHECK, FAILED, POSTING, REFUSAL, Step, Trace
from chainpos.inspect.words import Words, words_in

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
_NOTE_EN: Final = (
    "This page is for reading. It proves nothing by itself: chainpos inspect open verifies the file that it is part "
    "of, on any machine that has the network's genesis."
)
_NOTE_ZH: Final = "本页仅供阅读，本身不作证明；用 chainpos inspect open 可在持有创世文件的机器上验证。"
_EN: Final = words_in("en")
_ZH: Final = words_in("zh")
_MAX_TEXT: Final = 800


def render_case(case: Case) -> bytes:
    """The page, as UTF-8; every heading, field and sentence in both languages."""
    story = case.timeline
    parts = [
        _HEAD,
        f"<h1>Case · 案件 {_text(case.reference or story.request_id)}</h1>",
        f'<p>{_text(_NOTE_EN)}</p><p lang="zh">{_text(_NOTE_ZH)}</p>',
        _table(
            ("", ""),
            (
                ("network · 网络", case.chain_id),
                ("as of height · 截至高度", str(case.as_of)),
                ("shop · 商户", story.merchant),
                ("request · 收款请求", story.request_id),
                ("the shop's money is · 商户资金状态", _both(story.money, _one) if story.money else "—"),
            ),
        ),
        "<h2>Timeline · 时间线</h2>",
        _table(
            ("time · 时间", "stage · 阶段", "source · 来源", "detail · 内容", "evidence · 证据"),
            (
                (_time(one.time_ns), _both(one.stage, _stage), _both(one.source, _one), _both(one.detail, _told),
                 _both(one.evidence, _told))
                for one in story.moments
            ),
        ),
    ]  # fmt: skip
    if story.absences:
        parts.append("<h2>What is not there · 不存在的内容</h2>")
        parts.append(
            _table(
                ("kind · 类型", "English", "中文"),
                ((_both(one.kind, _one), one.sentence_en, one.sentence_zh) for one in story.absences),
            )
        )
    if case.trace is not None:
        parts.append(_trace(case.trace))
    parts.append("<h2>Records, proved · 已证明的记录</h2>")
    parts.append(
        _table(
            ("record · 记录", "after block · 区块之后", ""),
            (
                (_both(one.name, Words.record), str(one.height),
                 "there is none · 无" if one.value is None else "present · 存在")
                for one in case.records
            ),
        )
    )  # fmt: skip
    parts.append("<h2>Left out · 未包含</h2><ul>")
    parts += [f"<li>{_text(_both(each, _told))}</li>" for each in case.left_out]
    parts.append("</ul></body></html>\n")
    return "\n".join(parts).encode()


def _both(text: str, said: Callable[[Words, str], str]) -> str:
    """A text in both languages, once where they say the same."""
    en, zh = said(_EN, text), said(_ZH, text)
    return en if en == zh else f"{en} · {zh}"


def _told(words: Words, text: str) -> str:
    return words.told(text)


def _one(words: Words, text: str) -> str:
    return words.outcome(text)


def _stage(words: Words, text: str) -> str:
    return words.stage(text)


def _trace(trace: Trace) -> str:
    ended = f"{_both(trace.kind, Words.kind)}, {_both(trace.name or 'accepted', _one)}"
    head = f"<h2>Execution · 执行步骤: {_text(ended)}</h2>"
    rows = "".join(_step(step) for step in trace.steps)
    heads = "".join(f"<th>{each}</th>" for each in ("#", "step · 步骤", "what · 内容", "where · 位置", ""))
    return f"{head}<table><tr>{heads}</tr>{rows}</table>"


def _step(step: Step) -> str:
    said = [part for part in (step.key and _both(step.key, Words.record), _both(step.condition, _told)) if part]
    said += [step.detail] if step.detail else []
    if step.before is not None:
        said.append("before · 之前: " + _fields(step.before))
    if step.after is not None:
        said.append("after · 之后: " + _fields(step.after))
    if step.fields:
        said.append(_fields(step.fields, accounts=step.kind == POSTING))
    mark = "failed" if step.outcome == FAILED or step.kind == REFUSAL else ""
    what = _both(step.what, Words.check if step.kind in (CHECK, REFUSAL) else Words.event)
    kind = f"{_both(step.kind, Words.step)} {step.outcome and _both(step.outcome, _one)}".strip()
    cells = (str(step.index), kind, what, step.where, "; ".join(said))
    return f'<tr class="{mark}">' + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"


def _fields(fields: Fields, *, accounts: bool = False) -> str:
    named = Words.account if accounts else Words.field
    return ", ".join(f"{_both(name, named)}={_value(name, text)}" for name, text in fields)


def _value(name: str, text: str) -> str:
    return _both(text, lambda words, value: words.value(name, value))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    top = "".join(f"<th>{_text(head)}</th>" for head in heads)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _time(time_ns: int) -> str:
    return format_rfc3339(time_ns)


def _text(text: str) -> str:
    return escape(clean(text, max_characters=_MAX_TEXT), quote=True)

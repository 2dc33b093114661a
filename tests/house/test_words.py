"""Every field, record, message and event has its words in both languages: what support reads is never a bare name."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

import chainpos.core
import chainpos.inspect
from chainpos.core.chain.header import Header
from chainpos.core.contracts.payments.messages import CustomerCode, Request
from chainpos.core.contracts.registry import CHANGES, MESSAGES, TABLES
from chainpos.inspect.words import words_in

INSPECT = Path(next(iter(chainpos.inspect.__path__)))
CORE = Path(next(iter(chainpos.core.__path__)))
STRUCTS: tuple[type[Any], ...] = (
    Header, Request, CustomerCode,
    *(each.type for each in MESSAGES.values()), *(each.type for each in CHANGES.values()),
    *(each.record_type for each in TABLES),
)  # fmt: skip
# Where a card or a step gives a name of its own.
WRITTEN = ("lookups.py", "trace.py")
# Headings of a card, which the console's catalogues have under [part].
PARTS = {
    "balances", "cancellation", "customer", "cycle", "freeze", "header", "institution", "merchant", "message",
    "misbehaved", "payment", "payout", "postings", "record", "refund", "till", "transaction",
}  # fmt: skip
ADD = "add these to chainpos/inspect/words_en.toml and words_zh.toml"


def structs_in(kind: Any, known: set[type[Any]]) -> Iterator[type[Any]]:
    for part in get_args(kind):
        yield from structs_in(part, known)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in known:
        known.add(kind)
        yield kind
        for inner in get_type_hints(kind).values():
            yield from structs_in(inner, known)


def fields_of_records_and_messages() -> set[str]:
    known: set[type[Any]] = set()
    return {name for root in STRUCTS for each in structs_in(root, known) for name in each.__struct_fields__}


def calls_in(folder: Path) -> Iterator[ast.Call]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def attributes_of_events() -> set[str]:
    found: set[str] = set()
    for call in calls_in(CORE):
        named = ast.unparse(call.func)
        if named.endswith(".emit"):
            found |= {word.arg for word in call.keywords if word.arg}
        elif named.endswith("EventAttribute") and isinstance(call.args[0], ast.Constant):
            found.add(str(call.args[0].value))
    return found


def kinds_of_events() -> set[str]:
    pattern = re.compile(r'^[A-Z_]+: Final = "([a-z]+\.[a-z_]+)"$', re.MULTILINE)
    files = (*CORE.glob("contracts/*/events.py"), CORE / "execution.py")
    return {kind for path in files for kind in pattern.findall(path.read_text(encoding="utf-8"))}


def names_written() -> set[str]:
    """The first of each pair of texts of which a card is made: ("signed", …)."""
    found: set[str] = set()
    for file in WRITTEN:
        for node in ast.walk(ast.parse((INSPECT / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[0], ast.Constant):
                name = node.elts[0].value
                if isinstance(name, str) and re.fullmatch("[a-z_]+", name) and not isinstance(node.elts[1], ast.Tuple):
                    found.add(name)
    return found - PARTS


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_field_of_every_record_message_and_event_has_a_word_in_both_languages(language: str) -> None:
    words = words_in(language)
    names = fields_of_records_and_messages() | attributes_of_events() | names_written()
    assert len(names) > 150
    assert sorted(name for name in names if not words.has("field", name)) == [], ADD


def test_every_kind_of_record_message_and_event_has_a_word_in_chinese() -> None:
    words = words_in("zh")
    wanted = {
        "record": {table.name for table in TABLES}, "kind": {*MESSAGES, *CHANGES}, "event": kinds_of_events()
    }  # fmt: skip
    assert all(len(names) > 40 for names in wanted.values())
    assert [(section, name) for section in wanted for name in sorted(wanted[section]) if not words.has(section, name)] \
        == [], ADD  # fmt: skip


def test_no_word_is_for_nothing_and_the_chinese_ones_are_chinese() -> None:
    english, chinese = (
        tomllib.loads((INSPECT / f"words_{language}.toml").read_text(encoding="utf-8")) for language in ("en", "zh")
    )
    # Of the inspector's English sentences only a few are said otherwise in English.
    assert set(english.pop("told")) <= set(chinese["told"])
    assert {name: set(section) for name, section in english.items()} == {name: set(chinese[name]) for name in english}
    assert not [
        (name, key) for name, section in chinese.items() for key, text in section.items()
        if not re.search("[\u4e00-\u9fff]", text.replace("{0} / {1}", "之"))
    ]  # fmt: skip


def test_what_the_timeline_and_the_case_say_is_chinese_but_for_names() -> None:
    words = words_in("zh")
    for said, meant in {
        "12.50 CNY to XM13, dynamic_qr": "12.50 CNY，收款商户 XM13，动态码",
        "payments.pay: already_paid": "付款: 该收款请求此前已付款",
        "record payments ab after block 7": "区块 7 之后的记录：付款 ab",
        "header 12": "区块头 12",
    }.items():
        assert words.told(said) == meant
    assert words.field("request.amount_minor") == "收款请求 · 金额"
    assert words.value("debit_caps", "[(currency=CNY, cap_minor=1.00 CNY)]") == "币种 CNY, 上限 1.00 CNY"
    assert words.value("status", "locked (2)") == "已锁定 (2)"
    assert words.value("reference", "bank") == "bank", "a name is nobody's word"
    assert words.told("what a newer version says") == "what a newer version says"


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("fact of sale 7", "sale 7 in the shop's book"),
        ("12.50 CNY to HF01, dynamic_qr", "12.50 CNY to HF01, dynamic code"),
        ("0.80 CNY to HF01, customer_code", "0.80 CNY to HF01, customer's code"),
    ],
)
def test_a_moment_of_a_timeline_is_told_in_words_in_english_too(sentence: str, said: str) -> None:
    assert words_in("en").told(sentence) == said

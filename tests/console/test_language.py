"""Both catalogues say everything, with the same places (ux 18): no untranslated key."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from textual.binding import Binding

import chainpos.console
from chainpos.console.language import LANGUAGES, SINGULAR, UnknownText, load_texts, places
from chainpos.console.places import bindings_by_place
from chainpos.console.showing import Stage
from chainpos.till.views import Link, SaleState

ROOM = Path(chainpos.console.__file__).parent


def test_ux18_every_key_is_in_every_language_with_the_same_places() -> None:
    english, chinese = (load_texts(language).entries for language in LANGUAGES)
    for entries in (english, chinese):
        singular = {key for key in entries if key.startswith(SINGULAR)}
        assert {key for key in singular if key.removeprefix(SINGULAR) not in entries} == set()
        assert {key for key in singular if places(entries[key]) > places(entries[key.removeprefix(SINGULAR)])} == set()
    english = {key: text for key, text in english.items() if not key.startswith(SINGULAR)}
    assert english.keys() == chinese.keys()
    assert {key for key in english if places(english[key]) != places(chinese[key])} == set()


def test_ux18_one_thing_is_said_in_the_singular_where_the_language_has_one_and_many_are_grouped() -> None:
    english, chinese = (load_texts(language) for language in LANGUAGES)
    assert [english("setup.imported", count=count) for count in (0, 1, 12_000)] == [
        "0 articles are in the catalogue.",
        "1 article is in the catalogue.",
        "12,000 articles are in the catalogue.",
    ]
    assert "12,000" in chinese("setup.imported", count=12_000)
    assert chinese("setup.imported", count=1) == chinese("setup.imported", count="1")


def test_ux18_no_text_is_empty_and_the_chinese_ones_are_chinese() -> None:
    chinese = load_texts("zh").entries
    assert [key for key, text in chinese.items() if not text.strip()] == []
    foreign = {key for key, text in chinese.items() if not re.search("[\u4e00-\u9fff]", text)}
    assert {key for key in foreign if not key.startswith("key.")} == {"action.app.language"}


def test_ux18_every_key_that_the_code_names_exists() -> None:
    known = load_texts("en").entries
    missing = []
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            name = ast.unparse(node.func)
            key = node.args[0].value
            asked = name.endswith(("texts", "texts_of(self)")) and name != "load_texts"
            named = asked or name in {"Fact", "Column", "self._say"}
            if named and isinstance(key, str) and key and key not in known:
                missing.append(f"{path.name}:{node.lineno} {key}")
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_ux18_every_state_link_and_stage_has_its_words(language: str) -> None:
    texts = load_texts(language)
    for state in SaleState:
        assert texts(f"sale_state.{state.value}")
    for link in Link:
        assert texts(f"link.{link.value}")
        assert texts(f"status.{link.value}_short", height=1, target=2)
    for stage in Stage:
        assert texts(f"stage.{stage.value}")


def test_ux16_every_binding_has_an_id_and_words_in_both_languages() -> None:
    for place, bindings in bindings_by_place().items():
        for binding in Binding.make_bindings(bindings):
            assert binding.id, f"{place}: {binding.key}"
            if binding.id not in {"app.next_field", "app.previous_field"}:
                for language in LANGUAGES:
                    assert load_texts(language)(f"action.{binding.id}")


def test_a_key_that_does_not_exist_is_our_mistake_and_is_named() -> None:
    with pytest.raises(UnknownText, match=r"no\.such\.key"):
        load_texts("en")("no.such.key")
    with pytest.raises(UnknownText, match=r"counter\.payer"):
        load_texts("en")("counter.payer")


def test_a_code_from_the_wire_without_a_text_falls_back() -> None:
    assert load_texts("zh").known("verdict.from_the_future", "?") == "?"


# Where the till and the inspector refuse what a screen asked; what they refuse before there is a screen is English.
TELL = (
    "till/counter.py",
    "till/book_thread.py",
    "till/codes.py",
    "till/paper.py",
    "till/pin.py",
    "till/proofs.py",
    "till/shift_export.py",
    "till/shifts.py",
    "till/staff.py",
    "till/printing/queue.py",
    "till/receipts.py",
    "till/receipt_files.py",
    "till/refund_items.py",
    "till/refunds.py",
    "till/running.py",
    "till/setup.py",
    "till/own_node.py",
    "till/keyfile.py",
    "till/home.py",
    "wallet/keystore.py",
    "wallet/keys.py",
    "inspect/connection.py",
    "inspect/inspector.py",
    "inspect/support.py",
    "inspect/remote.py",
    "inspect/case_file.py",
    "inspect/lookups.py",
    "inspect/timeline.py",
    "inspect/trace.py",
    "inspect/changing.py",
    "console/screens/looking.py",
    "till/doctor.py",
    "console/doctor.py",
)


def sentences_of(path: Path) -> list[str]:
    """The sentences of a file's refusals, "\\x00" for each value. `refused` puts the first full stop itself.

    And the doctor's mends: as they are named, or the fourth thing that a finding says.
    """
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "mend":
            found.append(sentence_of(node.value))
        if not isinstance(node, ast.Call):
            continue
        if ast.unparse(node.func) == "refused":
            what, next_step = (sentence_of(part) for part in node.args)
            found += [f"{what}.", next_step]
        elif ast.unparse(node.func) == "Finding":
            found += [sentence_of(part) for part in node.args[3:4]]
        elif ast.unparse(node.func).endswith("UserFacingError"):
            told = (word.value for word in node.keywords if word.arg in {"next_step", "money_moved"})
            found += [sentence_of(part) for part in (*node.args[:1], *told)]
    # A value and a full stop is `refused` itself.
    return [sentence for sentence in found if sentence not in {"", "\x00."}]


def sentence_of(part: ast.expr) -> str:
    """A text as the source has it, \x00 for each value; nothing for what is no text there."""
    if isinstance(part, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "\x00" for each in part.values)
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ""


@pytest.mark.parametrize("place", TELL)
def test_ux18_what_the_till_refuses_is_told_in_chinese(place: str) -> None:
    chinese = load_texts("zh")
    missing = [
        each
        for each in sentences_of(ROOM.parent / place)
        if chinese.told(each.replace("\x00", "7")) == each.replace("\x00", "7")
    ]
    assert missing == [], f"add these to {ROOM.name}/languages/told_zh.toml"


def test_ux18_a_told_sentence_keeps_its_values_and_an_unknown_one_itself() -> None:
    chinese = load_texts("zh")
    assert chinese.told("Of sale K7Q2 at most 3.00 CNY can be refunded.") == "交易 K7Q2 最多可退 3.00 CNY。"
    assert chinese.told("The refund expired before the network took it.") == "退款在网络受理前已过期。"
    assert chinese.told("Never heard of {0}.") == "Never heard of {0}."
    assert load_texts("en").told("The PIN is wrong.") == "The PIN is wrong."

"""Every alarm that a node can raise has a page and a line on the screen that says what to do."""

from __future__ import annotations

import ast
from pathlib import Path

import chainpos.node
from chainpos.console.language import LANGUAGES, load_texts
from chainpos.inspect.explain import ALARMS_BY_NAME

FOLDER = Path(chainpos.node.__file__).parent


def _raised() -> set[str]:
    tree = ast.parse((FOLDER / "watching.py").read_text(encoding="utf-8"))
    named = {
        node.value.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
    return named | {"halted", "stale_tip", "upstream_dropped"}


def test_every_alarm_of_a_node_has_a_page() -> None:
    assert len(_raised()) >= 9
    assert _raised() <= set(ALARMS_BY_NAME)


def test_every_alarm_says_on_the_screen_what_to_do_in_both_languages() -> None:
    for language in LANGUAGES:
        texts = load_texts(language)
        assert [code for code in _raised() if texts.known(f"alarm.{code}", "") == ""] == []

"""How commands answer: what came from other machines drives no terminal, in lines and in JSON alike."""

from __future__ import annotations

import json

import pytest

from chainpos.cli.output import print_json, print_line
from chainpos.core.values.text import is_safe

HOSTILE = [
    "\x1b[2J\x1b[HPAID",
    "a\rPAID",
    "\x9b31mPAID\x9b0m",
    "\u202eDIAP",
    "tag \U000e0041",
    "\x7f",
    "[@click=app.quit]x[/]",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_json_is_the_same_to_a_program_and_safe_on_a_terminal(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_json({text: [text, "柳荫茶馆"]})
    line = capsys.readouterr().out.removesuffix("\n")
    assert json.loads(line) == {text: [text, "柳荫茶馆"]}
    assert "柳荫茶馆" in line
    print_line(text)
    assert is_safe(capsys.readouterr().out.removesuffix("\n"))
    for character in line:
        assert is_safe(character)

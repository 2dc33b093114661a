"""Every rejection and every alarm has its page, in both languages."""

from __future__ import annotations

import pytest

from chainpos.core.contracts.registry import ALL_CODES
from chainpos.inspect.explain import ALARMS, all_pages, explain

_TEXTS = ("what", "why", "money", "tell", "do")


def test_every_code_and_alarm_has_a_whole_page() -> None:
    pages = all_pages()
    assert len(pages) == len(ALL_CODES) + len(ALARMS)
    for page in pages:
        for text in _TEXTS:
            english, chinese = getattr(page, f"{text}_en"), getattr(page, f"{text}_zh")
            assert english.isascii(), (page.name, text)
            assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese), (page.name, text)


def test_codes_are_explained_by_number_and_name() -> None:
    for code in ALL_CODES:
        page = explain(str(code.number))
        assert page is not None
        assert (page.number, page.name) == (code.number, code.name)
    underpaid = explain("underpaid")
    assert underpaid is not None
    assert any("amount_minor" in condition and "rules.py:" in condition for condition in underpaid.asked)
    halted = explain("halted")
    assert halted is not None
    assert halted.kind == "alarm"


@pytest.mark.parametrize("junk", ["", "0", "99999999999", "no_such_code", "\x1b[2J", "-1", "１２"])
def test_an_unknown_code_has_none(junk: str) -> None:
    assert explain(junk) is None


def test_most_refusals_name_the_condition_that_leads_to_them() -> None:
    told = [page for page in all_pages() if page.kind == "rejection" and page.asked]
    assert len(told) * 10 > len(ALL_CODES) * 8

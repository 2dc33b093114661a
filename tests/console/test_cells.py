"""Columns line up in Chinese too, and nothing hostile passes (ux 18, safety)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chainpos.console.cells import cut, fit, shown, wrap
from chainpos.core.values.text import is_safe


@given(st.text(max_size=80), st.integers(0, 40), st.booleans())
def test_a_fitted_text_takes_exactly_its_cells(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(text, width, right=right)) == width


@given(st.text(max_size=80), st.integers(0, 40))
def test_what_is_shown_is_never_hostile(text: str, width: int) -> None:
    assert is_safe(shown(text))
    assert is_safe(cut(text, width))
    assert cell_len(cut(text, width)) <= width


@given(st.text(max_size=200), st.integers(2, 40))
def test_wrapped_lines_fit_and_lose_nothing_but_blanks(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(shown(text, 2_000).split())


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("Ask the customer to scan", 12, ["Ask the", "customer to", "scan"]),
        ("请顾客重新扫码。", 6, ["请顾客", "重新扫", "码。"]),
        ("", 6, []),
    ],
)
def test_text_breaks_at_blanks_and_between_characters(text: str, width: int, lines: list[str]) -> None:
    assert wrap(text, width) == lines


def test_chinese_takes_two_cells_and_is_cut_between_characters() -> None:
    assert fit("老王面馆", 6) == "老王… "
    assert fit("老王", 6, right=True) == "  老王"

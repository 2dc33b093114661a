"""Hostile text: refused by consensus, removed before display."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.values.text import HostileText, check_text, clean, is_safe

HOSTILE = [
    "\x1b[2J", "a\rb", "a\nb", "a\tb", "\x07", "\x7f", "\x9b31m", "\u202eDIAP", "\u2066x\u2069", "\u200b", "\u200f",
    "\u00ad", "\ufeff", "\u2028", "\ue000", "\U000f0000", "\U000e0041", "\ufe0f", "\ud800", "\uffff", "\U0001ffff",
    "\u3164", "\u115f", "e" + "\u0301" * 4,
]  # fmt: skip
HONEST = [
    "",
    "Tea House",
    "茶馆 上海店",
    "Zoë’s café",
    "Ж-1",
    "ราคา ฿5",
    "کافه",
    "नमस्ते",
    "👍",
    "a, b; c [b]c[/b]",
    "é",
    "№ 5",
]
any_text = st.text(st.characters(codec=None), max_size=60)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_text_is_refused_and_cleaned(text: str) -> None:
    assert not is_safe(text)
    with pytest.raises(HostileText):
        check_text(f"x{text}x", max_bytes=1000)
    assert is_safe(clean(text))


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_in_any_script_stays_as_it_is(text: str) -> None:
    assert check_text(text, max_bytes=100) == text
    assert clean(text) == text


def test_every_control_format_and_private_character_is_refused_but_visible_number_signs() -> None:
    # Arabic and Kaithi signs that a number is written over are format characters, yet visible.
    visible = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    missed = [
        f"U+{point:04X}"
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        and is_safe(chr(point))
        and point not in visible
    ]
    assert missed == []


def test_every_non_character_is_refused() -> None:
    points = [*range(0xFDD0, 0xFDF0), *(plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF))]
    assert [hex(point) for point in points if is_safe(chr(point))] == []


@given(any_text, st.integers(1, 40))
def test_whatever_is_cleaned_is_safe_and_short_enough(text: str, most: int) -> None:
    shown = clean(text, max_characters=most)
    assert is_safe(shown)
    assert len(shown) <= most
    shown.encode()


@given(any_text)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(any_text)
def test_text_that_was_accepted_is_shown_as_it_is(text: str) -> None:
    try:
        accepted = check_text(text, max_bytes=200)
    except HostileText:
        return
    assert clean(accepted) == accepted


def test_lengths_are_in_bytes() -> None:
    assert check_text("茶馆", max_bytes=6, min_bytes=6) == "茶馆"
    for max_bytes, min_bytes in ((5, 0), (10, 7)):
        with pytest.raises(HostileText, match="bytes long"):
            check_text("茶馆", max_bytes=max_bytes, min_bytes=min_bytes)


@pytest.mark.parametrize("text", [" x", "x ", "\u3000x", "x\u00a0", " "])
def test_blanks_at_either_end_are_refused(text: str) -> None:
    with pytest.raises(HostileText, match="blank"):
        check_text(text, max_bytes=100)


def test_ten_megabytes_from_a_peer_are_cut_first() -> None:
    assert clean("x" * 10_000_000) == "x" * 199 + "…"
    assert clean("\x1b" * 10_000_000 + "x") == ""

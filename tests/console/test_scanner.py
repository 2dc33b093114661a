"""A scanner's burst is told from a person's keys (ux 7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.console.scanner import GAP_S, MARKS, SHORTEST_CODE, STUTTER_S, Burst, normalised
from chainpos.core.checkout import code, frames

QUICK, SLOW = 0.01, 0.2
CODE = "CPC1ABCDEFGH"


def typed(burst: Burst[str], text: str, gap_s: float = QUICK) -> tuple[list[str], float]:
    """Type a text; what came through, and the time of the last key."""
    through: list[str] = []
    now_s = 1_000.0
    for character in text:
        now_s += gap_s
        through += burst.key(character, character, now_s).deliver
    return through, now_s


def test_a_persons_keys_come_through_one_by_one_at_once() -> None:
    burst: Burst[str] = Burst()
    through, now_s = typed(burst, "1250", SLOW)
    assert through == list("1250")
    assert burst.enter("enter", now_s + SLOW).deliver == ("enter",)


def test_a_burst_that_ends_with_enter_is_a_code_and_its_enter_goes_nowhere() -> None:
    burst: Burst[str] = Burst()
    through, now_s = typed(burst, CODE)
    assert through == ["C"]
    verdict = burst.enter("enter", now_s + QUICK)
    assert (verdict.code, verdict.deliver, verdict.first) == (CODE, (), "C")


def test_quick_digits_with_enter_are_an_amount_and_not_a_code() -> None:
    burst: Burst[str] = Burst()
    through, now_s = typed(burst, "125000")
    through += burst.enter("enter", now_s + QUICK).deliver
    assert through == [*"125000", "enter"]


def test_a_bar_code_of_thirteen_digits_is_a_code() -> None:
    burst: Burst[str] = Burst()
    _, now_s = typed(burst, "6901234567892")
    assert burst.enter("enter", now_s + QUICK).code == "6901234567892"


def test_quick_short_keys_come_through_after_a_pause() -> None:
    burst: Burst[str] = Burst()
    through, _ = typed(burst, "abc")
    assert burst.waiting
    assert [*through, *burst.pause().deliver] == ["a", "b", "c"]


def test_a_long_burst_without_an_end_is_broken_and_delivers_nothing() -> None:
    burst: Burst[str] = Burst()
    typed(burst, CODE)
    verdict = burst.pause()
    assert (verdict.broken, verdict.deliver, verdict.code) == (True, (), "")


def test_in_a_field_a_long_burst_without_an_end_is_quick_typing() -> None:
    burst: Burst[str] = Burst(keep_if_broken=True)
    through, _ = typed(burst, CODE)
    verdict = burst.pause()
    assert "".join([*through, *verdict.deliver]) == CODE
    assert not verdict.broken


def test_ux7_a_scan_that_a_busy_machine_hands_over_in_pieces_is_one_code() -> None:
    burst: Burst[str] = Burst()
    through, now_s = typed(burst, CODE[:SHORTEST_CODE])
    for character in CODE[SHORTEST_CODE:]:
        now_s += 4 * GAP_S
        through += burst.key(character, character, now_s).deliver
    assert through == ["C"]
    assert burst.enter("enter", now_s + 4 * GAP_S).code == CODE


def test_ux7_a_scan_whose_beginning_was_let_through_is_still_one_code() -> None:
    """ "CPC" came, then nothing for two gaps, then the rest: the verdict says what was delivered of it too early."""
    burst: Burst[str] = Burst()
    through, now_s = typed(burst, CODE[:3])
    through += burst.pause().deliver
    now_s += 2 * GAP_S
    for character in CODE[3:]:
        through += burst.key(character, character, now_s).deliver
        now_s += QUICK
    assert through == list(CODE[:4])
    verdict = burst.enter("enter", now_s)
    assert (verdict.code, verdict.first) == (CODE, CODE[:4])


def test_ux7_an_amount_keyed_just_before_a_scan_is_no_part_of_it() -> None:
    burst: Burst[str] = Burst()
    _, now_s = typed(burst, "1250", 2 * GAP_S)
    for character in CODE:
        now_s += QUICK
        burst.key(character, character, now_s + 2 * GAP_S)
    verdict = burst.enter("enter", now_s + 2 * GAP_S)
    assert (verdict.code, verdict.first) == (CODE, "C")


@pytest.mark.parametrize("scanned", [CODE, "CPF1.1.2.ABCDEF", "6901234567892"])
@pytest.mark.parametrize("key", ["+", "y", "2+"])
def test_ux7_a_key_that_did_something_just_before_a_scan_is_no_part_of_it(key: str, scanned: str) -> None:
    burst: Burst[str] = Burst()
    _, now_s = typed(burst, key)
    burst.pause()
    for character in scanned:
        now_s += QUICK
        burst.key(character, character, now_s + 2 * GAP_S)
    verdict = burst.enter("enter", now_s + 2 * GAP_S)
    assert (verdict.code, verdict.first) == (scanned, scanned[0])


def test_the_marks_are_those_of_a_customers_code_and_of_a_proof() -> None:
    assert set(MARKS) == {code.CODE_MARK, frames.MARK}


def test_ux7_what_answered_a_question_is_no_beginning_of_a_scan() -> None:
    burst: Burst[str] = Burst(apart=True)
    _, now_s = typed(burst, "y")
    burst.pause()
    burst.apart = False
    for character in "ABCD12345":
        now_s += QUICK
        burst.key(character, character, now_s + 2 * GAP_S)
    assert burst.enter("enter", now_s + 2 * GAP_S).code == "ABCD12345"


@pytest.mark.parametrize(("let_through", "is_one"), [(2 * GAP_S, True), (2 * STUTTER_S, False)])
def test_ux7_a_beginning_counts_for_as_long_as_a_scan_may_stutter(let_through: float, is_one: bool) -> None:
    burst: Burst[str] = Burst()
    _, now_s = typed(burst, "690123456")
    assert burst.pause().deliver == tuple("90123456")
    now_s += let_through
    for character in "7892":
        burst.key(character, character, now_s)
        now_s += QUICK
    verdict = burst.enter("enter", now_s)
    assert verdict.code == ("6901234567892" if is_one else "")
    assert verdict.first == ("6901234567" if is_one else "7")


def test_ux7_where_nobody_looked_for_keys_there_was_no_pause() -> None:
    burst: Burst[str] = Burst()
    _, now_s = typed(burst, CODE[:4])
    burst.held_up = True
    through, now_s = burst.key("E", CODE[4], now_s + 1.0).deliver, now_s + 1.0
    for character in CODE[5:]:
        now_s += QUICK
        through += burst.key(character, character, now_s).deliver
    assert through == ()
    burst.held_up = True
    assert burst.enter("enter", now_s + 1.0).code == CODE


def test_what_a_person_keys_slowly_is_no_beginning_of_a_code_without_a_burst_at_its_end() -> None:
    burst: Burst[str] = Burst()
    through, now_s = typed(burst, "690123456789", 2 * GAP_S)
    assert through == list("690123456789")
    assert burst.enter("enter", now_s + 2 * GAP_S).deliver == ("enter",)


def test_enter_long_after_a_burst_is_just_enter() -> None:
    burst: Burst[str] = Burst()
    _, now_s = typed(burst, CODE)
    verdict = burst.enter("enter", now_s + 2 * STUTTER_S)
    assert verdict.broken
    assert verdict.deliver == ("enter",)


def test_an_arrow_ends_a_burst() -> None:
    burst: Burst[str] = Burst()
    through, _ = typed(burst, "ab")
    assert [*through, *burst.other("left").deliver] == ["a", "b", "left"]


def test_full_width_keys_are_normalised() -> None:
    assert normalised("１２．５０ＡＢ") == "12.50AB"
    assert normalised("1。5") == "1.5"


@given(st.lists(st.tuples(st.characters(categories=["L", "N"]), st.sampled_from([QUICK, SLOW])), max_size=30))
def test_no_key_is_lost_or_doubled_unless_it_was_a_code(keys: list[tuple[str, float]]) -> None:
    burst: Burst[str] = Burst(keep_if_broken=True)
    through: list[str] = []
    now_s = 0.0
    for character, gap_s in keys:
        now_s += gap_s
        through += burst.key(character, character, now_s).deliver
    through += burst.pause().deliver
    assert "".join(through) == "".join(character for character, _ in keys)


def test_the_shortest_code_is_longer_than_quick_fingers() -> None:
    burst: Burst[str] = Burst()
    _, now_s = typed(burst, "A" * (SHORTEST_CODE - 1))
    assert burst.enter("enter", now_s + QUICK).code == ""


@pytest.mark.parametrize(
    ("digits", "is_one"), [("96385074", True), ("96385075", False), ("12345670", True), ("1250", False)]
)
def test_eight_digits_are_a_scan_only_with_their_check_digit(digits: str, is_one: bool) -> None:
    burst: Burst[str] = Burst()
    for place, digit in enumerate(digits):
        burst.key(digit, digit, place / 100)
    assert bool(burst.enter("enter", len(digits) / 100).code) is is_one

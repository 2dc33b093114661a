"""How patient the keeper of a trial network is with a process that dies again and again."""

from __future__ import annotations

from chainpos.pilot.keeper import MAX_RESTARTS, WINDOW_S, Patience

ONE, OTHER = ("node0", "application"), ("node1", "application")


def test_the_first_death_is_mended_at_once_and_each_further_one_later() -> None:
    patience, now_s, waits = Patience(), 100.0, []
    for _ in range(MAX_RESTARTS):
        due_s = patience.due_s(ONE, now_s)
        assert due_s is not None
        waits.append(due_s - now_s)
        now_s = due_s
        patience.restarted(ONE, now_s)
    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0]
    assert patience.due_s(OTHER, now_s) == now_s


def test_what_died_five_times_in_ten_minutes_is_given_up_until_they_have_passed() -> None:
    patience = Patience()
    for number in range(MAX_RESTARTS):
        patience.restarted(ONE, float(number))
    assert patience.due_s(ONE, WINDOW_S - 1) is None
    assert patience.due_s(ONE, WINDOW_S + MAX_RESTARTS) == WINDOW_S + MAX_RESTARTS

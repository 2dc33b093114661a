"""What a follower does next, fact by fact."""

from __future__ import annotations

from typing import TypeVar

from chainpos.sync.follower import (
    SECOND_NS,
    Action,
    Append,
    Ask,
    Connect,
    Disconnect,
    Fetch,
    Follower,
    FollowerLimits,
    Phase,
)

A = TypeVar("A")
NOW = 1_000 * SECOND_NS
LIMITS = FollowerLimits(window=4, per_upstream=3, max_held_bytes=1_000)


class Driven:
    """A follower with a clock of its own."""

    def __init__(self, *upstreams: str, height: int = 0, limits: FollowerLimits = LIMITS) -> None:
        self.follower: Follower[str] = Follower(upstreams, height, limits)
        self.now = NOW

    def plan(self) -> list[Action[str]]:
        return self.follower.plan(self.now)

    def only(self, kind: type[A]) -> list[A]:
        return [action for action in self.plan() if isinstance(action, kind)]

    def up(self, name: str, height: int) -> None:
        if self.follower.upstreams[name].phase is Phase.APART:
            assert Connect(name) in self.plan()
        self.follower.connected(name, height, self.now)

    def serve(self, action: Fetch, *, size: int = 10) -> None:
        self.follower.fetched(
            action.upstream,
            action.height,
            f"block {action.height}",
            size,
        )

    def serve_all(self) -> None:
        for action in self.only(Fetch):
            self.serve(action)

    def append_all(self) -> list[int]:
        heights = []
        while appends := self.only(Append):
            [append] = appends
            heights.append(append.height)
            self.follower.appended(append.height)
        return heights

    def wait(self, seconds: float) -> None:
        self.now += int(seconds * SECOND_NS)


def test_it_connects_to_every_upstream_at_once_and_only_once() -> None:
    driven = Driven("a", "b")
    assert driven.plan() == [Connect("a"), Connect("b")]
    assert driven.plan() == []


def test_it_fetches_no_more_than_the_window_ahead() -> None:
    driven = Driven("a", height=10, limits=FollowerLimits(window=4))
    driven.up("a", 100)
    assert driven.plan() == [Fetch("a", height) for height in (11, 12, 13, 14)]
    assert driven.plan() == []


def test_it_spreads_the_work_over_its_upstreams() -> None:
    driven = Driven("a", "b")
    driven.plan()
    driven.up("a", 100)
    driven.up("b", 100)
    assert driven.only(Fetch) == [Fetch("a", 1), Fetch("b", 2), Fetch("a", 3), Fetch("b", 4)]


def test_it_asks_an_upstream_only_for_heights_that_it_claims() -> None:
    driven = Driven("a", "b", height=5)
    driven.plan()
    driven.up("a", 6)
    driven.up("b", 3)
    assert driven.only(Fetch) == [Fetch("a", 6)]
    assert driven.follower.target_height == 6


def test_blocks_are_appended_in_order_and_one_at_a_time() -> None:
    driven = Driven("a", limits=FollowerLimits(window=3))
    driven.up("a", 3)
    fetches = driven.only(Fetch)
    for fetch in reversed(fetches):
        driven.serve(fetch)
    assert driven.plan() == [Append("a", 1, "block 1")]
    assert driven.plan() == []
    driven.follower.appended(1)
    assert driven.plan() == [Append("a", 2, "block 2")]


def test_an_announced_height_is_fetched_at_once() -> None:
    driven = Driven("a", height=7)
    driven.up("a", 7)
    assert driven.plan() == []
    driven.follower.announced("a", 8, driven.now)
    assert driven.plan() == [Fetch("a", 8)]


def test_a_gap_in_what_was_announced_is_filled_by_height() -> None:
    driven = Driven("a", height=7)
    driven.up("a", 7)
    driven.follower.announced("a", 10, driven.now)
    driven.serve_all()
    assert driven.append_all() == [8, 9, 10]


def test_a_silent_upstream_is_asked_how_high_it_is() -> None:
    driven = Driven("a")
    driven.up("a", 0)
    assert driven.follower.wake_ns() == NOW + LIMITS.ask_every_ns
    driven.wait(1)
    assert driven.plan() == [Ask("a")]
    driven.wait(0.02)
    driven.follower.announced("a", 1, driven.now)
    assert driven.follower.upstreams["a"].latency_ns == 20_000_000
    assert driven.plan() == [Fetch("a", 1)]


def test_an_upstream_that_does_not_say_how_high_it_is_is_left_and_tried_again() -> None:
    driven = Driven("a")
    driven.up("a", 0)
    driven.wait(1)
    driven.plan()
    driven.wait(3)
    assert driven.plan() == [Disconnect("a", "timed_out")]
    driven.wait(0.1)
    assert driven.plan() == [Connect("a")]


def test_a_block_that_does_not_come_is_asked_of_another() -> None:
    driven = Driven("a", "b")
    driven.up("a", 1)
    assert driven.only(Fetch) == [Fetch("a", 1)]
    driven.up("b", 1)
    assert driven.follower.wake_ns() == NOW + LIMITS.ask_every_ns
    driven.wait(5)
    assert Fetch("b", 1) in driven.plan()


def test_an_upstream_that_often_lets_blocks_time_out_is_left() -> None:
    driven = Driven("a", limits=FollowerLimits(window=3, ask_every_ns=100 * SECOND_NS))
    driven.up("a", 3)
    assert len(driven.only(Fetch)) == 3
    driven.wait(5)
    assert driven.plan() == [Disconnect("a", "timed_out")]
    assert driven.follower.upstreams["a"].verdict == ""


def test_an_upstream_that_claims_what_it_cannot_serve_is_dropped_by_name() -> None:
    driven = Driven("a")
    driven.up("a", 1)
    for _ in range(LIMITS.max_failures):
        driven.wait(0.5)
        [fetch] = driven.only(Fetch)
        driven.follower.fetch_failed("a", fetch.height, driven.now)
    assert driven.plan() == [Disconnect("a", "missing_block")]
    assert driven.follower.upstreams["a"].verdict == "missing_block"


def test_a_failure_pauses_an_upstream_only_for_a_moment() -> None:
    driven = Driven("a")
    driven.up("a", 1)
    [fetch] = driven.only(Fetch)
    driven.follower.fetch_failed("a", fetch.height, driven.now)
    assert driven.plan() == []
    assert driven.follower.wake_ns() == NOW + LIMITS.pause_ns
    driven.now += LIMITS.pause_ns
    assert driven.plan() == [Fetch("a", 1)]


def test_a_liar_is_dropped_by_name_and_nothing_else_that_it_sent_is_used() -> None:
    driven = Driven("a", "b")
    driven.plan()
    driven.up("b", 0)
    driven.up("a", 3)
    driven.serve_all()
    driven.follower.announced("b", 3, driven.now)
    assert driven.only(Append) == [Append("a", 1, "block 1")]
    driven.follower.append_refused("a", "bad_signature", driven.now)
    actions = driven.plan()
    assert actions == [Disconnect("a", "bad_signature"), Fetch("b", 1), Fetch("b", 2), Fetch("b", 3)]
    assert driven.follower.upstreams["a"].verdict == "bad_signature"
    for action in actions[1:]:
        assert isinstance(action, Fetch)
        driven.serve(action)
    assert driven.append_all() == [1, 2, 3]


def test_a_liar_is_left_alone_for_its_ban_and_its_verdict_stays() -> None:
    driven = Driven("a")
    driven.up("a", 1)
    driven.follower.refused("a", "other_chain", driven.now)
    assert driven.plan() == [Disconnect("a", "other_chain")]
    driven.wait(599)
    assert driven.plan() == []
    driven.wait(1)
    assert driven.plan() == [Connect("a")]
    assert driven.follower.upstreams["a"].verdict == "other_chain"


def test_a_lie_elsewhere_does_not_disturb_the_block_being_appended() -> None:
    driven = Driven("a", "b")
    driven.up("a", 1)
    driven.serve_all()
    assert driven.only(Append) == [Append("a", 1, "block 1")]
    driven.up("b", 2)
    driven.follower.refused("b", "other_chain", driven.now)
    assert driven.only(Append) == []
    driven.follower.appended(1)
    assert driven.follower.height == 1


def test_the_claims_of_a_dropped_upstream_no_longer_count() -> None:
    driven = Driven("a", "b", height=1)
    driven.up("a", 1_000_000)
    driven.up("b", 2)
    driven.follower.refused("a", "forged_header", driven.now)
    assert driven.follower.target_height == 2


def test_after_a_lost_connection_it_waits_longer_each_time() -> None:
    driven = Driven("a")
    waits = []
    for _ in range(8):
        assert driven.only(Connect) == [Connect("a")]
        driven.follower.lost("a", driven.now)
        wake = driven.follower.wake_ns()
        assert wake is not None
        waits.append((wake - driven.now) // 1_000_000)
        driven.now = wake
    assert waits == [50, 100, 200, 400, 800, 1600, 2000, 2000]


def test_a_good_answer_makes_the_next_wait_short_again() -> None:
    driven = Driven("a")
    for _ in range(5):
        driven.plan()
        driven.follower.lost("a", driven.now)
        driven.wait(2)
    driven.up("a", 1)
    driven.serve_all()
    driven.follower.lost("a", driven.now)
    wake = driven.follower.wake_ns()
    assert wake is not None
    assert wake - driven.now == LIMITS.first_retry_ns


def test_what_was_asked_of_a_lost_connection_is_asked_of_another() -> None:
    driven = Driven("a", "b")
    driven.up("a", 2)
    assert driven.only(Fetch) == [Fetch("a", 1), Fetch("a", 2)]
    driven.up("b", 2)
    driven.follower.lost("a", driven.now)
    assert driven.only(Fetch) == [Fetch("b", 1), Fetch("b", 2)]


def test_an_answer_that_comes_too_late_is_passed_over() -> None:
    driven = Driven("a")
    driven.up("a", 1)
    [fetch] = driven.only(Fetch)
    driven.follower.lost("a", driven.now)
    driven.serve(fetch)
    assert driven.only(Append) == []
    assert driven.follower.held_bytes == 0


def test_no_more_is_held_than_the_bytes_allowed_but_the_next_height_is_always_fetched() -> None:
    driven = Driven("a")
    driven.up("a", 10)
    first, *others = driven.only(Fetch)
    for fetch in others:
        driven.serve(fetch, size=600)
    assert driven.follower.held_bytes == 1_200
    assert driven.plan() == []
    driven.follower.fetch_failed("a", first.height, driven.now)
    driven.now += LIMITS.pause_ns
    assert driven.only(Fetch) == [Fetch("a", 1)]


def test_a_divergence_of_our_own_stops_everything() -> None:
    driven = Driven("a", "b")
    driven.up("a", 5)
    driven.up("b", 5)
    driven.serve_all()
    driven.plan()
    driven.follower.halt("wrong_app_hash")
    assert driven.plan() == [Disconnect("a", "wrong_app_hash"), Disconnect("b", "wrong_app_hash")]
    driven.wait(10_000)
    assert driven.plan() == []
    assert driven.follower.wake_ns() is None
    assert driven.follower.held_bytes == 0


def test_a_block_appended_by_another_way_is_not_fetched_again() -> None:
    driven = Driven("a")
    driven.up("a", 3)
    driven.serve_all()
    driven.follower.appended(2)
    assert driven.only(Append) == [Append("a", 3, "block 3")]


def test_an_upstream_that_lets_blocks_time_out_is_asked_only_where_nobody_else_can() -> None:
    """It claims each block and never serves one: only the first of them may wait for it."""
    driven = Driven("slow", "good")
    driven.plan()
    driven.up("slow", 1)
    driven.up("good", 1)
    assert driven.only(Fetch) == [Fetch("slow", 1)]
    driven.wait(5)
    for height in range(1, 20):
        driven.follower.announced("slow", height, driven.now)
        driven.follower.announced("good", height, driven.now)
        assert driven.only(Fetch) == [Fetch("good", height)]
        driven.follower.fetched("good", height, "block", 10)
        assert driven.append_all() == [height]
        driven.wait(0.5)
    driven.follower.lost("good", driven.now)
    driven.follower.announced("slow", 20, driven.now)
    [fetch] = driven.only(Fetch)
    assert fetch == Fetch("slow", 20)
    driven.serve(fetch)
    # It served one: it is as good as any other again.
    driven.append_all()
    driven.wait(0.1)
    driven.plan()
    driven.up("good", 22)
    driven.follower.announced("slow", 22, driven.now)
    assert driven.only(Fetch) == [Fetch("slow", 21), Fetch("good", 22)]


def test_an_upstream_that_could_not_serve_is_tried_again_before_long_as_that_proves_no_lie() -> None:
    """A busy node answers errors, too: a shop with one upstream must not be offline for ten minutes at noon."""
    driven = Driven("a")
    driven.up("a", 1)
    for _ in range(LIMITS.max_failures):
        driven.wait(0.5)
        [fetch] = driven.only(Fetch)
        driven.follower.fetch_failed("a", fetch.height, driven.now)
    assert driven.plan() == [Disconnect("a", "missing_block")]
    driven.now += LIMITS.missing_ns - 1
    assert driven.plan() == []
    driven.now += 1
    assert driven.plan() == [Connect("a")]
    assert LIMITS.missing_ns <= 15 * SECOND_NS

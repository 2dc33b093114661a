"""Following other nodes: what to ask next, of whom, and whom to stop believing. No I/O: facts in, actions out.

It refuses to fetch more than a window ahead, to wait for ever, and to ask again an upstream that lied. It never judges
a block itself: who appends says what was wrong, and whose fault it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

MILLISECOND_NS: Final = 1_000_000
SECOND_NS: Final = 1_000 * MILLISECOND_NS
# Codes of this room; those of refused blocks come from `verdicts.py`.
MISSING_BLOCK: Final = "missing_block"
TIMED_OUT: Final = "timed_out"

Item = TypeVar("Item")


class FollowerLimits(msgspec.Struct, frozen=True):
    """How far ahead to fetch, how long to wait, how patient to be."""

    window: int = 32
    per_upstream: int = 16
    max_held_bytes: int = 64_000_000
    answer_ns: int = 5 * SECOND_NS
    status_ns: int = 3 * SECOND_NS
    ask_every_ns: int = 1 * SECOND_NS
    max_failures: int = 3
    pause_ns: int = 200 * MILLISECOND_NS
    first_retry_ns: int = 50 * MILLISECOND_NS
    longest_retry_ns: int = 2 * SECOND_NS
    # A node that is busy answers errors for blocks that it has: that is no proof of a lie.
    missing_ns: int = 10 * SECOND_NS
    ban_ns: int = 600 * SECOND_NS


class Phase(Enum):
    """Where a connection stands."""

    APART = "apart"
    CONNECTING = "connecting"
    CONNECTED = "connected"


class Connect(NamedTuple):
    """Open a connection; answer with `connected` or `lost`."""

    upstream: str


class Disconnect(NamedTuple):
    """Close a connection; `code` says why. No answer is due."""

    upstream: str
    code: str


class Ask(NamedTuple):
    """Ask how high the upstream is; answer with `announced` or `lost`."""

    upstream: str


class Fetch(NamedTuple):
    """Fetch one height's block and commit; answer with `fetched` or `fetch_failed`."""

    upstream: str
    height: int


class Append(NamedTuple, Generic[Item]):
    """Judge, execute and store a block; answer with `appended`, `append_refused` or `halt`. One at a time."""

    upstream: str
    height: int
    item: Item


Action: TypeAlias = Connect | Disconnect | Ask | Fetch | Append[Item]


class Upstream:
    """What is known of one node that is followed. Times are ns of a clock that never goes back."""

    __slots__ = (
        "asked_ns", "failures", "height", "in_flight", "latency_ns", "name", "paused_until_ns", "phase", "retries",
        "retry_ns", "since_ns", "stalls", "verdict",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.phase = Phase.APART
        self.height = 0
        self.in_flight: dict[int, int] = {}
        self.asked_ns: int | None = None
        self.latency_ns = 0
        self.failures = 0
        self.retries = 0
        self.retry_ns = 0
        # Blocks that it let time out since it last served one, over all its connections.
        self.stalls = 0
        self.paused_until_ns = 0
        self.since_ns = 0
        self.verdict = ""

    @property
    def trusted(self) -> bool:
        """Whether what it claims of its height counts."""
        return self.phase is Phase.CONNECTED


class _Held(NamedTuple, Generic[Item]):
    upstream: str
    item: Item
    size_bytes: int


class Follower(Generic[Item]):
    """The state of following. After each fact, carry out `plan(now)`; call it again at `wake_ns()` at the latest."""

    def __init__(self, upstreams: Sequence[str], height: int, limits: FollowerLimits | None = None) -> None:
        """`height` is that of our own tip."""
        self.limits = limits or FollowerLimits()
        self.height = height
        self.halted = ""
        self.upstreams = {name: Upstream(name) for name in upstreams}
        self._held: dict[int, _Held[Item]] = {}
        self._held_bytes = 0
        self._appending = 0
        self._asked_again_ns: dict[str, int] = dict.fromkeys(upstreams, 0)
        self._to_close: list[Disconnect] = []

    # What others ask.

    @property
    def target_height(self) -> int:
        """The highest that a connected upstream claims, or our own height."""
        return max([self.height, *(each.height for each in self.upstreams.values() if each.trusted)])

    @property
    def connected_count(self) -> int:
        """How many upstreams are connected."""
        return sum(each.phase is Phase.CONNECTED for each in self.upstreams.values())

    @property
    def held_bytes(self) -> int:
        """The size of what was fetched and is not appended yet."""
        return self._held_bytes

    # Facts.

    def connected(self, name: str, height: int, now_ns: int) -> None:
        """A connection is up, and the upstream claims this height."""
        upstream = self.upstreams[name]
        if upstream.phase is not Phase.CONNECTING:
            return
        upstream.phase, upstream.height, upstream.since_ns = Phase.CONNECTED, height, now_ns
        upstream.failures, upstream.asked_ns = 0, None
        self._asked_again_ns[name] = now_ns + self.limits.ask_every_ns

    def lost(self, name: str, now_ns: int) -> None:
        """A connection could not be made, or broke."""
        upstream = self.upstreams[name]
        if upstream.phase is Phase.APART:
            return
        self._part(upstream, now_ns, self._backoff_ns(upstream))

    def announced(self, name: str, height: int, now_ns: int) -> None:
        """The upstream says how high it is, by itself or because it was asked."""
        upstream = self.upstreams[name]
        if upstream.phase is not Phase.CONNECTED:
            return
        upstream.height = max(upstream.height, height)
        if upstream.asked_ns is not None:
            upstream.latency_ns, upstream.asked_ns, upstream.retries = now_ns - upstream.asked_ns, None, 0
        self._asked_again_ns[name] = now_ns + self.limits.ask_every_ns

    def fetched(self, name: str, height: int, item: Item, size_bytes: int) -> None:
        """A block and its commit arrived. What nobody waits for any more is passed over."""
        upstream = self.upstreams[name]
        if upstream.in_flight.pop(height, None) is None:
            return
        upstream.failures = upstream.retries = upstream.stalls = 0
        if height > self.height and height != self._appending and height not in self._held:
            self._held[height] = _Held(name, item, size_bytes)
            self._held_bytes += size_bytes

    def fetch_failed(self, name: str, height: int, now_ns: int, code: str = MISSING_BLOCK) -> None:
        """The upstream answered that it cannot serve the height that it claimed."""
        upstream = self.upstreams[name]
        if upstream.in_flight.pop(height, None) is not None:
            self._failed(upstream, now_ns, code)

    def appended(self, height: int) -> None:
        """Our own tip is now at this height, by whatever way."""
        self.height = max(self.height, height)
        if self._appending <= self.height:
            self._appending = 0
        for stale in [held for held in self._held if held <= self.height]:
            self._release(stale)

    def append_refused(self, name: str, code: str, now_ns: int) -> None:
        """The block that was to be appended is not what the validators signed."""
        self._appending = 0
        self.refused(name, code, now_ns)

    def refused(self, name: str, code: str, now_ns: int) -> None:
        """What the upstream served or claimed is a lie: believe nothing of it, and forget what else it sent."""
        self._leave(name, code, now_ns, self.limits.ban_ns)

    def _leave(self, name: str, code: str, now_ns: int, wait_ns: int) -> None:
        upstream = self.upstreams[name]
        upstream.verdict = code
        if upstream.phase is not Phase.APART:
            self._to_close.append(Disconnect(name, code))
        self._part(upstream, now_ns, wait_ns)
        upstream.since_ns = now_ns
        for height in [height for height, held in self._held.items() if held.upstream == name]:
            self._release(height)

    def halt(self, code: str) -> None:
        """We ourselves disagree with the network: ask nothing and append nothing any more."""
        self.halted = code
        self._appending = 0
        for height in list(self._held):
            self._release(height)
        for upstream in self.upstreams.values():
            if upstream.phase is not Phase.APART:
                self._to_close.append(Disconnect(upstream.name, code))
            self._part(upstream, 0, 0)

    # What to do.

    def plan(self, now_ns: int) -> list[Action[Item]]:
        """What to do now; each action is given once."""
        if not self.halted:
            self._time_out(now_ns)
        closing: list[Action[Item]] = list(self._to_close)
        self._to_close.clear()
        if self.halted:
            return closing
        return [*closing, *self._connect(now_ns), *self._ask(now_ns), *self._append(), *self._fetch(now_ns)]

    def wake_ns(self) -> int | None:
        """When `plan` has to be called again even if nothing happens, or None."""
        if self.halted:
            return None
        moments: list[int] = []
        for upstream in self.upstreams.values():
            moments += upstream.in_flight.values()
            if upstream.phase is Phase.APART:
                moments.append(upstream.retry_ns)
            elif upstream.phase is Phase.CONNECTED:
                moments.append(self._ask_moment(upstream))
                if upstream.paused_until_ns and upstream.height > self.height:
                    moments.append(upstream.paused_until_ns)
        return min(moments, default=None)

    def _ask_moment(self, upstream: Upstream) -> int:
        if upstream.asked_ns is not None:
            return upstream.asked_ns + self.limits.status_ns
        return self._asked_again_ns[upstream.name]

    def _time_out(self, now_ns: int) -> None:
        for upstream in self.upstreams.values():
            for height in [height for height, deadline in upstream.in_flight.items() if deadline <= now_ns]:
                # Several may run out at once, and the first of them may have closed the connection.
                if upstream.in_flight.pop(height, None) is not None:
                    self._failed(upstream, now_ns, TIMED_OUT)
            if upstream.asked_ns is not None and upstream.asked_ns + self.limits.status_ns <= now_ns:
                self._give_up(upstream, now_ns, TIMED_OUT)
            if upstream.paused_until_ns <= now_ns:
                upstream.paused_until_ns = 0

    def _failed(self, upstream: Upstream, now_ns: int, code: str) -> None:
        upstream.failures += 1
        upstream.stalls += code == TIMED_OUT
        upstream.paused_until_ns = now_ns + self.limits.pause_ns
        if upstream.failures < self.limits.max_failures:
            return
        if code == TIMED_OUT:
            self._give_up(upstream, now_ns, code)
        else:
            self._leave(upstream.name, code, now_ns, self.limits.missing_ns)

    def _give_up(self, upstream: Upstream, now_ns: int, code: str) -> None:
        upstream.stalls += bool(upstream.in_flight)
        self._to_close.append(Disconnect(upstream.name, code))
        self._part(upstream, now_ns, self._backoff_ns(upstream))

    def _part(self, upstream: Upstream, now_ns: int, wait_ns: int) -> None:
        upstream.phase, upstream.since_ns, upstream.height = Phase.APART, now_ns, 0
        upstream.in_flight.clear()
        upstream.asked_ns, upstream.paused_until_ns, upstream.failures = None, 0, 0
        upstream.retries += 1
        upstream.retry_ns = now_ns + wait_ns

    def _backoff_ns(self, upstream: Upstream) -> int:
        doubled: int = self.limits.first_retry_ns << min(upstream.retries, 20)
        return min(doubled, self.limits.longest_retry_ns)

    def _connect(self, now_ns: int) -> list[Connect]:
        due = [each for each in self.upstreams.values() if each.phase is Phase.APART and each.retry_ns <= now_ns]
        for upstream in due:
            upstream.phase = Phase.CONNECTING
        return [Connect(upstream.name) for upstream in due]

    def _ask(self, now_ns: int) -> list[Ask]:
        due = [
            each
            for each in self.upstreams.values()
            if each.phase is Phase.CONNECTED and each.asked_ns is None and self._asked_again_ns[each.name] <= now_ns
        ]
        for upstream in due:
            upstream.asked_ns = now_ns
        return [Ask(upstream.name) for upstream in due]

    def _append(self) -> list[Append[Item]]:
        height = self.height + 1
        if self._appending or height not in self._held:
            return []
        held = self._release(height)
        self._appending = height
        return [Append(held.upstream, height, held.item)]

    def _fetch(self, now_ns: int) -> list[Fetch]:
        asked = {height for upstream in self.upstreams.values() for height in upstream.in_flight}
        fetches = []
        for height in range(self.height + 1, min(self.height + self.limits.window, self.target_height) + 1):
            if height in asked or height in self._held or height == self._appending:
                continue
            # The next height is always fetched: without it nothing that is held could ever be let go.
            if self._held_bytes >= self.limits.max_held_bytes and height != self.height + 1:
                break
            upstream = self._least_busy(height)
            if upstream is not None:
                upstream.in_flight[height] = now_ns + self.limits.answer_ns
                fetches.append(Fetch(upstream.name, height))
        return fetches

    def _least_busy(self, height: int) -> Upstream | None:
        able = [
            each
            for each in self.upstreams.values()
            if each.phase is Phase.CONNECTED
            and each.height >= height
            and not each.paused_until_ns
            and len(each.in_flight) < self.limits.per_upstream
        ]
        # Who claims blocks and does not serve them must not hold up what others would serve at once.
        return min(able, key=lambda each: (each.stalls, len(each.in_flight)), default=None)

    def _release(self, height: int) -> _Held[Item]:
        held = self._held.pop(height)
        self._held_bytes -= held.size_bytes
        return held

"""Who is let in: the Host and Origin that a browser sends, how many connections, how fast they ask. It does no I/O.

A web page that a person visits must not reach a node on his machine. So a request is refused when its Host is neither
an IP address, "localhost" nor a configured name (a page's own domain may have been pointed at us: DNS rebinding), when
it has an Origin other than that Host, and when the browser says that it comes from another site.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Final

MAX_PACES: Final = 1_024


class Doorman:
    """Judges requests by their headers. `names` are host names, besides localhost, under which the node is known."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(name.lower() for name in ("localhost", *names))

    def refusal(self, headers: Mapping[str, str]) -> str:
        """Why a request is refused, in a sentence, or "". Header names are in lower case."""
        host = headers.get("host", "").lower()
        if not self._knows(host):
            return "This node is not known by that name."
        origin = headers.get("origin")
        if origin is not None and origin.lower() != f"http://{host}":
            return "Requests from web pages of other sites are refused."
        if headers.get("sec-fetch-site", "none").lower() not in ("none", "same-origin"):
            return "Requests from web pages of other sites are refused."
        return ""

    def _knows(self, host: str) -> bool:
        name, bracket, rest = host.partition("]")
        if bracket:
            name, port = name.removeprefix("["), rest.removeprefix(":")
        else:
            name, _, port = host.partition(":")
        if port and not (port.isascii() and port.isdigit() and len(port) <= 5):
            return False
        return name in self._names or _is_address(name)


def _is_own(address: str) -> bool:
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Crowd:
    """Counts connections, in all and for each address."""

    def __init__(self, limit: int, limit_per_address: int) -> None:
        self._limit = limit
        self._limit_per_address = limit_per_address
        self._by_address: dict[str, int] = {}
        self.count = 0

    def enter(self, address: str) -> bool:
        """Count one more, unless there are too many; whoever entered must leave."""
        here = self._by_address.get(address, 0)
        if self.count >= self._limit or here >= self._limit_per_address:
            return False
        self._by_address[address] = here + 1
        self.count += 1
        return True

    def leave(self, address: str) -> None:
        """Count one less."""
        self.count -= 1
        left = self._by_address[address] - 1
        if left:
            self._by_address[address] = left
        else:
            del self._by_address[address]


class Paces:
    """One pace for all connections of an address: many of them ask no faster than one.

    This machine's own programs have one for each connection: whoever runs them could stop the node anyway.
    """

    def __init__(self, per_second: float, burst: int, now: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._by_address: dict[str, Pace] = {}

    def of(self, address: str) -> Pace:
        """The pace of a connection from this address. Of many addresses the one met first is forgotten first."""
        if _is_own(address):
            return self._fresh()
        pace = self._by_address.pop(address, None) or self._fresh()
        self._by_address[address] = pace
        if len(self._by_address) > MAX_PACES:
            del self._by_address[next(iter(self._by_address))]
        return pace

    def _fresh(self) -> Pace:
        return Pace(self._per_second, self._burst, self._now)


class Pace:
    """A token bucket. It never refuses: it says how long to wait before going on. `now` is in seconds."""

    def __init__(self, per_second: float, burst: int, now: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = burst
        self._now = now
        self._tokens = float(burst)
        self._filled_at = now()

    def take(self, count: int = 1) -> float:
        """Take tokens for `count` requests; the seconds to wait until they were there."""
        now = self._now()
        self._tokens = min(float(self._burst), self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        self._tokens -= count
        return max(0.0, -self._tokens / self._per_second)

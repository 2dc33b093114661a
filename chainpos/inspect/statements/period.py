"""The blocks that a statement is about: a day by the network's own clock, or one netting's cycle.

It refuses a day that the chain does not know yet and a netting that there was not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from chainpos.core.chain.results import Event
from chainpos.core.contracts.settlement.records import CYCLES, cycle_key
from chainpos.core.values.hashes import sha256
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import DAY_S, SECOND_NS, civil_date, day_number, day_of_date
from chainpos.errors import EXIT_USAGE, StoreError, UserFacingError
from chainpos.inspect.lookups import Lookups
from chainpos.inspect.source import ChainSource

_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


class Period(msgspec.Struct, frozen=True):
    """Blocks `low` to `high`, none where low > high; times in ns. One that is not over ends with the tip for now.

    `netting` is the one that it is about, 0 for a day: several may be in one block, as each new reserve may make one.
    """

    name: str
    low: int
    high: int
    from_ns: int
    to_ns: int
    is_over: bool
    netting: int = 0


class Executed(NamedTuple):
    """A transaction that was accepted, with all that it told."""

    height: int
    time_ns: int
    place: int
    tx_hash: bytes
    events: tuple[Event, ...]

    def first(self, kind: str) -> dict[str, str] | None:
        """The attributes of its first event of a kind."""
        for event in self.events:
            if event.type == kind:
                return {each.key: each.value for each in event.attributes}
        return None


def day_period(source: ChainSource, date: str) -> Period:
    """The day "2026-03-02" by the network's clock. Raises UserFacingError."""
    day = _day(date)
    base, tip = source.span()
    offset_s = Lookups(source).utc_offset_s()
    first_day, last_day = (day_number(_time_ns(source, height), offset_s=offset_s) for height in (base, tip))
    if not first_day <= day <= last_day:
        raise _refused(
            f"The chain here has the days {_date(first_day)} to {_date(last_day)}, not {date}",
            "Name one of them, or wait until your node is synced",
        )
    low = _first_height(source, base, tip, day, offset_s)
    high = _first_height(source, low, tip, day + 1, offset_s) - 1
    from_ns = (day * DAY_S - offset_s) * SECOND_NS
    is_over = day < last_day
    to_ns = from_ns + DAY_S * SECOND_NS if is_over else _time_ns(source, tip)
    return Period(date, low, high, from_ns, to_ns, is_over)


def cycle_period(source: ChainSource, currency: str, number: int) -> Period:
    """From after the netting before to the block that made this one. Raises UserFacingError."""
    lookups = Lookups(source)
    cycle = lookups.record(CYCLES, cycle_key(currency, number))
    if cycle is None:
        raise _refused(
            f"There is no netting {currency}/{number} as of height {lookups.height}",
            "List them: chainpos inspect search " + currency + "/",
        )
    before = lookups.record(CYCLES, cycle_key(currency, number - 1)) if number > 1 else None
    base = source.span().base
    low = base if before is None else before.height + 1
    from_ns = _time_ns(source, base) if before is None else _time_ns(source, before.height)
    name = f"{currency}/{number}"
    return Period(name, low, cycle.height, from_ns, _time_ns(source, cycle.height), is_over=True, netting=number)


def executed(source: ChainSource, period: Period) -> Iterator[Executed]:
    """What was accepted in the period, in the ledger's order. Raises StoreError where a block is missing."""
    for height in range(period.low, period.high + 1):
        found = source.found(height)
        if found is None:
            raise StoreError(f"block {height} is not here")
        for index, result in enumerate(found.results):
            if result.code == 0:
                tx_hash = sha256(found.block.txs[index])
                yield Executed(height, found.block.header.time_ns, index, tx_hash, result.events)


def _day(date: str) -> int:
    matched = _DATE.fullmatch(date)
    if matched is not None:
        year, month, day = (int(part) for part in matched.groups())
        number = day_of_date(year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 and year else 0
        if number and _date(number) == date:
            return number
    raise _refused(f"{clean(date)!r} is not a date", "Write it like 2026-03-02")


def _date(day: int) -> str:
    year, month, number = civil_date(day)
    return f"{year:04}-{month:02}-{number:02}"


def _time_ns(source: ChainSource, height: int) -> int:
    header = source.header(height)
    if header is None:
        raise StoreError(f"block {height} is not here")
    return header.time_ns


def _first_height(source: ChainSource, low: int, tip: int, day: int, offset_s: int) -> int:
    """The first height on or after a day; one past the tip where there is none. Times of headers ascend."""
    high = tip + 1
    while low < high:
        middle = (low + high) // 2
        if day_number(_time_ns(source, middle), offset_s=offset_s) < day:
            low = middle + 1
        else:
            high = middle
    return low


def _refused(what: str, next_step: str) -> UserFacingError:
    return UserFacingError(f"{what}.", next_step=f"{next_step}.", money_moved="", exit_code=EXIT_USAGE)

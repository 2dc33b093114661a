"""Block time: whole nanoseconds since 1970 in UTC, and its RFC 3339 text. It refuses what a header cannot hold.

Pure integer arithmetic on the proleptic Gregorian calendar, so that no time zone and no clock is near consensus.
"""

from __future__ import annotations

import re
from typing import Final

SECOND_NS: Final = 1_000_000_000
DAY_S: Final = 86_400
# Go's zero time, year 1; the far end is the last second that RFC 3339 can write.
ZERO_TIME_S: Final = -62_135_596_800
ZERO_TIME_NS: Final = ZERO_TIME_S * SECOND_NS
MAX_TIME_S: Final = 253_402_300_799
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


class MalformedTime(ValueError):
    """Text that is not an RFC 3339 time, or a time outside years 1 to 9999."""


def civil_date(day: int) -> tuple[int, int, int]:
    """(year, month, day of month) of a day counted from 1970-01-01."""
    shifted = day + 719_468
    era, of_era = divmod(shifted, 146_097)
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * of_year + 2) // 153
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    year = year_of_era + era * 400 + (1 if month <= 2 else 0)
    return year, month, of_year - (153 * month_from_march + 2) // 5 + 1


def day_of_date(year: int, month: int, day: int) -> int:
    """The day, counted from 1970-01-01, of a civil date. The inverse of `civil_date`; does not check the date."""
    shifted_year = year - 1 if month <= 2 else year
    era, year_of_era = divmod(shifted_year, 400)
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + of_year - 719_468


def day_number(time_ns: int, *, offset_s: int = 0) -> int:
    """Which day a block time falls in, counted from 1970-01-01, for a place `offset_s` east of UTC."""
    return (time_ns // SECOND_NS + offset_s) // DAY_S


def format_rfc3339(time_ns: int) -> str:
    """As Go writes it: "2026-01-02T03:04:05.006Z", trailing zeros of the fraction left out. Raises MalformedTime."""
    seconds, nanos = divmod(time_ns, SECOND_NS)
    if not ZERO_TIME_S <= seconds <= MAX_TIME_S:
        raise MalformedTime(f"{time_ns} ns is outside years 1 to 9999")
    day, of_day = divmod(seconds, DAY_S)
    year, month, of_month = civil_date(day)
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    clock = f"{of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}"
    return f"{year:04d}-{month:02d}-{of_month:02d}T{clock}{fraction}Z"


def format_rfc3339_at(time_ns: int, offset_s: int) -> str:
    """The same time by a clock that far east of UTC: "2026-01-02T11:04:05.006+08:00". Raises MalformedTime.

    An offset that is no whole minute has no such form: it is told in UTC.
    """
    if not offset_s or offset_s % 60:
        return format_rfc3339(time_ns)
    hours, rest = divmod(abs(offset_s), 3600)
    sign = "-" if offset_s < 0 else "+"
    return f"{format_rfc3339(time_ns + offset_s * SECOND_NS)[:-1]}{sign}{hours:02d}:{rest // 60:02d}"


def parse_rfc3339(text: str) -> int:
    """Nanoseconds since 1970. Raises MalformedTime."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise MalformedTime(f"not an RFC 3339 time: {text[:40]!r}")
    year, month, of_month, hour, minute, second = (int(match.group(i)) for i in range(1, 7))
    day = day_of_date(year, month, of_month)
    if civil_date(day) != (year, month, of_month) or hour > 23 or minute > 59 or second > 59:
        raise MalformedTime(f"no such time: {text[:40]!r}")
    offset_s = 0
    if match.group(8):
        if int(match.group(9)) > 23 or int(match.group(10)) > 59:
            raise MalformedTime(f"no such offset: {text[:40]!r}")
        offset_s = (int(match.group(9)) * 3600 + int(match.group(10)) * 60) * (-1 if match.group(8) == "-" else 1)
    seconds = day * DAY_S + hour * 3600 + minute * 60 + second - offset_s
    if not ZERO_TIME_S <= seconds <= MAX_TIME_S:
        raise MalformedTime(f"outside years 1 to 9999: {text[:40]!r}")
    return seconds * SECOND_NS + int((match.group(7) or "").ljust(9, "0"))


def clock_told(offset_s: int) -> str:
    """A clock as people call it, `offset_s` east of UTC: "UTC+08:00"."""
    hours, rest = divmod(abs(offset_s), 3_600)
    return f"UTC{'-' if offset_s < 0 else '+'}{hours:02}:{rest // 60:02}" if offset_s else "UTC"

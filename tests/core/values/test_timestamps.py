"""Block time, beside Python's own calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.core.values.hashes import address_of, sha256
from chainpos.core.values.timestamps import (
    MAX_TIME_S,
    SECOND_NS,
    ZERO_TIME_NS,
    MalformedTime,
    civil_date,
    day_number,
    day_of_date,
    format_rfc3339,
    format_rfc3339_at,
    parse_rfc3339,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
times = st.integers(ZERO_TIME_NS, MAX_TIME_S * SECOND_NS + SECOND_NS - 1)


def test_every_day_of_ten_thousand_years_has_its_date() -> None:
    for ordinal in range(date.min.toordinal(), date.max.toordinal() + 1, 13):
        expected = date.fromordinal(ordinal)
        day = ordinal - EPOCH.toordinal()
        assert civil_date(day) == (expected.year, expected.month, expected.day)
        assert day_of_date(expected.year, expected.month, expected.day) == day


@given(times)
def test_what_is_written_is_read_back(time_ns: int) -> None:
    assert parse_rfc3339(format_rfc3339(time_ns)) == time_ns


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_those_of_pythons_calendar(moment: datetime) -> None:
    time_ns = (moment - EPOCH) // timedelta(microseconds=1) * 1000
    assert parse_rfc3339(moment.isoformat()) == time_ns
    assert datetime.fromisoformat(format_rfc3339(time_ns)) == moment


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (ZERO_TIME_NS, "0001-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (0, "1970-01-01T00:00:00Z"),
        (1_684_332_773_088_875_124, "2023-05-17T14:12:53.088875124Z"),
        (1_684_332_773_088_000_000, "2023-05-17T14:12:53.088Z"),
        (951_782_400 * SECOND_NS, "2000-02-29T00:00:00Z"),
        (MAX_TIME_S * SECOND_NS + 999_999_999, "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_times_are_written_as_go_writes_them(time_ns: int, text: str) -> None:
    assert format_rfc3339(time_ns) == text
    assert parse_rfc3339(text) == time_ns


def test_offsets_are_taken_into_account() -> None:
    assert parse_rfc3339("2026-01-02T03:04:05+08:00") == parse_rfc3339("2026-01-01T19:04:05Z")
    assert parse_rfc3339("2026-01-01T19:04:05-05:30") == parse_rfc3339("2026-01-02T00:34:05Z")


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-01-02", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T23:60:00Z",
        "2026-01-02T23:59:60Z", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05.1234567890Z", "0000-12-31T23:59:59Z",
        "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+08:60", "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01", "2026-01-02T03:04:05Z\n", "٢٠٢٦-01-02T03:04:05Z", "26-01-02T03:04:05Z",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(MalformedTime):
        parse_rfc3339(text)


@pytest.mark.parametrize("time_ns", [ZERO_TIME_NS - 1, (MAX_TIME_S + 1) * SECOND_NS])
def test_a_time_beyond_what_can_be_written_is_refused(time_ns: int) -> None:
    with pytest.raises(MalformedTime):
        format_rfc3339(time_ns)


def test_a_day_begins_at_the_places_own_midnight() -> None:
    midnight = parse_rfc3339("2026-01-02T00:00:00+08:00")
    assert day_number(midnight, offset_s=8 * 3600) == day_number(midnight - 1, offset_s=8 * 3600) + 1
    assert day_number(midnight) == day_number(midnight - 1)
    assert civil_date(day_number(midnight, offset_s=8 * 3600)) == (2026, 1, 2)
    assert day_number(-1) == -1


def test_an_address_is_the_first_20_bytes_of_the_keys_hash() -> None:
    assert address_of(b"key") == sha256(b"key")[:20]


@pytest.mark.parametrize(
    ("offset_s", "text"),
    [(0, "2026-01-02T03:04:05.006Z"), (28_800, "2026-01-02T11:04:05.006+08:00"),
     (-12_600, "2026-01-01T23:34:05.006-03:30"), (28_801, "2026-01-02T03:04:05.006Z")],
)  # fmt: skip
def test_a_time_by_another_clock_names_it_and_is_the_same_time(offset_s: int, text: str) -> None:
    time_ns = parse_rfc3339("2026-01-02T03:04:05.006Z")
    assert format_rfc3339_at(time_ns, offset_s) == text
    assert parse_rfc3339(text) == time_ns

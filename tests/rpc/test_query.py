"""The event query language: what CometBFT accepts, what it matches, and its words for what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.rpc.query import MAX_QUERY_BYTES, Condition, MalformedQuery, attributes_of, parse_query
from tests.rpc.conftest import Json

EVENT = {
    "tm.event": ["Tx"],
    "tx.height": ["5"],
    "tx.hash": ["AB12"],
    "paid.amount": ["1250CNY", "7"],
    "paid.reference": ["R-1"],
    "slashing.time": ["2026-01-02T03:04:05Z"],
    "slashing.day": ["2026-01-02"],
    "deep.type.key": ["x"],
    "paid.small": ["0.5"],
    "paid.negative": ["-5"],
}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("tm.event = 'Tx'", True),
        ("tm.event='Tx'", True),
        ("tm.event = 'NewBlock'", False),
        ("tm.event = 'tx'", False),
        ("tx.height = 5", True),
        ("tx.height = 5.0", True),
        ("tx.height > 4 AND tx.height < 6", True),
        ("tx.height >= 5 AND tx.height <= 5", True),
        ("tx.height > 5", False),
        ("tx.height < 5", False),
        ("tx.height > 4 AND tx.height > 5", False),
        ("tx.hash CONTAINS 'B1'", True),
        ("tx.hash CONTAINS 'b1'", False),
        ("tx.hash EXISTS", True),
        ("tx.nothing EXISTS", False),
        # Any of an attribute's values may match, and a number may carry a unit.
        ("paid.amount = 1250", True),
        ("paid.amount = 7", True),
        ("paid.amount > 1250", False),
        ("paid.small < 1", True),
        # A leading sign is no digit: CometBFT reads no number there.
        ("paid.negative < 1", False),
        # An event's type alone exists, and is compared with the empty text.
        ("paid EXISTS", True),
        ("paid = ''", True),
        ("paid = 'R-1'", False),
        ("deep.type EXISTS", True),
        ("deep EXISTS", False),
        ("slashing.time = TIME 2026-01-02T03:04:05Z", True),
        ("slashing.time > TIME 2026-01-02T03:04:04Z", True),
        ("slashing.time = TIME 2026-01-02T04:04:05+01:00", True),
        ("slashing.time < TIME 2026-01-02T03:04:05Z", False),
        ("slashing.day = DATE 2026-01-02", True),
        ("slashing.day >= DATE 2026-01-03", False),
        ("slashing.day > TIME 2020-01-01T00:00:00Z", False),
        ("tx.height = DATE 2026-01-02", False),
        ("paid.reference = 'R-1' AND tx.hash EXISTS AND tm.event = 'Tx'", True),
    ],
)
def test_a_query_matches_as_cometbfts_does(text: str, matches: bool) -> None:
    assert parse_query(text).matches(EVENT) is matches


def test_no_event_matches_when_there_are_no_attributes() -> None:
    assert not parse_query("tm.event EXISTS").matches({})


def test_an_attribute_without_an_event_type_is_never_matched() -> None:
    assert not parse_query("alone EXISTS").matches({"alone": ["1"]})


def test_an_endless_number_is_no_number() -> None:
    assert not parse_query("paid.amount > 1").matches({"paid.amount": ["9" * 10_000]})


def test_a_malformed_query_is_refused_in_cometbfts_words(answers: dict[str, Json]) -> None:
    with pytest.raises(MalformedQuery) as caught:
        parse_query("malformed query")
    assert f"failed to parse query: {caught.value}" == answers["subscribe_malformed"]["error"]["data"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "EOF"),
        ("   ", "EOF"),
        ("tm.event", "EOF"),
        ("tm.event =", "EOF"),
        ("= 'Tx'", "offset 0: got = operator, wanted tag"),
        ("5 = 5", "offset 0: got number, wanted tag"),
        ("tm.event 'Tx'", "offset 9: got string, wanted <= operator"),
        ("tm.event = Tx", "offset 11: got tag, wanted number, timestamp, datestamp or string"),
        ("tx.height > 'five'", "offset 12: got string, wanted number, timestamp or datestamp"),
        ("tx.hash CONTAINS 5", "offset 17: got number, wanted string"),
        ("a.b = 1 OR c.d = 2", "offset 8: got tag, want AND operator"),
        ("a.b = 1 AND", "EOF"),
        ("a.b = 1 c.d", "offset 8: got tag, want AND operator"),
        ("a.b = 'open", "offset 6: the string is not closed"),
        ('a.b = "Tx"', 'invalid input " at offset 7'),
        ("a.b = -5", "invalid input - at offset 7"),
        ("a.b = (1)", "invalid input ( at offset 7"),
        ("a.b = TIME 2026-13-01T00:00:00Z", "invalid TIME value"),
        ("a.b = TIME 1800-01-01T00:00:00Z", "invalid TIME value"),
        ("a.b = DATE 2026-02-30", "invalid DATE value"),
        ("a.b = DATE", "offset 6: got tag"),
        ("é.b ! 1", "offset"),
    ],
)
def test_each_mistake_is_refused_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(MalformedQuery) as caught:
        parse_query(text)
    assert sentence in str(caught.value)


def test_a_query_over_512_bytes_is_refused() -> None:
    fits = "a.b = '" + "x" * (MAX_QUERY_BYTES - 8) + "'"
    assert len(fits) == MAX_QUERY_BYTES
    parse_query(fits)
    with pytest.raises(MalformedQuery, match="maximum query length exceeded"):
        parse_query(fits + " ")
    with pytest.raises(MalformedQuery, match="maximum query length exceeded"):
        parse_query("a.b = '" + "é" * 260 + "'")


def test_the_value_that_a_query_demands_is_known_beforehand() -> None:
    query = parse_query("tx.height > 3 AND tm.event = 'Tx'")
    assert query.required_value("tm.event") == "Tx"
    assert query.required_value("tx.height") is None
    assert query.required_value("tx.hash") is None


def test_blanks_do_not_make_another_query() -> None:
    assert str(parse_query("tm.event='Tx'  AND tx.height>5")) == "tm.event = 'Tx' AND tx.height > 5"
    assert str(parse_query("a.b EXISTS AND c.d = DATE 2026-01-01")) == "a.b EXISTS AND c.d = DATE 2026-01-01"


def test_events_and_keys_without_a_name_have_no_attribute() -> None:
    events = [("", [("a", "1")]), ("paid", [("", "2"), ("x", "3"), ("x", "4")])]
    assert attributes_of(events) == {"paid.x": ["3", "4"]}


NAMES = st.from_regex(r"[a-z]{1,6}\.[a-z]{1,6}", fullmatch=True)
CONDITIONS = st.one_of(
    st.builds(
        Condition,
        NAMES,
        st.just("="),
        st.just("string"),
        st.text(st.characters(blacklist_characters="'", blacklist_categories=["Cs"]), max_size=8),
    ),
    st.builds(
        Condition,
        NAMES,
        st.sampled_from(["=", "<", "<=", ">", ">="]),
        st.just("number"),
        st.integers(0, 2**70).map(str),
    ),
    st.builds(Condition, NAMES, st.just("EXISTS"), st.just("none"), st.just("")),
)


@given(st.lists(CONDITIONS, min_size=1, max_size=5))
def test_a_query_reads_back_from_its_own_text(conditions: list[Condition]) -> None:
    text = " AND ".join(str(condition) for condition in conditions)
    if len(text.encode()) <= MAX_QUERY_BYTES:
        assert parse_query(text).conditions == tuple(conditions)


@given(st.integers(0, 10**20), st.integers(0, 10**20))
def test_numbers_compare_exactly_whatever_their_size(value: int, wanted: int) -> None:
    for operator, expected in (("=", value == wanted), ("<", value < wanted), (">=", value >= wanted)):
        assert parse_query(f"a.b {operator} {wanted}").matches({"a.b": [str(value)]}) is expected


@given(st.text(max_size=80))
def test_no_text_makes_the_parser_fail_in_another_way(text: str) -> None:
    try:
        query = parse_query(text)
    except MalformedQuery:
        return
    query.matches(EVENT)
    assert str(parse_query(str(query))) == str(query)

"""Parameters out of JSON and out of URIs, in CometBFT's forms."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpos.rpc.parameters import BadParameters, Kind, Parameter, from_json, from_uri

DECLARED = (
    Parameter("height", "optional_integer"),
    Parameter("count", "integer"),
    Parameter("prove", "boolean"),
    Parameter("path", "text"),
    Parameter("hash", "base64"),
    Parameter("data", "hex"),
)
NOTHING_GIVEN = [None, 0, False, "", b"", b""]


def one(kind: Kind) -> tuple[Parameter, ...]:
    return (Parameter("x", kind),)


@pytest.mark.parametrize("params", [b"", b"null", b"{}", b'{"other":1}', b'{"height":null,"prove":null,"data":null}'])
def test_what_is_not_given_has_its_zero_value(params: bytes) -> None:
    assert from_json(DECLARED, params) == NOTHING_GIVEN
    assert from_uri(DECLARED, {}) == from_uri(DECLARED, {"height": "", "hash": ""}) == NOTHING_GIVEN


def test_parameters_by_name_come_in_the_order_in_which_they_are_declared() -> None:
    params = b'{"data":"0aFF","hash":"AQI=","path":"/a","prove":true,"count":"-7","height":"12"}'
    assert from_json(DECLARED, params) == [12, -7, True, "/a", b"\x01\x02", b"\x0a\xff"]


def test_parameters_in_a_list_must_be_complete() -> None:
    params = b'["12","-7",true,"/a","AQI=","0aFF"]'
    assert from_json(DECLARED, params) == [12, -7, True, "/a", b"\x01\x02", b"\x0a\xff"]
    with pytest.raises(BadParameters, match=r"expected 6 parameters \(\[height count prove path hash data\]\), got 1"):
        from_json(DECLARED, b'["12"]')


@pytest.mark.parametrize("params", [b'"text"', b"5", b"true", b"[", b'{"a"', b'{"a":1}x', b"[" * 5000])
def test_params_that_are_neither_map_nor_list_are_refused(params: bytes) -> None:
    with pytest.raises(BadParameters):
        from_json(DECLARED, params)


@pytest.mark.parametrize(
    ("kind", "document", "sentence"),
    [
        ("integer", b"5", 'invalid 64-bit integer encoding "5", expected string'),
        ("integer", b'"five"', "is not a 64-bit integer"),
        ("integer", b'"5.0"', "is not a 64-bit integer"),
        ("integer", b'" 5"', "is not a 64-bit integer"),
        ("integer", b'"+5"', "is not a 64-bit integer"),
        ("integer", b'"1_000"', "is not a 64-bit integer"),
        ("integer", b'"9223372036854775808"', "is not a 64-bit integer"),
        ("integer", b'"' + b"9" * 100_000 + b'"', "is not a 64-bit integer"),
        ("integer", b"[]", "expected string"),
        ("integer", b'"', "JSON"),
        ("optional_integer", b"true", "expected string"),
        ("boolean", b'"true"', "x: expected true or false"),
        ("boolean", b"1", "x: expected true or false"),
        ("text", b"5", "x: expected a string"),
        ("text", b'"\xff"', "x: expected a string"),
        ("base64", b'"AQI"', "x: not base64"),
        ("base64", b'"A Q I="', "x: not base64"),
        ("base64", b'"!!!!"', "x: not base64"),
        ("base64", b"[1,2]", "x: expected a string"),
        ("hex", b'"abc"', "x: not hex"),
        ("hex", b'"0xab"', "x: not hex"),
        ("hex", b'"zz"', "x: not hex"),
    ],
)
def test_each_wrong_value_is_refused_with_a_sentence(kind: Kind, document: bytes, sentence: str) -> None:
    with pytest.raises(BadParameters) as caught:
        from_json(one(kind), b'{"x":' + document + b"}")
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "5", 5),
        ("integer", '"5"', 5),
        ("integer", "-5", -5),
        ("optional_integer", "7", 7),
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("text", '"/store/ab12/key"', "/store/ab12/key"),
        ("text", "0x2f61", "/a"),
        ("text", '"tx.height=5"', "tx.height=5"),
        ("base64", "0xAB12", b"\xab\x12"),
        ("base64", "0XAB12", b"\xab\x12"),
        ("hex", "0xab12", b"\xab\x12"),
        # A quoted byte string is its characters.
        ("base64", '"AQI="', b"AQI="),
        ("hex", '"ab12"', b"ab12"),
        ("base64", '"caf\u00e9"', b"caf\xc3\xa9"),
    ],
)
def test_a_uris_forms_are_cometbfts(kind: Kind, text: str, value: object) -> None:
    assert from_uri(one(kind), {"x": text}) == [value]


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        ("integer", "five", "expected string"),
        ("integer", "0x05", "got a hex string arg, but expected 'integer'"),
        ("boolean", "0x01", "got a hex string arg, but expected 'boolean'"),
        ("boolean", "yes", "expected true or false"),
        ("text", "bare", "x: expected a string"),
        ("text", "0xff", "x: not hex"),
        ("base64", "0xabc", "x: not hex"),
        ("base64", "AQI=", "x: expected a string"),
        ("integer", "9" * 30, "expected string"),
        ("integer", "9" * 20, "is not a 64-bit integer"),
    ],
)
def test_each_wrong_uri_value_is_refused_with_a_sentence(kind: Kind, text: str, sentence: str) -> None:
    with pytest.raises(BadParameters) as caught:
        from_uri(one(kind), {"x": text})
    assert sentence in str(caught.value)


@given(st.binary(max_size=60))
def test_no_params_make_the_reader_fail_in_another_way(params: bytes) -> None:
    with contextlib.suppress(BadParameters):
        assert len(from_json(DECLARED, params)) == len(DECLARED)


@given(st.sampled_from(DECLARED), st.text(max_size=30))
def test_no_uri_makes_the_reader_fail_in_another_way(declared: Parameter, text: str) -> None:
    with contextlib.suppress(BadParameters):
        assert len(from_uri((declared,), {declared.name: text})) == 1

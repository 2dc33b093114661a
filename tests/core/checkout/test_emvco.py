"""EMVCo texts: the standard's own example reads, what is built reads back, and whatever is wrong has its reason."""

from __future__ import annotations

import binascii
import string

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpos.core.checkout.emvco import (
    Account,
    Additional,
    MalformedCode,
    MerchantCode,
    OtherLanguage,
    Tip,
    TipKind,
    build,
    crc16,
    looks_like_code,
    parse,
)
from chainpos.core.values.amount import Amount
from chainpos.core.values.currency import CURRENCIES
from tests.seeds import rounds

# Built by hand from the rules of the standard, in the shape of its annex: three accounts, a prompt for a tip, Chinese.
EXAMPLE_BODY = (
    "000201"
    "010212"
    "29300012D156000000000510A93FO3230Q"
    "31280012D15600000001030812345678"
    "5204411153031565405" + "23.72" + "550201"
    "5802CN5914BEST TRANSPORT6007BEIJING"
    "64200002zh0104最佳运输0202北京"
    "6233" + "030412340603***0708A60086670902ME" + "6304"
)

ASCII = "".join(chr(point) for point in range(0x20, 0x7F))


def sealed(body: str) -> str:
    """A body with the checksum that Python's own CRC-CCITT gives it."""
    return f"{body}{binascii.crc_hqx(body.encode(), 0xFFFF):04X}"


def plain(limit: int) -> st.SearchStrategy[str]:
    return st.text(ASCII, min_size=1, max_size=limit)


def safe(limit: int) -> st.SearchStrategy[str]:
    return st.text("茶馆北京合肥Ab1", min_size=1, max_size=limit)


def ids(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(lambda number: f"{number:02}")


@st.composite
def codes(draw: st.DrawFn) -> MerchantCode:
    letters = draw(st.sampled_from(sorted(CURRENCIES)))
    amounts = st.integers(1, 10**9).map(lambda minor: Amount(minor, letters))
    schemes = draw(st.dictionaries(ids(2, 25), plain(20), max_size=1))
    templates = draw(
        st.dictionaries(
            ids(26, 51), st.tuples(plain(12), st.dictionaries(ids(1, 99), plain(8), max_size=2)), min_size=1, max_size=2
        )
    )
    accounts = [Account(key, value) for key, value in schemes.items()]
    for key, (owner, rest) in templates.items():
        accounts.append(Account(key, fields=(("00", owner), *sorted(rest.items()))))
    tips = st.one_of(
        st.none(),
        st.just(Tip()),
        amounts.map(lambda fixed: Tip(TipKind.FIXED, fixed)),
        st.integers(1, 9_999).map(lambda points: Tip(TipKind.PERCENT, basis_points=points)),
    )
    extra = st.builds(Additional, bill=plain(10), reference=plain(10), terminal=plain(5))
    return MerchantCode(
        dynamic=draw(st.booleans()),
        accounts=tuple(sorted(accounts, key=lambda row: row.id)),
        category=draw(st.integers(0, 9_999).map(lambda number: f"{number:04}")),
        currency=letters,
        country=draw(st.text(string.ascii_uppercase, min_size=2, max_size=2)),
        name=draw(plain(25)),
        city=draw(plain(15)),
        amount=draw(st.none() | amounts),
        tip=draw(tips),
        postal=draw(st.just("") | plain(10)),
        additional=draw(st.none() | extra),
        language=draw(st.none() | st.builds(OtherLanguage, st.just("zh"), safe(25), st.just("") | safe(15))),
        others=tuple(sorted(draw(st.dictionaries(ids(65, 99), safe(10), max_size=2)).items())),
    )


def test_the_checksum_is_the_published_one() -> None:
    """29B1 is the check value of CRC-16/CCITT-FALSE in every catalogue of checksums."""
    assert crc16(b"123456789") == 0x29B1


@given(st.binary(max_size=200))
def test_the_checksum_agrees_with_pythons_own(content: bytes) -> None:
    assert crc16(content) == binascii.crc_hqx(content, 0xFFFF)


def test_a_code_in_the_shape_of_the_standards_example_reads() -> None:
    code = parse(sealed(EXAMPLE_BODY))
    assert code.dynamic
    assert [account.owner for account in code.accounts] == ["D15600000000", "D15600000001"]
    assert code.accounts[0].fields == (("00", "D15600000000"), ("05", "A93FO3230Q"))
    assert (code.category, code.currency, code.amount) == ("4111", "CNY", Amount(2372, "CNY"))
    assert code.tip == Tip()
    assert code.language == OtherLanguage("zh", "最佳运输", "北京")
    assert code.additional == Additional(store="1234", customer="***", terminal="A6008667", ask="ME")


@given(codes())
def test_what_is_built_reads_back(code: MerchantCode) -> None:
    text, reason = "", ""
    try:
        text = build(code)
    except MalformedCode as error:
        reason = error.reason
    if not text:
        assert reason == "length"  # together too long for a code
        return
    assert parse(text) == code
    assert build(parse(text)) == text
    assert sealed(text[:-4]) == text
    assert looks_like_code(text)


@given(codes(), st.data())
def test_one_changed_character_is_refused(code: MerchantCode, data: st.DataObject) -> None:
    """A 16-bit CRC finds every burst of up to 16 bits, so every changed ASCII character."""
    try:
        text = build(code)
    except MalformedCode:
        return
    at = data.draw(st.integers(0, len(text) - 1))
    if not text[at].isascii():
        return
    other = data.draw(st.sampled_from([each for each in ASCII if each != text[at]]))
    with pytest.raises(MalformedCode):
        parse(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("010212", "010213", "value"),
        ("000201", "000202", "unsupported"),
        ("010212", "010212010212", "duplicate"),
        ("52044111", "", "missing"),
        ("5303156", "", "missing"),
        ("5303156", "5303999", "unsupported"),
        ("5802CN", "", "missing"),
        ("5802CN", "5802cn", "value"),
        ("5914BEST TRANSPORT", "", "missing"),
        ("6007BEIJING", "", "missing"),
        ("6007BEIJING", "6016BEIJING BEIJING1", "length"),
        ("6007BEIJING", "6007BEIJI\x1bG", "alphabet"),
        ("6007BEIJING", "6002北京", "alphabet"),
        ("6007BEIJING", "6000", "length"),
        ("6007BEIJING", "6098BEIJING", "length"),
        ("540523.72", "540423.7x", "length"),
        ("540523.72", "540523,72", "value"),
        ("540523.72", "54040.00", "value"),
        ("540523.72", "540623.721", "value"),
        ("540523.72", "540523e72", "value"),
        ("550201", "550202", "value"),
        ("550201", "5502035703abc", "value"),
        ("550201", "55020357010", "value"),
        ("550201", "550204", "value"),
        ("0202北京", "0202北\u202e", "alphabet"),
        ("0002zh", "0002ZH", "value"),
        ("0012D15600000000", "0112D15600000000", "missing"),
    ],
)
def test_what_the_standard_does_not_allow_is_refused_by_name(old: str, new: str, reason: str) -> None:
    body = EXAMPLE_BODY
    assert body.count(old) == 1
    changed = body.replace(old, new)
    with pytest.raises(MalformedCode) as refused:
        parse(sealed(changed))
    assert refused.value.reason == reason


def test_the_checksum_stands_last_and_the_format_first() -> None:
    moved = sealed("010212" + EXAMPLE_BODY.replace("010212", ""))
    with pytest.raises(MalformedCode) as refused:
        parse(moved)
    assert refused.value.reason == "order"
    with pytest.raises(MalformedCode) as refused:
        parse(sealed(EXAMPLE_BODY) + "6504abcd")
    assert refused.value.reason == "checksum"


def test_small_letters_in_the_checksum_are_not_its_one_spelling() -> None:
    # Both checksums of which some have letters: one of these does.
    texts = [sealed(EXAMPLE_BODY.replace("23.72", f"23.{cents}")) for cents in range(10, 60)]
    lettered = next(text for text in texts if text[-4:] != text[-4:].lower())
    parse(lettered)
    with pytest.raises(MalformedCode):
        parse(lettered[:-4] + lettered[-4:].lower())


@pytest.mark.parametrize("text", ["", "0002016304", "x" * 600, "茶" * 50, "\ud800" * 20])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(MalformedCode):
        parse(text)


def test_a_code_that_no_reader_would_take_is_not_built() -> None:
    good = parse(sealed(EXAMPLE_BODY))
    for changes in (
        {"name": "茶馆"},
        {"name": ""},
        {"name": "x" * 26},
        {"currency": "XXX"},
        {"amount": Amount(0, "CNY")},
        {"amount": Amount(100, "USD")},
        {"amount": Amount(10**13, "CNY")},
        {"tip": Tip(TipKind.PERCENT, basis_points=0)},
        {"tip": Tip(TipKind.FIXED)},
        {"accounts": ()},
        {"accounts": good.accounts * 2},
        {"others": (("12", "x"),)},
        {"others": (("63", "x"),)},
        {"country": "china"},
        {"language": OtherLanguage("zh", "\ud800")},
        {"additional": Additional()},
    ):
        with pytest.raises(MalformedCode):
            build(msgspec.structs.replace(good, **changes))


@pytest.mark.slow
@settings(max_examples=rounds(1_000))
@given(st.one_of(st.text(max_size=520), st.text(string.digits + "CNzh.", max_size=200).map(lambda s: "000201" + s)))
def test_any_text_is_read_or_refused(text: str) -> None:
    for each in (text, sealed(text.encode(errors="replace").decode() + "6304")):
        try:
            code = parse(each)
        except MalformedCode:
            continue
        assert parse(build(code)) == code


@given(codes(), st.lists(st.tuples(st.integers(0, 10_000), st.text(max_size=4)), min_size=1, max_size=4))
def test_a_mangled_code_with_a_right_checksum_is_read_or_refused(
    code: MerchantCode, edits: list[tuple[int, str]]
) -> None:
    """The checksum keeps out accidents; whoever makes a code on purpose gets past it and meets the rest."""
    try:
        body = build(code)[:-8]
    except MalformedCode:
        return
    for at, inserted in edits:
        at %= len(body) + 1
        body = body[:at] + inserted + body[at + 1 :]
    try:
        read = parse(sealed(body.encode(errors="replace").decode() + "6304"))
    except MalformedCode:
        return
    assert read.accounts

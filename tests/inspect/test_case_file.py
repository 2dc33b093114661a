"""A case file proves itself to a machine that has only the genesis, and no bit of it can be changed unseen."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest
from lxml import html

from chainpos.core.chain.block import data_hash, tx_proof
from chainpos.core.chain.header import BlockId, Header
from chainpos.core.chain.results import TxResult, result_proof, results_hash
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.values.text import is_safe
from chainpos.errors import UserFacingError
from chainpos.inspect import absence, case_container
from chainpos.inspect.case import Case, LightBlock, ProvedTransaction, encode_json
from chainpos.inspect.case_container import pack, unpack
from chainpos.inspect.case_file import make_case
from chainpos.inspect.case_html import render_case
from chainpos.inspect.case_open import _Opening, open_case
from chainpos.inspect.case_telling import fault_of_telling
from chainpos.inspect.source import StoreSource
from chainpos.inspect.timeline import BOOK, Moment
from chainpos.inspect.words import words_in
from chainpos.pilot.genesis import till_key
from chainpos.store.chain import ChainReader
from tests.console.screens.test_hostile_text import CORPUS
from tests.inspect.recorded import first_place
from tests.inspect.short_day import ShortDay


def _word(day: StoreSource, name: str = "", kind: str = "") -> str:
    height, index = first_place(day, name, kind)
    found = day.found(height)
    assert found is not None
    told = {each.key: each.value for event in found.results[index].events for each in event.attributes}
    return told.get("request") or told.get("reference") or told["payment"]


@pytest.fixture(scope="module")
def paid_case(day_database: Path) -> tuple[bytes, bytes]:
    with ChainReader.open(day_database) as reader:
        source = StoreSource(reader, "day")
        return make_case(source, _word(source, kind="payments.paid")), source.genesis_json()


_KINDS = [
    ("", "payments.paid"), ("", "refunds.refunded"), ("", "payments.cancelled"), ("underpaid", ""),
    ("insufficient_funds", ""), ("already_paid", ""), ("frozen_account", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), _KINDS)
def test_ux32_a_case_is_the_same_bytes_and_verifies(day: StoreSource, name: str, kind: str) -> None:
    word = _word(day, name, kind)
    packed = make_case(day, word, as_of=day.span().tip - 1)
    assert make_case(day, word) == packed
    opened = open_case(packed, day.genesis_json())
    assert [check for check in opened.checks if not check.holds] == []
    assert opened.verified
    assert opened.case is not None
    assert opened.case.trace is not None


def _spans(packed: bytes) -> dict[str, range]:
    """Where in a case each part's content is."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        begins = {each.filename: each.header_offset + 30 + len(each.filename) for each in archive.infolist()}
        return {each.filename: range(at := begins[each.filename], at + each.file_size) for each in archive.infolist()}


@pytest.mark.slow
def test_ux32_a_case_is_the_same_bytes_in_another_process_with_other_hashes(
    day_database: Path, paid_case: tuple[bytes, bytes]
) -> None:
    script = (
        "import sys; from pathlib import Path; from chainpos.store.chain import ChainReader;"
        "from chainpos.inspect.source import StoreSource; from chainpos.inspect.case_file import make_case;"
        "source = StoreSource(ChainReader.open(Path(sys.argv[1])), 'elsewhere');"
        "sys.stdout.buffer.write(make_case(source, sys.argv[2]))"
    )
    with ChainReader.open(day_database) as reader:
        word = _word(StoreSource(reader, "day"), kind="payments.paid")
    for seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", script, str(day_database), word],
            capture_output=True, check=True, timeout=600, env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert ran.stdout == paid_case[0]


def test_ux32_each_flipped_bit_is_detected_and_named(paid_case: tuple[bytes, bytes]) -> None:
    packed, genesis = paid_case
    draw = random.Random(6)
    places = [draw.randrange(len(packed) * 8) for _ in range(150)]
    # Every byte of the zip's own bookkeeping at its end, too.
    places += [8 * at + draw.randrange(8) for at in range(len(packed) - 400, len(packed))]
    spans = _spans(packed)
    for place in places:
        damaged = bytearray(packed)
        damaged[place // 8] ^= 1 << (place % 8)
        opened = open_case(bytes(damaged), genesis)
        assert not opened.verified
        inside = [name for name, span in spans.items() if place // 8 in span]
        # Between the parts is what the zip keeps of each of them.
        assert opened.checks[-1].name in (inside or ["container", *spans])
        assert opened.checks[-1].detail


@pytest.mark.slow
def test_ux32_every_flipped_byte_is_detected(paid_case: tuple[bytes, bytes]) -> None:
    packed, genesis = paid_case
    for at in range(len(packed)):
        damaged = packed[:at] + bytes((packed[at] ^ 0x10,)) + packed[at + 1 :]
        assert not open_case(damaged, genesis).verified


def _forged(packed: bytes, **changes: object) -> bytes:
    """A liar's file: changed, and then made whole again."""
    parts = unpack(packed)
    case = msgspec.structs.replace(msgspec.json.decode(parts["case.json"], type=Case), **changes)
    return pack({**parts, "case.json": encode_json(case), "case.html": render_case(case)})


def test_ux32_a_liar_who_makes_the_file_whole_again_is_refused_by_proof(paid_case: tuple[bytes, bytes]) -> None:
    packed, genesis = paid_case
    case = msgspec.json.decode(unpack(packed)["case.json"], type=Case)
    assert case.trace is not None
    first, record, moment = case.transactions[0], case.records[0], case.timeline.moments[-1]
    replace = msgspec.structs.replace

    def faults(**changes: object) -> set[str]:
        opened = open_case(_forged(packed, **changes), genesis)
        assert not opened.verified
        return {check.name.split(" ")[0] for check in opened.checks if not check.holds}

    assert "transaction" in faults(transactions=(replace(first, wire=first.wire + b"x"), *case.transactions[1:]))
    refused = replace(first, result=replace(first.result, code=504))
    assert "transaction" in faults(transactions=(refused, *case.transactions[1:]))
    assert "record" in faults(records=(replace(record, value=b"\x91\x01"), *case.records[1:]))
    assert "record" in faults(witness=(replace(case.witness[0], value=b"\x91\x01"), *case.witness[1:]))
    assert "trace" in faults(trace=replace(case.trace, gas=1))
    late = replace(moment, time_ns=moment.time_ns + 1)
    assert "timeline" in faults(timeline=replace(case.timeline, moments=(*case.timeline.moments[:-1], late)))
    assert "request" in faults(records=())
    assert "request" in faults(as_of=case.as_of - 1)
    assert "genesis" in faults(genesis_sha256=bytes(32))


@pytest.mark.parametrize(("name", "kind"), [("insufficient_funds", ""), ("", "payments.paid")])
def test_no_word_of_a_case_is_believed_because_it_is_written(day: StoreSource, name: str, kind: str) -> None:
    packed = make_case(day, _word(day, name, kind))
    case = msgspec.json.decode(unpack(packed)["case.json"], type=Case)
    story, replace = case.timeline, msgspec.structs.replace

    def holds(**changes: object) -> bool:
        return not fault_of_telling(replace(case, **changes))

    def with_moment(at: int, **changes: object) -> object:
        moments = [*story.moments]
        moments[at] = replace(moments[at], **changes)
        return replace(story, moments=tuple(moments))

    assert holds()
    for at, moment in enumerate(story.moments):
        assert not holds(timeline=with_moment(at, detail="999,999.00 CNY from somebody")), moment.stage
        stage = "refunded" if moment.stage == "paid" else "paid"
        assert not holds(timeline=with_moment(at, stage=stage, code=0)), moment.stage
    for changed in ({"money": "paid_out"}, {"merchant": "OTHER"}, {"reference": "OTHER"}):
        assert not holds(timeline=replace(story, **changed)), changed
    assert not holds(reference="OTHER")
    assert not holds(left_out=())
    unpaid = absence.unpaid(case.as_of, "x")
    untrue = unpaid if kind else replace(unpaid, sentence_en="Paid in full.")
    assert not holds(timeline=replace(story, absences=(untrue,)))
    book = Moment(stage="paid", time_ns=1, source=BOOK, evidence="fact of sale 1", height=1)
    assert holds(timeline=replace(story, moments=(*story.moments, book))) is bool(kind)
    opened = open_case(_forged(packed, timeline=with_moment(-1, detail="nothing")), day.genesis_json())
    assert [check.name for check in opened.checks if not check.holds] == ["telling"]


@pytest.mark.slow
def test_every_payment_s_case_of_a_day_verifies_at_its_end_and_before(day: StoreSource) -> None:
    words = {_word(day, name, kind) for name, kind in _KINDS}
    tip = day.span().tip
    for word in sorted(words):
        for as_of in (tip - 1, tip // 2, 20):
            opened = open_case(make_case(day, word, as_of=as_of), day.genesis_json())
            assert [(check.name, check.detail) for check in opened.checks if not check.holds] == []


def test_however_often_a_payment_was_refunded_its_case_proves_each_refund(tmp_path: Path) -> None:
    day, often = ShortDay(tmp_path / "chain.db"), 45
    try:
        shop, customer = day.city.merchants[0], day.city.customers[0]
        sale = day.hands.request(shop, 5_000, "OFTEN", day.now_s)
        day.block(day.hands.pay(sale, customer, day.now_s))
        refunds = [Refund(sale.signed.id, 10, f"R{at}", "goods returned") for at in range(often)]
        day.block(*(day.sign(till_key(shop.merchant), "refunds.refund", refund) for refund in refunds))
        source = day.source()
        opened = open_case(make_case(source, "OFTEN"), source.genesis_json())
    finally:
        day.close()
    assert [(check.name, check.detail) for check in opened.checks if not check.holds] == []
    assert opened.case is not None
    assert [moment.stage for moment in opened.case.timeline.moments].count("refunded") == often


def test_forged_headers_are_refused(paid_case: tuple[bytes, bytes]) -> None:
    packed, genesis = paid_case
    parts = unpack(packed)
    headers = msgspec.json.decode(parts["headers.json"], type=list[LightBlock])
    parts["headers.json"] = encode_json(headers[:-1])
    assert not open_case(pack(parts), genesis).verified
    swapped = msgspec.structs.replace(headers[0], commit=headers[1].commit)
    parts["headers.json"] = encode_json([swapped, *headers[1:]])
    opened = open_case(pack(parts), genesis)
    assert "headers" in {check.name for check in opened.checks if not check.holds}


def test_another_networks_genesis_proves_nothing(paid_case: tuple[bytes, bytes]) -> None:
    packed, genesis = paid_case
    opened = open_case(packed, genesis.replace(b"chainpos-pilot-day", b"chainpos-pilot-nyt"))
    assert not opened.verified
    # It is said once, with both names, instead of as a wrong line for each proof.
    (check,) = opened.checks
    assert (opened.elsewhere, check.holds, check.name) == (True, False, "genesis")
    assert "it names chainpos-pilot-day, genesis " in check.detail
    assert "this network is chainpos-pilot-nyt, genesis " in check.detail
    assert "文件自称属于 chainpos-pilot-day" in words_in("zh").told(check.detail)
    assert not open_case(packed, genesis).elsewhere


@pytest.mark.parametrize("junk", [b"", b"PK", b"x" * 1_000, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_case_file_is_named(junk: bytes) -> None:
    opened = open_case(junk, b"{}")
    assert not opened.verified
    assert opened.checks


def test_a_container_holds_a_bounded_number_of_parts() -> None:
    packed = pack({f"{at}.txt": b"" for at in range(case_container.MAX_PARTS + 1)})
    assert open_case(packed, b"{}").checks[0].name == "container"


def test_ux32_the_page_escapes_whatever_it_shows(paid_case: tuple[bytes, bytes]) -> None:
    case = msgspec.json.decode(unpack(paid_case[0])["case.json"], type=Case)
    evil = "<script>alert(1)</script>\x1b[2J\u202e\"'&"
    moments = (msgspec.structs.replace(case.timeline.moments[0], detail=evil, evidence=evil, stage=evil),)
    story = msgspec.structs.replace(case.timeline, moments=moments, merchant=evil)
    page = render_case(msgspec.structs.replace(case, reference=evil, timeline=story, left_out=(evil,))).decode()
    assert "<script" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page
    for tag in ("<a ", "<img", "<link", "<iframe", "src=", "href=", "javascript:"):
        assert tag not in page


def _said_in(value: object, text: str) -> object:
    """The same value with the text in place of every word of it."""
    if isinstance(value, str):
        return text
    if isinstance(value, tuple):
        return type(value)(_said_in(each, text) for each in value)
    if isinstance(value, msgspec.Struct):
        fields = {name: _said_in(getattr(value, name), text) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    return value


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if "huge" in name else name for name in CORPUS]
)
def test_hostile_text_in_every_word_of_a_case_leaves_its_page_as_it_is(
    paid_case: tuple[bytes, bytes], name: str
) -> None:
    case = msgspec.json.decode(unpack(paid_case[0])["case.json"], type=Case)
    pages = [html.document_fromstring(render_case(each)) for each in (case, _said_in(case, CORPUS[name]))]  # type: ignore[arg-type]
    plain, evil = ([each.tag for each in page.iter()] for page in pages)
    assert evil == plain
    for part in pages[1].find("body").itertext():
        assert is_safe(part.replace("\n", "")), ascii(part)


def test_nothing_is_proved_before_the_next_header(day: StoreSource) -> None:
    word = _word(day, kind="payments.paid")
    with pytest.raises(UserFacingError):
        make_case(day, word, as_of=day.span().tip)
    with pytest.raises(UserFacingError):
        make_case(day, "NOTHING-LIKE-IT")


def test_a_transaction_is_not_told_with_its_neighbours_result() -> None:
    """Its proof in a tree of three fits one of two, at the place of the one before, whose result is proved as well."""
    txs, results = (b"first", b"second", b"third"), (TxResult(), TxResult(), TxResult(code=501))
    headers = [
        Header(
            11,
            1,
            "case",
            height,
            0,
            BlockId(),
            b"",
            data_hash(txs),
            b"",
            b"",
            b"",
            b"",
            results_hash(results),
            b"",
            b"",
        )
        for height in (1, 2)
    ]
    opening = _Opening(None, (), b"")  # type: ignore[arg-type]
    opening._headers.update({header.height: header for header in headers})
    forged = msgspec.structs.replace(tx_proof(txs, 2), total=2, index=1)
    told = ProvedTransaction("payment", 1, 1, b"third", forged.encode(), results[1], result_proof(results, 1).encode())
    assert opening._included(told) == ""
    assert opening._result(told) == "the next header commits to another result"
    honest = ProvedTransaction(
        "payment", 1, 2, b"third", tx_proof(txs, 2).encode(), results[2], result_proof(results, 2).encode()
    )
    assert (opening._included(honest), opening._result(honest)) == ("", "")

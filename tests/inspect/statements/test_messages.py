"""Bank files: valid by their schemas, the same bytes each time, their sums the ledger's, and no cell that acts."""

from __future__ import annotations

import csv
import io
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.text import clean, is_safe
from chainpos.errors import UserFacingError
from chainpos.inspect.source import StoreSource
from chainpos.inspect.statements.account import Entry, Holder, Statement
from chainpos.inspect.statements.blocks import digits, reference
from chainpos.inspect.statements.camt053 import camt053
from chainpos.inspect.statements.files import Asked, Made, make_file
from chainpos.inspect.statements.period import Period, cycle_period, day_period
from chainpos.inspect.statements.schema import (
    CAMT_053,
    PACS_004,
    PACS_009,
    PAIN_001,
    encode_message,
    restrictions,
    schema_document,
)
from chainpos.inspect.statements.table import cell, statement_table
from tests.console.screens.test_hostile_text import CORPUS

DAY = "2026-03-02"
SCHEMAS = "CHAINPOS_ISO20022_SCHEMAS"
FILES = [
    (CAMT_053, "camt053", {"merchant": "HF01"}),
    (CAMT_053, "camt053", {"institution": "chaohubank"}),
    (PAIN_001, "pain001", {"institution": "ludaobank"}),
    (PAIN_001, "pain001", {"merchant": "HF04"}),
    (PACS_009, "pacs009", {}),
    (PACS_009, "pacs009", {"institution": "qingshanpay"}),
    (PACS_004, "pacs004", {"institution": "chaohubank"}),
]


def made(day: StoreSource, form: str, whose: dict[str, str]) -> Made:
    return make_file(day, Asked(period=day_period(day, DAY), format=form, currency="CNY", **whose))


def amounts(content: bytes, path: str) -> list[int]:
    """The amounts at a path, in minor units of a currency with two of them."""
    root = etree.fromstring(content)
    found = root.iterfind(".//" + "/".join(f"{{*}}{part}" for part in path.split("/")))
    return [int(Decimal(each.text) * 100) for each in found]


@pytest.mark.parametrize(("message", "form", "whose"), FILES)
def test_a_message_reads_back_strictly_as_its_schema_has_it(
    day: StoreSource, message: str, form: str, whose: dict[str, str]
) -> None:
    from xsdata.formats.dataclass.parsers import XmlParser
    from xsdata.formats.dataclass.parsers.config import ParserConfig
    from xsdata.formats.dataclass.serializers import XmlSerializer
    from xsdata.formats.dataclass.serializers.config import SerializerConfig

    content = made(day, form, whose).content
    strict = ParserConfig(
        fail_on_unknown_properties=True, fail_on_unknown_attributes=True, fail_on_converter_warnings=True
    )
    document = XmlParser(config=strict).from_bytes(content, schema_document(message))
    assert list(restrictions(document)) == []
    again = XmlSerializer(config=SerializerConfig(indent="  ")).render(
        document, ns_map={None: f"urn:iso:std:iso:20022:tech:xsd:{message}"}
    )
    assert again.encode() == content


@pytest.mark.parametrize(("message", "form", "whose"), FILES)
def test_a_message_is_valid_by_the_published_schema(
    day: StoreSource, message: str, form: str, whose: dict[str, str]
) -> None:
    schema = published(message)
    assert schema.validate(etree.fromstring(made(day, form, whose).content)), schema.error_log


def published(message: str) -> Any:
    found = sorted(Path(os.environ[SCHEMAS]).rglob(f"{message}.xsd")) if SCHEMAS in os.environ else []
    if not found:
        pytest.skip(f"{message}.xsd is not under ${SCHEMAS}")
    return etree.XMLSchema(etree.parse(found[0]))


@pytest.mark.parametrize(("message", "form", "whose"), FILES)
def test_the_same_chain_gives_the_same_bytes(day: StoreSource, message: str, form: str, whose: dict[str, str]) -> None:
    assert made(day, form, whose).content == made(StoreSource(day.reader, "again"), form, whose).content


def test_the_sums_in_a_statement_are_the_ledgers(day: StoreSource) -> None:
    for whose in ({"merchant": "HF01"}, {"institution": "chaohubank"}):
        file = made(day, "camt053", whose)
        assert file.statement is not None
        statement = file.statement
        assert amounts(file.content, "Bal/Amt") == [
            statement.opening_minor, statement.closing_minor, statement.available_minor,
        ]  # fmt: skip
        assert amounts(file.content, "TtlCdtNtries/Sum") == [statement.came_minor]
        assert amounts(file.content, "TtlDbtNtries/Sum") == [statement.went_minor]
        assert amounts(file.content, "Ntry/Amt") == [abs(entry.amount_minor) for entry in statement.entries]


def test_the_control_sums_are_the_sums_of_the_transfers(day: StoreSource) -> None:
    payouts = made(day, "pain001", {"institution": "chaohubank"}).content
    each = amounts(payouts, "InstdAmt")
    assert each
    assert amounts(payouts, "GrpHdr/CtrlSum") == [sum(each)]
    legs = made(day, "pacs009", {})
    each = amounts(legs.content, "CdtTrfTxInf/IntrBkSttlmAmt")
    assert amounts(legs.content, "GrpHdr/TtlIntrBkSttlmAmt") == [sum(each)]
    assert sum(each) == 2 * sum(netting.moved_minor for netting in legs.nettings)
    returned = made(day, "pacs004", {"institution": "chaohubank"}).content
    assert amounts(returned, "GrpHdr/CtrlSum") == [sum(amounts(returned, "RtrdIntrBkSttlmAmt"))]


def test_a_message_about_nothing_is_refused_in_a_sentence(day: StoreSource) -> None:
    for form, whose in (("pacs004", {"merchant": "HF02"}), ("pain001", {"merchant": "HF02"})):
        with pytest.raises(UserFacingError, match=r"in CNY/3, so there is nothing to write a file about"):
            make_file(day, Asked(period=cycle_period(day, "CNY", 3), format=form, currency="CNY", **whose))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"format": "mt940", "merchant": "HF01"}, "no format 'mt940'"),
        ({"format": "camt053"}, "Whose file was not said"),
        ({"format": "camt053", "merchant": "HF01", "institution": "ludaobank"}, "both named"),
        ({"format": "pacs009", "merchant": "HF01"}, "between institutions"),
    ],
)
def test_what_makes_no_sense_is_refused(day: StoreSource, asked: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserFacingError, match=sentence):
        make_file(day, Asked(period=cycle_period(day, "CNY", 3), currency="CNY", **asked))


def small_pain(**changed: Any) -> dict[str, Any]:
    transfer = {
        "PmtId": {"EndToEndId": "A-1"}, "Amt": {"InstdAmt": {"value": "1.50", "Ccy": "CNY"}},
        "Cdtr": {"Nm": "Shop"}, "CdtrAcct": {"Id": {"Othr": {"Id": "1"}}},
    }  # fmt: skip
    payment = {
        "PmtInfId": "1", "PmtMtd": "TRF", "ReqdExctnDt": {"Dt": DAY}, "Dbtr": {"Nm": "Bank"},
        "DbtrAcct": {"Id": {"Othr": {"Id": "2"}}}, "DbtrAgt": {"FinInstnId": {"Nm": "Bank"}},
        "CdtTrfTxInf": [transfer | changed.pop("transfer", {})],
    }  # fmt: skip
    header = {"MsgId": "M", "CreDtTm": "2026-03-02T01:00:00Z", "NbOfTxs": "1", "InitgPty": {"Nm": "Bank"}}
    return {"CstmrCdtTrfInitn": {"GrpHdr": header | changed, "PmtInf": [payment]}}


def test_a_small_message_is_valid() -> None:
    assert b"<EndToEndId>A-1</EndToEndId>" in encode_message(PAIN_001, small_pain())


@pytest.mark.parametrize(
    "changed",
    [
        {"MsgId": "M" * 36},
        {"MsgId": ""},
        {"MsgId": None},
        {"NbOfTxs": "one"},
        {"CreDtTm": "yesterday"},
        {"CtrlSum": "1.123456789012345678"},
        {"Colour": "red"},
        {"transfer": {"Amt": {"InstdAmt": {"value": "-1.50", "Ccy": "CNY"}}}},
        {"transfer": {"Amt": {"InstdAmt": {"value": "1.50", "Ccy": "cny"}}}},
        {"transfer": {"Amt": {"InstdAmt": {"value": "92233720368547758.07", "Ccy": "CNY"}}}},
        {"transfer": {"Amt": {}}},
        {"transfer": {"CdtrAcct": {"Id": {"IBAN": "DE89370400440532013000", "Othr": {"Id": "1"}}}}},
        {"transfer": {"RmtInf": {"Ustrd": ["x" * 141]}}},
    ],
)
def test_a_tree_that_its_schema_does_not_allow_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(UserFacingError, match=r"cannot be said in a pain\.001"):
        encode_message(PAIN_001, small_pain(**changed))


@given(st.text(max_size=80))
def test_a_reference_fits_and_two_long_ones_stay_apart(text: str) -> None:
    assert 1 <= len(reference(text)) <= 35
    assert reference("r" * 40 + text) != reference("r" * 40 + text + "x")


@given(minor=st.integers(0, 2**63 - 1), code=st.sampled_from(sorted(CURRENCIES)))
def test_an_amount_is_written_in_its_currencys_decimal_places(minor: int, code: str) -> None:
    assert Decimal(digits(minor, code)).scaleb(CURRENCIES[code].exponent) == minor


@pytest.mark.parametrize("text", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", " =1", "|calc", "＝1"])
def test_text_that_a_spreadsheet_would_run_is_only_text(text: str) -> None:
    assert cell(text) == f"'{text.lstrip(chr(9))}", "without its control characters, and quoted"


def test_the_table_begins_and_ends_with_the_balance_and_adds_up(day: StoreSource) -> None:
    file = made(day, "csv", {"merchant": "HF01"})
    rows = list(csv.DictReader(io.StringIO(file.content.decode(), newline="")))
    assert (rows[0]["kind"], rows[-1]["kind"]) == ("opening", "closing")
    balance = Decimal(rows[0]["balance"])
    for row in rows[1:-1]:
        balance += Decimal(row["amount"])
        assert Decimal(row["balance"]) == balance
        assert Decimal(row["gross"]) - Decimal(row["fee"]) == Decimal(row["amount"])
    assert Decimal(rows[-1]["balance"]) == balance
    assert file.statement is not None
    assert int(balance * 100) == file.statement.closing_minor


@pytest.mark.parametrize("name", CORPUS)
def test_hostile_names_and_references_leave_a_statement_whole_in_every_form(name: str) -> None:
    text = clean(CORPUS[name])  # as a statement is read from the ledger
    entry = Entry(1, 5, 0, "AB" * 32, "payment", text, 5, 6, 1, "chaohubank", text, 5)
    statement = Statement(
        chain_id="c", holder=Holder("merchant", "HF01", text, text, "ludaobank", text), currency="CNY",
        period=Period(DAY, 1, 9, 0, 10**18, is_over=True), opening_minor=0, closing_minor=5, available_minor=5,
        pending_minor=0, requested_minor=0, entries=(entry,),
    )  # fmt: skip
    root = etree.fromstring(camt053(statement))
    assert all(is_safe((each.text or "").strip()) for each in root.iter())
    rows = list(csv.reader(io.StringIO(statement_table(statement).decode(), newline="")))
    assert [len(row) for row in rows] == [len(rows[0])] * 4
    assert all(is_safe(part) for row in rows for part in row)

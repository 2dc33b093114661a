"""A shift as CSV: every movement a row, numbers that a spreadsheet adds, and nothing that it would run."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from pathlib import Path

import msgspec
import pytest

from chainpos.core.checkout.reconciling import PAYMENT, REFUND, Entry, reconcile
from chainpos.core.checkout.takings import NO_RATE, Drawn, Taxed, Tendered, by_rate, takings
from chainpos.core.checkout.z_report import SignedReport, ZReport, encode_file, encode_report
from chainpos.errors import UserFacingError
from chainpos.till.shift_export import COLUMNS, TAX_COLUMNS, plain_cell, shift_csv, tax_csv, write_exports


def report(reason: str = "milk", staff: str = "Mei") -> ZReport:
    ledger = [
        Entry(kind=PAYMENT, id="a", reference="S1", amount_minor=1_000, tip_minor=50, fee_minor=4, where="pending"),
        Entry(kind=REFUND, id="b", reference="S1/R1", amount_minor=300, fee_minor=1, where="pending"),
    ]
    book = [msgspec.structs.replace(each, tip_minor=0, staff=staff) for each in ledger]
    lines = reconcile(book, ledger)
    tendered = (Tendered(kind="cash", reference="B1", amount_minor=700, time_s=0, returned=True, staff=staff),)
    drawn = (Drawn(kind="out", amount_minor=100, reason=reason, time_s=0, staff=staff),)
    return ZReport(
        chain_id="c", merchant="TEAHOUSE", till="ab" * 32, sequence=1, previous="", currency="CNY", opened_s=0,
        opened_by=staff, closed_s=1, closed_by=staff, from_height=0, to_height=1, utc_offset_s=0, float_minor=0,
        counted_minor=0, lines=lines, tendered=tendered, taxed=(), drawn=drawn, requests=(),
        takings=takings(lines, tendered, (), drawn, float_minor=0, counted_minor=0), differences=(),
    )  # fmt: skip


def rows(made: ZReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(shift_csv(made).decode("utf-8-sig"))))


def test_every_movement_is_a_row_with_a_signed_net() -> None:
    found = rows(report())
    assert [(row["kind"], row["tender"], row["net"]) for row in found] == [
        ("payment", "ledger", "10.46"),
        ("refund", "ledger", "-2.99"),
        ("refund", "cash", "-7.00"),
        ("cash_out", "cash", "-1.00"),
    ]
    assert all(len(row) == len(COLUMNS) for row in found)


@pytest.mark.parametrize(
    "hostile",
    ["=1+1", "+1", "-1", "@SUM(A1)", "  =cmd|' /C calc'!A0", "＝1+1", "\t=1", "=\x1b[31m1", "\u202e=1", "\r\n=1"],
)
def test_no_cell_of_outside_text_begins_a_formula_or_breaks_a_row(hostile: str) -> None:
    assert not plain_cell(hostile).lstrip().startswith(("=", "+", "-", "@", "＝"))
    found = rows(report(hostile, hostile))
    assert len(found) == 4
    for row in found:
        for name in ("reference", "staff"):
            assert not row[name].lstrip().startswith(("=", "+", "-", "@", "＝"))
            assert row[name].isprintable()


def test_the_tax_table_has_a_row_a_rate_with_what_was_charged_and_what_went_back() -> None:
    taxed = (
        Taxed(NO_RATE, 500, 0), Taxed(65_000, 2_550, 144), Taxed(130_000, 1_200, 138), Taxed(130_000, -600, -69),
    )  # fmt: skip
    made = msgspec.structs.replace(report(), taxed=taxed)
    found = list(csv.reader(io.StringIO(tax_csv(made).decode("utf-8-sig"))))
    assert found == [
        [*TAX_COLUMNS],
        ["", "5.00", "0.00", "", "", "CNY"],
        ["6.5", "25.50", "1.44", "0.00", "0.00", "CNY"],
        ["13", "12.00", "1.38", "6.00", "0.69", "CNY"],
    ]


@pytest.mark.parametrize(
    ("taxed", "cash", "rows"),
    [
        # All of the sales were keyed: so was what went back.
        ((Taxed(NO_RATE, 1_000, 0),), False, [["", "10.00", "0.00", "3.00", "0.00", "CNY"]]),
        # All that went back is told at its rate.
        (
            (Taxed(NO_RATE, 500, 0), Taxed(130_000, -300, -35)),
            False,
            [["", "5.00", "0.00", "0.00", "0.00", "CNY"], ["13", "0.00", "0.00", "3.00", "0.35", "CNY"]],
        ),
        # Some of it may be of bills: nobody knows, and no figure says otherwise.
        ((Taxed(NO_RATE, 500, 0),), True, [["", "5.00", "0.00", "", "", "CNY"]]),
        ((), True, [["", "0.00", "0.00", "", "", "CNY"]]),
    ],
)
def test_refunds_of_keyed_sales_stand_in_the_exported_table_or_their_cell_is_empty(
    taxed: tuple[Taxed, ...], cash: bool, rows: list[list[str]]
) -> None:
    made = report()
    made = msgspec.structs.replace(made, taxed=taxed, tendered=made.tendered if cash else ())
    _, *found = csv.reader(io.StringIO(tax_csv(made).decode("utf-8-sig")))
    assert found == rows


@pytest.mark.parametrize(
    ("taxed", "figures"),
    [
        ((Taxed(130_000, 1_200, 138), Taxed(130_000, 600, 69)), ["12.00", "1.38", "-6.00", "-0.69"]),
        ((Taxed(130_000, 1_200, 138), Taxed(130_000, 0, -1)), ["12.00", "1.38", "0.00", "0.01"]),
        ((Taxed(130_000, 0, -1),), ["0.00", "0.00", "0.00", "0.01"]),
        ((Taxed(130_000, 0, 1),), ["0.00", "0.01", "0.00", "0.00"]),
        ((Taxed(130_000, 600, 69),), ["6.00", "0.69", "0.00", "0.00"]),
        ((Taxed(130_000, 0, 0), Taxed(130_000, 600, 69)), ["0.00", "0.00", "-6.00", "-0.69"]),
        ((Taxed(130_000, -600, -69),), ["0.00", "0.00", "6.00", "0.69"]),
    ],
)
def test_what_mends_an_earlier_report_is_no_charge_and_every_figure_is_a_number(
    taxed: tuple[Taxed, ...], figures: list[str]
) -> None:
    made = msgspec.structs.replace(report(), taxed=taxed)
    row = next(row for row in csv.reader(io.StringIO(tax_csv(made).decode("utf-8-sig"))) if row[0] == "13")
    assert row == ["13", *figures, "CNY"]
    (net,) = by_rate(taxed)
    charged, tax, back, tax_back = (round(float(each) * 100) for each in figures)
    assert (charged - back, tax - tax_back) == (net.due_minor, net.tax_minor)


def exported(made: ZReport, folder: Path, proof: str = "") -> dict[str, bytes]:
    document = encode_report(made)
    file = encode_file(SignedReport(made, document, hashlib.sha512(document).digest()), proof)
    return {path.name: path.read_bytes() for path in write_exports(made, file, folder)}


def test_no_export_writes_over_another_report_of_the_same_number_or_a_table_that_somebody_changed(
    tmp_path: Path,
) -> None:
    first = exported(report(), tmp_path)
    with pytest.raises(UserFacingError, match="another content: nothing was written"):
        exported(msgspec.structs.replace(report(), closed_s=2), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
    table = tmp_path / next(name for name in first if name.endswith("-tax.csv"))
    table.write_bytes(b"checked by Li\n")
    with pytest.raises(UserFacingError, match=re.escape(str(table))):
        exported(report(), tmp_path, "cHJvb2Y=")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first | {table.name: b"checked by Li\n"}


def test_a_report_is_exported_again_with_its_proof_and_keeps_it_when_the_node_gives_none(tmp_path: Path) -> None:
    assert exported(report(), tmp_path) == exported(report(), tmp_path)
    proved = exported(report(), tmp_path, "cHJvb2Y=")
    assert b"cHJvb2Y=" in proved["TEAHOUSE-abababab-Z0001.json"]
    assert exported(report(), tmp_path) == proved

"""A shift's report on paper: its figures, what does not agree, and that an X report is not the last word."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.checkout.receipt import Seller, width
from chainpos.core.values.amount import Amount
from chainpos.store.shop import ShopBook
from chainpos.till import paper
from chainpos.till.counter import Till
from chainpos.till.home import TillSettings
from chainpos.till.receipt_files import lines_bytes
from chainpos.till.shift_slip import report_slip, slip_name
from chainpos.till.shift_views import DifferenceView, Figure, ShiftView, difference_sentence
from tests.node.conftest import validator_home

from .conftest import signing_key

NOON_NS = 1_772_431_407 * 10**9
SELLER = Seller("TEAHOUSE", "Tea house", "茶馆", "testnet-1", 8 * 3_600)


def cny(minor: int) -> Amount:
    return Amount(minor, "CNY")


OPEN = ShiftView(
    number=3, currency="CNY", opened_ns=NOON_NS, opened_by="Mei 梅", float_amount=cny(20_000), received=cny(15_800),
    returned=cny(4_000), tips=cny(150), fees_minor=33, net_minor=11_767, put_in=cny(500), taken_out=cny(1_200),
    expected_minor=22_600,
    by_tender=(Figure("cash", cny(3_300), cny(0), 1), Figure("ledger", cny(12_500), cny(4_000), 2)),
    by_tax=(Figure("60000", cny(3_300), cny(0), 0, 187),),
)  # fmt: skip
CLOSED = msgspec.structs.replace(
    OPEN, closed_ns=NOON_NS + 3_600 * 10**9, closed_by="Wang\x1b[2J", counted=cny(22_500), digest="ab" * 32,
    differences=(DifferenceView("", 22_600, 22_500, difference_sentence("cash_short")),),
)  # fmt: skip


@pytest.mark.parametrize("columns", [24, 32, 48])
def test_a_z_report_on_paper_has_its_figures_its_differences_and_its_hash(columns: int) -> None:
    lines = report_slip(CLOSED, SELLER, columns, at_ns=0)
    shown = "\n".join(lines)
    for part in (
        "茶馆", "Z REPORT", "158.00 CNY", "-40.00 CNY", "-0.33 CNY", "117.67 CNY", "Cash 现金 x1", "85.00 CNY",
        "226.00 CNY", "225.00 CNY", "-1.00 CNY", "1.87 CNY", "钱箱现金少于应有金额", "abababab",
        "Not on the ledger yet",
    ):  # fmt: skip
        assert part in shown or part in shown.replace("\n", " ")
    assert "! Less cash in the drawer" in shown.replace("\n", " ")
    assert "\x1b" not in shown
    assert "agree" not in shown
    assert max(width(line) for line in lines) <= columns
    assert slip_name(CLOSED) == "Z0003"


@pytest.mark.parametrize("columns", [24, 32, 48])
def test_tax_that_refunds_gave_back_stands_below_the_tax_of_its_rate(columns: int) -> None:
    view = msgspec.structs.replace(OPEN, by_tax=(Figure("60000", cny(1_060), cny(3_180), 0, -120, 180),))
    lines = report_slip(view, SELLER, columns, at_ns=0)
    # On narrow paper words move to the next line.
    shown = "".join("".join(lines).split())
    assert "Tax税6%-1.20CNYofitback其中退款6%-1.80CNY" in shown
    assert max(width(line) for line in lines) <= columns


def test_an_anchored_report_names_its_block_and_a_copy_says_that_it_is_one() -> None:
    view = msgspec.structs.replace(CLOSED, differences=(), anchor_height=1_190)
    shown = "\n".join(report_slip(view, SELLER, 48, at_ns=0, copy=2))
    for part in ("COPY 副本 2", "block 1190", "Book, ledger and settlement agree."):
        assert part in shown


def test_an_x_report_says_when_it_was_made_and_that_it_is_not_final() -> None:
    shown = "\n".join(report_slip(OPEN, SELLER, 48, at_ns=NOON_NS + 60 * 10**9))
    for part in ("X REPORT", "2026-03-02 14:04:27", "NOT FINAL"):
        assert part in shown
    assert "Counted" not in shown
    assert slip_name(OPEN) == "X0003"


async def test_a_report_that_is_saved_stands_over_no_other_tills_and_no_earlier_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As text, which can be read here; a PDF is a picture of the same lines.
    monkeypatch.setattr(paper, "lines_bytes", lambda _, lines, columns: lines_bytes(".txt", lines, columns))
    genesis, saved = load_genesis(validator_home(tmp_path / "validator")), tmp_path / "saved"
    names = []
    for number, (key, view) in enumerate([("one", CLOSED), ("two", CLOSED), ("two", OPEN)]):
        book = ShopBook(tmp_path / f"{number}.db")
        till = Till(TillSettings("TEAHOUSE", "127.0.0.1:1", "CNY"), genesis, signing_key(key), book)
        names += [(await till.paper.save_report(view, saved)).name for _ in range(2)]
        await till.stop()
    one, two = (signing_key(key).public_key.hex()[:8] for key in ("one", "two"))
    assert names[:4] == [
        f"TEAHOUSE-{key}-Z0003{copy}.pdf" for key in (one, two) for copy in ("", "-copy-1")
    ]  # fmt: skip
    assert len({path.name for path in saved.iterdir()}) == len(set(names)) == 6
    assert "COPY 副本 1" in (saved / names[1]).read_text(encoding="utf-8")
    assert "COPY" not in (saved / names[0]).read_text(encoding="utf-8")

"""The figures of a shift as the screens list them: tax that stayed, and what refunds gave back of it."""

from __future__ import annotations

import msgspec
import pytest

from chainpos.console.language import load_texts
from chainpos.console.widgets.shift_figures import figures_of
from chainpos.till.shift_views import Figure
from tests.console.prepared_figures import cny
from tests.console.prepared_shift import OPEN


@pytest.mark.parametrize(
    ("language", "tax", "back"),
    [("en", "Tax at 6 %", "Refunds in it, 6 %"), ("zh", "税率 6 % 税额", "其中退款税额 6 %")],
)
def test_tax_that_refunds_gave_back_is_told_below_the_tax_of_its_rate_which_may_be_negative(
    language: str, tax: str, back: str
) -> None:
    texts = load_texts(language)
    shift = msgspec.structs.replace(OPEN, by_tax=(Figure("60000", cny(1_060), cny(3_180), 0, -120, 180),))
    cells = [(label, value) for label, value, _ in figures_of(texts, shift)]
    assert cells[cells.index((tax, "-1.20")) + 1] == (back, "-1.80")
    without = msgspec.structs.replace(OPEN, by_tax=(Figure("60000", cny(1_060), cny(0), 0, 60),))
    cells = [(label, value) for label, value, _ in figures_of(texts, without)]
    assert (tax, "0.60") in cells
    assert back not in dict(cells)

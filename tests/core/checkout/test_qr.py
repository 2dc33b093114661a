"""QR modules: minimal version, level M, and readers that share no code with the writer agree on the text."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import MODE_8BIT_BYTE, MODE_ALPHA_NUM, QRData, lost_point

from chainpos.core.checkout.qr import ALPHANUMERIC, MAX_VERSION, QrTooLarge, qr_modules
from chainpos.core.checkout.qr_mask import MASKS, Modules, penalty

LINK = "HTTP://192.168.100.200:26657/P/ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _picture(modules: Modules, scale: int = 4, quiet: int = 4) -> np.ndarray:
    dark = np.array(modules, dtype=bool)
    padded = np.pad(dark, quiet)
    return np.kron(np.where(padded, 0, 255).astype(np.uint8), np.ones((scale, scale), dtype=np.uint8))


def test_a_links_code_decodes_with_two_readers() -> None:
    picture = _picture(qr_modules(LINK))
    assert [found.text for found in zxingcpp.read_barcodes(picture, try_invert=False)] == [LINK]
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == LINK


@pytest.mark.parametrize(
    ("length", "modules"), [(1, 21), (20, 21), (21, 25), (38, 25), (39, 29), (61, 29), (62, 33), (90, 33)]
)
def test_the_version_is_the_smallest_that_holds_the_text_at_level_m(length: int, modules: int) -> None:
    """Capacities of ISO/IEC 18004 for alphanumeric mode: 1-M 20, 2-M 38, 3-M 61, 4-M 90."""
    matrix = qr_modules("A" * length)
    assert len(matrix) == modules
    assert {len(row) for row in matrix} == {modules}
    (found,) = zxingcpp.read_barcodes(_picture(matrix), try_invert=False)
    assert found.ec_level == "M"


def test_a_text_beyond_the_screens_version_is_refused_unless_allowed() -> None:
    with pytest.raises(QrTooLarge):
        qr_modules("A" * 91)
    assert len(qr_modules("A" * 91, max_version=5)) == 37
    with pytest.raises(QrTooLarge):
        qr_modules("A" * 5_000, max_version=MAX_VERSION)
    with pytest.raises(QrTooLarge):
        qr_modules("")


@settings(max_examples=25, deadline=None)
@given(
    st.text(st.sampled_from(sorted(ALPHANUMERIC)), min_size=1, max_size=90).filter(lambda text: text == text.strip())
)
def test_every_alphanumeric_text_reads_back(text: str) -> None:
    (found,) = zxingcpp.read_barcodes(_picture(qr_modules(text)), try_invert=False)
    assert found.text == text


def test_text_in_chinese_reads_back() -> None:
    (found,) = zxingcpp.read_barcodes(_picture(qr_modules("收款 12.50 元")), try_invert=False)
    assert found.text == "收款 12.50 元"


def _penalty(modules: Modules) -> int:
    rows, columns = (
        int("".join("0" + "".join("01"[module] for module in line) for line in lines), 2)
        for lines in (modules, tuple(zip(*modules, strict=True)))
    )
    return penalty(rows, columns, len(modules))


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=200), st.sampled_from(MASKS))
def test_a_code_is_the_one_that_the_library_would_draw_and_each_mask_weighs_what_it_weighs_there(
    text: str, mask: int
) -> None:
    """The library counts module by module, with other code."""
    code: QRCode[object] = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    mode = MODE_ALPHA_NUM if ALPHANUMERIC.issuperset(text) else MODE_8BIT_BYTE
    code.add_data(QRData(text.encode(), mode=mode))
    code.make()
    drawn = tuple(tuple(map(bool, row)) for row in code.modules)
    assert qr_modules(text, max_version=MAX_VERSION) == drawn
    code.makeImpl(False, mask)
    assert _penalty(tuple(tuple(map(bool, row)) for row in code.modules)) == lost_point(code.modules)


@pytest.mark.parametrize(
    ("dark", "expected"),
    [
        # Runs: 2 directions of 21 lines of 21, each 19. Blocks: 400 of 3. All dark: 50 % off, ten steps of ten.
        (lambda _row, _column: True, 2 * 21 * 19 + 400 * 3 + 100),
        # A board of single squares has neither; of 441 squares 221 are dark.
        (lambda row, column: (row + column) % 2 == 0, 0),
        # Stripes: each of 21 columns is one run; 11 of 21 stripes dark is 2.4 % off, under a step.
        (lambda _row, column: column % 2 == 0, 21 * 19),
    ],
)
def test_penalties_by_hand(dark: Callable[[int, int], bool], expected: int) -> None:
    assert _penalty(tuple(tuple(dark(row, column) for column in range(21)) for row in range(21))) == expected


def test_what_looks_like_a_finder_costs_forty_on_either_side_of_four_light_modules() -> None:
    row = [False] * 21
    row[5:12] = [True, False, True, True, True, False, True]
    board = [[(row_number + column) % 2 == 0 for column in range(21)] for row_number in range(21)]
    with_finder = tuple(tuple(row if number == 10 else line) for number, line in enumerate(board))
    assert _penalty(with_finder) == lost_point([list(line) for line in with_finder])
    # Five light before it and nine after: both patterns, and two runs.
    assert _penalty(with_finder) >= 2 * 40 + 3 + 7

"""QR modules: minimal version, level M, and readers that share no code with the writer agree on the text."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpos.core.checkout.qr import ALPHANUMERIC, MAX_VERSION, Modules, QrTooLarge, qr_modules

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

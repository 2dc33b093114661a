"""The code on the screen can be read by two readers, in every theme, colour mode and language (ux 3).

Pictures are made of what the terminal is sent; readers are told not to look for inverted codes.
"""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
import zxingcpp
from PIL import Image
from rich.style import Style

from chainpos.console.resources import shipped_themes
from chainpos.console.widgets.qr_picture import QUIET, QrPicture, picture_rows, picture_size, scale_for
from chainpos.core.checkout.qr import qr_modules
from chainpos.till.views import Qr
from tests.console.looking import ansi_of, key_in, opened
from tests.console.prepared_till import PreparedTill, qr_of
from tests.terminal_picture import picture, screen_of

THEMES = sorted(path.stem for path in shipped_themes().glob("*.toml"))


def read_by_both(image: Image.Image) -> set[str]:
    """What zxing-cpp and OpenCV read; a reader that reads nothing answers with its name."""
    found = zxingcpp.read_barcodes(
        image, try_invert=False, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    seen, _, _ = cv2.QRCodeDetector().detectAndDecode(cv2.cvtColor(np.array(image), cv2.COLOR_RGB2BGR))
    return {found[0].text if found else "zxing read nothing", seen or "OpenCV read nothing"}


def read_any(image: Image.Image) -> str:
    """What zxing-cpp reads, or nothing. OpenCV fails on one random code in fifty: it may not read another text."""
    said = read_by_both(image) - {"OpenCV read nothing", "zxing read nothing"}
    return said.pop() if len(said) == 1 else ""


@pytest.mark.parametrize("theme", THEMES)
async def test_ux3_the_code_decodes_in_every_theme(till: PreparedTill, tmp_path: Path, theme: str) -> None:
    language = "zh" if THEMES.index(theme) % 2 else "en"
    async with opened(till, tmp_path, theme=theme, language=language) as (app, pilot):
        await key_in(pilot, "1", "2", "5", "0", "enter")
        assert till.view.sale is not None
        assert read_by_both(picture(ansi_of(app), 80, 24, scale=1)) == {till.view.sale.link}


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(
    ("colours", "white"), [("256", "48;5;231"), ("standard", "107"), ("NO_COLOR", "48;2;255;255;255")]
)
async def test_ux3_the_code_decodes_in_every_colour_mode(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theme: str, colours: str, white: str
) -> None:
    # A style remembers the codes it was first written with; a real console has one colour mode all its life.
    monkeypatch.setattr("chainpos.console.widgets.qr_picture._CODE", Style(color="#000000", bgcolor="#ffffff"))
    if colours == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    else:
        monkeypatch.setattr("textual.constants.COLOR_SYSTEM", colours)
    async with opened(till, tmp_path, theme=theme) as (app, pilot):
        await key_in(pilot, "1", "2", "5", "0", "enter")
        assert till.view.sale is not None
        sent = ansi_of(app)
        assert re.search(rf"{white}m *█▀▀▀▀▀█", sent)
        assert read_by_both(picture(sent, 80, 24, scale=1)) == {till.view.sale.link}


@pytest.mark.parametrize("size", [(60, 20), (120, 40), (200, 60)])
async def test_ux3_the_code_decodes_at_every_size(till: PreparedTill, tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(till, tmp_path, size=size) as (app, pilot):
        await key_in(pilot, "1", "2", "5", "0", "enter")
        assert till.view.sale is not None
        assert read_by_both(picture(ansi_of(app), *size)) == {till.view.sale.link}
        await key_in(pilot, "space")
        assert read_by_both(picture(ansi_of(app), *size)) == {till.view.sale.link}


async def test_ux3_the_largest_code_of_a_link_fits_eighty_by_twenty_four(till: PreparedTill, tmp_path: Path) -> None:
    text = "HTTP://192.168.100.200:54321/P/" + "A" * 59
    largest = Qr(text, qr_modules(text))
    assert len(text) == 90
    assert picture_size(largest) == (41, 21)
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "1", "enter")
        code = app.screen.query_one(QrPicture)
        assert till.view.sale is not None
        till.push(sale=msgspec.structs.replace(till.view.sale, qr=largest, link=text))
        await pilot.pause(0.15)
        assert code.scale == 1
        assert read_by_both(picture(ansi_of(app), 80, 24)) == {text}


async def test_ux3_every_module_and_the_quiet_zone_is_black_or_white_of_its_own(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path, theme="dark") as (app, pilot):
        await key_in(pilot, "1", "enter")
        code = app.screen.query_one(QrPicture)
        assert code.qr is not None
        screen = screen_of(ansi_of(app), 80, 24)
        needed = picture_size(code.qr)
        left = code.region.x + (code.region.width - needed.width) // 2
        top = code.region.y + (code.region.height - needed.height) // 2
        cells = [screen.buffer[y][x] for y in range(top, top + needed.height) for x in range(left, left + needed.width)]
        assert {(cell.fg, cell.bg, cell.reverse, cell.bold) for cell in cells} == {("000000", "ffffff", False, False)}


def test_the_quiet_zone_is_four_modules_all_around() -> None:
    qr = qr_of("K7Q2")
    rows = picture_rows(qr, 1)
    side = len(qr.modules) + 2 * QUIET
    assert all(len(row) == side for row in rows)
    assert all(row[:QUIET] == row[-QUIET:] == " " * QUIET for row in rows)
    assert rows[: QUIET // 2] == (" " * side,) * (QUIET // 2)
    assert rows[-QUIET // 2 :] == (" " * side,) * (QUIET // 2)


def test_a_code_is_drawn_whole_or_not_at_all() -> None:
    qr = qr_of("K7Q2")
    needed = picture_size(qr)
    for less in ((1, 0), (0, 1)):
        room = type(needed)(needed.width - less[0], needed.height - less[1])
        assert scale_for(qr, room) == 0
    assert scale_for(qr, needed) == 1

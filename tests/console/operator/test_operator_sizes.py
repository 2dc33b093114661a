"""The operator's screen at every size, in both languages, in every theme: nothing overflows (ux 19, 20)."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from chainpos.console.language import load_texts
from chainpos.console.resources import shipped_themes
from chainpos.console.screens.operator_parts import PARTS
from chainpos.console.widgets.plot import BARS, bars
from tests.console.looking import SIZES, key_in, strips_of, text_of
from tests.console.operating_on import operating, shows
from tests.node.conftest import Nodes

THEMES = sorted(path.stem for path in shipped_themes().glob("*.toml"))


@pytest.mark.parametrize(
    ("language", "size"),
    [
        pytest.param(
            language, size, id=f"{language}-{size[0]}x{size[1]}",
            marks=[] if (language, size) == ("zh", SIZES[0]) else [pytest.mark.slow],
        )
        for language in ("en", "zh") for size in SIZES
    ],
)  # fmt: skip
async def test_ux19_every_part_fits_every_size(
    nodes: Nodes, tmp_path: Path, language: str, size: tuple[int, int]
) -> None:
    validator = await nodes.validator()
    texts = load_texts(language)
    async with operating(
        validator.rpc, tmp_path / "me", home=validator.folder, may_change=True, size=size, language=language
    ) as (app, pilot):
        for number, name in enumerate(PARTS, 1):
            await key_in(pilot, str(number))
            await shows(pilot, texts(f"part_of_node.{name}"))
            rows = strips_of(app)
            assert len(rows) == size[1]
            assert {cell_len(row.text) for row in rows} == {size[0]}
            shown = text_of(app)
            assert "operator." not in shown
            assert "store." not in shown


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
async def test_ux20_every_theme_can_show_it(nodes: Nodes, tmp_path: Path, theme: str) -> None:
    validator = await nodes.validator()
    async with operating(validator.rpc, tmp_path / "me", theme=theme, glyphs="ascii") as (app, pilot):
        for number in range(1, len(PARTS) + 1):
            await key_in(pilot, str(number))
        assert text_of(app).isascii()


def test_the_largest_value_fills_the_rows_and_a_zero_leaves_a_blank() -> None:
    assert bars((0, 8, 16), 10, 2) == ["  █", " ██"]
    assert bars((1, 1_000), 10, 2) == [" █", "▁█"], "what is there is seen, however small"
    assert bars((0, 0), 10, 3) == ["  ", "  ", "  "]
    assert bars((), 10, 2) == ["", ""]
    assert bars(tuple(range(100)), 5, 1)[0][-1] == BARS[-1]
    assert len(bars(tuple(range(100)), 5, 1)[0]) == 5

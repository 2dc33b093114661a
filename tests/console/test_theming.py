"""Themes: strict files, legible text (ux 20), one more by adding a file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainpos.console.contrast import ENOUGH, contrast
from chainpos.console.resources import shipped_themes
from chainpos.console.theming import TEXT_PAIRS, Colours, load_theme, load_themes, rgb, textual_theme
from chainpos.errors import UserFacingError
from tests.console.looking import go, opened, text_of
from tests.console.prepared_till import PreparedTill

THEMES = sorted(path.stem for path in shipped_themes().glob("*.toml"))
LIGHT = (shipped_themes() / "light.toml").read_text(encoding="utf-8")


def test_at_least_light_dark_and_high_contrast_are_shipped() -> None:
    assert {"light", "dark", "high-contrast"} <= set(THEMES)


@pytest.mark.parametrize("name", THEMES)
def test_ux20_every_text_on_every_ground_is_legible(name: str) -> None:
    colours = msgspec.structs.asdict(load_theme(shipped_themes() / f"{name}.toml").colours)
    ratios = {(text, ground): contrast(rgb(colours[text]), rgb(colours[ground])) for text, ground in TEXT_PAIRS}
    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < ENOUGH} == {}


def test_ux20_every_colour_that_is_text_is_checked_on_some_ground() -> None:
    named = {name for pair in TEXT_PAIRS for name in pair}
    assert set(Colours.__struct_fields__) - named == {"line"}


def test_the_contrast_of_black_on_white_is_twenty_one() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    # Source: WCAG's own example, #767676 on white is the lightest grey that passes.
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('ink = "#16212c"\n', "", "ink"),
        ('ink = "#16212c"', 'ink = "navy"', "colours.ink is 'navy'"),
        ('ink = "#16212c"', 'ink = "#fffffff"', "colours.ink"),
        ('ink = "#16212c"', "ink = 3", "int"),
        ('ink = "#16212c"', 'ink = "#cccccc"', "ink on paper has a contrast of 1.5"),
        ("dark = false", 'dark = "no"', "bool"),
        ("dark = false", 'dark = false\nsecret = "x"', "secret"),
        ("dark = false", 'dark = false\nname = "other"', "named by its file"),
        ("[colours]", "[colours", "line"),
    ],
)
def test_a_theme_with_a_fault_is_refused_by_name(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    assert old in LIGHT
    path.write_text(LIGHT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserFacingError) as refused:
        load_theme(path)
    assert "mine.toml" in refused.value.what
    assert says in refused.value.what


def test_a_theme_larger_than_any_theme_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(LIGHT + "#" * 20_000, encoding="utf-8")
    with pytest.raises(UserFacingError, match="larger"):
        load_theme(path)


def test_a_person_adds_a_theme_by_adding_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(LIGHT.replace('"Light"', '"Mine"'), encoding="utf-8")
    themes, problems = load_themes(shipped_themes(), tmp_path)
    assert themes["mine"].title_en == "Mine"
    assert problems == ()


def test_a_persons_broken_theme_is_told_and_the_others_stay(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("title_en = 1", encoding="utf-8")
    themes, problems = load_themes(shipped_themes(), tmp_path)
    assert set(themes) == set(THEMES)
    assert len(problems) == 1


def test_a_broken_shipped_theme_is_an_installation_gone_wrong(tmp_path: Path) -> None:
    (tmp_path / "light.toml").write_text("title_en = 1", encoding="utf-8")
    with pytest.raises(UserFacingError):
        load_themes(tmp_path, tmp_path / "none")


def test_every_entry_becomes_a_variable_of_the_styles() -> None:
    theme = load_theme(shipped_themes() / "dark.toml")
    variables = textual_theme(theme).variables
    assert variables["good-ink"] == theme.colours.good_ink
    assert variables["input-cursor-background"] == theme.colours.ink


async def test_the_console_starts_with_a_persons_theme_and_tells_of_a_broken_one(
    till: PreparedTill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "themes"
    folder.mkdir()
    (folder / "mine.toml").write_text(LIGHT.replace("#fcfcfb", "#fffff0"), encoding="utf-8")
    (folder / "worse.toml").write_text("", encoding="utf-8")
    monkeypatch.setenv("CHAINPOS_THEMES", str(folder))
    async with opened(till, tmp_path, theme="mine") as (app, pilot):
        assert app.theme == "mine"
        assert "worse.toml" in text_of(app)
        await go(pilot, "sales")
        await pilot.press("f9")
        await pilot.pause()
        assert app.theme == min([*THEMES, "mine"])
        assert "Theme:" in text_of(app)

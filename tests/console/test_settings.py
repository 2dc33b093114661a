"""A person's choices survive, and a file that is not understood is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.console.settings import FILE_NAME, Settings, load_settings, save_settings
from chainpos.errors import UserFacingError
from tests.console.looking import key_in, opened
from tests.console.prepared_till import PreparedTill


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    chosen = Settings(theme="dark", language="zh", sound=False, voice=True)
    save_settings(tmp_path / "new", chosen)
    assert load_settings(tmp_path / "new") == chosen


def test_no_file_is_the_usual_settings(tmp_path: Path) -> None:
    assert load_settings(tmp_path) == Settings()


@pytest.mark.parametrize("text", ['language = "xx"', "sound = 1", "volume = 3", "theme ="])
def test_a_file_with_a_fault_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(UserFacingError, match=r"console\.toml"):
        load_settings(tmp_path)


async def test_language_theme_and_sound_chosen_with_a_key_are_there_the_next_time(
    till: PreparedTill, tmp_path: Path
) -> None:
    async with opened(till, tmp_path) as (_, pilot):
        await key_in(pilot, "f7", "f8", "f9")
    assert load_settings(tmp_path) == Settings(theme="celadon", language="zh", sound=False)

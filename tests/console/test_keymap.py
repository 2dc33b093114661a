"""Any binding can be remapped; conflicts are named (ux 16)."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.console.keymap import load_keymap
from chainpos.console.places import bindings_by_place
from chainpos.errors import UserFacingError
from tests.console.looking import key_in, opened, text_of
from tests.console.prepared_till import PreparedTill


def keymap(folder: Path, text: str) -> dict[str, str]:
    (folder / "keymap.toml").write_text(text, encoding="utf-8")
    return load_keymap(folder, bindings_by_place())


def test_no_file_changes_nothing(tmp_path: Path) -> None:
    assert load_keymap(tmp_path, bindings_by_place()) == {}


def test_the_keys_as_they_come_have_no_conflict(tmp_path: Path) -> None:
    assert keymap(tmp_path, "") == {}


def test_a_key_may_be_written_as_its_character(tmp_path: Path) -> None:
    assert keymap(tmp_path, 'counter.enlarge = "!, f16"') == {"counter.enlarge": "exclamation_mark,f16"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('counter.fly = "x"', "no action 'counter.fly'"),
        ('counter.aside = "f1"', "the key 'f1' would mean counter.aside and go.counter in counter"),
        ('sales.refund = "slash"', "sales.find and sales.refund"),
        ('sales.refund = "j"', "list.down and sales.refund"),
        ("counter.aside = 3", "not a text"),
        ('counter.aside = ""', "has no key"),
        ("counter.aside = ", "Invalid value"),
    ],
)
def test_ux16_a_keymap_with_a_fault_is_refused_and_says_which(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserFacingError) as refused:
        keymap(tmp_path, text)
    assert says in refused.value.what


def test_two_actions_may_swap_their_keys(tmp_path: Path) -> None:
    text = 'go.counter = "f2"\ngo.sales = "f1"'
    assert keymap(tmp_path, text) == {"go.counter": "f2", "go.sales": "f1"}


async def test_ux16_a_remapped_key_works_and_is_the_one_shown(till: PreparedTill, tmp_path: Path) -> None:
    (tmp_path / "keymap.toml").write_text('counter.enlarge = "f16"\napp.help = "f20"', encoding="utf-8")
    async with opened(till, tmp_path) as (app, pilot):
        await key_in(pilot, "9", "9", "enter")
        assert "F16 Larger" in text_of(app).splitlines()[-1]
        assert "F20 Help" in text_of(app).splitlines()[-1]
        await key_in(pilot, "f10")
        assert "F16" in text_of(app)

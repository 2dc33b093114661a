"""The till's key file: private, whole, and never written over."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from chainpos.errors import UserFacingError
from chainpos.till.keyfile import load_till_key, save_till_key
from chainpos.wallet.keys import Key, demo_key


@pytest.mark.parametrize("key", [Key(bytes(range(32))), demo_key("till/1")])
def test_a_key_comes_back_with_its_mark(tmp_path: Path, key: Key) -> None:
    path = tmp_path / "till" / "key.json"
    save_till_key(path, key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    loaded = load_till_key(path)
    assert (loaded.public_key, loaded.demo) == (key.public_key, key.demo)
    with pytest.raises(UserFacingError, match="already"):
        save_till_key(path, demo_key("other"))


@pytest.mark.skipif(os.name == "nt", reason="modes say nothing there")
def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save_till_key(path, demo_key("till/1"))
    path.chmod(0o644)
    with pytest.raises(UserFacingError, match="can read"):
        load_till_key(path)


@pytest.mark.parametrize(
    "content", ["", "{}", '{"format":"chainpos-till-key","version":1,"demo":false,"seed":"00"}', "x" * 5000]
)
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(UserFacingError, match="not a till"):
        load_till_key(path)
    with pytest.raises(UserFacingError, match="no till key"):
        load_till_key(tmp_path / "none.json")

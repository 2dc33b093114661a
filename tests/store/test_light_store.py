"""A light node's database is there whole, or not at all."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from chainpos.errors import StoreError
from chainpos.store import light
from chainpos.store.light import LightAbout, LightStore


def test_a_new_one_can_be_gone_on_from(tmp_path: Path) -> None:
    LightStore.create(tmp_path / "light.db", "net-1", "TEAHOUSE", 8, b"believed")
    with closing(LightStore.open(tmp_path / "light.db")) as store:
        assert store.about() == LightAbout("net-1", "TEAHOUSE", 8, 7)
        assert store.trusted() == b"believed"
        store.keep([(8, b"header")], (), b"newer")
        assert (store.about().done, store.trusted()) == (8, b"newer")


def test_one_that_was_never_finished_is_not_there_and_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "light.db"
    with monkeypatch.context() as broken:
        broken.setattr(light, "_SCHEMA", "nonsense")
        with pytest.raises(apsw.SQLError):
            LightStore.create(path, "net-1", "TEAHOUSE", 1, b"x")
    assert not path.exists()
    LightStore.create(path, "net-1", "TEAHOUSE", 1, b"x")
    assert [each.name for each in tmp_path.iterdir()] == ["light.db"]


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "light.db"
    with pytest.raises(StoreError):
        LightStore.open(path)
    path.write_bytes(content)
    with pytest.raises(StoreError):
        LightStore.open(path)
    assert path.read_bytes() == content

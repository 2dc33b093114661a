"""The keystore: opens with its passphrase only, and refuses files that were weakened, inflated or laid open."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.params import DEFAULT
from chainpos.errors import UserFacingError
from chainpos.wallet import keystore
from chainpos.wallet.keys import Key, demo_key, require_allowed
from chainpos.wallet.keystore import create_keystore, open_keystore, read_head

PASSPHRASE = "correct horse 电池 staple"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """One keystore for all tests: making one costs half a second on purpose."""
    path = tmp_path_factory.mktemp("keys") / "key.json"
    create_keystore(path, Key(bytes(range(32))), PASSPHRASE)
    return path.read_bytes()


def _place(folder: Path, stored: bytes, change: Callable[[dict[str, Any]], object] | None = None) -> Path:
    document = json.loads(stored)
    if change is not None:
        change(document)
    path = folder / "key.json"
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return path


def test_a_key_comes_back_with_its_passphrase(tmp_path: Path, stored: bytes) -> None:
    key = open_keystore(_place(tmp_path, stored), PASSPHRASE)
    assert key.public_key == Key(bytes(range(32))).public_key
    assert not key.demo


def test_a_wrong_passphrase_is_refused(tmp_path: Path, stored: bytes) -> None:
    with pytest.raises(UserFacingError, match="passphrase is wrong"):
        open_keystore(_place(tmp_path, stored), PASSPHRASE + " ")


def test_the_file_is_private_and_holds_no_seed(tmp_path: Path, stored: bytes) -> None:
    assert bytes(range(32)).hex().encode() not in stored
    path = tmp_path / "deep" / "key.json"
    create_keystore(path, demo_key("x"), PASSPHRASE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0
    assert [entry.name for entry in path.parent.iterdir()] == ["key.json"]
    assert read_head(path).demo


@pytest.mark.skipif(os.name == "nt", reason="modes say nothing there")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, stored: bytes, mode: int) -> None:
    path = _place(tmp_path, stored)
    path.chmod(mode)
    with pytest.raises(UserFacingError, match="Others on this machine"):
        open_keystore(path, PASSPHRASE)


@pytest.mark.parametrize(
    ("field", "value"), [("n", 2**14), ("n", 2**16), ("n", 1), ("n", 0), ("n", -1), ("r", 1), ("p", 0)]
)
def test_downgraded_parameters_are_refused(tmp_path: Path, stored: bytes, field: str, value: int) -> None:
    path = _place(tmp_path, stored, lambda document: document["kdf"].update({field: value}))
    with pytest.raises(UserFacingError, match="weaker"):
        open_keystore(path, PASSPHRASE)


@pytest.mark.parametrize(
    ("field", "value"), [("n", 2**21), ("n", 2**63), ("n", 2**17 + 1), ("r", 1024), ("p", 5), ("p", 2**31)]
)
def test_giant_parameters_are_refused_before_any_work(
    tmp_path: Path, stored: bytes, field: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(**_: object) -> object:
        pytest.fail("scrypt was started")

    monkeypatch.setattr(keystore, "Scrypt", never)
    path = _place(tmp_path, stored, lambda document: document["kdf"].update({field: value}))
    with pytest.raises(UserFacingError, match="unreasonable"):
        open_keystore(path, PASSPHRASE)


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update({"extra": 1}),
        lambda document: document.pop("cipher"),
        lambda document: document.update({"version": 2}),
        lambda document: document["kdf"].update({"name": "pbkdf2"}),
        lambda document: document["kdf"].update({"salt": "00"}),
        lambda document: document["cipher"].update({"ciphertext": "zz"}),
        lambda document: document["cipher"].update({"ciphertext": "00" * 47}),
        lambda document: document["kdf"].update({"n": 131072.0}),
        lambda document: document.update({"public_key": "A" * 5_000}),
    ],
)
def test_a_file_of_another_form_is_refused(
    tmp_path: Path, stored: bytes, change: Callable[[dict[str, Any]], object]
) -> None:
    with pytest.raises(UserFacingError, match="cannot be used"):
        open_keystore(_place(tmp_path, stored, change), PASSPHRASE)


def test_the_demo_mark_cannot_be_struck_off(tmp_path: Path, stored: bytes) -> None:
    path = _place(tmp_path, stored, lambda document: document.update({"demo": True}))
    with pytest.raises(UserFacingError, match="file was changed"):
        open_keystore(path, PASSPHRASE)


def test_an_existing_key_is_never_overwritten(tmp_path: Path, stored: bytes) -> None:
    path = _place(tmp_path, stored)
    with pytest.raises(UserFacingError, match="already a key"):
        create_keystore(path, demo_key("y"), PASSPHRASE)
    assert read_head(path).public_key == Key(bytes(range(32))).public_key


def test_short_passphrases_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match="fewer than 8"):
        create_keystore(tmp_path / "key.json", demo_key("z"), "short")
    with pytest.raises(UserFacingError, match="no key"):
        open_keystore(tmp_path / "none.json", PASSPHRASE)


def _genesis(app_state: bytes) -> GenesisDoc:
    return GenesisDoc("three-cities", 0, 1, DEFAULT, (), app_state=app_state)


def test_demo_keys_are_the_same_everywhere_and_refused_outside_a_demo() -> None:
    key = demo_key("customer/1")
    assert key.demo
    assert key.public_key == demo_key("customer/1").public_key != demo_key("customer/2").public_key
    assert require_allowed(key, _genesis(b'{"network":{"demo":true,"name":"three cities"}}')) is key
    for app_state in (b"{}", b'{"network":{"demo":false}}', b'{"network":3}', b"not json"):
        with pytest.raises(UserFacingError, match="demo key"):
            require_allowed(key, _genesis(app_state))
    own = Key(bytes(32))
    assert require_allowed(own, _genesis(b"{}")) is own


def test_a_key_shows_no_secret() -> None:
    import pickle

    key = Key(bytes(range(32)))
    assert bytes(range(32)).hex() not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)

"""CometBFT's key files."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from chainpos.core.chain.signatures import verify
from chainpos.engine.keys import (
    SigningKey,
    load_node_key,
    load_validator_key,
    save_node_key,
    save_validator_key,
)
from chainpos.errors import UserFacingError

SEED = bytes(range(32))
# RFC 8032, 7.1, TEST 1.
RFC_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
RFC_PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def test_a_validator_key_file_has_cometbfts_shape(tmp_path: Path) -> None:
    path = tmp_path / "priv_validator_key.json"
    key = SigningKey(RFC_SEED)
    save_validator_key(path, key)
    assert json.loads(path.read_text()) == {
        "address": key.address.hex().upper(),
        "pub_key": {"type": "tendermint/PubKeyEd25519", "value": base64.b64encode(RFC_PUBLIC).decode()},
        "priv_key": {
            "type": "tendermint/PrivKeyEd25519",
            "value": base64.b64encode(RFC_SEED + RFC_PUBLIC).decode(),
        },
    }


def test_a_saved_key_is_loaded_again_and_signs(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save_validator_key(path, SigningKey(SEED))
    key = load_validator_key(path)
    assert verify(key.public_key, b"message", key.sign(b"message"))


def test_only_the_owner_may_read_a_key_file(tmp_path: Path) -> None:
    save_validator_key(tmp_path / "v.json", SigningKey(SEED))
    save_node_key(tmp_path / "n.json", SigningKey(SEED))
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("v.json", "n.json")} == {0o600}


def test_a_node_key_file_has_cometbfts_shape(tmp_path: Path) -> None:
    path = tmp_path / "node_key.json"
    save_node_key(path, SigningKey(RFC_SEED))
    value = base64.b64encode(RFC_SEED + RFC_PUBLIC).decode()
    assert path.read_text() == '{"priv_key":{"type":"tendermint/PrivKeyEd25519","value":"' + value + '"}}'
    assert load_node_key(path).public_key == RFC_PUBLIC


def test_a_key_is_not_shown_by_its_repr() -> None:
    key = SigningKey(SEED)
    assert repr(key) == f"SigningKey({key.address.hex().upper()})"


@pytest.mark.parametrize(
    "change",
    [
        {"address": "00" * 20},
        {"pub_key": {"type": "tendermint/PubKeyEd25519", "value": base64.b64encode(RFC_PUBLIC).decode()}},
        {"priv_key": {"type": "tendermint/PrivKeySecp256k1", "value": base64.b64encode(SEED * 2).decode()}},
        {"priv_key": {"type": "tendermint/PrivKeyEd25519", "value": base64.b64encode(SEED * 2).decode()}},
        {"priv_key": {"type": "tendermint/PrivKeyEd25519", "value": "AAAA"}},
        {"comment": "hello"},
    ],
)
def test_a_key_file_whose_parts_do_not_belong_together_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "key.json"
    save_validator_key(path, SigningKey(SEED))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserFacingError, match="not an Ed25519 key file"):
        load_validator_key(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b" " * 5000])
def test_what_is_no_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(content)
    for load in (load_validator_key, load_node_key):
        with pytest.raises(UserFacingError):
            load(path)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match=r"nowhere\.json"):
        load_validator_key(tmp_path / "nowhere.json")

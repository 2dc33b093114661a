"""The key files of a node, in CometBFT's formats: the validator's key and the node's own.

It refuses a file that is not such a key, and one whose parts do not belong together. Keys are never shown in full:
not in errors, not in logs, not by `repr`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chainpos.core.values.hashes import PUBLIC_KEY_BYTES, address_of
from chainpos.errors import EXIT_CORRUPT, UserFacingError
from chainpos.store.durable import write_durably

SEED_BYTES: Final = 32
_MAX_FILE_BYTES: Final = 4096
_PUBLIC_TYPE: Final = "tendermint/PubKeyEd25519"
_PRIVATE_TYPE: Final = "tendermint/PrivKeyEd25519"


class SigningKey:
    """An Ed25519 key that signs. `public_key` is 32 bytes, `address` 20."""

    __slots__ = ("_key", "_seed", "address", "public_key")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"an Ed25519 seed is {SEED_BYTES} bytes")
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.address = address_of(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(message)

    def private_bytes(self) -> bytes:
        """64 bytes, seed then public key: how CometBFT writes a private key."""
        return self._seed + self.public_key

    def __repr__(self) -> str:
        return f"SigningKey({self.address.hex().upper()})"


class _TypedKey(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    value: bytes


class _ValidatorKeyFile(msgspec.Struct, forbid_unknown_fields=True):
    address: str
    pub_key: _TypedKey
    priv_key: _TypedKey


class _NodeKeyFile(msgspec.Struct, forbid_unknown_fields=True):
    priv_key: _TypedKey


def save_validator_key(path: Path, key: SigningKey) -> None:
    """Write `priv_validator_key.json`, readable by its owner alone. Source: CometBFT privval/file.go `FilePVKey`."""
    content = _ValidatorKeyFile(
        address=key.address.hex().upper(),
        pub_key=_TypedKey(_PUBLIC_TYPE, key.public_key),
        priv_key=_TypedKey(_PRIVATE_TYPE, key.private_bytes()),
    )
    write_durably(path, msgspec.json.format(msgspec.json.encode(content), indent=2))


def load_validator_key(path: Path) -> SigningKey:
    """The key in a `priv_validator_key.json`. Raises UserFacingError."""
    try:
        found = msgspec.json.decode(_read(path), type=_ValidatorKeyFile)
    except msgspec.DecodeError as error:
        raise _not_a_key(path) from error
    key = _private(path, found.priv_key)
    # CometBFT overwrites both silently; a file whose parts disagree was edited by hand, and we would rather ask.
    if found.pub_key != _TypedKey(_PUBLIC_TYPE, key.public_key) or found.address != key.address.hex().upper():
        raise _not_a_key(path)
    return key


def save_node_key(path: Path, key: SigningKey) -> None:
    """Write `node_key.json`. Source: CometBFT p2p/key.go `NodeKey`."""
    write_durably(path, msgspec.json.encode(_NodeKeyFile(_TypedKey(_PRIVATE_TYPE, key.private_bytes()))))


def load_node_key(path: Path) -> SigningKey:
    """The key in a `node_key.json`; the node's ID is its address in lower-case hex. Raises UserFacingError."""
    try:
        found = msgspec.json.decode(_read(path), type=_NodeKeyFile)
    except msgspec.DecodeError as error:
        raise _not_a_key(path) from error
    return _private(path, found.priv_key)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UserFacingError(
            f"The key file {path} cannot be read.",
            next_step="Check that the folder is a node's home and that you may read it.",
            exit_code=EXIT_CORRUPT,
        ) from error
    if len(content) > _MAX_FILE_BYTES:
        raise _not_a_key(path)
    return content


def _private(path: Path, typed: _TypedKey) -> SigningKey:
    if typed.type != _PRIVATE_TYPE or len(typed.value) != SEED_BYTES + PUBLIC_KEY_BYTES:
        raise _not_a_key(path)
    key = SigningKey(typed.value[:SEED_BYTES])
    if key.private_bytes() != typed.value:
        raise _not_a_key(path)
    return key


def _not_a_key(path: Path) -> UserFacingError:
    return UserFacingError(
        f"The file {path} is not an Ed25519 key file as CometBFT writes it.",
        next_step="Restore it from a backup; do not edit it.",
        exit_code=EXIT_CORRUPT,
    )

"""Ed25519 keys in use: they sign, say their public half, and never show the private one.

It refuses seeds of another length. Demo keys derive from public names: anybody can have them, so they are marked, and
`require_allowed` refuses them on a network whose genesis does not say that its money is play money.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.values.hashes import address_of
from chainpos.core.values.text import clean
from chainpos.errors import UserFacingError

SEED_BYTES: Final = 32
_DEMO_DOMAIN: Final = b"chainpos/demo-key/1\x00"


class Key:
    """One signing key. `public_key` is 32 bytes, `address` the 20 of its account; `demo` if others may know it."""

    __slots__ = ("_private", "_seed", "address", "demo", "public_key")

    def __init__(self, seed: bytes, *, demo: bool = False) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError("an Ed25519 seed is 32 bytes")
        self._seed = seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._private.public_key().public_bytes_raw()
        self.address = address_of(self.public_key)
        self.demo = demo

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(message)

    def seed(self) -> bytes:
        """The 32 bytes to be encrypted; for the keystore and the till's key file alone."""
        return self._seed

    def __repr__(self) -> str:
        return f"Key({self.address.hex()}{', demo' if self.demo else ''})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a key is not pickled: it would leave the process in the clear")


def demo_key(name: str) -> Key:
    """The key of a name in the sample city, e.g. "customer/17". Anybody can derive it: it is for play money only."""
    return Key(hashlib.sha256(_DEMO_DOMAIN + name.encode()).digest(), demo=True)


class _Network(msgspec.Struct, frozen=True):
    demo: bool = False


class _AppState(msgspec.Struct, frozen=True):
    network: _Network = _Network()


def is_demo(genesis: GenesisDoc) -> bool:
    """Whether a network says of itself, in its genesis, that its money is play money."""
    try:
        return msgspec.json.decode(genesis.app_state, type=_AppState).network.demo
    except msgspec.DecodeError:
        # What cannot be read does not loosen anything.
        return False


def require_allowed(key: Key, genesis: GenesisDoc) -> Key:
    """`key`, where it may be used. Raises UserFacingError for a demo key outside a demo network."""
    if key.demo and not is_demo(genesis):
        raise UserFacingError(
            f"This is a demo key, which anybody can derive, and {clean(genesis.chain_id)!r} is no demo network.",
            next_step="Make a key of your own with `chainpos wallet new`.",
        )
    return key

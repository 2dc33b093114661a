"""The transaction envelope: a signature over one MessagePack body that names its chain, its expiry and a nonce.

It refuses bytes that are not in canonical form, fields of the wrong length, and anything over 4,096 bytes. Whether
the signature holds, and whether a rule accepts the message, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from chainpos.core.chain.header import MAX_CHAIN_ID_BYTES
from chainpos.core.chain.signatures import Signature
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES, SIGNATURE_BYTES
from chainpos.errors import MalformedBytes

MAX_TX_BYTES: Final = 4096
BODY_VERSION: Final = 1
NONCE_BYTES: Final = 16
MAX_KIND_BYTES: Final = 64
# A transaction's expiry may lie this far after the block that takes it, and no further: it is remembered until then.
MAX_LIFETIME_S: Final = 86_400
# The longest that a signer should choose: the blocks' time may stand behind the signer's clock.
LONGEST_LIFE_S: Final = MAX_LIFETIME_S - 600
_DOMAIN: Final = b"chainpos/tx/1\x00"

_ChainId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CHAIN_ID_BYTES)]
_PublicKey = Annotated[bytes, msgspec.Meta(min_length=PUBLIC_KEY_BYTES, max_length=PUBLIC_KEY_BYTES)]
_Nonce = Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
_Kind = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KIND_BYTES)]
_Version = Annotated[int, msgspec.Meta(ge=BODY_VERSION, le=BODY_VERSION)]
_Seconds = Annotated[int, msgspec.Meta(ge=0)]


class Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is signed. `signer` is a public key, `expires_s` unix seconds, `message` one encoded message of `kind`.

    The message is bytes inside the body, not a part of its array: how deep a decoder can follow nested values depends
    on how deep its caller is, and whether an envelope is well-formed must not.
    """

    version: _Version
    chain_id: _ChainId
    signer: _PublicKey
    expires_s: _Seconds
    nonce: _Nonce
    kind: _Kind
    message: bytes


class Envelope(msgspec.Struct, frozen=True):
    """A decoded transaction. `hash` is CometBFT's; `body_hash` is what replay protection remembers."""

    signature: bytes
    body_bytes: bytes
    body: Body
    hash: bytes
    body_hash: bytes

    def claim(self, chain_id: str) -> Signature:
        """The signature to be checked, for the chain that would run the transaction."""
        return Signature(self.body.signer, signed_bytes(chain_id, self.body_bytes), self.signature)


_encode_body = msgspec.msgpack.Encoder().encode
_decode_body = msgspec.msgpack.Decoder(Body).decode


def signed_bytes(chain_id: str, body: bytes) -> bytes:
    """What the signer signs: domain, chain and body, so that a signature is good for one chain and one purpose."""
    return b"".join((_DOMAIN, chain_id.encode(), b"\x00", body))


def tx_hash(wire: bytes) -> bytes:
    """32 bytes, as CometBFT names the transaction."""
    return sha256(wire).digest()


def encode_envelope(body: Body, sign: Callable[[bytes], bytes]) -> bytes:
    """The signed transaction. `sign` returns 64 bytes. Raises MalformedBytes where it could not be read back."""
    encoded = _encode_body(body)
    wire = sign(signed_bytes(body.chain_id, encoded)) + encoded
    decode_envelope(wire)
    return wire


def decode_envelope(wire: bytes) -> Envelope:
    """The transaction in `wire`, its signature not yet verified. Raises MalformedBytes."""
    if not SIGNATURE_BYTES < len(wire) <= MAX_TX_BYTES:
        raise MalformedBytes(f"a transaction of {len(wire)} bytes")
    body_bytes = wire[SIGNATURE_BYTES:]
    try:
        body = _decode_body(body_bytes)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBytes("not a transaction") from error
    # The decoder takes longer forms of numbers and lengths; a signer's body has one form only.
    if _encode_body(body) != body_bytes:
        raise MalformedBytes("a transaction not in canonical form")
    return Envelope(wire[:SIGNATURE_BYTES], body_bytes, body, sha256(wire).digest(), sha256(body_bytes).digest())

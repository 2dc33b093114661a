"""A customer's code as the text that a scanner types: a mark, base32, and a checksum. It works once, for a minute.

It refuses texts that were cut short or mistyped (and says which it can tell), and codes that are not signed by the
payer's key, are too old, or grant too little.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Final

import msgspec

from chainpos.core.chain.signatures import Signature, VerifyBatch, verify_batch
from chainpos.core.contracts.payments.messages import (
    CODE_LIFE_S,
    CODE_VERSION,
    CustomerCode,
    code_signed_bytes,
    decode_code,
    encode_code,
)
from chainpos.core.values.amount import Amount
from chainpos.core.values.hashes import SIGNATURE_BYTES, sha256
from chainpos.errors import MalformedBytes

CODE_MARK: Final = "CPC1"
MAX_CODE_CHARACTERS: Final = 300
CHECKSUM_BYTES: Final = 4
_FULL_WIDTH: Final = str.maketrans({chr(0xFEE0 + point): chr(point) for point in range(0x21, 0x7F)})
_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


class RefusedCode(ValueError):
    """A customer's code that is of no use.

    `reason` is "no_code", "truncated", "malformed", "forged", "expired" or "short" (it grants too little).
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class SignedCode(msgspec.Struct, frozen=True):
    """A customer's code, exactly as signed: `encoded` and the payer's 64-byte `signature`."""

    code: CustomerCode
    encoded: bytes
    signature: bytes


def make_code(
    chain_id: str, payer_key: bytes, limit: Amount, *, nonce: bytes, issued_s: int, sign: Callable[[bytes], bytes]
) -> SignedCode:
    """A code that grants up to `limit`, once, for a minute from `issued_s`. `nonce` is 16 fresh random bytes."""
    code = CustomerCode(CODE_VERSION, payer_key, nonce, limit.minor, limit.currency, issued_s)
    encoded = encode_code(code)
    return SignedCode(code, encoded, sign(code_signed_bytes(chain_id, encoded)))


def format_code(signed: SignedCode) -> str:
    """The text of the code's QR: upper-case letters and digits, under 300 characters."""
    content = signed.encoded + signed.signature
    return CODE_MARK + base64.b32encode(content + sha256(content)[:CHECKSUM_BYTES]).decode().rstrip("=")


def looks_like_code(text: str) -> bool:
    """Whether what a scanner typed is meant as a customer's code, whole or not."""
    return normalised(text).startswith(CODE_MARK)


def normalised(text: str) -> str:
    """What a scanner meant: without blanks, in ASCII where an input method made it full width, in upper case."""
    narrow = text[: 2 * MAX_CODE_CHARACTERS].translate(_FULL_WIDTH).strip()
    return narrow.upper() if narrow.isascii() else narrow


def parse_code(text: str, chain_id: str, *, now_s: int, verify_signatures: VerifyBatch = verify_batch) -> SignedCode:
    """The code in what a scanner typed, if its payer signed it for this chain and it is still good.

    Raises RefusedCode. The ledger judges again: this only spares the customer a refusal that is certain.
    """
    scanned = normalised(text)
    if not scanned.startswith(CODE_MARK):
        raise RefusedCode("no_code", "this is not a customer's code")
    content = _content(scanned[len(CODE_MARK) :])
    encoded, signature = content[:-SIGNATURE_BYTES], content[-SIGNATURE_BYTES:]
    try:
        code = decode_code(encoded)
    except MalformedBytes as error:
        raise RefusedCode("malformed", "the code cannot be read") from error
    claim = Signature(code.payer_key, code_signed_bytes(chain_id, encoded), signature)
    if not all(verify_signatures([claim])):
        raise RefusedCode("forged", "the code was not signed by its wallet for this network")
    if now_s >= code.issued_s + CODE_LIFE_S:
        raise RefusedCode("expired", "the code is older than a minute")
    return SignedCode(code, encoded, signature)


def require_covers(signed: SignedCode, amount: Amount) -> None:
    """Raises RefusedCode where the code grants less than `amount`, or another currency."""
    if signed.code.currency != amount.currency or signed.code.max_minor < amount.minor:
        granted = Amount(signed.code.max_minor, signed.code.currency)
        raise RefusedCode("short", f"the code is good for at most {granted}")


def _content(symbols: str) -> bytes:
    if len(symbols) > MAX_CODE_CHARACTERS or any(symbol not in _ALPHABET for symbol in symbols):
        raise RefusedCode("malformed", "the code has characters that no code has")
    try:
        decoded = base64.b32decode(symbols + "=" * (-len(symbols) % 8))
    except binascii.Error as error:
        # Some lengths are no base32 at all: a character was lost.
        raise RefusedCode("truncated", "the code was cut short") from error
    content, checksum = decoded[:-CHECKSUM_BYTES], decoded[-CHECKSUM_BYTES:]
    if len(content) <= SIGNATURE_BYTES or sha256(content)[:CHECKSUM_BYTES] != checksum:
        raise RefusedCode("truncated", "the code was cut short or misread")
    if base64.b32encode(decoded).decode().rstrip("=") != symbols:
        raise RefusedCode("malformed", "the code is not in its one spelling")
    return content

"""What a till asks to be paid, what a customer's code grants, and the messages that present them.

Both are MessagePack arrays signed on their own, so that they can be shown as a QR code and checked without the
ledger. Reading refuses what is not in canonical form, out of range or unsafe to show.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Final, NamedTuple

import msgspec

from chainpos.core.chain.signatures import Signature
from chainpos.core.contracts.ports import DYNAMIC_QR, STATIC_QR
from chainpos.core.values.amount import MAX_MINOR
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, sha256
from chainpos.core.values.text import HostileText, check_text
from chainpos.core.values.timestamps import MAX_TIME_S
from chainpos.errors import MalformedBytes

REQUEST_VERSION: Final = 1
CODE_VERSION: Final = 1
MAX_REFERENCE: Final = 25  # EMVCo's limit for sub-field 05 of field 62
MAX_MEMO_BYTES: Final = 80
MAX_REQUEST_LIFE_S: Final = 86_400
CODE_LIFE_S: Final = 60
CODE_NONCE_BYTES: Final = 16
# A block's requests are read when its signatures are listed, and again when its rules run; 600 bytes each.
OPENED_REQUESTS: Final = 8_192
_REQUEST_DOMAIN: Final = b"chainpos/request/1\0"
_CODE_DOMAIN: Final = b"chainpos/code/1\0"
_TOKEN_DOMAIN: Final = b"chainpos/code-token/1\0"

Key = Annotated[bytes, msgspec.Meta(min_length=PUBLIC_KEY_BYTES, max_length=PUBLIC_KEY_BYTES)]
SignatureBytes = Annotated[bytes, msgspec.Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]
Minor = Annotated[int, msgspec.Meta(ge=0, le=MAX_MINOR)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=MAX_TIME_S)]
# Letters and digits with a few marks: safe on a screen, in a CSV and in a query, and within EMVCo's alphabet.
Reference = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._/#-]{1,25}\Z")]
MerchantName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,32}\Z")]
Nonce = Annotated[bytes, msgspec.Meta(min_length=CODE_NONCE_BYTES, max_length=CODE_NONCE_BYTES)]


class Request(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A till asks for money. Amounts in minor units, times in unix seconds; payable while block time < `expires_s`.

    `amount_minor` is 0 where the payer chooses it and `expires_s` 0 where it never ends: static codes only.
    `instrument` is DYNAMIC_QR (payable once) or STATIC_QR (payable again and again).
    """

    version: Annotated[int, msgspec.Meta(ge=REQUEST_VERSION, le=REQUEST_VERSION)]
    merchant: MerchantName
    till_key: Key
    reference: Reference
    amount_minor: Minor
    currency: str
    created_s: Seconds
    expires_s: Seconds
    instrument: str
    tip_allowed: bool = False
    memo: str = ""


class CustomerCode(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A customer lets whoever scans it take up to `max_minor`, once, within CODE_LIFE_S of `issued_s`."""

    version: Annotated[int, msgspec.Meta(ge=CODE_VERSION, le=CODE_VERSION)]
    payer_key: Key
    nonce: Nonce
    max_minor: Minor
    currency: str
    issued_s: Seconds


class Pay(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "payments.pay", signed by the payer: pay `request` (encoded), which the till signed.

    Merchant, amounts and currency repeat what the payer saw and agreed to. The tip comes on top of the amount.
    """

    request: bytes
    till_signature: SignatureBytes
    merchant: str
    amount_minor: Minor
    tip_minor: Minor
    currency: str


class Charge(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "payments.charge", signed by the till: take `request`'s amount from the code that the customer showed."""

    request: bytes
    code: bytes
    payer_signature: SignatureBytes


class Cancel(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Kind "payments.cancel", signed by the request's till or the merchant's owner: it is not payable any more."""

    request: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode_request = msgspec.msgpack.Decoder(Request).decode
_decode_code = msgspec.msgpack.Decoder(CustomerCode).decode


def encode_request(request: Request) -> bytes:
    """What the QR carries and the till signs (within `request_signed_bytes`). Raises MalformedBytes if unreadable."""
    encoded = _encode(request)
    decode_request(encoded)
    return encoded


def decode_request(encoded: bytes) -> Request:
    """The request, its signature not yet verified. Raises MalformedBytes."""
    try:
        request = _decode_request(encoded)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBytes("not a request") from error
    if _encode(request) != encoded:
        raise MalformedBytes("a request not in canonical form")
    if request.currency not in CURRENCIES:
        raise MalformedBytes("a request in an unknown currency")
    if request.instrument == DYNAMIC_QR:
        if request.amount_minor == 0:
            raise MalformedBytes("a dynamic request has an amount")
        if not 0 < request.expires_s - request.created_s <= MAX_REQUEST_LIFE_S:
            raise MalformedBytes("a dynamic request ends within a day of its beginning")
    elif request.instrument != STATIC_QR:
        raise MalformedBytes("a request of an unknown kind")
    if request.memo:
        try:
            check_text(request.memo, max_bytes=MAX_MEMO_BYTES)
        except HostileText as error:
            raise MalformedBytes(f"a request's memo: {error}") from error
    return request


def request_signed_bytes(chain_id: str, encoded: bytes) -> bytes:
    """What the till signs: domain, chain and request, so that a signature is good for one chain and one purpose."""
    return b"".join((_REQUEST_DOMAIN, chain_id.encode(), b"\0", encoded))


def request_id(chain_id: str, encoded: bytes) -> bytes:
    """32 bytes that commit to the request and its chain; a dynamic request's payment has the same ID."""
    return sha256(request_signed_bytes(chain_id, encoded))


def static_payment_id(requested: bytes, body_hash: bytes) -> bytes:
    """32 bytes: one of many payments of the static request with the ID `requested`."""
    return sha256(requested + body_hash)


def encode_code(code: CustomerCode) -> bytes:
    """What the customer's screen shows and the wallet signs (within `code_signed_bytes`). Raises MalformedBytes."""
    encoded = _encode(code)
    decode_code(encoded)
    return encoded


def decode_code(encoded: bytes) -> CustomerCode:
    """The code, its signature not yet verified. Raises MalformedBytes."""
    try:
        code = _decode_code(encoded)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBytes("not a customer's code") from error
    if _encode(code) != encoded:
        raise MalformedBytes("a customer's code not in canonical form")
    if code.currency not in CURRENCIES:
        raise MalformedBytes("a customer's code in an unknown currency")
    return code


class OpenedRequest(NamedTuple):
    """A request that was read, what its till signed, and its ID."""

    request: Request
    signed_bytes: bytes
    id: bytes


@lru_cache(maxsize=OPENED_REQUESTS)
def open_request(chain_id: str, encoded: bytes) -> OpenedRequest:
    """Read a request. Raises MalformedBytes. Listing a payment's signatures and running its rule share the work."""
    request = decode_request(encoded)
    signed_bytes = request_signed_bytes(chain_id, encoded)
    return OpenedRequest(request, signed_bytes, sha256(signed_bytes))


def code_signed_bytes(chain_id: str, encoded: bytes) -> bytes:
    """What the payer signs."""
    return b"".join((_CODE_DOMAIN, chain_id.encode(), b"\0", encoded))


def code_token(code: CustomerCode) -> bytes:
    """32 bytes that are spent when the code is presented: of payer and nonce alone, so that one nonce is one code."""
    return sha256(_TOKEN_DOMAIN + code.payer_key + code.nonce)


def pay_signatures(chain_id: str, message: Pay) -> tuple[Signature, ...]:
    """The till's, over the request. None for an unreadable request, which the rule refuses before all else."""
    try:
        request, signed_bytes, _ = open_request(chain_id, message.request)
    except MalformedBytes:
        return ()
    return (Signature(request.till_key, signed_bytes, message.till_signature),)


def charge_signatures(chain_id: str, message: Charge) -> tuple[Signature, ...]:
    """The payer's, over the code. None for an unreadable code, which the rule refuses before all else."""
    try:
        code = decode_code(message.code)
    except MalformedBytes:
        return ()
    return (Signature(code.payer_key, code_signed_bytes(chain_id, message.code), message.payer_signature),)


def charge_tokens(message: Charge) -> tuple[bytes, ...]:
    """The code's, spent whatever becomes of the payment."""
    try:
        return (code_token(decode_code(message.code)),)
    except MalformedBytes:
        return ()


def _subject(encoded: bytes) -> dict[str, str]:
    try:
        request = decode_request(encoded)
    except MalformedBytes:
        return {}
    return {"reference": request.reference, "merchant": request.merchant, "till": request.till_key.hex()}


def pay_subject(message: Pay) -> dict[str, str]:
    """By what a till finds the refusal of a payment."""
    return _subject(message.request)


def charge_subject(message: Charge) -> dict[str, str]:
    """By what a till finds the refusal of a charge."""
    return _subject(message.request)


def cancel_subject(message: Cancel) -> dict[str, str]:
    """By what a till finds the refusal of a cancellation."""
    return _subject(message.request)

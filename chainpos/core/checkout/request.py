"""A till's signed request and the link under which it is served; whoever serves it cannot alter it.

The link's ID is the beginning of the request's own hash. It refuses links of another form, IDs that are not in their
one spelling, and requests whose till did not sign them for this chain.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from chainpos.core.chain.signatures import Signature, VerifyBatch, verify_batch
from chainpos.core.contracts.payments.messages import (
    REQUEST_VERSION,
    Request,
    decode_request,
    encode_request,
    request_id,
    request_signed_bytes,
)
from chainpos.core.contracts.ports import DYNAMIC_QR, STATIC_QR
from chainpos.core.values.amount import Amount
from chainpos.core.values.hashes import SIGNATURE_BYTES
from chainpos.errors import MalformedBytes

LINK_ID_BYTES: Final = 16
LINK_ID_CHARACTERS: Final = 26
# Version 4-M in alphanumeric mode, the largest QR code that a terminal of 80x24 can show.
MAX_LINK_CHARACTERS: Final = 90
_LINK = re.compile(r"HTTP://([A-Z0-9](?:[A-Z0-9.-]{0,62}[A-Z0-9])?)(?::([0-9]{1,5}))?/P/([A-Z2-7]{26})", re.ASCII)
_DEFAULT_PORT: Final = 80
_BASE32_PADDING: Final = "=" * 6


class MalformedLink(ValueError):
    """Text that is not a payment link, or an address that no link can carry."""


class SignedRequest(msgspec.Struct, frozen=True):
    """A request, exactly as signed: `encoded` and the till's 64-byte `signature`; `id` is its 32-byte hash."""

    id: bytes
    request: Request
    encoded: bytes
    signature: bytes

    @property
    def link_id(self) -> str:
        """The 26 characters of its link."""
        return link_id(self.id)

    @property
    def amount(self) -> Amount:
        """What it asks for."""
        return Amount(self.request.amount_minor, self.request.currency)


class Link(NamedTuple):
    """Where a request is served: a host in lower case, a port, and the request's link ID."""

    host: str
    port: int
    id: str

    @property
    def url(self) -> str:
        """What to fetch."""
        return f"http://{self.host}:{self.port}/p/{self.id}"


class Terms(NamedTuple):
    """What a till asks for; `reference` names it in the shop. Times in unix seconds."""

    merchant: str
    reference: str
    amount: Amount
    created_s: int
    expires_s: int
    memo: str = ""
    tip_allowed: bool = False


def make_request(terms: Terms, chain_id: str, till_key: bytes, sign: Callable[[bytes], bytes]) -> SignedRequest:
    """The request for `terms`, signed by the till. Raises MalformedBytes for terms that no request can have."""
    request = Request(
        REQUEST_VERSION, terms.merchant, till_key, terms.reference, terms.amount.minor, terms.amount.currency,
        terms.created_s, terms.expires_s, DYNAMIC_QR, terms.tip_allowed, terms.memo,
    )  # fmt: skip
    encoded = encode_request(request)
    return SignedRequest(request_id(chain_id, encoded), request, encoded, sign(request_signed_bytes(chain_id, encoded)))


def make_wall_request(
    merchant: str, reference: str, currency: str, chain_id: str, till_key: bytes, sign: Callable[[bytes], bytes]
) -> SignedRequest:
    """A standing request for the wall, whose amount the payer chooses and which never ends: always the same bytes."""
    request = Request(REQUEST_VERSION, merchant, till_key, reference, 0, currency, 0, 0, STATIC_QR)
    encoded = encode_request(request)
    return SignedRequest(request_id(chain_id, encoded), request, encoded, sign(request_signed_bytes(chain_id, encoded)))


def open_request(
    chain_id: str, encoded: bytes, signature: bytes, *, verify_signatures: VerifyBatch = verify_batch
) -> SignedRequest:
    """The request in `encoded`, if its till signed it for this chain. Raises MalformedBytes."""
    request = decode_request(encoded)
    claim = Signature(request.till_key, request_signed_bytes(chain_id, encoded), signature)
    if len(signature) != SIGNATURE_BYTES or not all(verify_signatures([claim])):
        raise MalformedBytes("the till did not sign this request for this network")
    return SignedRequest(request_id(chain_id, encoded), request, encoded, signature)


def link_id(requested: bytes) -> str:
    """26 characters, A-Z and 2-7: base32 of the first 16 bytes of a request's ID."""
    return base64.b32encode(requested[:LINK_ID_BYTES]).decode().rstrip("=")


def names(linked: str, requested: bytes) -> bool:
    """Whether a link ID, in either case, is that of the request with the 32-byte ID `requested`."""
    return len(linked) == LINK_ID_CHARACTERS and linked.upper() == link_id(requested)


def format_link(host: str, port: int, linked: str) -> str:
    """The text of the QR: upper case, at most 90 characters. Raises MalformedLink.

    An IPv6 address is refused: its brackets are outside the QR's alphanumeric alphabet; use a name.
    """
    text = f"HTTP://{host.upper()}:{port}/P/{linked.upper()}"
    if len(text) > MAX_LINK_CHARACTERS:
        raise MalformedLink(f"the link would have {len(text)} characters; {MAX_LINK_CHARACTERS} fit on the screen")
    parse_link(text)
    return text


def parse_link(text: str) -> Link:
    """The parts of a payment link in upper or lower case. Raises MalformedLink."""
    # Checked before upper(), which makes ASCII out of other letters.
    if len(text) > 2 * MAX_LINK_CHARACTERS or not text.isascii():
        raise MalformedLink("not a payment link")
    match = _LINK.fullmatch(text.strip().upper())
    if match is None:
        raise MalformedLink("not a payment link: HTTP://HOST:PORT/P/ and 26 letters and digits")
    port = int(match.group(2) or _DEFAULT_PORT)
    if not 0 < port <= 65_535:
        raise MalformedLink("a payment link with an impossible port")
    linked = match.group(3)
    # 26 characters are 130 bits; the last two must be zero, so that an ID has one spelling.
    if link_id(base64.b32decode(linked + _BASE32_PADDING)) != linked:
        raise MalformedLink("a payment link whose ID was mistyped")
    return Link(match.group(1).lower(), port, linked)

"""What a customer's wallet scanned, as the link to a signed request: the link itself, or an EMVCo code that carries it.

It refuses codes of other networks, and a code that says something else than the request that the till signed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from chainpos.core.checkout.emvco import Account, Additional, MalformedCode, MerchantCode, build, looks_like_code, parse
from chainpos.core.checkout.request import Link, MalformedLink, SignedRequest, format_link, names, parse_link
from chainpos.core.contracts.ports import STATIC_QR
from chainpos.core.values.amount import MAX_MINOR, Amount

# The template says whose it is (00), and where the request is served (01 host and port, 02 the link's ID).
ACCOUNT_ID: Final = "26"
OWNER: Final = "org.chainpos"
_PLACE, _LINK_ID = "01", "02"
MAX_SCANNED_CHARACTERS: Final = 512


class CodeSeller(msgspec.Struct, frozen=True):
    """What the network certified of the shop, as EMVCo wants it: names of ASCII, at most 25 and 15 characters."""

    name: str
    city: str
    category: str
    country: str = "CN"


class Offered(NamedTuple):
    """A scanned text: where the request is, and the EMVCo code around the link if there was one."""

    link: Link
    code: MerchantCode | None = None


def request_code(signed: SignedRequest, seller: CodeSeller, host: str, port: int) -> str:
    """The EMVCo text of a signed request, for larger screens and for paper. Raises MalformedCode, MalformedLink."""
    format_link(host, port, signed.link_id)
    request = signed.request
    return build(
        MerchantCode(
            dynamic=request.instrument != STATIC_QR,
            accounts=(
                Account(ACCOUNT_ID, fields=(("00", OWNER), (_PLACE, f"{host}:{port}"), (_LINK_ID, signed.link_id))),
            ),
            category=seller.category,
            currency=request.currency,
            country=seller.country,
            name=seller.name,
            city=seller.city,
            amount=signed.amount if 0 < request.amount_minor <= MAX_MINOR else None,
            additional=Additional(reference=request.reference),
        )
    )


def read_offered(text: str) -> Offered:
    """The link in what was scanned. Raises MalformedLink for what is neither a link nor this network's code."""
    scanned = text[: 2 * MAX_SCANNED_CHARACTERS].strip()
    if not looks_like_code(scanned):
        return Offered(parse_link(text))
    try:
        code = parse(scanned)
    except MalformedCode as error:
        raise MalformedLink(f"not a payment code: {error}") from error
    for account in code.accounts:
        if account.owner == OWNER:
            fields = dict(account.fields)
            return Offered(parse_link(f"HTTP://{fields.get(_PLACE, '')}/P/{fields.get(_LINK_ID, '')}"), code)
    raise MalformedLink("this code is for another payment network")


def disagreement(code: MerchantCode, signed: SignedRequest) -> str:
    """Where an EMVCo code says something else than the request it leads to: "amount", "reference", ...; "" nowhere."""
    request = signed.request
    reference = "" if code.additional is None else code.additional.reference
    linked = [dict(account.fields).get(_LINK_ID, "") for account in code.accounts if account.owner == OWNER]
    if not any(names(each, signed.id) for each in linked):
        return "link"
    if code.currency != request.currency:
        return "currency"
    if code.amount is not None and code.amount != Amount(request.amount_minor, request.currency):
        return "amount"
    if reference not in ("", request.reference):
        return "reference"
    return ""

"""The codes of a sale: the link, which fits every terminal, and EMVCo's text around it for paper and larger screens.

It refuses nothing: a shop whose names EMVCo cannot carry has the link alone.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.checkout.emvco import MAX_CITY, MAX_NAME, MalformedCode
from chainpos.core.checkout.offered import CodeSeller, request_code
from chainpos.core.checkout.request import MalformedLink, SignedRequest
from chainpos.till.identity import Certified, Identity

# Where the network says nothing that EMVCo takes: its own code for "other", and for no particular place.
_ANY_CATEGORY: Final = "0000"


def code_seller(certified: Certified, merchant: str) -> CodeSeller:
    """The shop as EMVCo wants it: ASCII, short. The wallet shows what the network certified, not this."""
    name = _ascii(certified.name_en, MAX_NAME) or _ascii(merchant, MAX_NAME)
    category = certified.category if certified.category.isascii() and certified.category.isdigit() else _ANY_CATEGORY
    return CodeSeller(name, _ascii(certified.city, MAX_CITY) or "-", category if len(category) == 4 else _ANY_CATEGORY)


def emvco_text(signed: SignedRequest, certified: Certified, identity: Identity) -> str:
    """The request as an EMVCo merchant-presented code, "" where it cannot be one."""
    seller = code_seller(certified, identity.merchant)
    try:
        return request_code(signed, seller, identity.link_host, identity.link_port)
    except (MalformedCode, MalformedLink):
        return ""


def _ascii(text: str, most: int) -> str:
    return "".join(each for each in text if " " <= each <= "~").strip()[:most].strip()

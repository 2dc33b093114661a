"""What a cashier types at a bill: a quantity or weight, a discount, a tip. It refuses what could mean two things."""

from __future__ import annotations

import re
from typing import Final

from chainpos.core.checkout.cart import MAX_QUANTITY, PPM, CartError, Discount, rounded
from chainpos.core.checkout.keyed import keyed_amount
from chainpos.core.values.amount import AmountError
from chainpos.errors import UserFacingError

_FULL_WIDTH: Final = str.maketrans("０１２３４５６７８９．，。、％", "0123456789.,.,%")
_DECIMAL: Final = re.compile(r"(\d{0,7})(?:\.(\d{0,4}))?", re.ASCII)
_SENTENCES: Final = {
    "quantity": ("That quantity cannot be sold.", "Key a quantity over zero and under ten thousand; pieces are whole."),
    "price": ("That price cannot be.", "Key the price of the article."),
    "discount": ("The discount is more than the price.", "Key a smaller discount."),
    "currency": ("The article has its price in another currency.", "Correct the catalogue."),
    "rate": ("The article has a tax rate that cannot be.", "Correct the catalogue."),
    "line": ("There is no such line.", "Choose a line."),
    "size": ("The bill would become too large.", "Charge what is on it, and begin another."),
}


def refused(error: CartError) -> UserFacingError:
    """What the cashier is told of a cart that cannot be."""
    what, next_step = _SENTENCES[error.reason]
    return UserFacingError(what, next_step=next_step)


def quantity_of(text: str) -> int:
    """Thousandths: "3" is 3,000, "1.255" is 1,255. Raises UserFacingError."""
    minor = _scaled(text, 3)
    if minor is None or not 0 < minor <= MAX_QUANTITY:
        raise refused(CartError("quantity", text))
    return minor


def discount_of(text: str, currency: str) -> Discount:
    """ "10%" is a tenth, anything else an amount as keyed; nothing is no discount. Raises UserFacingError."""
    ppm = _percent(text)
    if ppm is not None:
        return Discount(ppm=ppm)
    return Discount(minor=_amount(text, currency))


def tip_of(text: str, currency: str, due_minor: int) -> int:
    """Minor units: "10%" is a tenth of what is due, halves up; anything else an amount. Raises UserFacingError."""
    ppm = _percent(text)
    return rounded(due_minor * ppm, PPM) if ppm is not None else _amount(text, currency)


def _percent(text: str) -> int | None:
    plain = text.translate(_FULL_WIDTH).replace(" ", "")
    if not plain.endswith("%"):
        return None
    ppm = _scaled(plain[:-1], 4) if plain != "%" else 0
    if ppm is None or ppm > PPM:
        raise UserFacingError("That is no percentage.", next_step="Key a number from 0 to 100 before the % sign.")
    return ppm


def _scaled(text: str, places: int) -> int | None:
    """A decimal number times ten to the `places`."""
    found = _DECIMAL.fullmatch(text.translate(_FULL_WIDTH).replace(" ", ""))
    if found is None or not (found[1] or found[2]) or len(found[2] or "") > places:
        return None
    return int((found[1] or "0") + (found[2] or "").ljust(places, "0"))


def _amount(text: str, currency: str) -> int:
    try:
        return keyed_amount(text, currency).minor
    except AmountError as error:
        raise UserFacingError(f"This is no amount: {error}.", next_step="Key it again.") from error

"""What keyed digits mean as money, on a keypad and in a text field alike. It refuses what could mean two things.

The rule is that of card terminals: digits alone fill from the right, so "1250" is 12.50 CNY (and 1,250 JPY, which has
no smaller unit). A decimal point switches to plain writing: "12.5" and "12." are 12.50. Group separators belong to
plain writing and are taken only together with a point, because "1,250" could be meant either way.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.values.amount import Amount, AmountError, parse_amount
from chainpos.core.values.currency import currency

MAX_KEYED_CHARACTERS: Final = 24
# An IME types full-width forms; the keys meant the same.
_FULL_WIDTH: Final = str.maketrans("０１２３４５６７８９．，。、", "0123456789.,.,")


def keyed_amount(text: str, code: str) -> Amount:
    """The amount that `text`, keyed at a till of the currency `code`, means. Nothing keyed is zero.

    Raises AmountError for what is no amount, is ambiguous or has too many decimals; UnknownCurrency.
    """
    exponent = currency(code).exponent
    if len(text) > MAX_KEYED_CHARACTERS:
        raise AmountError("too many digits")
    keyed = text.translate(_FULL_WIDTH).replace(" ", "")
    if not keyed:
        return Amount(0, code)
    if keyed.isascii() and keyed.isdigit():
        return Amount(int(keyed), code)
    if "." not in keyed and "," in keyed and exponent:
        raise AmountError(f"write the decimal point too: {keyed!r} could be meant either way")
    # "12." is what stands in the field on the way to "12.5".
    if keyed.endswith(".") and exponent:
        keyed = keyed[:-1]
    return parse_amount("0" + keyed if keyed.startswith(".") else keyed, code)

"""A customer's code as it was scanned, before anything is charged to it. It refuses what cannot pay the amount now."""

from __future__ import annotations

from chainpos.core.checkout.code import CODE_MARK, RefusedCode, SignedCode, parse_code, require_covers
from chainpos.core.values.amount import Amount
from chainpos.errors import UserFacingError


def is_customer_code(text: str) -> bool:
    """Whether a scan is meant as a customer's code; else it is looked for among the articles."""
    return text[: len(CODE_MARK)].upper() == CODE_MARK


def read_code(text: str, chain_id: str, amount: Amount, now_s: int) -> SignedCode:
    """The code, if it covers the amount. Raises UserFacingError."""
    try:
        code = parse_code(text, chain_id, now_s=now_s)
        require_covers(code, amount)
    except RefusedCode as error:
        raise UserFacingError(
            f"The code was not charged: {error}.", next_step="Ask the customer to show a new code, and scan again."
        ) from error
    return code

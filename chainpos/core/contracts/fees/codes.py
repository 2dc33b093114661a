"""Refusals of the fee schedule; numbers 701 to 799."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

NO_FEE_AGREED: Final = Code(
    701, "no_fee_agreed",
    "No fee is agreed for this kind of payment at this shop.", "该商户的这类付款尚未约定手续费。",
    "Take the payment another way, and call your bank.", "请改用其他方式收款，并联系收单机构。",
)  # fmt: skip

CODES: Final = (NO_FEE_AGREED,)

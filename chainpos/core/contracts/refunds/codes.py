"""Why a refund is refused; numbers 601 to 699."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

NOTHING_TO_REFUND: Final = Code(
    601, "nothing_to_refund",
    "A refund of nothing was asked for.", "退款金额为零。",
    "Enter the amount to return.", "请输入退款金额。",
)  # fmt: skip
EXCEEDS_PAYMENT: Final = Code(
    602, "exceeds_payment",
    "That is more than is left of the payment.", "退款金额超过该笔付款的剩余金额。",
    "Look at what was refunded before, and return at most the rest.", "请查看已退金额，退款不超过剩余部分。",
)  # fmt: skip
ALREADY_REFUNDED: Final = Code(
    603, "already_refunded",
    "This refund was made before.", "该笔退款此前已完成。",
    "Look at the first one; use another reference for a further refund.", "请查看首次退款；再退请换新的退款号。",
)  # fmt: skip
BAD_REFUND_REFERENCE: Final = Code(
    604, "bad_refund_reference",
    "The refund's reference is missing, too long or has forbidden characters.", "退款号缺失、过长或含有不允许的字符。",
    "Use up to 25 letters, digits and dashes.", "请使用不超过25位的字母、数字和短横。",
)  # fmt: skip
BAD_REFUND_REASON: Final = Code(
    605, "bad_refund_reason",
    "The refund's reason is too long or has forbidden characters.", "退款原因过长或含有不允许的字符。",
    "Say in a few plain words why the money goes back.", "请用简短的普通文字说明退款原因。",
)  # fmt: skip

CODES: Final = (NOTHING_TO_REFUND, EXCEEDS_PAYMENT, ALREADY_REFUNDED, BAD_REFUND_REFERENCE, BAD_REFUND_REASON)

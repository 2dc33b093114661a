"""Why a movement of money is refused; numbers 101 to 199."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

INSUFFICIENT_FUNDS: Final = Code(
    101, "insufficient_funds",
    "The account does not hold enough money.", "账户余额不足。",
    "Top up the wallet, or pay with another account.", "请充值，或换用其他账户付款。",
)  # fmt: skip
BALANCE_OVERFLOW: Final = Code(
    102, "balance_overflow",
    "The sum is larger than an account can hold.", "金额超过账户可记录的上限。",
    "Split the amount, and tell the network's operator.", "请拆分金额，并联系网络运营方。",
)  # fmt: skip
BAD_AMOUNT: Final = Code(
    103, "bad_amount",
    "The amount is zero, negative or too large.", "金额为零、为负或过大。",
    "Enter the amount again.", "请重新输入金额。",
)  # fmt: skip
UNKNOWN_CURRENCY: Final = Code(
    104, "unknown_currency",
    "The network does not carry this currency.", "网络不支持该币种。",
    "Choose a currency that the network carries.", "请选择网络支持的币种。",
)  # fmt: skip
BAD_REASON: Final = Code(
    105, "bad_reason",
    "The reason is none of those that the network lists.", "该原因不在网络规定的列表中。",
    "Choose cash, transfer or another listed reason.", "请选择现金、转账等列表中的原因。",
)  # fmt: skip
BAD_REFERENCE: Final = Code(
    106, "bad_reference",
    "The reference is missing, too long or has forbidden characters.", "凭证号缺失、过长或含有不允许的字符。",
    "Give the bank's reference in at most 64 bytes of plain text.", "请填写不超过64字节的银行凭证号。",
)  # fmt: skip
WRONG_INSTITUTION: Final = Code(
    107, "wrong_institution",
    "The account is held at another institution.", "该账户不属于本机构。",
    "Ask the institution that holds the account.", "请联系账户所属机构办理。",
)  # fmt: skip

CODES: Final = (
    INSUFFICIENT_FUNDS, BALANCE_OVERFLOW, BAD_AMOUNT, UNKNOWN_CURRENCY, BAD_REASON, BAD_REFERENCE, WRONG_INSTITUTION,
)  # fmt: skip

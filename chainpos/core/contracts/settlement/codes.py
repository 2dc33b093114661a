"""Why settlement refuses: between institutions, or of a merchant's payouts; numbers 801 to 899."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

NET_DEBIT_CAP: Final = Code(
    801, "net_debit_cap",
    "The bank that would owe this owes the other banks as much as it may.", "应付机构对其他机构的净欠款已达上限。",
    "Try again after the next settlement, or another way.", "请在下次清算后再试，或改用其他方式。",
)  # fmt: skip
BEFORE_CUTOFF: Final = Code(
    802, "before_cutoff",
    "The settlement cycle is not over yet.", "本轮清算尚未到截止时间。",
    "Wait for the cut-off.", "请等到截止时间。",
)  # fmt: skip
NOTHING_TO_SETTLE: Final = Code(
    803, "nothing_to_settle",
    "No institution owes another anything.", "各机构之间没有待清算款项。",
    "There is nothing to do.", "无需操作。",
)  # fmt: skip
CURRENCY_NOT_SETTLED: Final = Code(
    804, "currency_not_settled",
    "The banks of this network do not settle in this currency.", "网络内各机构不以该币种清算。",
    "Use a currency that the network settles.", "请使用网络支持清算的币种。",
)  # fmt: skip
NOTHING_RESOLVED: Final = Code(
    805, "nothing_resolved",
    "No debtor that was rolled over can settle yet.", "被顺延的机构目前仍无法清算。",
    "Fund its reserve: it settles as the money comes.", "请补足其备付金：到账即自动清算。",
)  # fmt: skip
NOTHING_TO_PAY_OUT: Final = Code(
    806, "nothing_to_pay_out",
    "A payout of nothing was asked for.", "提现金额为零。",
    "Enter the amount that should go to the bank account.", "请输入提现金额。",
)  # fmt: skip
NOT_ENOUGH_AVAILABLE: Final = Code(
    807, "not_enough_available",
    "The shop has less money available than that.", "商户可用余额不足。",
    "Wait until pending money has settled, or choose a smaller amount.", "请等待待清算款项到账，或减少金额。",
)  # fmt: skip
UNKNOWN_PAYOUT: Final = Code(
    808, "unknown_payout",
    "The shop has no payout of this number.", "该商户没有此编号的提现。",
    "Check the payout's number.", "请核对提现编号。",
)  # fmt: skip
PAYOUT_DECIDED: Final = Code(
    809, "payout_decided",
    "This payout was confirmed or failed before.", "该笔提现已有结果。",
    "Look at its outcome; it cannot change any more.", "请查看其结果，不可再更改。",
)  # fmt: skip
BAD_BANK_REFERENCE: Final = Code(
    810, "bad_bank_reference",
    "The bank's reference is missing, too long or has forbidden characters.", "银行凭证号缺失、过长或含有非法字符。",
    "Give the bank's reference in at most 35 characters.", "请填写不超过35个字符的银行凭证号。",
)  # fmt: skip
BAD_FAILURE_REASON: Final = Code(
    811, "bad_failure_reason",
    "The reason is missing, too long or has forbidden characters.", "失败原因缺失、过长或含有不允许的字符。",
    "Say in plain words why the payout failed.", "请用普通文字说明提现失败的原因。",
)  # fmt: skip

CODES: Final = (
    NET_DEBIT_CAP, BEFORE_CUTOFF, NOTHING_TO_SETTLE, CURRENCY_NOT_SETTLED, NOTHING_RESOLVED, NOTHING_TO_PAY_OUT,
    NOT_ENOUGH_AVAILABLE, UNKNOWN_PAYOUT, PAYOUT_DECIDED, BAD_BANK_REFERENCE, BAD_FAILURE_REASON,
)  # fmt: skip

"""Why compliance refuses; numbers 901 to 999."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

ACCOUNT_FROZEN: Final = Code(
    901, "frozen_account",
    "The wallet is frozen by order; no money can leave it.", "该钱包已被依法冻结，资金不能转出。",
    "Ask the institution that opened the wallet.", "请顾客联系开户机构。",
)  # fmt: skip
MERCHANT_FROZEN: Final = Code(
    902, "frozen_merchant",
    "The shop is frozen by order; it can neither take nor return money.", "该商户已被依法冻结，不能收款或退款。",
    "Ask the bank that acquires for the shop.", "请联系商户的收单机构。",
)  # fmt: skip
ALREADY_FROZEN: Final = Code(
    903, "already_frozen",
    "A freeze is in force on it already.", "该对象已处于冻结状态。",
    "Release it first, to freeze it on other terms.", "如需变更，请先解除原冻结。",
)  # fmt: skip
NOT_FROZEN: Final = Code(
    904, "not_frozen",
    "No freeze is in force on it.", "该对象未被冻结。",
    "Check the account or shop that was meant.", "请核对账户或商户。",
)  # fmt: skip
BAD_SUBJECT: Final = Code(
    905, "bad_subject",
    "What is to be frozen or released is neither a wallet nor a shop.", "冻结或解冻的对象不是钱包也不是商户。",
    "Give a wallet's address or a shop's number.", "请填写钱包地址或商户号。",
)  # fmt: skip
BAD_LEGAL_REFERENCE: Final = Code(
    906, "bad_legal_reference",
    "The legal reference is missing, too long or has forbidden characters.", "法律文书号缺失、过长或含有不允许的字符。",
    "Give the order's number in plain text.", "请用普通文字填写文书号。",
)  # fmt: skip
BAD_FREEZE_EXPIRY: Final = Code(
    907, "bad_freeze_expiry",
    "The freeze would end in the past, or more than two years ahead.", "冻结期限早于现在或超过两年。",
    "Give an end within two years; it can be renewed.", "请填写两年以内的期限，到期可续。",
)  # fmt: skip
NOTHING_TO_AGREE: Final = Code(
    908, "nothing_to_agree",
    "No order with this reference awaits the institution's agreement.", "没有该文书号的命令等待机构同意。",
    "Check the order's reference.", "请核对文书号。",
)  # fmt: skip
AGREEMENT_LATE: Final = Code(
    909, "agreement_late",
    "The order lapsed before the institution agreed to it.", "机构同意之前该命令已失效。",
    "Ask the regulator for a new order.", "请监管方重新下达命令。",
)  # fmt: skip
BAD_ALERT_RULE: Final = Code(
    910, "bad_alert_rule",
    "An alert rule is named twice, counts nothing, or has bad bounds.", "预警规则重名、不计任何付款或界限无效。",
    "Give each rule its name, window, bounds and what to count.", "请为每条规则填写名称、时间窗、界限和计数。",
)  # fmt: skip
ALERT_RULES_NOT_LATER: Final = Code(
    911, "alert_rules_not_later",
    "A later or the same date is scheduled for the alert rules already.", "预警规则已安排了同日或更晚的变更。",
    "Choose a date after the last one that is scheduled.", "请选择晚于已安排日期的时间。",
)  # fmt: skip

CODES: Final = (
    ACCOUNT_FROZEN, MERCHANT_FROZEN, ALREADY_FROZEN, NOT_FROZEN, BAD_SUBJECT, BAD_LEGAL_REFERENCE, BAD_FREEZE_EXPIRY,
    NOTHING_TO_AGREE, AGREEMENT_LATE, BAD_ALERT_RULE, ALERT_RULES_NOT_LATER,
)  # fmt: skip

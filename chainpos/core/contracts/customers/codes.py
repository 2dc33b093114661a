"""Why customers' accounts refuse; numbers 301 to 399."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

UNKNOWN_CUSTOMER: Final = Code(
    301, "unknown_customer",
    "No wallet on this network belongs to this key or address.", "网络中没有对应的钱包账户。",
    "Open a wallet with a bank or wallet company first.", "请先在银行或钱包公司开立钱包。",
)  # fmt: skip
ACCOUNT_EXISTS: Final = Code(
    302, "account_exists",
    "A wallet was opened with this key before.", "该密钥已开立过钱包。",
    "Make a new key for the new wallet.", "请为新钱包生成新的密钥。",
)  # fmt: skip
OVER_SINGLE_LIMIT: Final = Code(
    303, "over_single_limit",
    "The payment is larger than this wallet allows at once.", "超过该钱包单笔支付限额。",
    "Pay in another way, or ask the bank for a higher wallet tier.", "请换用其他方式付款，或向机构申请提升钱包等级。",
)  # fmt: skip
OVER_DAILY_LIMIT: Final = Code(
    304, "over_daily_limit",
    "The payment goes beyond what this wallet may pay in a day.", "超过该钱包当日支付限额。",
    "Pay in another way, or tomorrow.", "请换用其他方式付款，或明日再付。",
)  # fmt: skip
OVER_BALANCE_LIMIT: Final = Code(
    305, "over_balance_limit",
    "The wallet would hold more than its tier allows.", "超过该钱包等级的余额上限。",
    "Move money out first, or ask the bank for a higher wallet tier.", "请先转出部分余额，或申请提升钱包等级。",
)  # fmt: skip
OVER_CODE_CAP: Final = Code(
    306, "over_code_cap",
    "The payment goes beyond what may be paid by shown codes in a day.", "超过付款码当日累计限额。",
    "Scan the shop's QR and confirm it in the wallet instead.", "请改为扫描商家二维码并在钱包中确认。",
)  # fmt: skip
OVER_STATIC_CAP: Final = Code(
    307, "over_static_cap",
    "The payment goes beyond what may be paid to printed QR codes in a day.", "超过静态二维码当日累计限额。",
    "Ask the shop for a QR made for this sale.", "请商家出示本次交易的动态二维码。",
)  # fmt: skip
UNKNOWN_TIER: Final = Code(
    308, "unknown_tier",
    "The network has no wallet tier of this name.", "网络中没有该钱包等级。",
    "Choose one of the network's tiers.", "请选择网络规定的钱包等级。",
)  # fmt: skip
UNKNOWN_CODE_CLASS: Final = Code(
    309, "unknown_code_class",
    "The network has no class of payment codes of this name.", "网络中没有该付款码等级。",
    "Choose one of the network's classes.", "请选择网络规定的付款码等级。",
)  # fmt: skip
BAD_CUSTOMER_KEY: Final = Code(
    310, "bad_customer_key",
    "The wallet's key is not a 32-byte public key.", "钱包公钥不是32字节。",
    "Show the key again from the customer's wallet.", "请从顾客钱包重新出示公钥。",
)  # fmt: skip
BAD_ATTESTATION: Final = Code(
    311, "bad_attestation",
    "The commitment to the customer's papers is not 32 bytes.", "身份核验承诺值不是32字节。",
    "Make the commitment again from the papers and a fresh salt.", "请用核验资料和新的盐值重新生成承诺。",
)  # fmt: skip
NO_LIMITS_IN_FORCE: Final = Code(
    312, "no_limits_in_force",
    "The network has set no limits for this wallet in this currency.", "该钱包在此币种下没有生效的限额。",
    "Pay in the network's usual currency.", "请使用网络支持的币种付款。",
)  # fmt: skip
ACCOUNT_LOCKED: Final = Code(
    313, "account_locked",
    "The wallet is locked and cannot pay.", "该钱包已锁定，无法付款。",
    "Ask the bank or wallet company that opened it.", "请联系开户机构。",
)  # fmt: skip
ACCOUNT_CLOSED: Final = Code(
    314, "account_closed",
    "The wallet is closed.", "该钱包已注销。",
    "Use another wallet.", "请使用其他钱包。",
)  # fmt: skip
BAD_LIMITS: Final = Code(
    315, "bad_limits",
    "The limits name a currency twice, or a figure that cannot be.", "限额的币种重复或数值无效。",
    "Give each currency once, with figures of zero or more.", "每个币种只列一次，限额不小于零。",
)  # fmt: skip
LIMITS_NOT_LATER: Final = Code(
    316, "limits_not_later",
    "A later or the same date is scheduled for these limits already.", "该限额已安排了同日或更晚的变更。",
    "Choose a date after the last one that is scheduled.", "请选择晚于已安排日期的时间。",
)  # fmt: skip
BAD_LIMITS_NAME: Final = Code(
    317, "bad_limits_name",
    "A wallet tier or a class of codes cannot have this name.", "钱包等级或付款码等级的名称无效。",
    "Use small letters for a tier, one capital for a class.", "等级用小写字母，付款码等级用一个大写字母。",
)  # fmt: skip
NOT_CUSTOMER_OR_INSTITUTION: Final = Code(
    318, "not_customer_or_institution",
    "Only the customer or the wallet's institution may do this.", "此操作只能由顾客或开户机构办理。",
    "Have one of the two sign it.", "请由顾客或开户机构签名办理。",
)  # fmt: skip
CUSTOMER_KEY_IN_USE: Final = Code(
    319, "customer_key_in_use",
    "This key belongs, or belonged, to a wallet already.", "该密钥正在或曾经用于其他钱包。",
    "Make a new key on the device.", "请在设备上生成新的密钥。",
)  # fmt: skip
ACCOUNT_NOT_LOCKED: Final = Code(
    320, "account_not_locked",
    "The wallet is not locked.", "该钱包未被锁定。",
    "Nothing needs to be done.", "无需再办理。",
)  # fmt: skip
ACCOUNT_NOT_CLOSED: Final = Code(
    321, "account_not_closed",
    "The wallet is not closed.", "该钱包未注销。",
    "Nothing needs to be done.", "无需再办理。",
)  # fmt: skip
ACCOUNT_NOT_EMPTY: Final = Code(
    322, "account_not_empty",
    "The wallet still holds money.", "该钱包仍有余额。",
    "Move the money out first.", "请先转出余额。",
)  # fmt: skip
RECOVERY_PENDING: Final = Code(
    323, "recovery_pending",
    "A recovery of this wallet is under way.", "该钱包正在找回中。",
    "Wait for its end, or cancel it first.", "请等待找回结束，或先取消找回。",
)  # fmt: skip
NO_RECOVERY: Final = Code(
    324, "no_recovery",
    "No recovery of this wallet is under way.", "该钱包没有进行中的找回。",
    "Start one with the wallet's institution.", "请向开户机构申请找回。",
)  # fmt: skip
RECOVERY_NOT_READY: Final = Code(
    325, "recovery_not_ready",
    "The time in which the old key may object is not over yet.", "旧密钥的异议期尚未结束。",
    "Try again when the waiting time is over.", "请在等待期结束后再试。",
)  # fmt: skip
CUSTOMER_KEY_REPLACED: Final = Code(
    326, "customer_key_replaced",
    "This key was replaced by another and signs for nothing.", "该密钥已被更换，不能再签名。",
    "Use the device that holds the wallet's new key.", "请使用持有新密钥的设备。",
)  # fmt: skip
RECOVERY_UPHELD: Final = Code(
    327, "recovery_upheld",
    "The regulator upheld this recovery; the old key can object no more.", "监管方已支持此次找回，旧密钥不能再异议。",
    "Ask the wallet's institution, which can still cancel it.", "请联系开户机构，机构仍可取消。",
)  # fmt: skip
BAD_RULING_REFERENCE: Final = Code(
    328, "bad_ruling_reference",
    "The ruling's reference is missing, too long or has forbidden signs.", "裁定文书号缺失、过长或含有不允许的字符。",
    "Give the ruling's number in plain text.", "请用普通文字填写文书号。",
)  # fmt: skip
STATIC_CAP_NOT_LOWEST: Final = Code(
    329, "static_cap_not_lowest",
    "Printed QR codes would have a cap above that of another class.", "静态二维码的限额将高于其他付款码等级。",
    "Set the cap of class D no higher than every other class' cap.", "请使D级限额不高于其他任何等级。",
)  # fmt: skip

CODES: Final = (
    UNKNOWN_CUSTOMER, ACCOUNT_EXISTS, OVER_SINGLE_LIMIT, OVER_DAILY_LIMIT, OVER_BALANCE_LIMIT, OVER_CODE_CAP,
    OVER_STATIC_CAP, UNKNOWN_TIER, UNKNOWN_CODE_CLASS, BAD_CUSTOMER_KEY, BAD_ATTESTATION, NO_LIMITS_IN_FORCE,
    ACCOUNT_LOCKED, ACCOUNT_CLOSED, BAD_LIMITS, LIMITS_NOT_LATER, BAD_LIMITS_NAME, NOT_CUSTOMER_OR_INSTITUTION,
    CUSTOMER_KEY_IN_USE, ACCOUNT_NOT_LOCKED, ACCOUNT_NOT_CLOSED, ACCOUNT_NOT_EMPTY, RECOVERY_PENDING, NO_RECOVERY,
    RECOVERY_NOT_READY, CUSTOMER_KEY_REPLACED, RECOVERY_UPHELD, BAD_RULING_REFERENCE, STATIC_CAP_NOT_LOWEST,
)  # fmt: skip

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

CODES: Final = (
    UNKNOWN_CUSTOMER, ACCOUNT_EXISTS, OVER_SINGLE_LIMIT, OVER_DAILY_LIMIT, OVER_BALANCE_LIMIT, OVER_CODE_CAP,
    OVER_STATIC_CAP, UNKNOWN_TIER, UNKNOWN_CODE_CLASS, BAD_CUSTOMER_KEY, BAD_ATTESTATION, NO_LIMITS_IN_FORCE,
    ACCOUNT_LOCKED, ACCOUNT_CLOSED,
)  # fmt: skip

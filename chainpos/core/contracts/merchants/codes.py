"""Why merchants and their tills refuse; numbers 401 to 499."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

UNKNOWN_MERCHANT: Final = Code(
    401, "unknown_merchant",
    "The network has no shop of this name.", "网络中没有该商户。",
    "Check the shop's number.", "请核对商户号。",
)  # fmt: skip
MERCHANT_NOT_OPEN: Final = Code(
    402, "merchant_not_open",
    "The shop is suspended or closed on this network.", "该商户已暂停或注销。",
    "Ask the bank that acquires for the shop.", "请联系商户的收单机构。",
)  # fmt: skip
UNKNOWN_TILL: Final = Code(
    403, "unknown_till",
    "The device that asked for the money is not a till of this shop.", "发起收款的设备不是该商户的收银机。",
    "Do not pay; ask the shop to show the QR of its own till.", "请勿付款，请商家出示本店收银机的二维码。",
)  # fmt: skip
TILL_REVOKED: Final = Code(
    404, "till_revoked",
    "This till may no longer take or return money.", "该收银机已被停用。",
    "Use another till, or ask the owner.", "请换用其他收银机，或联系店主。",
)  # fmt: skip
NOT_OWNER: Final = Code(
    405, "not_owner",
    "Only the shop's owner may do this.", "此操作只能由店主办理。",
    "Have the owner sign it.", "请由店主签名办理。",
)  # fmt: skip
OVER_TILL_REFUND_LIMIT: Final = Code(
    406, "over_till_refund_limit",
    "The till would return more than it may in a day.", "超过该收银机当日退款限额。",
    "Have the owner sign the refund.", "请由店主签名办理退款。",
)  # fmt: skip
MERCHANT_EXISTS: Final = Code(
    407, "merchant_exists",
    "A shop of this number is registered already.", "该商户号已登记。",
    "Choose another number.", "请更换商户号。",
)  # fmt: skip
BAD_MERCHANT_ID: Final = Code(
    408, "bad_merchant_id",
    "The shop's number is not 4 to 16 capital letters and digits.", "商户号须为4至16位大写字母或数字。",
    "Use capital letters and digits only.", "请只使用大写字母和数字。",
)  # fmt: skip
BAD_MERCHANT_NAME: Final = Code(
    409, "bad_merchant_name",
    "The shop's name is missing, too long or has forbidden characters.", "商户名称缺失、过长或含有不允许的字符。",
    "Give the name in plain text, in both languages.", "请用普通文字填写中英文名称。",
)  # fmt: skip
BAD_CATEGORY: Final = Code(
    410, "bad_category",
    "The shop's category is not a number of four digits.", "商户类别码不是四位数字。",
    "Look the category up in ISO 18245.", "请按ISO 18245查找类别码。",
)  # fmt: skip
BAD_CITY: Final = Code(
    411, "bad_city",
    "The city is missing, too long or has forbidden characters.", "城市缺失、过长或含有不允许的字符。",
    "Give the city in plain text.", "请用普通文字填写城市。",
)  # fmt: skip
BAD_OWNER_KEY: Final = Code(
    412, "bad_owner_key",
    "The owner's key is not a 32-byte public key.", "店主公钥不是32字节。",
    "Show the key again from the owner's wallet.", "请从店主钱包重新出示公钥。",
)  # fmt: skip
BAD_FEE_CLASS: Final = Code(
    413, "bad_fee_class",
    "The fee class is not the name of one.", "费率类别名称不正确。",
    "Choose one of the network's fee classes.", "请选择网络规定的费率类别。",
)  # fmt: skip
BAD_SETTLEMENT_MODE: Final = Code(
    414, "bad_settlement_mode",
    "A shop is settled at once or in netted cycles, nothing else.", "结算方式只能是即时或轧差。",
    "Choose one of the two.", "请从两者中选择。",
)  # fmt: skip
BAD_PAYOUT_ACCOUNT: Final = Code(
    415, "bad_payout_account",
    "The account for payouts is missing, too long or has forbidden characters.", "提现账户缺失、过长或含有非法字符。",
    "Give the account's reference in capital letters, digits and dashes.", "请用大写字母、数字和短横填写账户编号。",
)  # fmt: skip
TILL_KEY_IN_USE: Final = Code(
    416, "till_key_in_use",
    "This device's key was registered for a till before.", "该设备密钥已登记过收银机。",
    "Make a new key on the device.", "请在设备上生成新的密钥。",
)  # fmt: skip
BAD_TILL_KEY: Final = Code(
    417, "bad_till_key",
    "The till's key is not a 32-byte public key.", "收银机公钥不是32字节。",
    "Show the key again on the till.", "请在收银机上重新出示公钥。",
)  # fmt: skip
BAD_TILL_LABEL: Final = Code(
    418, "bad_till_label",
    "The till's label is missing, too long or has forbidden characters.", "收银机名称缺失、过长或含有不允许的字符。",
    "Give the till a short name in plain text.", "请用简短的普通文字命名收银机。",
)  # fmt: skip
BAD_TILL_LIMITS: Final = Code(
    419, "bad_till_limits",
    "A till's limit is negative or too large.", "收银机限额为负或过大。",
    "Give limits of zero or more.", "请填写不小于零的限额。",
)  # fmt: skip
TOO_MANY_TILLS: Final = Code(
    420, "too_many_tills",
    "The shop has as many tills as the network allows.", "该商户的收银机数量已达上限。",
    "Ask the bank that acquires for the shop.", "请联系商户的收单机构。",
)  # fmt: skip
NOT_OWNER_OR_ACQUIRER: Final = Code(
    421, "not_owner_or_acquirer",
    "Only the shop's owner or its acquirer may do this.", "此操作只能由店主或收单机构办理。",
    "Have one of the two sign it.", "请由店主或收单机构签名办理。",
)  # fmt: skip
NOT_SUSPENDED: Final = Code(
    422, "merchant_not_suspended",
    "The shop is not suspended.", "该商户未被暂停。",
    "Nothing needs to be done.", "无需再办理。",
)  # fmt: skip
MERCHANT_CLOSED: Final = Code(
    423, "merchant_closed",
    "The shop is closed for good.", "该商户已注销，不可恢复。",
    "Register the shop again under another number.", "请以新的商户号重新登记。",
)  # fmt: skip
MERCHANT_NOT_EMPTY: Final = Code(
    424, "merchant_not_empty",
    "The shop still has money on this network.", "该商户在网络中仍有资金。",
    "Pay all of it out first, and have it confirmed.", "请先提现全部资金并等待确认。",
)  # fmt: skip
NO_TERMS_PENDING: Final = Code(
    425, "no_terms_pending",
    "No change of the shop's terms is waiting.", "该商户没有等待生效的结算变更。",
    "Nothing needs to be done.", "无需再办理。",
)  # fmt: skip
TERMS_UNCHANGED: Final = Code(
    426, "terms_unchanged",
    "The shop has these terms already.", "该商户已是此结算方式和账户。",
    "Nothing needs to be done.", "无需再办理。",
)  # fmt: skip
BAD_SUSPENSION_REASON: Final = Code(
    427, "bad_suspension_reason",
    "The reason is missing, too long or has forbidden characters.", "原因缺失、过长或含有不允许的字符。",
    "Give the reason in plain text of at most 64 bytes.", "请用不超过64字节的普通文字填写原因。",
)  # fmt: skip
OWNER_UNCHANGED: Final = Code(
    428, "owner_unchanged",
    "The key is the owner's already.", "该密钥已是店主密钥。",
    "Make a new key for the owner.", "请为店主生成新的密钥。",
)  # fmt: skip
OWNER_RECOVERY_PENDING: Final = Code(
    429, "owner_recovery_pending",
    "The shop's owner key is being replaced; until then it can only object.", "店主密钥正在更换，期间只能提出异议。",
    "Object with the old key, or wait until the new one takes over.", "请用旧密钥提出异议，或等待新密钥生效。",
)  # fmt: skip
NO_OWNER_RECOVERY: Final = Code(
    430, "no_owner_recovery",
    "The shop's owner key is not being replaced.", "该商户的店主密钥没有在更换。",
    "Start with the bank that acquires for the shop.", "请联系商户的收单机构办理。",
)  # fmt: skip
OWNER_RECOVERY_NOT_READY: Final = Code(
    431, "owner_recovery_not_ready",
    "The time in which the old owner key may object is not over yet.", "旧店主密钥的异议期尚未结束。",
    "Try again when the waiting time is over.", "请在等待期结束后再试。",
)  # fmt: skip
OWNER_RECOVERY_UPHELD: Final = Code(
    432, "owner_recovery_upheld",
    "The regulator upheld the new owner key; the old can object no more.", "监管方已支持更换，旧密钥不能再异议。",
    "Ask the bank that acquires for the shop.", "请联系商户的收单机构。",
)  # fmt: skip
BAD_OWNER_RULING: Final = Code(
    433, "bad_owner_ruling",
    "The ruling's reference is missing, too long or has forbidden signs.", "裁定文书号缺失、过长或含有不允许的字符。",
    "Give the ruling's number in plain text.", "请用普通文字填写文书号。",
)  # fmt: skip
CERTIFICATE_UNCHANGED: Final = Code(
    434, "certificate_unchanged",
    "All of this is certified of the shop already.", "该商户的认证内容已是如此。",
    "Nothing needs to be done.", "无需再办理。",
)  # fmt: skip
NO_CERTIFICATE_PENDING: Final = Code(
    435, "no_certificate_pending",
    "No other certificate of the shop is waiting.", "该商户没有等待生效的认证变更。",
    "Nothing needs to be done.", "无需再办理。",
)  # fmt: skip

CODES: Final = (
    UNKNOWN_MERCHANT, MERCHANT_NOT_OPEN, UNKNOWN_TILL, TILL_REVOKED, NOT_OWNER, OVER_TILL_REFUND_LIMIT, MERCHANT_EXISTS,
    BAD_MERCHANT_ID, BAD_MERCHANT_NAME, BAD_CATEGORY, BAD_CITY, BAD_OWNER_KEY, BAD_FEE_CLASS, BAD_SETTLEMENT_MODE,
    BAD_PAYOUT_ACCOUNT, TILL_KEY_IN_USE, BAD_TILL_KEY, BAD_TILL_LABEL, BAD_TILL_LIMITS, TOO_MANY_TILLS,
    NOT_OWNER_OR_ACQUIRER, NOT_SUSPENDED, MERCHANT_CLOSED, MERCHANT_NOT_EMPTY, NO_TERMS_PENDING, TERMS_UNCHANGED,
    BAD_SUSPENSION_REASON, OWNER_UNCHANGED, OWNER_RECOVERY_PENDING, NO_OWNER_RECOVERY, OWNER_RECOVERY_NOT_READY,
    OWNER_RECOVERY_UPHELD, BAD_OWNER_RULING, CERTIFICATE_UNCHANGED, NO_CERTIFICATE_PENDING,
)  # fmt: skip

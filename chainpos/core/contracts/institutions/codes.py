"""Why institutions refuse; numbers 201 to 299."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

UNKNOWN_INSTITUTION: Final = Code(
    201, "unknown_institution",
    "The network has no institution of this name.", "网络中没有该机构。",
    "Check the institution's name.", "请核对机构名称。",
)  # fmt: skip
NOT_INSTITUTION_KEY: Final = Code(
    202, "not_institution_key",
    "The signer does not act for this institution.", "签名人不能代表该机构。",
    "Have the institution itself sign it.", "请由该机构签名办理。",
)  # fmt: skip
INSTITUTION_SUSPENDED: Final = Code(
    203, "institution_suspended",
    "The institution is suspended and may not act.", "该机构已被暂停业务。",
    "Ask the network's operator.", "请联系网络运营方。",
)  # fmt: skip
INSTITUTION_EXISTS: Final = Code(
    204, "institution_exists",
    "An institution of this name is registered already.", "同名机构已登记。",
    "Choose another name.", "请更换机构标识。",
)  # fmt: skip
BAD_INSTITUTION_ID: Final = Code(
    205, "bad_institution_id",
    "The institution's short name is not 3 to 16 small letters and digits.", "机构标识须为3至16位小写字母或数字。",
    "Use small letters and digits, beginning with a letter.", "请使用以字母开头的小写字母和数字。",
)  # fmt: skip
BAD_INSTITUTION_NAME: Final = Code(
    206, "bad_institution_name",
    "The institution's name is missing, too long or has forbidden characters.", "机构名称缺失、过长或含有非法字符。",
    "Give the name in plain text, in both languages.", "请用普通文字填写中英文名称。",
)  # fmt: skip
BAD_INSTITUTION_KEY: Final = Code(
    207, "bad_institution_key",
    "The institution's key is not a 32-byte public key.", "机构公钥不是32字节。",
    "Export the public key again from the institution's signer.", "请从机构签名设备重新导出公钥。",
)  # fmt: skip
BAD_INSTITUTION_KIND: Final = Code(
    208, "bad_institution_kind",
    "An institution is a bank or a wallet company, nothing else.", "机构类型只能是银行或钱包公司。",
    "Choose one of the two.", "请从两者中选择。",
)  # fmt: skip
BAD_DEBIT_CAP: Final = Code(
    209, "bad_debit_cap",
    "A net debit cap is negative, too large, or given twice for a currency.", "净借记上限为负、过大或同一币种重复。",
    "Give one cap for each currency, zero or more.", "每个币种只填一个不小于零的上限。",
)  # fmt: skip
TOO_MANY_INSTITUTIONS: Final = Code(
    210, "too_many_institutions",
    "The network has no room for another institution.", "网络的机构数量已达上限。",
    "Ask the network's operator.", "请联系网络运营方。",
)  # fmt: skip
BAD_STANDING_REASON: Final = Code(
    211, "bad_standing_reason",
    "The reason is missing, too long or has forbidden characters.", "原因缺失、过长或含有不允许的字符。",
    "Give the reason in plain text of at most 64 bytes.", "请用不超过64字节的普通文字填写原因。",
)  # fmt: skip
STANDING_UNCHANGED: Final = Code(
    212, "standing_unchanged",
    "The institution has this standing already.", "该机构已处于此状态。",
    "Nothing needs to be done.", "无需再办理。",
)  # fmt: skip
INSTITUTION_KEY_UNCHANGED: Final = Code(
    213, "institution_key_unchanged",
    "The key acts for the institution already.", "该密钥已可代表该机构。",
    "Make a new key for the institution.", "请为该机构生成新的密钥。",
)  # fmt: skip

CODES: Final = (
    UNKNOWN_INSTITUTION, NOT_INSTITUTION_KEY, INSTITUTION_SUSPENDED, INSTITUTION_EXISTS, BAD_INSTITUTION_ID,
    BAD_INSTITUTION_NAME, BAD_INSTITUTION_KEY, BAD_INSTITUTION_KIND, BAD_DEBIT_CAP, TOO_MANY_INSTITUTIONS,
    BAD_STANDING_REASON, STANDING_UNCHANGED, INSTITUTION_KEY_UNCHANGED,
)  # fmt: skip

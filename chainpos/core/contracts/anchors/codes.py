"""Why a hash is not taken; numbers 1101 to 1199."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

BAD_ANCHOR_KIND: Final = Code(
    1101, "bad_anchor_kind",
    "The kind of document is not named in up to 32 small letters, digits and underscores.",
    "文件类别须为不超过32位的小写字母、数字和下划线。",
    "Name the kind, such as z_report.", "请写明类别，例如 z_report。",
)  # fmt: skip
ANCHOR_NOT_AFTER: Final = Code(
    1102, "anchor_not_after",
    "The till has recorded a document of this number, or a later one, before.",
    "该收银机已登记过此序号或更大序号的文件。",
    "Compare the document with the one on the ledger; nothing recorded is ever replaced.",
    "请与账本上的记录核对；已登记的内容不会被替换。",
)  # fmt: skip
TOO_MANY_ANCHORS: Final = Code(
    1103, "too_many_anchors",
    "The till has recorded as many documents today as the network allows.", "该收银机今天登记的文件已达上限。",
    "It is recorded by itself tomorrow.", "系统将于明天自动登记。",
)  # fmt: skip

CODES: Final = (BAD_ANCHOR_KIND, ANCHOR_NOT_AFTER, TOO_MANY_ANCHORS)

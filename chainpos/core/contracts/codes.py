"""Refusals of the envelope itself, before any capability is asked; numbers 1 to 99."""

from __future__ import annotations

from typing import Final

from chainpos.errors import Code

CODESPACE: Final = "chainpos"

MALFORMED: Final = Code(
    1, "malformed",
    "The transaction cannot be read.", "无法读取该交易。",
    "Send it again from an up-to-date wallet.", "请用最新版钱包重新发送。",
)  # fmt: skip
OVERSIZED: Final = Code(
    2, "oversized",
    "The transaction is larger than the network allows.", "交易大小超过网络上限。",
    "Shorten its text and send it again.", "请缩短备注后重新发送。",
)  # fmt: skip
OTHER_CHAIN: Final = Code(
    3, "other_chain",
    "The transaction was signed for another network.", "该交易是为另一个网络签名的。",
    "Check which network the wallet is set to.", "请检查钱包所选的网络。",
)  # fmt: skip
BAD_SIGNATURE: Final = Code(
    4, "bad_signature",
    "A signature does not belong to this transaction.", "签名与该交易不符。",
    "Do not accept it; ask the customer to pay again.", "请勿接受，请顾客重新付款。",
)  # fmt: skip
TX_EXPIRED: Final = Code(
    5, "transaction_expired",
    "The transaction arrived after its own expiry.", "交易已超过其有效期。",
    "Pay again.", "请重新付款。",
)  # fmt: skip
EXPIRY_TOO_FAR: Final = Code(
    6, "expiry_too_far",
    "The transaction's expiry is more than a day ahead.", "交易有效期超过一天。",
    "Check the clock of the device that signed it.", "请检查签名设备的时钟。",
)  # fmt: skip
REPLAYED: Final = Code(
    7, "replayed",
    "This very transaction was on the ledger before.", "该交易此前已上链。",
    "Look at the first one; nothing more is owed for this.", "请查看首次交易，本次不再扣款。",
)  # fmt: skip
UNKNOWN_KIND: Final = Code(
    8, "unknown_kind",
    "The network knows no such kind of transaction.", "网络不支持该类交易。",
    "Update the program that sent it.", "请更新发送该交易的程序。",
)  # fmt: skip
TOKEN_SPENT: Final = Code(
    9, "code_already_used",
    "The customer's code was used before; a code works once.", "该付款码已使用过，付款码仅限一次有效。",
    "Ask the customer to show a new code.", "请顾客出示新的付款码。",
)  # fmt: skip
BLOCK_FULL: Final = Code(
    10, "mempool_full",
    "The node has no room for more waiting transactions.", "节点等待队列已满。",
    "Wait a few seconds and send it again.", "请稍候几秒再重新发送。",
)  # fmt: skip
TOO_MANY_WAITING: Final = Code(
    11, "too_many_waiting",
    "This account has too many transactions waiting.", "该账户等待中的交易过多。",
    "Wait until some are settled, then send it again.", "请等待部分交易完成后再发送。",
)  # fmt: skip
LEDGER_CROWDED: Final = Code(
    12, "ledger_crowded",
    "The ledger has no room at the place where this would be recorded.", "账本中该记录的位置已满。",
    "Make the transaction again; it will find another place.", "请重新发起交易，系统会另选位置。",
)  # fmt: skip

# Said for now, by a node and of itself: the same transaction may be let in later, and may be with another node already.
FOR_NOW: Final = frozenset({BLOCK_FULL.number, TOO_MANY_WAITING.number})

CODES: Final = (
    MALFORMED, OVERSIZED, OTHER_CHAIN, BAD_SIGNATURE, TX_EXPIRED, EXPIRY_TOO_FAR, REPLAYED, UNKNOWN_KIND, TOKEN_SPENT,
    BLOCK_FULL, TOO_MANY_WAITING, LEDGER_CROWDED,
)  # fmt: skip

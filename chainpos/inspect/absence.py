"""Why something is not there. There is no bare "not found": each kind of absence says as of when, and what follows.

It refuses nothing. `code` is the refusal's, for REJECTED.
"""

from __future__ import annotations

from typing import Final

import msgspec

UNPAID: Final = "unpaid"
NOT_SYNCED: Final = "not_synced"
REJECTED: Final = "rejected"
ORPHANED: Final = "orphaned"
PENDING: Final = "pending"
PRUNED: Final = "pruned"
CANCELLED: Final = "cancelled"
UNKNOWN: Final = "unknown"


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """One typed absence. `height` is as of when it holds; `code` that of a refusal; `detail` names what was sought."""

    kind: str
    height: int
    code: int = 0
    detail: str = ""
    sentence_en: str
    sentence_zh: str


def unpaid(height: int, detail: str) -> Absence:
    """A request that nobody paid, up to a height."""
    return Absence(
        kind=UNPAID,
        height=height,
        detail=detail,
        sentence_en=f"Unpaid as of height {height}: no payment of it is on the ledger. No money moved.",
        sentence_zh=f"截至高度 {height} 未付款：账本上没有该笔付款，资金未变动。",
    )


def not_synced(height: int, detail: str) -> Absence:
    """What would lie above the tip."""
    return Absence(
        kind=NOT_SYNCED,
        height=height,
        detail=detail,
        sentence_en=f"Not synced past height {height}: this node cannot say yet. Wait, or ask another node.",
        sentence_zh=f"尚未同步到高度 {height} 之后：本节点暂时无法判断，请等待或查询其他节点。",
    )


def rejected(height: int, code: int, name: str, detail: str) -> Absence:
    """A transaction that a rule refused: it is on the ledger, and moved nothing."""
    return Absence(
        kind=REJECTED,
        height=height,
        code=code,
        detail=detail,
        sentence_en=f"Rejected at height {height} ({code} {name}). No money moved.",
        sentence_zh=f"在高度 {height} 被拒绝（{code} {name}），资金未变动。",
    )


def orphaned(height: int, detail: str) -> Absence:
    """A transaction that was made and whose own time is over: it can never reach the ledger any more."""
    return Absence(
        kind=ORPHANED,
        height=height,
        detail=detail,
        sentence_en=f"Orphaned: not on the ledger as of height {height}, and its time is over. No money moved.",
        sentence_zh=f"孤立交易：截至高度 {height} 从未上链且已过有效期，资金未变动。",
    )


def pending(height: int, detail: str) -> Absence:
    """A transaction that was made and may still reach the ledger."""
    return Absence(
        kind=PENDING,
        height=height,
        detail=detail,
        sentence_en=f"Not on the ledger as of height {height}; it was sent and may still arrive. Do not send it twice.",
        sentence_zh=f"截至高度 {height} 尚未上链；已发送，仍可能到达，请勿重复发送。",
    )


def pruned(height: int, detail: str) -> Absence:
    """What this node no longer keeps."""
    return Absence(
        kind=PRUNED,
        height=height,
        detail=detail,
        sentence_en=f"Pruned: this node keeps blocks from height {height} on. Ask one that keeps all.",
        sentence_zh=f"已裁剪：本节点只保留高度 {height} 起的区块，请查询全量节点。",
    )


def cancelled(height: int, detail: str) -> Absence:
    """A request that its shop withdrew."""
    return Absence(
        kind=CANCELLED,
        height=height,
        detail=detail,
        sentence_en=f"Cancelled by the shop at height {height}, and unpaid. No money moved.",
        sentence_zh=f"商户在高度 {height} 取消，未付款，资金未变动。",
    )


def unknown(height: int, detail: str) -> Absence:
    """Nothing of that name, up to a height."""
    return Absence(
        kind=UNKNOWN,
        height=height,
        detail=detail,
        sentence_en=f"Nothing of that name is on the ledger as of height {height}; a shop's own book may know more.",
        sentence_zh=f"截至高度 {height} 账本上没有该名称的内容；商户自己的账簿可能有更多信息。",
    )


def unmatched(height: int, detail: str, clock: str = "") -> Absence:
    """Nothing that several words mean together: money may have moved all the same, under fewer of them.

    `clock` is whose time a day or a time among them was taken in: "UTC+08:00".
    """
    return Absence(
        kind=UNKNOWN,
        height=height,
        detail=detail,
        sentence_en=f"Nothing on the ledger matches all these words together as of height {height}. Before you say "
        "that no money moved, ask with fewer words."
        + f" Days and times are by the network's clock, {clock}."
        * bool(clock),
        sentence_zh=f"截至高度 {height}，账本上没有同时符合这些词的内容。在断定资金未变动之前，请减少词语再查一次。"
        + f"日期和时间按网络时钟（{clock}）。" * bool(clock),
    )


def idle(height: int, detail: str, before: int, clock: str) -> Absence:
    """A time at which no block was made, between the heights `before` and the next; `clock` is whose time it is."""
    return Absence(
        kind=UNKNOWN,
        height=height,
        detail=detail,
        sentence_en=f"No block was made at that time ({clock}), so nothing happened on the ledger then: the last "
        f"before it is {before}, the first after it {before + 1}. Ask for one of these, or for the day.",
        sentence_zh=f"该时间（{clock}）没有区块，账本上当时没有任何变动：之前最近的是高度 {before}，之后是高度 "
        f"{before + 1}。请查询其中之一，或查询当天。",
    )


def proof_code(height: int) -> Absence:
    """What was scanned off a receipt or a wallet is a part of a proof, which names the payment in itself."""
    return Absence(
        kind=UNKNOWN,
        height=height,
        detail="proof",
        sentence_en="That is a code of a proof, from a receipt or a wallet. Check it with chainpos receipt verify and "
        "the text of each of its codes: it needs no network and tells the payment's reference, to search for here.",
        sentence_zh="这是收据或钱包证明的二维码内容。请用 chainpos receipt verify 加上每个码的文本核验：无需联网，"
        "并会给出付款单号，再在此处查询。",
    )


def miscounted(height: int, digits: int) -> Absence:
    """A word that looks like a hash or an account, and has not as many digits."""
    return Absence(
        kind=UNKNOWN,
        height=height,
        detail=f"{digits} digits",
        sentence_en=f"A hash has 64 digits and an account 40; this has {digits}. Copy it whole.",
        sentence_zh=f"哈希为 64 位，账户为 40 位；此处为 {digits} 位。请完整复制。",
    )

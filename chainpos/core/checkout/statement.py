"""A verified receipt in words, English or Chinese: what it proves, and what it does not."""

from __future__ import annotations

from typing import Final

from chainpos.core.checkout.receipt_proof import Statement
from chainpos.core.values.amount import format_amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import format_rfc3339

LANGUAGES: Final = ("en", "zh")


def statement_lines(statement: Statement, language: str) -> tuple[str, ...]:
    """The lines to show or print, unfolded. Raises ValueError for a language that it does not speak."""
    if language not in LANGUAGES:
        raise ValueError(f"no receipt in {language!r}")
    paid, at = format_amount(statement.paid), format_rfc3339(statement.time_ns)
    tip = format_amount(statement.tip) if statement.tip.minor else ""
    memo = clean(statement.memo)
    power = f"{statement.power}/{statement.total_power}"
    if language == "zh":
        lines = [
            f"已证明：商户 {clean(statement.merchant)} 收到 {paid}",
            f"单号 {clean(statement.reference)}"
            + (f"，事由 {memo}" if memo else "")
            + (f"，含小费 {tip}" if tip else ""),
            f"付款方 {statement.payer.hex()}",
            f"时间 {at}，网络 {clean(statement.chain_id)}，区块 {statement.height}",
            f"验证者以 {power} 的权重签署了区块 {statement.confirmed_height}，该区块确认了这笔付款的成功结果。",
            "依据仅为所给的创世文件；未联网核对。",
            "不能证明：此后没有退款；商户的名称；货物或服务已交付；验证者的密钥从未失窃。",
        ]
        changed = "自创世以来验证者已更换，每次更换均由前一组签署。"
    else:
        lines = [
            f"PROVED: {clean(statement.merchant)} was paid {paid}",
            f"Reference {clean(statement.reference)}"
            + (f", for {memo}" if memo else "")
            + (f", a tip of {tip} included" if tip else ""),
            f"Payer {statement.payer.hex()}",
            f"Time {at}, network {clean(statement.chain_id)}, block {statement.height}",
            f"Validators with {power} of the power signed block {statement.confirmed_height}: the payment succeeded.",
            "It rests on the genesis file given, and on nothing else; no network was asked.",
            "It does not prove that nothing was refunded since, the shop's name, or that goods were delivered,",
            "nor that no validator's key was ever stolen.",
        ]
        changed = "The validators changed since the genesis; each set was signed for by the one before."
    if not statement.is_genesis_set:
        lines.insert(5, changed)
    label = ("Transaction", "Request") if language == "en" else ("交易", "付款编号")
    return (*lines, f"{label[0]} {statement.tx_hash.hex()}", f"{label[1]} {statement.request_id.hex()}")

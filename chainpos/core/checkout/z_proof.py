"""A Z report beside the proof that its hash is on the ledger: what the two say together, and what they do not.

It refuses an anchor of another document, of another till, shop or number, and a report of another network.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, NamedTuple

import msgspec

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.signatures import VerifyBatch, verify_batch
from chainpos.core.checkout.receipt_proof import ProofRefused, Proved, decode_proof, prove_accepted
from chainpos.core.checkout.z_report import KIND, RefusedReport, SignedReport, verify_file
from chainpos.core.contracts.anchors.messages import Record
from chainpos.core.values.amount import Amount, format_amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS, format_rfc3339

ANCHOR: Final = "anchors.record"


class ReportStatement(NamedTuple):
    """A report that its till signed; `anchored` is None where the file has no proof of its anchor."""

    signed: SignedReport
    anchored: Proved | None


def verify_report(
    content: bytes, genesis: GenesisDoc, *, verify_signatures: VerifyBatch = verify_batch
) -> ReportStatement:
    """What the file says to who trusts this genesis. Raises RefusedReport."""
    signed, proof = verify_file(content, verify_signatures=verify_signatures)
    if signed.report.chain_id != genesis.chain_id:
        raise RefusedReport("wrong_chain", "the report is of another network")
    if not proof:
        return ReportStatement(signed, None)
    try:
        encoded = base64.b64decode(proof, validate=True)
        proved = prove_accepted(decode_proof(encoded), genesis, verify_signatures=verify_signatures)
    except ProofRefused as refused:
        raise RefusedReport(refused.reason, f"the proof of its anchor does not hold: {refused}") from refused
    except (binascii.Error, ValueError) as error:
        raise RefusedReport("malformed", "the proof of its anchor cannot be read") from error
    _require_anchor(signed, proved, genesis, verify_signatures)
    return ReportStatement(signed, proved)


def _require_anchor(signed: SignedReport, proved: Proved, genesis: GenesisDoc, verify_signatures: VerifyBatch) -> None:
    report, body = signed.report, proved.envelope.body
    if body.kind != ANCHOR:
        raise RefusedReport("not_anchored", "the proof is of another kind of transaction")
    if not all(verify_signatures([proved.envelope.claim(genesis.chain_id)])):
        raise RefusedReport("bad_signature", "nobody signed the anchor")
    message = msgspec.msgpack.decode(body.message, type=Record)
    expected = Record(report.merchant, KIND, report.sequence, signed.digest)
    if message != expected or body.signer != bytes.fromhex(report.till):
        raise RefusedReport("not_anchored", "what is on the ledger is another report, or of another till")


def report_lines(statement: ReportStatement, language: str) -> tuple[str, ...]:
    """What was proved and what was not, in English ("en") or Chinese ("zh")."""
    report, proved = statement.signed.report, statement.anchored
    taken = format_amount(Amount(max(report.takings.received_minor, 0), report.currency))
    closed = format_rfc3339(report.closed_s * SECOND_NS)
    shop, digest = clean(report.merchant), statement.signed.digest.hex()
    power = f"{proved.power}/{proved.total_power}" if proved is not None else ""
    if language == "zh":
        lines = [
            f"签名有效：商户 {shop} 的收银机 {report.till[:16]} 签署了第 {report.sequence} 号日结报表",
            f"收款 {taken}，结班时间（收银机时钟） {closed}，结班人 {clean(report.closed_by)}",
            f"差异 {len(report.differences)} 处；合计与明细相符。",
            f"前一报表 {report.previous or '无'}",
            f"哈希 {digest}",
        ]
        if proved is None:
            return (*lines, "未证明：此文件不含账本登记的证明。请在登记后重新导出。")
        at = f"登记在网络 {clean(report.chain_id)} 的区块 {proved.header.height}"
        return (
            *lines,
            f"已证明：此哈希于 {format_rfc3339(proved.header.time_ns)} {at}；验证者以 {power} 的权重确认。",
            "因此报表在该时间之后未被更改或替换。",
            "不能证明：钱箱清点属实；现金与银行卡收款属实；此前没有遗漏报表（请核对前一报表的哈希）。",
        )
    lines = [
        f"SIGNED: till {report.till[:16]} of {shop} signed its Z report number {report.sequence}",
        f"Takings {taken}, closed at {closed} by the till's clock, by {clean(report.closed_by)}",
        f"{len(report.differences)} differences; the sums follow from the lines.",
        f"The report before it: {report.previous or 'none'}",
        f"Hash {digest}",
    ]
    if proved is None:
        return (*lines, "NOT PROVED: the file has no proof that this is on the ledger. Export it again once it is.")
    at = f"on {clean(report.chain_id)}, block {proved.header.height}"
    return (
        *lines,
        f"PROVED: this hash was recorded at {format_rfc3339(proved.header.time_ns)} {at};",
        f"validators with {power} of the power confirmed it.",
        "So the report was not changed or replaced since then.",
        "It does not prove that the drawer was counted rightly, that cash and card takings are true, or that no report",
        "is missing before it: compare the hash of the report before.",
    )

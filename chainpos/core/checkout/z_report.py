"""The Z report of a shift: one canonical document, signed by the till, chained to the one before, anchored by its hash.

The same shift gives the same bytes. It refuses documents that are not in their one form, signatures of another key or
network, and figures that do not follow from the document's own lines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec

from chainpos.core.chain.signatures import Signature, VerifyBatch, verify_batch
from chainpos.core.checkout.reconciling import LEDGER_NOT_READ, Difference, Line, differences
from chainpos.core.checkout.takings import Drawn, Takings, Taxed, Tendered, cash_difference, takings
from chainpos.core.values.hashes import sha256

KIND: Final = "z_report"
MAX_FILE_BYTES: Final = 16_000_000
_DOMAIN: Final = b"chainpos/z-report/1\0"
_Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Previous = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?\Z")]
_SignatureText = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{128}\Z")]


class RefusedReport(ValueError):
    """A file that is no sound Z report. `reason`: "malformed", "not_canonical", "bad_signature", "wrong_chain",
    "wrong_figures", "not_anchored", or why its proof proves nothing."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class OpenRequest(msgspec.Struct, frozen=True):
    """A request of the shift that brought no money; `state` as the book has it."""

    reference: str
    amount_minor: int
    state: str


class ZReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document. Heights: what the ledger recorded after `from_height`, up to and with `to_height`.

    `previous` is the hash of the till's report before this one, "" for its first; times in unix seconds.
    """

    format: Literal["chainpos-z"] = "chainpos-z"
    version: Literal[1] = 1
    chain_id: str
    merchant: str
    till: _Hash
    sequence: Annotated[int, msgspec.Meta(ge=1)]
    previous: _Previous
    currency: str
    opened_s: int
    opened_by: str
    closed_s: int
    closed_by: str
    from_height: int
    to_height: int
    utc_offset_s: int
    float_minor: int
    counted_minor: int
    lines: tuple[Line, ...]
    tendered: tuple[Tendered, ...]
    taxed: tuple[Taxed, ...]
    drawn: tuple[Drawn, ...]
    requests: tuple[OpenRequest, ...]
    takings: Takings
    differences: tuple[Difference, ...]

    @property
    def is_reconciled(self) -> bool:
        """Whether book, ledger, settlement and drawer agree."""
        return not self.differences


class SignedReport(msgspec.Struct, frozen=True):
    """A report exactly as signed. `digest` is what is anchored."""

    report: ZReport
    document: bytes
    signature: bytes

    @property
    def digest(self) -> bytes:
        """32 bytes."""
        return sha256(self.document)


class ReportFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is handed out: the document, the till's signature, and, once there is one, the proof of its anchor."""

    document: msgspec.Raw
    signature: _SignatureText
    proof: Annotated[str, msgspec.Meta(max_length=MAX_FILE_BYTES)] = ""


_encode = msgspec.json.Encoder(order="sorted").encode
_decode_report = msgspec.json.Decoder(ZReport, strict=True).decode
_decode_file = msgspec.json.Decoder(ReportFile, strict=True).decode


def figures(report: ZReport) -> Takings:
    """The figures that follow from the report's lines."""
    return takings(
        report.lines,
        report.tendered,
        report.taxed,
        report.drawn,
        float_minor=report.float_minor,
        counted_minor=report.counted_minor,
        utc_offset_s=report.utc_offset_s,
    )


def encode_report(report: ZReport) -> bytes:
    """The document: JSON in UTF-8, names in order, no blanks."""
    return _encode(report)


def sign_report(report: ZReport, sign: Callable[[bytes], bytes]) -> SignedReport:
    """The report with the till's signature."""
    document = encode_report(report)
    return SignedReport(report, document, sign(signed_bytes(report.chain_id, document)))


def signed_bytes(chain_id: str, document: bytes) -> bytes:
    """What the till signs."""
    return _DOMAIN + chain_id.encode() + b"\0" + document


def encode_file(signed: SignedReport, proof: str = "") -> bytes:
    """The file to hand out; `proof` is the anchor's, in base64, or ""."""
    file = ReportFile(document=msgspec.Raw(signed.document), signature=signed.signature.hex(), proof=proof)
    return msgspec.json.encode(file) + b"\n"


def decode_report(document: bytes) -> ZReport:
    """A document in its one form. Raises RefusedReport."""
    try:
        report = _decode_report(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedReport("malformed", f"this is no Z report: {error}") from error
    if encode_report(report) != document:
        raise RefusedReport("not_canonical", "the report is not in its one form")
    return report


def verify_file(content: bytes, *, verify_signatures: VerifyBatch = verify_batch) -> tuple[SignedReport, str]:
    """The report in a file, signed by the till that it names, with figures that follow; and its proof, not looked at.

    Raises RefusedReport.
    """
    if len(content) > MAX_FILE_BYTES:
        raise RefusedReport("malformed", "the file is too large for a Z report")
    try:
        file = _decode_file(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedReport("malformed", f"this is no Z report: {error}") from error
    signed = SignedReport(decode_report(bytes(file.document)), bytes(file.document), bytes.fromhex(file.signature))
    message = signed_bytes(signed.report.chain_id, signed.document)
    claim = Signature(bytes.fromhex(signed.report.till), message, signed.signature)
    if not all(verify_signatures([claim])):
        raise RefusedReport("bad_signature", "the till that the report names did not sign it")
    _check_figures(signed.report)
    return signed, file.proof


def _check_figures(report: ZReport) -> None:
    if figures(report) != report.takings:
        raise RefusedReport("wrong_figures", "the report's sums do not follow from its lines")
    told = set(report.differences)
    owed = (*differences(report.lines), *cash_difference(report.takings.drawer))
    unread = any(each.kind == LEDGER_NOT_READ.name for each in report.differences)
    if not unread and not all(each in told for each in owed):
        raise RefusedReport("wrong_figures", "the report keeps silent about a difference in its lines")

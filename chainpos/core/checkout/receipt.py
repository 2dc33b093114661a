"""The receipt as lines of text: what was sold and paid to whom, and where on the ledger anybody can look it up.

It states only what is known at that moment: the confirmation appears once the next header has come. It refuses to be
made for a sale that is not paid, and cleans every text that came from outside.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from chainpos.core.checkout.cart import PPM, THOUSANDTHS, Cart
from chainpos.core.checkout.request import SignedRequest
from chainpos.core.contracts.payments.records import Payment
from chainpos.core.values.amount import Amount, format_amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS, clock_told, format_rfc3339

# The usual paper of 58 mm takes 32 columns, that of 80 mm 48; nothing is lost at the narrower one.
NARROW_COLUMNS: Final = 32
WIDE_COLUMNS: Final = 48
_HASH_GROUP: Final = 8
# Blocks whose characters take two columns; written out because Python versions differ in what they know of them.
_WIDE: Final = re.compile(
    "[\u1100-\u115f\u231a-\u231b\u23e9-\u23fa\u25fd-\u25fe\u2614-\u2615\u2648-\u2653\u267f-\u27bf\u2b1b-\u2b55"
    "\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe6f\uff01-\uff60\uffe0-\uffe6"
    "\U00016fe0-\U00018dff\U0001b000-\U0001b2ff\U0001f004-\U0001faff\U00020000-\U0003fffd]"
)


class Seller(msgspec.Struct, frozen=True):
    """Who is named at the head: the certified names, and the network's offset from UTC for the time printed."""

    merchant: str
    name_en: str
    name_zh: str
    chain_id: str
    utc_offset_s: int = 0


class Tendered(msgspec.Struct, frozen=True):
    """A part that was paid otherwise than on the ledger: what with, in both languages, and how much."""

    name_en: str
    name_zh: str
    amount: Amount


class Receipt(msgspec.Struct, frozen=True):
    """What is known of a paid sale. `confirmed_height` is that of the header which commits to it, 0 before it came.

    `cart` is what was sold, where it was rung up; `others` what was paid beside the ledger, `returned` what of that was
    given back since; `copy` counts reprints.
    """

    seller: Seller
    signed: SignedRequest
    payment: Payment
    tx_hash: bytes = b""
    confirmed_height: int = 0
    cart: Cart | None = None
    others: tuple[Tendered, ...] = ()
    copy: int = 0
    returned: Amount | None = None


def receipt_lines(receipt: Receipt, columns: int = NARROW_COLUMNS) -> tuple[str, ...]:
    """The receipt, each line at most `columns` wide; Chinese characters take two. Raises ValueError under 24."""
    if columns < 24:
        raise ValueError("a receipt needs 24 columns")
    seller, payment, request = receipt.seller, receipt.payment, receipt.signed.request
    lines = [centred(name, columns) for name in (seller.name_zh, seller.name_en) if name]
    if receipt.copy:
        lines.append(centred(f"* COPY 副本 {receipt.copy} *", columns))
    lines.append("-" * columns)
    lines += row("No. 单号", request.reference, columns)
    lines += time_row("Time 时间", payment.time_s, seller.utc_offset_s, columns)
    if request.memo:
        lines += row("For 事由", request.memo, columns)
    if receipt.cart is not None:
        lines += sold_lines(receipt.cart, columns)
    for tendered in receipt.others:
        name = clean(f"{tendered.name_en} {tendered.name_zh}".strip())
        lines += row(f"{name} *", format_amount(tendered.amount), columns)
    if receipt.returned is not None and receipt.returned.minor:
        lines += row("GIVEN BACK 已退 *", format_amount(receipt.returned), columns)
    lines += _amounts(payment, columns)
    if receipt.others:
        # What the ledger proves is the ledger's part alone: the paper must not say more.
        lines += _folded("* beside the ledger 账本之外", columns)
    lines += row("Payer 付款方", payment.payer.hex()[:_HASH_GROUP], columns)
    lines += row("Bank 机构", payment.institution, columns)
    lines.append("-" * columns)
    lines += row("Network 网络", seller.chain_id, columns)
    lines += row("Block 区块", str(payment.height), columns)
    if receipt.confirmed_height:
        lines += row("Confirmed 确认", str(receipt.confirmed_height), columns)
    lines += _hash("Payment 付款编号", receipt.signed.id, columns)
    if receipt.tx_hash:
        lines += _hash("Transaction 交易", receipt.tx_hash, columns)
    return tuple(lines)


def proof_caption(count: int, columns: int) -> tuple[str, ...]:
    """What stands beside the `count` codes that carry the receipt's proof: what they are for, and what they prove."""
    words = (
        f"PROOF 证明: {count} QR",
        "Scan into: chainpos receipt verify",
        "It proves the payment by the network's genesis alone: not the goods, nor that nothing was refunded since.",
        "仅凭创世文件即可验证付款；不证明货物，也不证明此后没有退款。",
    )
    return tuple(line for text in words for line in folded_words(text, columns))


def sold_lines(cart: Cart, columns: int) -> list[str]:
    """What was rung up, its taxes and the total, between two rules."""
    totals = cart.totals()
    lines = ["-" * columns]
    for line, each in zip(cart.lines, totals.lines, strict=True):
        for name in dict.fromkeys(clean(name) for name in (line.name_zh, line.name_en)):
            if name:
                lines += _folded(name, columns)
        price = format_amount(Amount(line.unit_minor, cart.currency), with_currency=False)
        gross = format_amount(Amount(each.gross_minor, cart.currency), with_currency=False)
        lines += row(f" {_quantity(line.quantity)} x {price}", gross, columns)
        if off := each.discount_minor + each.share_minor:
            lines += row(" Discount 折扣", f"-{_minor(off, cart.currency)}", columns)
    lines.append("-" * columns)
    for taxed in totals.taxes:
        if taxed.tax_minor:
            kind = "incl. 含" if taxed.tax.included else "plus 另加"
            label = f"Tax 税 {_percent(taxed.tax.rate_ppm)} {kind}"
            lines += row(label, _minor(taxed.tax_minor, cart.currency), columns)
    lines += row("TOTAL 合计", format_amount(totals.charged), columns)
    if totals.tip.minor:
        lines += row("of it tip 其中小费", format_amount(totals.tip), columns)
    return lines


def _quantity(thousandths: int) -> str:
    whole, rest = divmod(thousandths, THOUSANDTHS)
    return f"{whole}.{rest:03}".rstrip("0") if rest else str(whole)


def _percent(ppm: int) -> str:
    whole, rest = divmod(ppm * 100, PPM)
    return f"{whole}.{rest * 100 // PPM:02}%" if rest else f"{whole}%"


def _minor(minor: int, currency: str) -> str:
    return format_amount(Amount(minor, currency), with_currency=False)


def _amounts(payment: Payment, columns: int) -> list[str]:
    currency = payment.currency
    lines: list[str] = []
    if payment.tip_minor:
        lines += row("Amount 金额", format_amount(Amount(payment.amount_minor, currency)), columns)
        lines += row("Tip 小费", format_amount(Amount(payment.tip_minor, currency)), columns)
    lines += row("PAID 已付", format_amount(Amount(payment.paid_minor, currency)), columns)
    if payment.refunded_minor:
        lines += row("REFUNDED 已退", format_amount(Amount(payment.refunded_minor, currency)), columns)
    return lines


def width(text: str) -> int:
    """How many columns of a terminal or a printer the text takes."""
    return len(text) + len(_WIDE.findall(text))


def row(label: str, value: str, columns: int) -> list[str]:
    """The label left and the value right, on two lines where one does not hold both."""
    shown = clean(value)
    gap = columns - width(label) - width(shown)
    if gap >= 1:
        return [label + " " * gap + shown]
    return [*_folded(label, columns), *(" " * (columns - width(part)) + part for part in _folded(shown, columns))]


def _hash(label: str, value: bytes, columns: int) -> list[str]:
    text = value.hex()
    groups = [text[start : start + _HASH_GROUP] for start in range(0, len(text), _HASH_GROUP)]
    per_line = (columns + 1) // (_HASH_GROUP + 1)
    return [label, *(" ".join(groups[start : start + per_line]) for start in range(0, len(groups), per_line))]


def _folded(text: str, columns: int) -> list[str]:
    lines = [""]
    for character in text:
        if width(lines[-1]) + width(character) > columns:
            lines.append("")
        lines[-1] += character
    return lines


def folded_words(text: str, columns: int) -> list[str]:
    """The text on as many lines as it takes, broken between words."""
    lines = [""]
    for word in re.findall(r"[!-~]+ ?|[^!-~] ?", text):
        if lines[-1] and width(lines[-1]) + width(word.rstrip()) > columns:
            lines.append("")
        lines[-1] += word
    return [part for line in lines for part in _folded(line.rstrip(), columns)]


def centred(name: str, columns: int) -> str:
    """As much of a text as one line takes, in its middle."""
    first = _folded(clean(name), columns)[0]
    return " " * ((columns - width(first)) // 2) + first


def time_row(label: str, time_s: int, offset_s: int, columns: int) -> list[str]:
    """Day and time of the clock east of UTC by `offset_s`, and which clock that is: beside it, or on a line below."""
    # The network's own day and hour, as its limits and its settlement count them.
    local = format_rfc3339((time_s + offset_s) * SECOND_NS)[:19].replace("T", " ")
    whole = row(label, f"{local} {clock_told(offset_s)}", columns)
    return whole if len(whole) == 1 else [*row(label, local, columns), *row("", clock_told(offset_s), columns)]

"""Receipts, proofs and items of a prepared till."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chainpos.core.checkout.qr import qr_modules
from chainpos.errors import UserFacingError
from chainpos.till.refund_items import RefundItems
from chainpos.till.shift_views import ShiftView
from chainpos.till.views import EmvcoView, ItemView, PaperView, ProofView, Qr, SaleState

if TYPE_CHECKING:
    from tests.console.prepared_till import PreparedTill

RECEIPT = PaperView(
    reference="K7Q2",
    lines=("            老王面馆", "        Old Wang Noodles", "-" * 32, "PAID 已付              12.50 CNY"),
    codes=tuple(Qr(text, qr_modules(text)) for text in ("CPF1ABCD0102AAAA", "CPF1ABCD0202BBBB")),
)


class PreparedPaper:
    """Paper as the till would give it."""

    def __init__(self, asked: list[tuple[object, ...]]) -> None:
        self.asked, self.view, self.copies = asked, RECEIPT, 0
        self.as_emvco = ""
        self.refuse_next: UserFacingError | None = None

    def _refuse(self) -> None:
        error, self.refuse_next = self.refuse_next, None
        if error is not None:
            raise error

    async def look(self, reference: str) -> PaperView:
        self.asked.append(("look", reference))
        self._refuse()
        return self.view

    async def print_receipt(self, reference: str) -> int:
        self.asked.append(("print", reference))
        self._refuse()
        self.copies += 1
        return self.copies - 1

    async def save(self, reference: str, path: Path) -> Path:
        self.asked.append(("save", reference, path.name))
        self._refuse()
        return path

    async def print_report(self, view: ShiftView) -> int:
        self.asked.append(("print report", view.number, bool(view.closed_ns)))
        self._refuse()
        return 0

    async def save_report(self, view: ShiftView, folder: Path) -> Path:
        self.asked.append(("save report", view.number))
        self._refuse()
        return folder / f"Z{view.number:04d}.pdf"

    def emvco(self, reference: str) -> EmvcoView:
        text = "00020101021226" + reference + "x" * 150
        return EmvcoView(Qr(text, qr_modules(text, max_version=40)), chosen=self.as_emvco == reference)

    def show_emvco(self, reference: str, *, chosen: bool) -> None:
        self.as_emvco = reference if chosen else ""

    async def print_request(self, reference: str) -> None:
        self.asked.append(("print request", reference))
        self._refuse()


class PreparedItems(RefundItems):
    """The till's own sums, over prepared items."""

    def __init__(self) -> None:
        self.items: tuple[ItemView, ...] = ()

    async def of(self, reference: str) -> tuple[ItemView, ...]:  # noqa: ARG002 (the protocol's signature)
        return self.items


class PreparedProofs:
    """Three codes prove the sale in hand."""

    def __init__(self, till: PreparedTill) -> None:
        self.till, self.codes = till, set[str]()
        self.refuse_next: UserFacingError | None = None

    def is_proof(self, text: str) -> bool:
        return text.startswith("CPF1")

    async def take(self, text: str) -> ProofView:
        self.till.asked.append(("proof", text))
        error, self.refuse_next = self.refuse_next, None
        if error is not None:
            raise error
        self.codes.add(text)
        sale = self.till.view.sale
        if len(self.codes) < 3 or sale is None:
            return ProofView(len(self.codes), 3)
        self.till.move_sale(SaleState.PROVED)
        return ProofView(3, 3, sale.reference, sale.amount)

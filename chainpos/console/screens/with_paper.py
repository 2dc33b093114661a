"""What the screens with sales do with paper: print, look at a receipt, and say what keeps the printer from printing."""

from __future__ import annotations

from abc import abstractmethod

from chainpos.console.language import Texts
from chainpos.console.screens.page import Page
from chainpos.console.screens.receipt import ReceiptScreen
from chainpos.console.widgets.notice import Told
from chainpos.till.views import PrinterView, SaleState, SaleView

WAITING = frozenset({SaleState.WAITING, SaleState.REFUSED})
PAID = frozenset({SaleState.PAID, SaleState.CONFIRMED, SaleState.PART_REFUNDED, SaleState.REFUNDED})


def printer_words(texts: Texts, printer: PrinterView) -> tuple[str, str, str]:
    """What keeps it from printing, that the sale stands, what to do."""
    kind = printer.problem.removesuffix("_begun")
    begun = printer.problem.endswith("_begun") or kind == "unsure"
    next_step = texts("printer.next_begun") if begun else texts("printer.next", count=printer.waiting)
    return texts(f"printer.{kind}"), texts("printer.stands"), next_step


class WithPaper(Page):
    """A page that has a sale in front of it. Its keys name `print` and `receipt` as actions."""

    @abstractmethod
    def paper_sale(self) -> SaleView | None:
        """The sale that is meant."""

    def paper_bill(self) -> str:
        """The bill beside the ledger that is meant, by its reference; "" where a sale is."""
        return ""

    def can_print(self) -> bool:
        """A receipt of what is paid; the code of what waits."""
        sale = self.paper_sale()
        waiting = sale is not None and sale.state in WAITING and sale.qr is not None
        return self._has_printer() and (waiting or self.has_receipt())

    def has_receipt(self) -> bool:
        """Whether there is one to look at."""
        sale = self.paper_sale()
        return bool(self.paper_bill()) or (sale is not None and sale.state in PAID)

    def _has_printer(self) -> bool:
        return self.view is not None and self.view.printer.is_set

    def action_print(self) -> None:
        """Print the receipt, or the code that waits to be paid."""
        sale, paper = self.paper_sale(), self.console_app.till.paper
        reference = self.paper_bill() or (sale.reference if sale is not None else "")
        if not reference:
            return

        async def work() -> None:
            texts = self.console_app.texts
            if sale is not None and sale.state in WAITING:
                await paper.print_request(reference)
                self.told(Told(texts("paper.request_sent"), good=True))
                return
            copy = await paper.print_receipt(reference)
            words = texts("paper.copy_sent", number=copy) if copy else texts("paper.sent")
            self.told(Told(words, good=True))

        self.change(work, "paper")

    def action_receipt(self) -> None:
        """Look at the receipt."""
        sale = self.paper_sale()
        reference = self.paper_bill() or (sale.reference if sale is not None else "")
        if not reference:
            return

        async def work() -> None:
            view = await self.console_app.till.paper.look(reference)
            self.app.push_screen(ReceiptScreen(view))

        self.read(work, "receipt")

    def tell_printer(self, before: PrinterView, now: PrinterView) -> None:
        """Say it once when the printer begins to fail, and when it prints again."""
        texts = self.console_app.texts
        if now.problem and now.problem != before.problem:
            self.told(Told(*printer_words(self.console_app.texts, now)))
        elif before.problem and not now.problem:
            self.told(Told(texts("printer.well"), good=True))

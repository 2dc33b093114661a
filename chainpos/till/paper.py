"""What a cashier does with paper: look at a receipt, print it, print it again, save it; print a request's code.

It refuses receipts of what is not paid. A sale never waits for a printer: what it cannot take now is kept and said.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.checkout.bill_slip import BillSlip, slip_lines
from chainpos.core.checkout.frames import SMALL_FRAME, to_frames
from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.qr import MAX_VERSION, qr_modules
from chainpos.core.checkout.receipt import Receipt, Seller, receipt_lines
from chainpos.core.checkout.receipt_proof import ProofRefused, encode_proof
from chainpos.core.contracts.payments.events import PAID
from chainpos.core.values.amount import format_amount
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import EXIT_UNREACHABLE, MalformedBytes, StoreError, UserFacingError
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.store.durable import write_durably
from chainpos.store.shop_beside import ShopBeside
from chainpos.store.shop_bills import ShopBills
from chainpos.till.identity import Noticed
from chainpos.till.printing.queue import RECEIPT, REPORT, REQUEST, SLIP, PrintQueue
from chainpos.till.receipt_files import file_bytes, file_kind, free_place, lines_bytes
from chainpos.till.receipts import Sold, read_proof, read_receipt, read_slip
from chainpos.till.request_codes import emvco_text
from chainpos.till.running import RunningTill
from chainpos.till.shift_export import export_name
from chainpos.till.shift_slip import report_slip, slip_name
from chainpos.till.shift_views import ShiftView
from chainpos.till.views import EmvcoView, PaperView, Qr

MOST_UNASKED: Final = 1_000


class Paper:
    """`queue` is what waits for the printer. Refusals are raised as `UserFacingError`."""

    def __init__(self, run: RunningTill) -> None:
        self._run = run
        self.queue = PrintQueue(run.settings.printer, run.book, run.clock, run.changed)
        self._unasked: asyncio.Queue[str] = asyncio.Queue(MOST_UNASKED)
        self._shown_as_emvco = ""

    def notice(self, noticed: Noticed) -> None:
        """A sale reached a state: where the shop wants it so, its receipt is printed without being asked."""
        # Once it is confirmed, which is a moment after PAID: only then is there a proof to print on it.
        if self._run.settings.print_each and noticed.state is SaleState.CONFIRMED and not self._unasked.full():
            self._unasked.put_nowait(noticed.reference)

    async def run(self) -> None:
        """Print what is to be printed, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.queue.run(), name="till's printer")
            group.create_task(self._print_unasked(), name="till prints each receipt")

    async def _print_unasked(self) -> None:
        while True:
            reference = await self._unasked.get()
            # The sale stands, and a key prints it again.
            with contextlib.suppress(UserFacingError, StoreError):
                await self.print_receipt(reference)

    async def receipt(self, reference: str, columns: int = 0) -> tuple[str, ...]:
        """The receipt as lines, from the ledger's own record."""
        receipt, _ = await self._asked(lambda client: self._read(client, reference, with_proof=False))
        return receipt_lines(receipt, columns or self._run.settings.paper_columns)

    async def look(self, reference: str) -> PaperView:
        """The receipt to look at, with its proof as codes that a terminal can show; a bill's slip has none."""
        if (slip := await self._slip(reference)) is not None:
            printed = await self._run.book.call(lambda: self.queue.copies(SLIP, reference))
            lines = slip_lines(slip, self._run.settings.paper_columns)
            return PaperView(reference=reference, lines=lines, printed=printed, beside=True)
        receipt, proof = await self._asked(lambda client: self._read(client, reference))
        frames = to_frames(proof, SMALL_FRAME) if proof else ()
        printed = await self._run.book.call(lambda: self.queue.copies(RECEIPT, reference))
        lines = receipt_lines(receipt, self._run.settings.paper_columns)
        codes = tuple(Qr(text, qr_modules(text, max_version=MAX_VERSION)) for text in frames)
        return PaperView(reference=reference, lines=lines, codes=codes, printed=printed)

    async def print_receipt(self, reference: str) -> int:
        """Send it to the printer; which copy it is: 0 is the first, all others say that they are copies."""
        self.queue.require_printer()
        columns = self._run.settings.paper_columns
        if (slip := await self._slip(reference)) is not None:
            return await self.queue.add(SLIP, reference, partial(_slip_job, slip, columns))
        receipt, proof = await self._asked(lambda client: self._read(client, reference))

        def make(copy: int) -> bytes:
            return file_bytes(".escpos", msgspec.structs.replace(receipt, copy=copy), proof, columns)

        return await self.queue.add(RECEIPT, reference, make)

    def emvco(self, reference: str) -> EmvcoView:
        """The code of a sale that waits as EMVCo's, which is larger than the link's, and whether it is shown so."""
        sale, desk = self._run.desk.find(reference), self._run.desk
        text = emvco_text(sale.signed, desk.certified, desk.identity) if sale is not None and not sale.is_paid else ""
        return EmvcoView(_drawn(text), chosen=self._shown_as_emvco == reference) if text else EmvcoView()

    def show_emvco(self, reference: str, *, chosen: bool) -> None:
        """Show that sale's code as EMVCo's, or as the link's again; the customer's display follows."""
        self._shown_as_emvco = reference if chosen else ""
        self._run.changed()

    async def print_request(self, reference: str) -> None:
        """Print the code of a sale that waits, for a customer who cannot scan the screen."""
        self.queue.require_printer()
        sale, columns = self._run.desk.find(reference), self._run.settings.paper_columns
        if sale is None or sale.is_paid or not sale.link:
            raise UserFacingError(f"Sale {reference} does not wait for a payment.", next_step="Key it again.")
        names = self._run.desk.certified
        text = emvco_text(sale.signed, names, self._run.desk.identity) or sale.link
        words = [names.name_zh, names.name_en, sale.row.reference]
        words += [f"TO PAY 应付 {format_amount(sale.signed.amount)}", "NOT A RECEIPT 非收据"]

        def make(_: int) -> bytes:
            from chainpos.till.printing.commands import job_bytes

            return job_bytes([word for word in words if word], (text,), columns=columns)

        await self.queue.add(REQUEST, sale.row.reference, make)

    async def save(self, reference: str, path: Path) -> Path:
        """Write the receipt (`receipt_files` says in which forms); where it stands.

        What was printed, or stands there already, is not written over: this is a copy then, says so, and is named so.
        """
        kind, columns, slip = file_kind(path), self._run.settings.paper_columns, await self._slip(reference)
        printed = await self._run.book.call(lambda: self.queue.copies(SLIP if slip else RECEIPT, reference))
        if slip is not None:
            place, copy = await asyncio.to_thread(free_place, path, printed)
            lines = slip_lines(msgspec.structs.replace(slip, copy=copy), columns)
            content = await asyncio.to_thread(lines_bytes, kind, lines, columns)
        else:
            receipt, proof = await self._asked(lambda client: self._read(client, reference))
            place, copy = await asyncio.to_thread(free_place, path, printed)
            receipt = msgspec.structs.replace(receipt, copy=copy)
            content = await asyncio.to_thread(file_bytes, kind, receipt, proof, columns)
        await write_paper(place, content)
        return place

    async def print_report(self, view: ShiftView) -> int:
        """Print a shift's X or Z report; which copy of the Z it is, as for receipts."""
        self.queue.require_printer()
        now_ns, columns, seller = self._run.clock.now_ns(), self._run.settings.paper_columns, self._seller()

        def make(copy: int) -> bytes:
            from chainpos.till.printing.commands import job_bytes

            return job_bytes(report_slip(view, seller, columns, at_ns=now_ns, copy=copy), columns=columns)

        # Each X report is another one; a Z report is the same again, and says so.
        name = slip_name(view) if view.closed_ns else f"{slip_name(view)}/{now_ns}"
        return await self.queue.add(REPORT, name, make)

    async def save_report(self, view: ShiftView, folder: Path) -> Path:
        """Write what would be printed of a report as PDF; where. Each till's are named by its key, as its exports are.

        Nothing is written over: an X report stands beside earlier ones, and a Z report again is a copy that says so.
        """
        run, now_ns, columns = self._run, self._run.clock.now_ns(), self._run.settings.paper_columns
        made = "" if view.closed_ns else f"-{now_ns // SECOND_NS}"
        name = export_name(run.settings.merchant, run.key.public_key.hex(), f"{slip_name(view)}{made}.pdf")
        printed = await run.book.call(lambda: self.queue.copies(REPORT, slip_name(view))) if view.closed_ns else 0
        place, copy = await asyncio.to_thread(free_place, folder / name, printed)
        lines = report_slip(view, self._seller(), columns, at_ns=now_ns, copy=copy)
        await write_paper(place, await asyncio.to_thread(lines_bytes, ".pdf", lines, columns))
        return place

    async def _slip(self, reference: str) -> BillSlip | None:
        run = self._run
        return await run.book.call(partial(read_slip, run.book.book, reference, self._seller()))

    def _seller(self) -> Seller:
        run, names = self._run, self._run.desk.certified
        return Seller(run.settings.merchant, names.name_en, names.name_zh, run.genesis.chain_id, run.utc_offset_s)

    async def _read(self, client: RpcClient, reference: str, *, with_proof: bool = True) -> tuple[Receipt, bytes]:
        run = self._run
        sold = await self._sold(reference)
        receipt = await read_receipt(client, sold, self._seller(), run.desk.tip_height)
        if not with_proof or not receipt.confirmed_height:
            return receipt, b""
        proof = await read_proof(client, run.genesis, f"{PAID}.payment='{sold.row.request_id.hex()}'")
        return receipt, encode_proof(proof) if proof is not None else b""

    async def _sold(self, reference: str) -> Sold:
        book = self._run.book

        def read() -> Sold | None:
            row = book.book.sale(reference)
            if row is None:
                return None
            bills = ShopBills(book.book)
            bill = bills.bill_of_sale(row.number)
            if bill is None:
                return Sold(row)
            returned_minor = sum(each.returned_minor for each in ShopBeside(book.book).kinds(bill.number))
            return Sold(row, bill, tuple(bills.tenders(bill.number)), returned_minor)

        sold = await book.call(read)
        if sold is None:
            raise UserFacingError(
                f"There is no sale {reference[:40]!r} in this book.", next_step="Look for it by amount or time."
            )
        return msgspec.structs.replace(sold, row=self._run.desk.current(sold.row))

    async def _asked(self, question: Callable[[RpcClient], Awaitable[tuple[Receipt, bytes]]]) -> tuple[Receipt, bytes]:
        try:
            return await question(self._run.connection.require())
        except (Disconnected, RpcError, MalformedBytes, ProofRefused) as error:
            raise UserFacingError(
                "The node stopped answering.", next_step="Wait a moment, then look again.", exit_code=EXIT_UNREACHABLE
            ) from error


@lru_cache(4)
def _drawn(text: str) -> Qr:
    return Qr(text, qr_modules(text, max_version=MAX_VERSION))


def _slip_job(slip: BillSlip, columns: int, copy: int) -> bytes:
    from chainpos.till.printing.commands import job_bytes

    return job_bytes(slip_lines(msgspec.structs.replace(slip, copy=copy), columns), columns=columns)


async def write_paper(path: Path, content: bytes) -> None:
    """Write what would be printed to a file, durable when this returns. Raises UserFacingError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(write_durably, path, content)
    except OSError as error:
        raise UserFacingError(
            f"The receipt could not be written to {path}: {error.strerror}.", next_step="Make room on the disk."
        ) from error

"""The seam between the screens and the shop: what a screen may ask. Screens are handed an object of this shape.

`Till` (counter.py) fulfils it against a real node; a screen test may fulfil it with prepared views.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from chainpos.core.values.amount import Amount
from chainpos.till.bill_cases import BillUseCases
from chainpos.till.shift_cases import ShiftUseCases, StaffUseCases
from chainpos.till.shift_views import ShiftView
from chainpos.till.views import (
    BlockRow,
    CounterView,
    EmvcoView,
    ItemView,
    NodeView,
    PaperView,
    PayoutParts,
    ProofView,
    SaleView,
    Sentence,
    SettlementView,
    TransactionRow,
)


class PaperUseCases(Protocol):
    """Receipts to look at and to print. Refusals are raised as `UserFacingError`."""

    async def look(self, reference: str) -> PaperView:
        """The receipt of a paid sale, with its proof as codes."""

    async def print_receipt(self, reference: str) -> int:
        """Send it to the printer; which copy it is, 0 for the first."""

    async def save(self, reference: str, path: Path) -> Path:
        """Write the receipt: lines as .txt, a picture as .png or .pdf, for a printer as .escpos, the proof as .cpr.

        Where it stands: what was printed or saved before is a copy, says so and is named so.
        """

    def emvco(self, reference: str) -> EmvcoView:
        """The code of a sale that waits as EMVCo's, which is larger than the link's, and whether it is shown so."""

    def show_emvco(self, reference: str, *, chosen: bool) -> None:
        """Show that sale's code as EMVCo's, or as the link's again; the customer's display follows."""

    async def print_request(self, reference: str) -> None:
        """Print the code of a sale that waits."""

    async def print_report(self, view: ShiftView) -> int:
        """Print a shift's X or Z report; which copy of the Z it is."""

    async def save_report(self, view: ShiftView, folder: Path) -> Path:
        """Write what would be printed of a report as PDF; where."""


class ItemUseCases(Protocol):
    """What of a bill can be refunded. Refusals are raised as `UserFacingError`."""

    async def of(self, reference: str) -> tuple[ItemView, ...]:
        """The items of the bill that a sale pays for, or that has this reference; none where nothing was rung up."""

    def amount(self, items: Sequence[ItemView], chosen: Mapping[int, int]) -> Amount:
        """What so many pieces of each place come to."""

    def reason(self, chosen: Mapping[int, int]) -> str:
        """How a refund names the pieces."""


class ProofUseCases(Protocol):
    """A customer's proof, scanned code by code. Refusals are raised as `UserFacingError`."""

    def is_proof(self, text: str) -> bool:
        """Whether a scan is a part of a proof."""

    async def take(self, text: str) -> ProofView:
        """One more scanned code; with the last of them the sale that it proves is PROVED."""


class TillUseCases(Protocol):
    """All of a till's day. Refusals are raised as `UserFacingError`; every call returns within its own time-out."""

    @property
    def bills(self) -> BillUseCases:
        """What is rung up, held and paid for in parts."""

    @property
    def items(self) -> ItemUseCases:
        """What of a bill can be refunded."""

    @property
    def proofs(self) -> ProofUseCases:
        """Customers' proofs while the network is out of reach."""

    @property
    def paper(self) -> PaperUseCases:
        """What is done with paper."""

    @property
    def staff(self) -> StaffUseCases:
        """Who stands here."""

    @property
    def shifts(self) -> ShiftUseCases:
        """The shift."""

    async def start(self) -> None:
        """Open the book, reach the local node, resume the sale in hand."""

    async def stop(self) -> None:
        """Leave nothing half written."""

    def counter(self) -> CounterView:
        """The present view, at once."""

    def changes(self) -> AsyncIterator[CounterView]:
        """A view whenever something changed; floods are coalesced to the newest."""

    async def request(self, amount: Amount, memo: str = "") -> SaleView:
        """A new signed request, saved in the book before it is shown. Works offline."""

    async def cancel(self, reference: str) -> SaleView:
        """Cancel an unpaid request: on the ledger where it can be reached, else as soon as it can."""

    def check_code(self, code_text: str, amount: Amount) -> None:
        """Raises MustConfirm or UserFacingError for a code that will not pay the amount, before anything is changed."""

    async def charge(self, code_text: str, amount: Amount) -> SaleView:
        """Charge a customer's scanned code."""

    async def dismiss(self) -> None:
        """Clear a finished sale from the counter; a waiting one stays in the book and is still watched."""

    def parse_keyed(self, digits: str) -> Amount:
        """The amount that keyed text means: "12.5" and "1250" are both 12.50 (core/checkout/keyed.py).

        Raises UserFacingError.
        """

    async def sales(self, search: str = "", *, limit: int = 500) -> tuple[SaleView, ...]:
        """The sales of the book, newest first; by reference, amount or time of day."""

    async def refund(
        self, reference: str, amount: Amount, *, pin: str, typed_amount: str, reason: str = ""
    ) -> SaleView:
        """Refund whole or part; needs the PIN and the amount typed again."""

    async def settlement(self) -> SettlementView:
        """Where the shop's money is."""

    async def payout_parts(self, number: int) -> PayoutParts:
        """Which payments make up a payout, and what else."""

    async def request_payout(self, amount: Amount) -> SettlementView:
        """Ask for available money to be paid out."""

    async def node(self) -> NodeView:
        """The local node."""

    async def blocks(self, *, before: int = 0, limit: int = 100) -> tuple[BlockRow, ...]:
        """Verified blocks below a height (0: from the tip), newest first."""

    async def transactions(self, height: int) -> tuple[TransactionRow, ...]:
        """A block's transactions with their postings."""

    def sentence(self, code: int) -> Sentence:
        """What a rejection code means."""

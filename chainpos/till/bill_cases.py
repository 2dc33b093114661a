"""What a screen may ask of bills: the seam for ringing up, holding, and taking money on the ledger or beside it."""

from __future__ import annotations

from typing import Protocol

from chainpos.core.values.amount import Amount
from chainpos.till.bill_views import ArticleView, BesideView, BillView, PartView, TenderKind
from chainpos.till.views import SaleView


class BesideUseCases(Protocol):
    """The money beside the ledger of complete bills. Refusals are raised as `UserFacingError`."""

    async def found(self, search: str, limit: int) -> tuple[BesideView, ...]:
        """The bills wholly beside the ledger that a search means, newest first: by reference, amount or time of day."""

    async def give_back(
        self, reference: str, kind: TenderKind, amount: Amount, *, pin: str, typed_amount: str, reason: str = ""
    ) -> None:
        """Note that so much of a bill was handed to the customer, by the tender that it came in by.

        `reason` names the pieces that it is for (`ItemUseCases.reason`), or is "".
        """


class BillUseCases(Protocol):
    """The bill in hand and those set aside are in `CounterView`. Refusals are raised as `UserFacingError`.

    What a call has changed is durable before any view shows it.
    """

    async def find(self, text: str, limit: int = 50) -> tuple[ArticleView, ...]:
        """Articles by name, pinyin initials, sku or bar code, the best first; nothing asked: the favourites."""

    async def scanned(self, code: str) -> ArticleView | None:
        """The article with this bar code or sku."""

    async def add(self, sku: str, quantity: str = "1", price: str = "") -> None:
        """So much of an article on the bill in hand, which begins if there is none."""

    async def add_amount(self, amount: Amount) -> None:
        """A line for an amount without an article."""

    async def set_quantity(self, at: int, quantity: str) -> None:
        """Another quantity in a line, as typed: "3", "1.255"."""

    async def step_quantity(self, at: int, by: int) -> None:
        """So many pieces more or less in a line; never under one."""

    async def remove(self, at: int) -> None:
        """A line less."""

    async def discount(self, text: str, at: int | None = None) -> None:
        """A discount as typed ("10%", "250") on a line, or on the whole."""

    async def tip(self, text: str) -> None:
        """A tip as typed ("10%", "250")."""

    async def undo(self) -> None:
        """As before the last change."""

    async def park(self) -> None:
        """Set the bill in hand aside."""

    async def take_up(self, number: int) -> None:
        """Take a bill that was set aside in hand; the one in hand is parked."""

    async def give_up(self) -> None:
        """Clear the bill in hand for good; nothing came in for it."""

    async def show_code(self, amount: Amount | None = None) -> SaleView | None:
        """A code for what remains, or for a part of it; None where nothing was to be paid."""

    async def charge(self, code_text: str, amount: Amount) -> SaleView:
        """Charge what remains, or a part of it, to a customer's scanned code."""

    async def receive(self, kind: TenderKind, given: Amount) -> BillView:
        """Money beside the ledger: cash that was handed over, a card on another terminal, a voucher."""

    async def return_parts(self) -> tuple[PartView, ...]:
        """Give back what came in beside the ledger; what to hand to the customer."""

    async def of_sale(self, reference: str) -> BillView | None:
        """The bill that a sale pays for."""

    @property
    def beside(self) -> BesideUseCases:
        """The money beside the ledger of complete bills."""

    async def booked(self, number: int) -> BillView | None:
        """A bill of the book with its lines."""

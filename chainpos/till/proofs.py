"""A customer's proof that a sale was paid, scanned from their wallet: believed without a network, and less than PAID.

It is the same evidence as a receipt's: the payment, its place in a block, and the signatures of the validators. It
refuses proofs signed by others than the validators this till last knew, of another shop, sale or amount, and used ones.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

import msgspec

from chainpos.core.chain.header import Header
from chainpos.core.checkout.frames import Collected, RefusedFrame, looks_like_frame, parse_frame
from chainpos.core.checkout.matching import MONEY_RECEIVED, SaleState
from chainpos.core.checkout.receipt_proof import ProofRefused, Statement, decode_proof, verify_proof
from chainpos.core.values.amount import format_amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import DAY_S, SECOND_NS
from chainpos.errors import UserFacingError
from chainpos.store.shop import Fact
from chainpos.till.roles import Right
from chainpos.till.running import RunningTill
from chainpos.till.sales import Sale
from chainpos.till.staff import StaffDesk
from chainpos.till.views import ProofView

TRUSTED: Final = "trusted"
# Who the validators are changes by a vote and seldom; past this a till must have heard of the network again.
MAX_TRUST_AGE_S: Final = 7 * DAY_S
SAVE_AGAIN_S: Final = 600
NO_MONEY: Final = "This says nothing of whether money moved."


class Trusted(msgspec.Struct, frozen=True):
    """The last verified header's validators, and those of the block after it, by their hashes in hexadecimal."""

    height: int
    time_s: int
    validators: str
    next_validators: str


class Proofs:
    """What was scanned so far, and the validators that are believed. Refusals are raised as `UserFacingError`."""

    def __init__(self, run: RunningTill, staff: StaffDesk) -> None:
        self._run, self._staff = run, staff
        self._collected = Collected()
        self._trusted = run.book.book.setting(TRUSTED, Trusted)
        self._saved_s = 0
        run.desk.headers.append(self.take_header)

    def is_proof(self, text: str) -> bool:
        """Whether a scan is a part of a proof."""
        return looks_like_frame(text)

    def take_header(self, header: Header) -> None:
        """Our own node has verified one block more: these are the validators to believe while it cannot be asked."""
        now = Trusted(
            header.height, header.time_ns // SECOND_NS, header.validators_hash.hex(), header.next_validators_hash.hex()
        )
        before, self._trusted = self._trusted, now
        changed = before is None or before.next_validators != now.next_validators
        if changed or now.time_s - self._saved_s > SAVE_AGAIN_S:
            self._saved_s = now.time_s
            self._run.book.post(partial(self._run.book.book.save_setting, TRUSTED, now))

    async def take(self, text: str) -> ProofView:
        """One more scanned code; with the last of them the sale that it proves is PROVED."""
        self._staff.require(Right.SELL)
        try:
            self._collected.add(parse_frame(text))
            have, of = self._collected.have, self._collected.of
            if not self._collected.is_whole:
                return ProofView(have, of)
            content, self._collected = self._collected.content(), Collected()
        except RefusedFrame as error:
            raise UserFacingError(
                f"The proof was not read: {error}.", money_moved=NO_MONEY, next_step="Scan that code again."
            ) from error
        try:
            proof = decode_proof(content)
            statement = await asyncio.to_thread(verify_proof, proof, self._run.genesis)
        except ProofRefused as error:
            raise UserFacingError(
                "This proof proves nothing: it was altered, or is of another network.",
                money_moved=NO_MONEY,
                next_step="Do not hand over the goods for it. Wait until the till is online.",
            ) from error
        self._require_trusted(statement)
        sale = await self._sale_of(statement)
        fact = Fact("proved", self._run.clock.now_ns(), statement.height, statement.tx_hash.hex())
        await self._run.desk.prove(sale, content, statement.height, fact)
        return ProofView(of, of, reference=sale.row.reference, amount=statement.paid)

    def _require_trusted(self, statement: Statement) -> None:
        trusted = self._trusted
        if trusted is None:
            raise UserFacingError(
                "This till has never been online: it knows no validators to believe.",
                money_moved=NO_MONEY,
                next_step="Bring it online once.",
            )
        if self._run.clock.now_ns() // SECOND_NS - trusted.time_s > MAX_TRUST_AGE_S:
            raise UserFacingError(
                "This till has not heard of the network for over a week: who its validators are may have changed.",
                money_moved=NO_MONEY,
                next_step="Bring it online first.",
            )
        if statement.validators_hash.hex() not in (trusted.validators, trusted.next_validators):
            raise UserFacingError(
                "The proof is signed by validators that this till does not know.",
                money_moved=NO_MONEY,
                next_step="Wait until the till is online: the network may have changed them since.",
            )

    async def _sale_of(self, statement: Statement) -> Sale:
        run = self._run
        if statement.merchant != run.settings.merchant:
            raise _refused(f"This proof is of a payment to another shop, {clean(statement.merchant)}.")
        row = await run.book.call(partial(run.book.book.sale_of_request, statement.request_id))
        if row is None:
            raise _refused(f"This proof is of sale {clean(statement.reference)}, which another till asked for.")
        row = run.desk.current(row)
        if SaleState(row.state) in MONEY_RECEIVED or row.proof:
            raise _refused(f"This proof was used before: it is of sale {row.reference}, which is paid.")
        sale = run.desk.find(row.reference)
        if sale is None:
            raise _refused(f"This proof is of sale {row.reference}, which has ended on this till's own chain.")
        if statement.amount != sale.signed.amount:
            raise _refused(
                f"This proof is of {format_amount(statement.amount)}, not of what sale {row.reference} asks."
            )
        return sale


def _refused(what: str) -> UserFacingError:
    return UserFacingError(what, money_moved="It pays nothing here.", next_step="Ask for the proof of this sale.")

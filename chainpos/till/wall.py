"""The code on the wall: a standing request, to which a customer types the amount, and what was received by it.

The request is made of the till's key and its shop alone, so that it is the same each day and nothing of it is stored.
A payment of it is believed as any other: by its record in our own node's state. It refuses to book one twice.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Final

from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.request import SignedRequest, make_wall_request
from chainpos.core.contracts.payments.events import PAID
from chainpos.core.contracts.payments.records import PAYMENTS, Payment
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.inspect.records import record_at
from chainpos.rpc.backend import IncludedTransaction
from chainpos.rpc.client import RpcClient, RpcError
from chainpos.store.shop import SaleRow
from chainpos.till.book_thread import BookThread
from chainpos.till.desk import Desk
from chainpos.till.missed import catch_up
from chainpos.till.sales import WALL, reference_for, tag_of, with_payment
from chainpos.wallet.keys import Key

WALL_SEEN: Final = "wall_seen"


def wall_request(merchant: str, currency: str, chain_id: str, key: Key) -> SignedRequest:
    """The standing request of a till."""
    return make_wall_request(merchant, f"WALL-{tag_of(key.address)}", currency, chain_id, key.public_key, key.sign)


class Wall:
    """`signed` is the standing request of this till."""

    def __init__(self, desk: Desk, book: BookThread, key: Key, currency: str, utc_offset_s: int) -> None:
        identity = desk.identity
        self.signed = wall_request(identity.merchant, currency, identity.chain_id, key)
        self._desk, self._book, self._address, self._offset_s = desk, book, key.address, utc_offset_s
        self._query = f"{PAID}.request='{self.signed.id.hex()}'"

    async def look_round(self, client: RpcClient) -> None:
        """Have our node serve the request again, and learn what was paid by it while we did not listen.

        Raises StoreError.
        """
        with contextlib.suppress(RpcError):
            await client.publish_request(self.signed.encoded, self.signed.signature)
        take = partial(self.take, client)
        await catch_up(self._book, WALL_SEEN, client, self._query, self._desk.tip_height, take)

    async def take(self, client: RpcClient, included: IncludedTransaction) -> None:
        """A transaction is in a verified block: book what it paid by this code. Raises StoreError."""
        for payment_id in self._paid_in(included):
            payment = await record_at(client, PAYMENTS, payment_id, included.height)
            if payment is not None and payment.request_id == self.signed.id:
                await self._desk.receive(payment_id, partial(self._row, payment_id, payment, included.hash))

    def _paid_in(self, included: IncludedTransaction) -> list[bytes]:
        found = []
        for event in included.result.events:
            told = {attribute.key: attribute.value for attribute in event.attributes}
            if event.type == PAID and told.get("request") == self.signed.id.hex():
                found.append(bytes.fromhex(told["payment"]))
        return found

    def _row(self, payment_id: bytes, payment: Payment, tx_hash: bytes, number: int) -> SaleRow:
        paid_ns = payment.time_s * SECOND_NS
        row = SaleRow(
            number=number,
            reference=reference_for(number, self._address, paid_ns, self._offset_s),
            request_id=payment_id,
            request=self.signed.encoded,
            signature=self.signed.signature,
            presented=WALL,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            memo="",
            created_ns=paid_ns,
            expires_ns=paid_ns,
            state=SaleState.PAID.value,
            watched=False,
            tx_hash=tx_hash,
        )
        return with_payment(row, payment)

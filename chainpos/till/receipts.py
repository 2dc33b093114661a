"""Receipts of one sale, gathered from the till's own node: as lines, and as a proof that stands by itself.

It refuses sales that are not paid; a proof is verified before it is handed out, and there is none before the next
header confirms the payment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.checkout.bill_slip import BillSlip
from chainpos.core.checkout.cart import Cart
from chainpos.core.checkout.receipt import Receipt, Seller, Tendered
from chainpos.core.checkout.receipt_proof import ProofRefused, ReceiptProof, encode_proof, verify_proof
from chainpos.core.checkout.request import SignedRequest
from chainpos.core.contracts.network import utc_offset_in
from chainpos.core.contracts.payments.events import PAID
from chainpos.core.contracts.payments.messages import decode_request
from chainpos.core.contracts.payments.records import PAYMENTS
from chainpos.core.values.amount import Amount
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import EXIT_USAGE, MalformedBytes, UserFacingError
from chainpos.inspect.connection import NodeConnection
from chainpos.inspect.records import record_at
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.store.shop import SaleRow, ShopBook
from chainpos.store.shop_beside import ShopBeside
from chainpos.store.shop_bills import CARD, CASH, RECEIVED, VOUCHER, BillRow, ShopBills, TenderRow
from chainpos.store.shop_reading import BookReader
from chainpos.sync.proving import gather_proof
from chainpos.till.desk import CERTIFIED
from chainpos.till.home import TillHome
from chainpos.till.identity import Certified
from chainpos.till.printing.queue import RECEIPT
from chainpos.till.receipt_files import PROOF, file_bytes, file_kind

_TENDERS: Final = {CASH: ("Cash", "现金"), CARD: ("Card", "银行卡"), VOUCHER: ("Voucher", "代金券")}


class Sold(msgspec.Struct, frozen=True):
    """What the book says of a sale: its row, and the bill that it pays for, if it was rung up; `returned_minor` is what
    was given back of the bill's money beside the ledger."""

    row: SaleRow
    bill: BillRow | None = None
    tenders: tuple[TenderRow, ...] = ()
    returned_minor: int = 0


async def read_receipt(client: RpcClient, sold: Sold, seller: Seller, height: int) -> Receipt:
    """The receipt by the ledger's own record in the state after `height`. Raises UserFacingError; RpcError and such."""
    row = sold.row
    payment = await record_at(client, PAYMENTS, row.request_id, height)
    if payment is None:
        raise UserFacingError(f"Sale {row.reference} is not paid.", next_step="There is no receipt for it.")
    return Receipt(
        seller=seller,
        signed=SignedRequest(row.request_id, decode_request(row.request), row.request, row.signature),
        payment=payment,
        tx_hash=row.tx_hash,
        confirmed_height=payment.height + 1 if height > payment.height else 0,
        cart=_cart(sold.bill),
        others=tuple(
            Tendered(*_TENDERS[tender.kind], Amount(tender.amount_minor, tender.currency))
            for tender in sold.tenders
            if tender.kind in _TENDERS and tender.state == RECEIVED
        ),
        returned=Amount(sold.returned_minor, row.currency),
    )


def read_slip(book: ShopBook, reference: str, seller: Seller) -> BillSlip | None:
    """The slip of a bill beside the ledger; None where there is none of this reference. Raises UserFacingError."""
    row = ShopBeside(book).bill(reference)
    bills = ShopBills(book)
    bill = bills.bill(row.number) if row is not None else None
    cart = _cart(bill)
    if row is None or cart is None:
        return None
    tenders = [each for each in bills.tenders(row.number) if each.state == RECEIVED and each.kind in _TENDERS]
    return BillSlip(
        seller=seller,
        reference=row.reference,
        time_s=row.closed_ns // SECOND_NS,
        cart=cart,
        tenders=tuple(
            Tendered(*_TENDERS[each.kind], Amount(each.given_minor or each.amount_minor, each.currency))
            for each in tenders
        ),
        change=Amount(sum(each.change_minor for each in tenders), row.currency),
        returned=Amount(row.returned_minor, row.currency),
    )


def _cart(bill: BillRow | None) -> Cart | None:
    if bill is None:
        return None
    try:
        return msgspec.json.decode(bill.cart, type=Cart)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserFacingError(
            f"What was rung up for bill {bill.reference} cannot be read.", next_step="Restore the shop's book."
        ) from error


async def read_proof(client: RpcClient, genesis: GenesisDoc, payment: str) -> ReceiptProof | None:
    """The proof of a payment, verified; None where the ledger has none that `payment`, a query, means.

    Raises ProofRefused, RpcError.
    """
    found = (await client.tx_search(payment, per_page=1, descending=True, prove=True)).transactions
    if not found:
        return None
    proof = await gather_proof(client, found[0], genesis)
    verify_proof(proof, genesis)
    return proof


async def make_receipt(paths: TillHome, reference: str) -> bytes:
    """The file of the paid sale with this reference. The counter may be open meanwhile. Raises UserFacingError."""
    settings, genesis = paths.settings(), paths.genesis()
    if not reference.isascii() or any(mark in reference for mark in "'\"\\") or not 0 < len(reference) <= 25:
        raise _not_paid(reference)
    connection = NodeConnection(settings.node)
    try:
        query = f"{PAID}.reference='{reference}' AND {PAID}.merchant='{settings.merchant}'"
        proof = await read_proof(await connection.open(), genesis, query)
        if proof is None:
            raise _not_paid(reference)
    except (ProofRefused, RpcError, Disconnected, MalformedBytes) as error:
        raise UserFacingError(
            f"The till's node at {settings.node} gave no proof of {reference}.", next_step="Try again in a moment."
        ) from error
    finally:
        await connection.close()
    return encode_proof(proof)


async def make_file(paths: TillHome, reference: str, path: Path) -> bytes:
    """The content of a file for the receipt, by its ending. The counter may be open meanwhile. Raises UserFacingError.

    What the till printed before is a copy, and says so.
    """
    kind = file_kind(path)
    proof = await make_receipt(paths, reference)
    if kind == PROOF:
        return proof
    settings, genesis, book = paths.settings(), paths.genesis(), BookReader(paths.book_path)
    row = book.sale(reference)
    if row is None:
        raise _not_paid(reference)
    bill, names = book.bill_of_sale(row.number), book.setting(CERTIFIED, Certified) or Certified()
    sold = Sold(row) if bill is None else Sold(row, bill, tuple(book.tenders(bill.number)), book.returned(bill.number))
    seller = Seller(settings.merchant, names.name_en, names.name_zh, genesis.chain_id, utc_offset_in(genesis.app_state))
    connection = NodeConnection(settings.node)
    try:
        client = await connection.open()
        receipt = await read_receipt(client, sold, seller, (await client.status()).latest.height)
    except (RpcError, Disconnected, MalformedBytes) as error:
        raise UserFacingError("The node stopped answering.", next_step="Try again in a moment.") from error
    finally:
        await connection.close()
    receipt = msgspec.structs.replace(receipt, copy=book.copies(RECEIPT, reference))
    return file_bytes(kind, receipt, proof, settings.paper_columns)


def _not_paid(reference: str) -> UserFacingError:
    return UserFacingError(
        f"The ledger has no payment with the reference {reference[:40]!r} to this shop.",
        next_step="Look it up in the till's sales; a sale that is not paid has no receipt.",
        exit_code=EXIT_USAGE,
    )

"""What the shop's book has of a shift, and what the ledger has of it, brought together into the parts of a report.

It refuses to call a difference what is only on its way into the book: it looks again before it names one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.checkout.matching import SaleState
from chainpos.core.checkout.reconciling import (
    CODE_REFUSED,
    LEDGER_NOT_READ,
    PAYMENT,
    REFUND,
    SETTLEMENT_DIFFERS,
    TENDER_DIFFERS,
    WALL,
    Difference,
    Entry,
    Line,
    differences,
    reconcile,
    rests,
    unread,
)
from chainpos.core.checkout.takings import NO_RATE, Drawn, Taxed, Tendered, by_rate
from chainpos.core.checkout.tax_back import negated
from chainpos.core.checkout.z_report import OpenRequest, decode_report
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import MalformedBytes
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.store.shop import OutboxRow, SaleRow
from chainpos.store.shop_beside import ReturnRow, ShopBeside
from chainpos.store.shop_bills import RECEIVED, RETURNED, TenderRow
from chainpos.store.shop_shifts import Counted, ShiftRow, ShopShifts, TaxBackRow
from chainpos.till.ledger_lines import LedgerSide, read_ledger, refund_id
from chainpos.till.refunds import KIND
from chainpos.till.running import RunningTill
from chainpos.till.sales import WALL as BY_WALL
from chainpos.till.tax_back import read_tax_back, refunds_to_tell

LOOKS: Final = 6
LOOK_AGAIN_S: Final = 0.25
MAX_HEIGHT: Final = 2**62


class BookSide(NamedTuple):
    """What the book has of a shift; `tender_faults` are ledger tenders of bills that differ from their sales, and
    codes accepted offline that brought nothing.

    `counted`, `to_sale` and `tax_back` are what the shift claims when it is closed: what comes after this look is in
    the next. `taxed` has what refunds gave back below zero.
    """

    entries: tuple[Entry, ...]
    tendered: tuple[Tendered, ...]
    taxed: tuple[Taxed, ...]
    drawn: tuple[Drawn, ...]
    requests: tuple[OpenRequest, ...]
    tender_faults: tuple[Difference, ...]
    counted: Counted
    to_sale: int
    tax_back: tuple[TaxBackRow, ...]


class ShiftParts(NamedTuple):
    """Both sides compared, up to `to_height`; all differences but the drawer's."""

    to_height: int
    lines: tuple[Line, ...]
    book: BookSide
    differences: tuple[Difference, ...]


async def read_shift(run: RunningTill, shift: ShiftRow) -> ShiftParts:
    """The parts of a shift up to now. Where the node does not answer they are the book's, and say so."""
    for _ in range(LOOKS):
        parts = await _look(run, shift)
        if not parts.differences or parts.differences[0].kind == LEDGER_NOT_READ.name:
            return parts
        await asyncio.sleep(LOOK_AGAIN_S)
    return parts


async def _look(run: RunningTill, shift: ShiftRow) -> ShiftParts:
    shifts = ShopShifts(run.book.book)
    counted = await run.book.study(lambda: counted_before(shifts, shift))
    # All that the book knows is compared: a node that does not have those blocks, or has them no more, was not read.
    known = await run.book.read(lambda: shifts.known_height(KIND))
    to_height = max(run.desk.tip_height, shift.from_height, known)
    side = await _ledger(run, shift, to_height)
    upto = MAX_HEIGHT if side is None else to_height
    ledger = None if side is None else side.entries
    book = await run.book.study(lambda: read_book(shifts, shift, counted, upto, ledger))
    if side is None:
        # The heights are left to the next shift, which reads them on the ledger and mends what is counted here.
        found = (Difference(kind=LEDGER_NOT_READ.name), *book.tender_faults)
        return ShiftParts(shift.from_height, unread(book.entries), book, found)
    lines = reconcile(book.entries, [entry for entry in side.entries if _name(entry, counted) is None])
    mended = _mended(counted, side)
    found = (*differences(lines), *mended.differences, *_settlement(side), *book.tender_faults)
    return ShiftParts(to_height, (*lines, *mended.lines), book, found)


class _Mended(NamedTuple):
    lines: tuple[Line, ...]
    differences: tuple[Difference, ...]


def _mended(counted: Mapping[str, Line], side: LedgerSide) -> _Mended:
    """By what the reports before, made of the book alone, differ from what the ledger has."""
    on_ledger = {name: entry for entry in side.entries if (name := _name(entry, counted)) is not None}
    found = [rests(line, on_ledger.get(name)) for name, line in counted.items()]
    return _Mended(
        tuple(line for lines, _ in found for line in lines), tuple(each for _, differ in found for each in differ)
    )


def _name(entry: Entry, counted: Mapping[str, Line]) -> str | None:
    """By which name an earlier report counted it, if one did."""
    return next((name for name in (entry.id, entry.reference) if name in counted), None)


def counted_before(shifts: ShopShifts, shift: ShiftRow) -> dict[str, Line]:
    """What earlier shifts counted from the book alone, in heights that this one reads again.

    By the ID that both sides know it by, or by its reference where the book has it no more: the ledger's side of a wall
    payment has the code's own reference.
    """
    lines: dict[str, Line] = {}
    before = shifts.shift(shift.number - 1)
    while before is not None and before.from_height == shift.from_height:
        lines |= {line.reference: line for line in decode_report(before.document).lines if not line.is_rest}
        before = shifts.shift(before.number - 1)
    if not lines:
        return {}
    ids = {row.reference: row.request_id.hex() for row in shifts.paid_between(shift.from_height, MAX_HEIGHT)}
    sent = [_refund_entry(row) for row in shifts.sent_between(KIND, shift.from_height, MAX_HEIGHT)]
    ids |= {entry.reference: entry.id for entry in sent}
    return {ids.get(reference, reference): line for reference, line in lines.items()}


async def _ledger(run: RunningTill, shift: ShiftRow, to_height: int) -> LedgerSide | None:
    client = run.connection.client
    if client is None or not run.desk.tip_height:
        return None
    try:
        return await _asked(run, client, shift, to_height)
    except (Disconnected, RpcError, MalformedBytes):
        return None


async def _asked(run: RunningTill, client: RpcClient, shift: ShiftRow, to_height: int) -> LedgerSide:
    await run.refresh_money(client)
    return await read_ledger(
        client, run.settings.merchant, run.key.public_key, run.money, shift.currency,
        after=shift.from_height, upto=to_height,
    )  # fmt: skip


def _settlement(side: LedgerSide) -> tuple[Difference, ...]:
    if side.net_minor == side.grown_minor:
        return ()
    return (Difference(kind=SETTLEMENT_DIFFERS.name, book_minor=side.net_minor, ledger_minor=side.grown_minor),)


def read_book(
    shifts: ShopShifts,
    shift: ShiftRow,
    counted: Mapping[str, Line],
    to_height: int,
    ledger: Sequence[Entry] | None = None,
) -> BookSide:
    """What the book has of a shift up to a height and this moment, but for what was `counted` before.

    Of the refunds that the `ledger` has, where it was read, it tells the tax.
    """
    known = {line.reference for line in counted.values()}
    paid = [
        row
        for row in shifts.paid_between(shift.from_height, to_height)
        if row.currency == shift.currency and row.reference not in known
    ]
    tenders = {row.sale: row for row in shifts.tenders_between(shift.from_height, to_height)}
    refunds = [_refund_entry(row) for row in shifts.sent_between(KIND, shift.from_height, to_height)]
    taxed = [Taxed(row.rate_ppm, row.due_minor, row.tax_minor) for row in shifts.taxed_uncounted()]
    given_up = shifts.given_up_between(shift.from_height, to_height)
    keyed_minor = sum(row.amount_minor for row in paid if row.number not in tenders or row.number in given_up)
    if keyed_minor:
        taxed.append(Taxed(NO_RATE, keyed_minor, 0))
    came, went = shifts.received_uncounted(), [row for row in shifts.returned_uncounted() if row.received_ns]
    lost = shifts.codes_refused_uncounted()
    back, to_sale = ShopBeside(shifts.book).uncounted(), shifts.book.next_number() - 1
    entries = [_sale_entry(row) for row in paid] + [entry for entry in refunds if entry.reference not in known]
    tax_back = read_tax_back(shifts, refunds_to_tell(entries, ledger, counted), back)
    taxed += _given_back(taxed, tax_back)
    return BookSide(
        entries=tuple(entries),
        tendered=_tendered(shifts, came, went, back),
        taxed=tuple(taxed),
        drawn=tuple(
            Drawn(
                kind=row.kind,
                amount_minor=row.amount_minor,
                reason=row.reason,
                time_s=row.at_ns // SECOND_NS,
                staff=row.staff,
            )
            for row in shifts.drawn(shift.number)
        ),
        requests=tuple(
            OpenRequest(row.reference, row.amount_minor, row.state)
            for row in shifts.unpaid_after(shift.from_sale, to_sale)
        ),
        tender_faults=(
            *(_tender_fault(row, tender) for row in paid if _differs(row, tender := tenders.get(row.number))),
            *(Difference(kind=CODE_REFUSED.name, reference=row.reference, book_minor=row.amount_minor) for row in lost),
        ),
        counted=Counted(
            tuple(row.id for row in came),
            tuple(row.id for row in went),
            shifts.bills_uncounted(),
            tuple(row.id for row in back),
            tuple(row.tx_hash for row in lost),
        ),
        to_sale=to_sale,
        tax_back=tax_back,
    )


def _given_back(charged: Sequence[Taxed], tax_back: Sequence[TaxBackRow]) -> list[Taxed]:
    """The rows of a report behind what was charged; nothing was where one of them would be read as charged."""
    found: list[Taxed] = []
    for each in negated(by_rate([Taxed(row.rate_ppm, row.due_minor, row.tax_minor) for row in tax_back])):
        if each.rate_ppm == NO_RATE or not (each.due_minor or each.tax_minor):
            continue
        if (each.due_minor, each.tax_minor) > (0, 0) and all(row.rate_ppm != each.rate_ppm for row in charged):
            found.append(Taxed(each.rate_ppm, 0, 0))
        found.append(each)
    return found


def _sale_entry(row: SaleRow) -> Entry:
    return Entry(
        kind=WALL if row.presented == BY_WALL else PAYMENT,
        id=row.request_id.hex(),
        reference=row.reference,
        amount_minor=row.amount_minor,
        tip_minor=row.tip_minor,
        fee_minor=row.fee_minor,
        height=row.height,
        time_s=row.paid_ns // SECOND_NS,
        staff=row.staff,
    )


def _refund_entry(row: OutboxRow) -> Entry:
    message = msgspec.msgpack.decode(decode_envelope(row.wire).body.message, type=Refund)
    return Entry(
        kind=REFUND,
        id=refund_id(message.payment_id, message.reference),
        reference=message.reference,
        amount_minor=message.amount_minor,
        height=row.height,
        time_s=row.created_ns // SECOND_NS,
        staff=row.staff,
    )


def _tendered(
    shifts: ShopShifts, came: list[TenderRow], went: list[TenderRow], back: list[ReturnRow]
) -> tuple[Tendered, ...]:
    moved: list[tuple[TenderRow | ReturnRow, int, bool]] = [(row, row.received_ns, False) for row in came]
    moved += [(row, row.returned_ns, True) for row in went]
    moved += [(row, row.at_ns, True) for row in back]
    names = shifts.references_of_bills(sorted({row.bill for row, _, _ in moved}))
    return tuple(
        Tendered(
            kind=row.kind,
            reference=names.get(row.bill, ""),
            amount_minor=row.amount_minor,
            time_s=at_ns // SECOND_NS,
            returned=returned,
            staff=row.staff,
        )
        for row, at_ns, returned in moved
    )


def _differs(row: SaleRow, tender: TenderRow | None) -> bool:
    if tender is None:
        return False
    # Refunded before its bill was complete: the bill counts it no more, and is right.
    is_back = tender.state == RETURNED and row.state == SaleState.REFUNDED.value
    return not (is_back or tender.state == RECEIVED) or tender.amount_minor != row.amount_minor


def _tender_fault(row: SaleRow, tender: TenderRow | None) -> Difference:
    counted_minor = tender.amount_minor if tender is not None and tender.state == RECEIVED else 0
    return Difference(
        kind=TENDER_DIFFERS.name, reference=row.reference, book_minor=counted_minor, ledger_minor=row.amount_minor
    )

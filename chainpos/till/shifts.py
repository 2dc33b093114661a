"""The shift at a till: opened with a float, cash in and out by hand, an X report at any time, a Z report that ends it.

It refuses a second open shift, cash without a reason, and to end a shift before somebody counted the drawer. A sale
never waits for a shift: where none is open, the first one opens it with an empty drawer.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.checkout.receipt_proof import ProofRefused, encode_proof, prove_accepted
from chainpos.core.checkout.takings import cash_difference, takings
from chainpos.core.checkout.z_report import KIND, SignedReport, ZReport, decode_report, encode_file, sign_report
from chainpos.core.contracts.anchors.codes import ANCHOR_NOT_AFTER
from chainpos.core.contracts.anchors.messages import Record
from chainpos.core.values.amount import Amount
from chainpos.core.values.hashes import sha256
from chainpos.core.values.text import HostileText, check_text
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import MalformedBytes, UserFacingError
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.store.shop import OutboxRow
from chainpos.store.shop_shifts import DrawerRow, ShiftRow, ShopShifts
from chainpos.sync.proving import gather_proof
from chainpos.till.outbox import DONE, WAITING
from chainpos.till.roles import Right
from chainpos.till.running import RunningTill
from chainpos.till.shift_export import write_bank_statement, write_exports
from chainpos.till.shift_reading import ShiftParts, read_shift
from chainpos.till.shift_views import ShiftRowView, ShiftView, shift_view
from chainpos.till.staff import StaffDesk
from chainpos.till.whole import whole

ANCHOR: Final = "anchors.record"
ANCHOR_LIFE_S: Final = 80_000  # within the day that a transaction may wait
ANCHOR_WAIT_S: Final = 8.0
ANCHOR_PAUSE_NS: Final = 600 * SECOND_NS
MAX_REASON_BYTES: Final = 120
# The height of an anchor that cannot be.
NEVER: Final = -1


class _End(NamedTuple):
    """How a report ends: at what time by this clock, by whom, with what counted, after which report (its hash)."""

    at_ns: int
    staff: str = ""
    counted_minor: int = -1
    previous: bytes = b""


class ShiftDesk:
    """The shifts of one till."""

    def __init__(self, run: RunningTill, staff: StaffDesk) -> None:
        self._run = run
        self._staff = staff
        self._shifts = ShopShifts(run.book.book)
        self._open: ShiftRow | None = self._shifts.open_shift()
        self._changing = asyncio.Lock()
        run.errands.append(self.anchor)

    @property
    def number(self) -> int:
        """The open shift's, 0 where none is."""
        return self._open.number if self._open is not None else 0

    # -- beginning, and cash by hand

    @whole
    async def open(self, float_amount: Amount) -> ShiftView:
        """Begin a shift with so much in the drawer. Raises UserFacingError."""
        name = self._staff.require(Right.SHIFT)
        async with self._changing:
            if self._open is not None:
                raise UserFacingError(
                    f"Shift {self._open.number} is open since before.",
                    next_step="Close it first, or put the money in as cash in.",
                )
            await self._begin(name, float_amount.minor)
        self._run.changed()
        return await self.report()

    @whole
    async def ensure_open(self) -> None:
        """Begin a shift with an empty drawer where none is open: a sale must never wait for it."""
        if self._open is None:
            async with self._changing:
                if self._open is None:
                    await self._begin(self._staff.name, 0)

    async def draw(self, kind: str, amount: Amount, reason: str) -> None:
        """Note cash put in ("in") or taken out ("out") and why. Raises UserFacingError."""
        name = self._staff.require(Right.DRAWER)
        if kind not in ("in", "out") or not amount.minor:
            raise UserFacingError("This is no amount: nothing.", next_step="Key it again.")
        try:
            check_text(reason.strip(), min_bytes=1, max_bytes=MAX_REASON_BYTES)
        except HostileText as error:
            raise UserFacingError(
                "The drawer needs a reason.", next_step="Say in a few words what it is for."
            ) from error
        async with self._changing:
            shift = self._required()
            row = DrawerRow(
                shift=shift.number,
                at_ns=self._run.clock.now_ns(),
                kind=kind,
                amount_minor=amount.minor,
                reason=reason.strip(),
                staff=name,
            )
            await self._run.book.call(lambda: self._shifts.draw(row))
        self._run.changed()

    # -- reports

    async def report(self) -> ShiftView:
        """The X report: the open shift's figures up to now; nothing is written. An empty view where none is open."""
        shift, currency = self._open, self._run.settings.currency
        if shift is None:
            return ShiftView(number=0, currency=currency)
        parts = await read_shift(self._run, shift)
        return shift_view(self._report(shift, parts, _End(self._run.clock.now_ns())), closed=False)

    @whole
    async def close(self, counted: Amount) -> ShiftView:
        """The Z report: the shift's last figures, signed and kept, then anchored as soon as it can be.

        Raises UserFacingError.
        """
        name, run = self._staff.require(Right.SHIFT), self._run
        run.book.require_sound()
        async with self._changing:
            shift = self._required()
            now_ns, parts = run.clock.now_ns(), await read_shift(run, shift)
            previous = await run.book.call(lambda: self._shifts.shift(shift.number - 1))
            before = sha256(previous.document) if previous is not None else b""
            signed = sign_report(self._report(shift, parts, _End(now_ns, name, counted.minor, before)), run.key.sign)
            ended = msgspec.structs.replace(
                shift,
                closed_ns=now_ns,
                closed_by=name,
                to_sale=parts.book.to_sale,
                to_height=parts.to_height,
                document=signed.document,
                signature=signed.signature,
            )
            await run.book.call(lambda: self._shifts.end(ended, parts.book.counted, parts.book.tax_back))
            self._open = None
        run.changed()
        await self._anchored_soon()
        return await self.closed(shift.number)

    async def closed(self, number: int) -> ShiftView:
        """A closed shift's report as it was signed. Raises UserFacingError."""
        row = await self._closed_row(number)
        report, digest = decode_report(row.document), sha256(row.document).hex()
        return shift_view(report, closed=True, digest=digest, anchor_height=row.anchor_height)

    async def closed_numbers(self) -> tuple[int, ...]:
        """Of closed shifts, newest first."""
        return await self._run.book.call(self._shifts.closed_numbers)

    async def all_closed(self) -> tuple[ShiftRowView, ...]:
        """Closed shifts, newest first; a hundred at most."""
        return await self._run.book.read(lambda: tuple(_row_view(row) for row in self._shifts.shifts()))

    async def export(self, number: int, folder: Path) -> tuple[Path, ...]:
        """Write a closed shift as CSV, as the signed report with its proof, for the bank. Raises UserFacingError."""
        row = await self._closed_row(number)
        file = encode_file(
            SignedReport(decode_report(row.document), row.document, row.signature), await self._proof(row)
        )
        return await asyncio.to_thread(write_exports, decode_report(row.document), file, folder)

    async def bank_statement(self, number: int, folder: Path) -> Path:
        """Write the bank's camt.053 of a closed shift's blocks, for all tills of the shop. Raises UserFacingError.

        It walks over every block of the shift, by a connection of its own.
        """
        row = await self._closed_row(number)
        report, node = decode_report(row.document), self._run.settings.node
        return await asyncio.to_thread(write_bank_statement, report, node, folder)

    # -- the anchor

    async def anchor(self, client: RpcClient) -> None:  # noqa: ARG002 - an errand: the outbox sends what is signed here
        """One step towards having the oldest report on the ledger that is not there: sign it, or see how that went."""
        if self._changing.locked():
            # A shift is being closed: the outbox, which waits behind this errand, must not wait for that.
            return
        async with self._changing:
            run = self._run
            row = await run.book.call(self._shifts.to_anchor)
            if row is None:
                return
            sent = await run.book.call(lambda: _sent_for(self._shifts, row.number))
            known = [each for each in sent if each.state in (DONE, WAITING)]
            if known and known[0].state == DONE:
                await run.book.call(lambda: self._shifts.anchoring(row.number, known[0].tx_hash, known[0].height))
                run.changed()
            elif not known and any(each.code == ANCHOR_NOT_AFTER.number for each in sent):
                # Another report stands there at this number: the book is an older copy. Only a person can mend that.
                await run.book.call(lambda: self._shifts.anchoring(row.number, b"", NEVER))
                run.changed()
            elif not known and not _is_young(sent, run.clock.now_ns()):
                await self._sign_anchor(row)

    async def _sign_anchor(self, row: ShiftRow) -> None:
        run = self._run
        message = Record(run.settings.merchant, KIND, row.number, sha256(row.document))
        expires_s = run.clock.now_ns() // SECOND_NS + ANCHOR_LIFE_S
        if expires_s <= run.desk.tip_time_s:
            # This clock is so far behind that no block would take it: it is signed once the clock is right.
            return
        await run.outbox.sign(ANCHOR, message, expires_s=expires_s, staff=row.closed_by)

    async def _anchored_soon(self) -> None:
        if self._run.connection.client is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANCHOR_WAIT_S), contextlib.AsyncExitStack() as stack:
                wake = stack.enter_context(self._run.listening())
                while await self._run.book.call(self._shifts.to_anchor) is not None:
                    self._run.outbox.wake.set()
                    wake.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.2):
                            await wake.wait()

    # -- the rest

    async def _begin(self, name: str, float_minor: int) -> None:
        run, book = self._run, self._run.book
        last = await book.call(lambda: self._shifts.shifts(limit=1))
        now_ns = run.clock.now_ns()
        known = max(run.desk.tip_height, run.desk.network.known_height)
        row = ShiftRow(
            number=last[0].number + 1 if last else 1,
            currency=run.settings.currency,
            opened_ns=now_ns,
            opened_by=name,
            float_minor=float_minor,
            from_sale=last[0].to_sale if last else book.book.next_number() - 1,
            from_height=last[0].to_height if last else known,
        )
        await book.call(lambda: self._shifts.begin(row))
        self._open = row

    def _required(self) -> ShiftRow:
        if self._open is None:
            raise UserFacingError("No shift is open.", next_step="Open one first.")
        return self._open

    async def _closed_row(self, number: int) -> ShiftRow:
        row = await self._run.book.call(lambda: self._shifts.shift(number))
        if row is None or not row.closed_ns:
            raise UserFacingError(f"There is no closed shift {number}.", next_step="Choose one from the list.")
        return row

    async def _proof(self, row: ShiftRow) -> str:
        """The proof of the anchor in base64, "" where there is none or the node cannot give it now."""
        client = self._run.connection.client
        if client is None or row.anchor_height <= 0:
            return ""
        try:
            included = await client.tx(row.anchor_tx, prove=True)
            proof = await gather_proof(client, included, self._run.genesis)
            prove_accepted(proof, self._run.genesis)
        except (Disconnected, RpcError, MalformedBytes, ProofRefused):
            return ""
        return base64.b64encode(encode_proof(proof)).decode()

    def _report(self, shift: ShiftRow, parts: ShiftParts, end: _End) -> ZReport:
        run, book = self._run, parts.book
        found = takings(
            parts.lines,
            book.tendered,
            book.taxed,
            book.drawn,
            float_minor=shift.float_minor,
            counted_minor=end.counted_minor,
            utc_offset_s=run.utc_offset_s,
        )
        return ZReport(
            chain_id=run.genesis.chain_id,
            merchant=run.settings.merchant,
            till=run.key.public_key.hex(),
            sequence=shift.number,
            previous=end.previous.hex(),
            currency=shift.currency,
            opened_s=shift.opened_ns // SECOND_NS,
            opened_by=shift.opened_by,
            closed_s=end.at_ns // SECOND_NS,
            closed_by=end.staff,
            from_height=shift.from_height,
            to_height=parts.to_height,
            utc_offset_s=run.utc_offset_s,
            float_minor=shift.float_minor,
            counted_minor=end.counted_minor,
            lines=parts.lines,
            tendered=book.tendered,
            taxed=book.taxed,
            drawn=book.drawn,
            requests=book.requests,
            takings=found,
            differences=(*parts.differences, *cash_difference(found.drawer)),
        )


def _sent_for(shifts: ShopShifts, number: int) -> list[OutboxRow]:
    """What was signed to anchor a shift's report, newest first."""
    return [
        row
        for row in shifts.sent_of(ANCHOR)
        if msgspec.msgpack.decode(decode_envelope(row.wire).body.message, type=Record).sequence == number
    ]


def _is_young(sent: list[OutboxRow], now_ns: int) -> bool:
    """Whether a try ended just now: a till that recorded too much today is not to ask at every block.

    A try that is younger than this moment tells that the clock was set back, and nothing else.
    """
    return any(0 <= now_ns - each.created_ns < ANCHOR_PAUSE_NS for each in sent)


def _row_view(row: ShiftRow) -> ShiftRowView:
    report = decode_report(row.document)
    return ShiftRowView(
        number=row.number,
        opened_ns=row.opened_ns,
        closed_ns=row.closed_ns,
        closed_by=row.closed_by,
        received=Amount(report.takings.received_minor, report.currency),
        differences=len(report.differences),
        anchor_height=row.anchor_height,
    )

"""What became of a payment, in the order of time: from the shop's book, and from the ledger; each with its evidence.

It refuses to guess: a stage is listed when a book or the ledger shows it, and what is still to come is not listed.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.contracts.payments.messages import Request, decode_request, request_id
from chainpos.core.contracts.payments.records import CANCELLED, PAYMENTS, Payment
from chainpos.core.contracts.registry import MESSAGES
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import EXIT_USAGE, MalformedBytes, UserFacingError
from chainpos.inspect import absence
from chainpos.inspect.absence import Absence
from chainpos.inspect.asking import meant_by
from chainpos.inspect.fields import amount_text
from chainpos.inspect.lookups import MAX_LISTED, Lookups, payout_queries
from chainpos.inspect.source import ChainSource, Found
from chainpos.store.shop import SaleRow
from chainpos.store.shop_reading import BookReader

BOOK: Final = "book"
OUTBOX: Final = "outbox"
REQUEST: Final = "request"
LEDGER: Final = "ledger"
# In this order where times are equal.
STAGES: Final = (
    "requested", "shown", "seen", "ordered", "executed", "matched", "paid", "confirmed", "cleared", "cancelled",
    "refused", "refunded", "payout_requested", "payout_failed", "paid_out",
)  # fmt: skip


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. `evidence` is where anybody can look: "tx HASH", "header HEIGHT", "fact of sale N"."""

    stage: str
    time_ns: int
    source: str
    evidence: str
    height: int = 0
    index: int = -1
    detail: str = ""
    code: int = 0


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A payment's story. `absences` say what is not there; `money` is the state of the merchant's money, or ""."""

    reference: str
    merchant: str
    request_id: str
    height: int
    moments: tuple[Moment, ...]
    absences: tuple[Absence, ...]
    money: str = ""

    def refused(self, one: Absence) -> Moment | None:
        """The moment of what an absence says was refused."""
        if one.kind != absence.REJECTED:
            return None
        evidence = f"tx {one.detail}"
        return next((each for each in self.moments if each.stage == "refused" and each.evidence == evidence), None)


def timeline(source: ChainSource, word: str, book: BookReader | None = None) -> Timeline:
    """The story of the payment that a reference, request, link, transaction or sale number names.

    Raises UserFacingError where nothing of that name can be a payment.
    """
    found = _Story(source, book).resolve(word)
    return found.told()


class _Story:
    def __init__(self, source: ChainSource, book: BookReader | None) -> None:
        self._source = source
        self._book = book
        self._lookups = Lookups(source)
        self._moments: list[Moment] = []
        self._absences: list[Absence] = []
        self._sale: SaleRow | None = None
        self._request: Request | None = None
        self._id = b""
        self._word = ""
        # A transaction that is about no payment, as a payout's: it has a story of its own.
        self._alone: tuple[int, int] | None = None

    def resolve(self, word: str) -> _Story:
        self._word = clean(word)
        meant = meant_by(word)
        if meant.hash:
            place = self._source.transaction(meant.hash)
            if place is not None:
                self._of_transaction(*place)
                self._alone = None if self._id else place
            self._id = self._id or meant.hash
        elif meant.link:
            for attribute in ("payments.paid.request", "payments.cancelled.request"):
                for value in self._source.values(attribute, meant.link.hex(), 1):
                    self._id = bytes.fromhex(value)
        if not self._id and meant.reference:
            self._by_reference(meant.reference)
        if self._book is not None:
            self._sale = (
                (self._book.sale_of_request(self._id) if self._id else None)
                or (self._book.sale(meant.reference) if meant.reference else None)
                or (self._book.sale_by_number(meant.height) if meant.height else None)
                or (self._book.sale_of_link(meant.link) if meant.link else None)
            )
        if self._sale is not None:
            self._id = self._sale.request_id
            self._request = decode_request(self._sale.request)
        if not self._id:
            raise UserFacingError(
                f"Nothing that could be a payment is named {clean(word)!r} as of height {self._lookups.height}.",
                next_step="Give a reference, a request, a link, a transaction's hash, or a sale's number with --book.",
                money_moved="",
                exit_code=EXIT_USAGE,
            )
        return self

    def told(self) -> Timeline:
        payment = self._lookups.record(PAYMENTS, self._id)
        reference = merchant = money = ""
        if payment is not None:
            reference, merchant = payment.reference, payment.merchant
            money = self._lookups.money_state(payment)
            self._paid(payment)
        elif self._alone is not None:
            self._itself(*self._alone)
        else:
            self._not_paid()
        if self._request is not None:
            reference, merchant = reference or self._request.reference, merchant or self._request.merchant
            self._requested(self._request)
        if self._sale is not None:
            self._from_book(self._sale)
        self._refused(reference, merchant)
        order = {stage: at for at, stage in enumerate(STAGES)}
        moments = sorted(set(self._moments), key=lambda each: (each.time_ns, order.get(each.stage, 99), each.evidence))
        return Timeline(
            reference=clean(reference),
            merchant=clean(merchant),
            request_id=self._id.hex(),
            height=self._lookups.height,
            moments=tuple(moments),
            absences=tuple(self._absences),
            money=money,
        )

    def _of_transaction(self, height: int, index: int) -> None:
        found = self._source.found(height)
        if found is None:
            return
        for event in found.results[index].events:
            told = {each.key: each.value for each in event.attributes}
            wanted = told.get("payment") or (told.get("request") if event.type.startswith("payments.") else "")
            if wanted:
                self._id = bytes.fromhex(wanted)
                if event.type == "payments.paid":
                    break
        self._read_request(found.block.txs[index])
        if not self._id and self._request is not None:
            header = found.block.header
            self._id = request_id(header.chain_id, _encoded_request(found.block.txs[index]))

    def _read_request(self, wire: bytes) -> None:
        encoded = _encoded_request(wire)
        if encoded:
            try:
                self._request = decode_request(encoded)
            except MalformedBytes:
                self._request = None

    def _by_reference(self, reference: str) -> None:
        for kind in ("payments.paid", "payments.cancelled", "chainpos.rejected", "refunds.refunded"):
            places = self._source.search(f"{kind}.reference='{reference}'", 1)
            if places:
                self._of_transaction(*places[0])
                return

    def _requested(self, request: Request) -> None:
        self._add(
            "requested",
            request.created_s * SECOND_NS,
            REQUEST,
            f"request {self._id.hex()}",
            detail=f"{amount_text(request.amount_minor, request.currency)} to {request.merchant}, {request.instrument}",
        )

    def _from_book(self, sale: SaleRow) -> None:
        if self._book is None:
            return
        for fact in self._book.facts(sale.number):
            self._add(
                clean(fact.kind),
                fact.at_ns,
                BOOK,
                f"fact of sale {sale.number}",
                fact.height,
                detail=clean(fact.detail),
            )
        for row in self._book.outbox_of(sale.number):
            self._add(
                "sent",
                row.created_ns,
                OUTBOX,
                f"tx {row.tx_hash.hex()}",
                row.height,
                detail=f"{clean(row.kind)}: {clean(row.state)}",
                code=row.code,
            )
            if self._source.transaction(row.tx_hash) is None:
                over = row.expires_s * SECOND_NS < self._time_of(self._lookups.height)
                make = absence.orphaned if over else absence.pending
                absent = make(self._lookups.height, row.tx_hash.hex())
                self._absences.append(self._lookups.vouched(absent, row.created_ns))

    def _paid(self, payment: Payment) -> None:
        query = f"payments.paid.payment='{self._id.hex()}'"
        for height, index in self._source.search(query, 1):
            found = self._source.found(height)
            if found is None:
                continue
            if self._request is None:
                self._read_request(found.block.txs[index])
            row = self._lookups.transaction(height, index)
            evidence = "" if row is None else f"tx {row.hash}"
            time_ns = found.block.header.time_ns
            self._ordered(height, index, time_ns)
            gas = f"gas {found.results[index].gas_used}"
            self._add("executed", time_ns, LEDGER, evidence, height, index, gas)
            paid = amount_text(payment.paid_minor, payment.currency)
            matched = f"request {payment.request_id.hex()}"
            self._add("matched", time_ns, LEDGER, matched, height, index, f"reference {payment.reference}")
            told = f"{paid} from {payment.payer.hex()} at {payment.institution}"
            self._add("paid", time_ns, LEDGER, evidence, height, index, told)
            self._confirmed(found)
        self._cleared(payment)
        self._refunded()
        self._paid_out(payment)

    def _itself(self, height: int, index: int) -> None:
        """A transaction that is about no payment: ordered, executed or refused, confirmed."""
        found, row = self._source.found(height), self._lookups.transaction(height, index)
        if found is None or row is None:
            return
        self._ordered(height, index, found.block.header.time_ns)
        if row.problem is not None:
            self._ledger("refused", height, index, f"{row.kind}: {row.problem.name}", row.code)
            self._absences.append(absence.rejected(height, row.code, row.problem.name, row.hash))
        else:
            self._ledger("executed", height, index, f"{row.kind} {row.summary}")
        self._confirmed(found)

    def _ordered(self, height: int, index: int, time_ns: int) -> None:
        told = f"transaction {index} of the block"
        self._add("ordered", time_ns, LEDGER, f"header {height}", height, index, told)

    def _confirmed(self, found: Found) -> None:
        following = self._source.header(found.height + 1)
        if following is not None and following.app_hash == found.app_hash:
            height = found.height + 1
            self._add("confirmed", following.time_ns, LEDGER, f"header {height}", height)

    def _cleared(self, payment: Payment) -> None:
        if not payment.debtor:
            told = f"settled at once, in block {payment.height}"
            self._add(
                "cleared", self._time_of(payment.height), LEDGER, f"record {self._id.hex()}", payment.height, -1, told
            )
            return
        query = (
            f"settlement.batch_settled.debtor='{payment.debtor}' AND settlement.batch_settled.batch='{payment.batch}'"
            f" AND settlement.batch_settled.currency='{payment.currency}'"
        )
        for height, index in self._source.search(query, MAX_LISTED):
            for event in self._events(height, index):
                if event.get("debtor") == payment.debtor and event.get("batch") == str(payment.batch):
                    told = (
                        f"cycle {payment.currency}/{event.get('cycle', '?')}, batch {payment.batch} of {payment.debtor}"
                    )
                    self._ledger("cleared", height, index, told)

    def _refunded(self) -> None:
        for height, index in self._source.search(f"refunds.refunded.payment='{self._id.hex()}'", MAX_LISTED):
            for event in self._events(height, index):
                if event.get("payment") == self._id.hex() and "refunded_minor" in event:
                    amount = amount_text(int(event["amount_minor"]), clean(event["currency"]))
                    self._ledger("refunded", height, index, f"{amount}, refund {clean(event['reference'])}")

    def _paid_out(self, payment: Payment) -> None:
        number = self._lookups.payout_number(payment)
        if not number:
            return
        stages = ("payout_requested", "paid_out", "payout_failed")
        queries = payout_queries(payment.merchant, payment.currency, number)
        for stage, query in zip(stages, queries, strict=True):
            for height, index in self._source.search(query, 1):
                self._ledger(stage, height, index, f"payout {payment.merchant}/{payment.currency}/{number}")

    def _not_paid(self) -> None:
        cancellation = self._lookups.record(CANCELLED, self._id)
        places = self._source.search(f"payments.cancelled.request='{self._id.hex()}'", 1)
        for height, index in places:
            self._ledger("cancelled", height, index, "the shop withdrew it")
            found = self._source.found(height)
            if found is not None:
                self._read_request(found.block.txs[index])
        if cancellation is not None or places:
            at = places[0][0] if places else self._lookups.height
            self._absences.append(absence.cancelled(at, self._word))
        else:
            unpaid = absence.unpaid(self._lookups.height, self._word)
            # A sale's payment would be in the records; another word's may be in blocks that are not here.
            self._absences.append(self._lookups.vouched(unpaid) if self._sale is None else unpaid)

    def _refused(self, reference: str, merchant: str) -> None:
        """What was refused of the request, and of what came after it: a refund names the payment alone."""
        places = set(self._source.search(f"chainpos.rejected.payment='{self._id.hex()}'", MAX_LISTED))
        if reference and merchant:
            query = f"chainpos.rejected.reference='{reference}' AND chainpos.rejected.merchant='{merchant}'"
            places.update(self._source.search(query, MAX_LISTED))
        for height, index in sorted(places):
            row = self._lookups.transaction(height, index)
            if row is not None and row.problem is not None:
                self._ledger("refused", height, index, f"{row.kind}: {row.problem.name}", row.code)
                self._absences.append(absence.rejected(height, row.code, row.problem.name, row.hash))

    def _events(self, height: int, index: int) -> list[dict[str, str]]:
        found = self._source.found(height)
        events = () if found is None else found.results[index].events
        return [{each.key: each.value for each in event.attributes} for event in events]

    def _ledger(self, stage: str, height: int, index: int, detail: str, code: int = 0) -> None:
        row = self._lookups.transaction(height, index)
        evidence = f"header {height}" if row is None else f"tx {row.hash}"
        self._add(stage, self._time_of(height), LEDGER, evidence, height, index, detail, code)

    def _time_of(self, height: int) -> int:
        header = self._source.header(height)
        return 0 if header is None else header.time_ns

    def _add(
        self,
        stage: str,
        time_ns: int,
        source: str,
        evidence: str,
        height: int = 0,
        index: int = -1,
        detail: str = "",
        code: int = 0,
    ) -> None:
        self._moments.append(
            Moment(
                stage=stage,
                time_ns=time_ns,
                source=source,
                evidence=evidence,
                height=height,
                index=index,
                detail=clean(detail),
                code=code,
            )
        )


def _encoded_request(wire: bytes) -> bytes:
    """The request that a transaction carries, encoded; empty for none."""
    try:
        body = decode_envelope(wire).body
        known = MESSAGES.get(body.kind)
        message = None if known is None else msgspec.msgpack.decode(body.message, type=known.type)
    except (MalformedBytes, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b""
    encoded = getattr(message, "request", b"")
    return encoded if isinstance(encoded, bytes) else b""

"""What a case tells in words, held against what it proves: none of it is believed because it is written.

It refuses a stage, a detail, a name or a typed absence that does not follow from the proved transactions and records.
What only a shop's book or one node can say is marked as theirs, and may not contradict the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.contracts.payments.messages import (
    Cancel,
    Charge,
    Pay,
    Request,
    decode_request,
    request_id,
    static_payment_id,
)
from chainpos.core.contracts.payments.records import CANCELLED, PAYMENTS, Payment
from chainpos.core.contracts.ports import STATIC_QR
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.contracts.registry import MESSAGES
from chainpos.core.contracts.settlement.messages import Close, ConfirmPayout, FailPayout, RequestPayout, Resolve
from chainpos.core.contracts.settlement.records import AVAILABLE, PAID_OUT, PENDING, REQUESTED
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import MalformedBytes
from chainpos.inspect import absence
from chainpos.inspect.absence import Absence
from chainpos.inspect.case import LEFT_OUT, UNPROVED, Case, ProvedTransaction
from chainpos.inspect.fields import amount_text
from chainpos.inspect.sentences import sentence_of
from chainpos.inspect.timeline import BOOK, LEDGER, OUTBOX, REQUEST, Moment
from chainpos.inspect.transactions import transaction_row

# A stage with its evidence, its detail and its code.
_Told = tuple[str, str, str, int]
_MONEY_IN_THE_BOOK: Final = ("paid", "confirmed", "part_refunded", "refunded")
_PAYOUTS: Final = {ConfirmPayout: "paid_out", FailPayout: "payout_failed"}
_WORDS: Final[dict[str, Callable[[int, str], Absence]]] = {
    absence.UNPAID: absence.unpaid,
    absence.NOT_SYNCED: absence.not_synced,
    absence.ORPHANED: absence.orphaned,
    absence.PENDING: absence.pending,
    absence.PRUNED: absence.pruned,
    absence.CANCELLED: absence.cancelled,
    absence.UNKNOWN: absence.unknown,
}


def money_told(moments: Iterable[Moment]) -> str:
    """Where the shop's money is, by what the ledger is told to have done; "" where nothing was paid."""
    stages = {moment.stage for moment in moments if moment.source == LEDGER}
    if "paid" not in stages:
        return ""
    for stage, state in (("paid_out", PAID_OUT), ("payout_requested", REQUESTED), ("cleared", AVAILABLE)):
        if stage in stages:
            return state
    return PENDING


def fault_of_telling(case: Case) -> str:
    """What is told and does not follow from the proofs; "" where all of it does. The proofs were checked before."""
    return _Telling(case).fault()


class _Telling:
    def __init__(self, case: Case) -> None:
        self._case = case
        self._story = case.timeline
        self._id = bytes.fromhex(case.timeline.request_id)
        kept = {record.key: record.value for record in case.records}
        paid = kept.get(PAYMENTS.full_key(self._id))
        self._payment = None if paid is None else PAYMENTS.decode(paid)
        self._is_cancelled = kept.get(CANCELLED.full_key(self._id)) is not None
        self._proved = {(each.height, each.index): each for each in case.transactions}
        self._request = next((found for found in map(self._asked_by, case.transactions) if found is not None), None)

    def fault(self) -> str:
        for moment in self._story.moments:
            if not self._follows(moment):
                return f"{moment.stage} is told otherwise than it is proved"
        for each in self._story.absences:
            if not self._is_absent(each):
                return f"the absence {each.kind} is told otherwise than it is proved"
        if self._story.money != money_told(self._story.moments):
            return "the money is told to be elsewhere"
        asked = self._payment or self._request
        if asked is not None and (self._story.reference, self._story.merchant) != (
            clean(asked.reference), clean(asked.merchant),
        ):  # fmt: skip
            return "another reference or shop is told"
        if self._case.reference != self._story.reference:
            return "the case has another name than its payment"
        is_stated = self._case.trace is not None and not self._case.witness
        left_out = (*LEFT_OUT, UNPROVED) if is_stated else LEFT_OUT
        return "" if self._case.left_out == left_out else "what it leaves out is told otherwise"

    def _follows(self, moment: Moment) -> bool:
        told = (moment.stage, moment.evidence, moment.detail, moment.code)
        if moment.source == LEDGER:
            proved = self._proved.get((moment.height, moment.index))
            return told in set(self._of_header(moment.height) if proved is None else self._of(proved))
        if moment.source == REQUEST:
            return self._request is None or (*told, moment.time_ns) == self._requested(self._request)
        # The book's own words are not in a case. That it was paid, the ledger must have too.
        is_bare = moment.source in (BOOK, OUTBOX) and not moment.detail
        return is_bare and (moment.stage not in _MONEY_IN_THE_BOOK or self._payment is not None)

    def _requested(self, request: Request) -> tuple[str, str, str, int, int]:
        detail = f"{amount_text(request.amount_minor, request.currency)} to {request.merchant}, {request.instrument}"
        return "requested", f"request {self._story.request_id}", clean(detail), 0, request.created_s * SECOND_NS

    def _of_header(self, height: int) -> Iterator[_Told]:
        """What is told of no transaction: the header after one, and money that settled with its payment."""
        if any(each.height + 1 == height for each in self._case.transactions):
            yield "confirmed", f"header {height}", "", 0
        if self._payment is not None and not self._payment.debtor and self._payment.height == height:
            yield "cleared", f"record {self._story.request_id}", f"settled at once, in block {height}", 0

    def _of(self, proved: ProvedTransaction) -> Iterator[_Told]:
        """All that may be told of a proved transaction."""
        result = proved.result
        row = transaction_row(proved.wire, result, proved.height, proved.index)
        named = f"tx {row.hash}"
        yield "ordered", f"header {proved.height}", f"transaction {proved.index} of the block", 0
        if result.code:
            yield "refused", named, clean(f"{row.kind}: {sentence_of(result.code).name}"), result.code
            return
        yield "executed", named, f"gas {result.gas_used}", 0
        yield "executed", named, clean(f"{row.kind} {row.summary}"), 0
        if self._asked_by(proved) is not None and isinstance(_message(proved), Cancel):
            yield "cancelled", named, "the shop withdrew it", 0
        if self._payment is not None:
            yield from self._of_payment(proved, named, self._payment)

    def _of_payment(self, proved: ProvedTransaction, named: str, payment: Payment) -> Iterator[_Told]:
        message, number = _message(proved), int.from_bytes(proved.result.data, "big")
        if isinstance(message, Pay | Charge) and self._asked_by(proved) is not None:
            yield "matched", f"request {payment.request_id.hex()}", clean(f"reference {payment.reference}"), 0
            paid = amount_text(payment.paid_minor, payment.currency)
            yield "paid", named, clean(f"{paid} from {payment.payer.hex()} at {payment.institution}"), 0
        elif isinstance(message, Refund) and message.payment_id == self._id:
            amount = amount_text(message.amount_minor, payment.currency)
            yield "refunded", named, clean(f"{amount}, refund {message.reference}"), 0
        elif isinstance(message, Close | Resolve) and message.currency == payment.currency and payment.debtor:
            told = f"cycle {payment.currency}/{number}, batch {payment.batch} of {payment.debtor}"
            yield "cleared", named, clean(told), 0
        elif isinstance(message, RequestPayout | ConfirmPayout | FailPayout):
            stage = _PAYOUTS.get(type(message), "payout_requested")
            which = number if isinstance(message, RequestPayout) else message.number
            if (message.merchant, message.currency) == (payment.merchant, payment.currency):
                yield stage, named, clean(f"payout {payment.merchant}/{payment.currency}/{which}"), 0

    def _asked_by(self, proved: ProvedTransaction) -> Request | None:
        """The request that a transaction presents or withdraws, where it is the one that this case is about."""
        message = _message(proved)
        if not isinstance(message, Pay | Charge | Cancel):
            return None
        try:
            request, envelope = decode_request(message.request), decode_envelope(proved.wire)
        except MalformedBytes:
            return None
        found = request_id(self._case.chain_id, message.request)
        if request.instrument == STATIC_QR and isinstance(message, Pay):
            found = static_payment_id(found, envelope.body_hash)
        return request if found == self._id else None

    def _is_absent(self, told: Absence) -> bool:
        if told.kind == absence.REJECTED:
            name = sentence_of(told.code).name
            return told == absence.rejected(told.height, told.code, name, told.detail) and any(
                (each.height, each.result.code) == (told.height, told.code) and told.detail == _hash(each)
                for each in self._case.transactions
            )
        words = _WORDS.get(told.kind)
        if words is None or told != words(told.height, told.detail):
            return False
        if told.kind == absence.UNPAID:
            return self._payment is None and told.height == self._case.as_of
        if told.kind == absence.CANCELLED:
            withdrawn = any(moment.stage == "cancelled" for moment in self._story.moments)
            return self._payment is None and (self._is_cancelled or withdrawn)
        if told.kind in (absence.ORPHANED, absence.PENDING):
            return any(moment.evidence == f"tx {told.detail}" for moment in self._story.moments)
        return True


def _message(proved: ProvedTransaction) -> msgspec.Struct | None:
    try:
        body = decode_envelope(proved.wire).body
        known = MESSAGES.get(body.kind)
        return None if known is None else msgspec.msgpack.decode(body.message, type=known.type)
    except (MalformedBytes, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _hash(proved: ProvedTransaction) -> str:
    return transaction_row(proved.wire, proved.result, proved.height, proved.index).hash

"""The sales that the ledger may still change, in memory: what is known of each, and the judgement that follows.

It refuses to change what was signed. It asks nobody and waits for nobody: facts are brought to it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.checkout.matching import MONEY_RECEIVED, LedgerFacts, SaleState, Sight, Standing, judge
from chainpos.core.checkout.qr import qr_modules
from chainpos.core.checkout.qr_mask import Modules
from chainpos.core.checkout.request import SignedRequest
from chainpos.core.contracts.payments.messages import Charge, Pay, decode_request, request_id
from chainpos.core.contracts.payments.records import Payment
from chainpos.core.values.timestamps import SECOND_NS, civil_date, day_number
from chainpos.errors import MalformedBytes
from chainpos.store.shop import OutboxRow, SaleRow

LINK: Final = "link"
CODE: Final = "code"
WALL: Final = "wall"
# A transaction may sit in the block that is being made when its own expiry passes.
PENDING_GRACE_S: Final = 5
_TAG_CHARACTERS: Final = 2
_PRESENTING: Final[dict[str, type[Pay] | type[Charge]]] = {"payments.pay": Pay, "payments.charge": Charge}


@dataclass
class Sale:
    """One watched sale. `pending` is the hash of a payment in our mempool, which can be there until `pending_until_s`.

    `pending_ns` is when it was seen, by the clock that never jumps. `facts` are of the last look at our own node's
    state; those of height 0 were never looked up. `published` is whether our node serves it now.
    """

    row: SaleRow
    signed: SignedRequest
    link: str = ""
    modules: Modules | None = None
    pending: bytes = b""
    pending_until_s: int = 0
    pending_ns: int = 0
    facts: LedgerFacts = field(default_factory=lambda: LedgerFacts(0, 0))
    final: bool = False
    published: bool = False

    @property
    def state(self) -> SaleState:
        """As judged last."""
        return SaleState(self.row.state)

    def draw_up(self) -> None:
        """Its code, where it is shown by one and was not drawn up yet: the dearest part of a request."""
        if self.modules is None and self.row.presented == LINK:
            self.modules = qr_modules(self.link)

    async def drawn_up(self) -> None:
        """The same, for who has something to wait for meanwhile."""
        self.draw_up()

    @property
    def is_paid(self) -> bool:
        """Whether the ledger has its payment."""
        return self.facts.payment is not None

    def seen(self, tx_hash: bytes, until_s: int, monotonic_ns: int) -> None:
        """A payment of it is in our mempool."""
        self.pending, self.pending_until_s, self.pending_ns = tx_hash, until_s, monotonic_ns

    def refused(self, tx_hash: bytes, code: int) -> None:
        """The contract refused a payment of it, or a node at its door."""
        if self.pending in (tx_hash, b""):
            self.pending = b""
        self.row = msgspec.structs.replace(self.row, problem_code=code)

    def take_refusal(self, sent: OutboxRow) -> None:
        """Of what the till sent to be paid by: a refusal counts where no money came all the same."""
        if sent.kind in _PRESENTING and sent.code and not self.is_paid and not is_money(self.row):
            self.refused(sent.tx_hash, sent.code)

    def standing(self, tip_height: int, now_s: int) -> Standing:
        """Where it stands. Raises StateMismatch."""
        facts = self.facts
        if facts.payment is not None:
            # What the ledger has it keeps, so that each further verified header confirms it.
            facts = facts._replace(height=max(facts.height, tip_height))
        pending = self.pending if now_s <= self.pending_until_s + PENDING_GRACE_S else b""
        return judge(self.signed, facts, Sight(now_s, pending, self.row.problem_code, self.row.proof_height))

    def rejudge(self, tip_height: int, now_s: int) -> bool:
        """Judge it again; whether its row changed."""
        if self._book_knows_more():
            return False
        standing = self.standing(tip_height, now_s)
        row = msgspec.structs.replace(self.row, state=standing.state.value, watched=not standing.final)
        if self.facts.payment is not None:
            row = with_payment(row, self.facts.payment)
        changed = row != self.row
        self.row, self.final = row, standing.final
        return changed

    def _book_knows_more(self) -> bool:
        """Whether the last look at our node's state, if there was one, was before what the book learned from it."""
        if self.facts.payment is not None:
            return False
        if is_money(self.row):
            return self.facts.height < self.row.height
        return not self.row.watched and not self.facts.height


class Presented(NamedTuple):
    """A payment that presents a request: the request's ID, the transaction's hash, and its expiry in unix seconds."""

    request_id: bytes
    tx_hash: bytes
    until_s: int


def presented_in(wire: bytes, chain_id: str) -> Presented | None:
    """Which request a transaction presents; None for one of another kind, or that cannot be read."""
    try:
        envelope = decode_envelope(wire)
        kind = _PRESENTING.get(envelope.body.kind)
        if kind is None:
            return None
        message = msgspec.msgpack.decode(envelope.body.message, type=kind)
    except (MalformedBytes, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Presented(request_id(chain_id, message.request), envelope.hash, envelope.body.expires_s)


def restored(row: SaleRow, link: str) -> Sale:
    """A sale from the book. Raises MalformedBytes where its request cannot be read."""
    signed = SignedRequest(row.request_id, decode_request(row.request), row.request, row.signature)
    return Sale(row, signed, link)


def new_row(number: int, signed: SignedRequest, presented: str, now_ns: int) -> SaleRow:
    """The row of a new sale."""
    request = signed.request
    return SaleRow(
        number=number,
        reference=request.reference,
        request_id=signed.id,
        request=signed.encoded,
        signature=signed.signature,
        presented=presented,
        amount_minor=request.amount_minor,
        currency=request.currency,
        memo=request.memo,
        created_ns=now_ns,
        expires_ns=request.expires_s * SECOND_NS,
        state=SaleState.WAITING.value,
    )


def reference_for(number: int, till_address: bytes, now_ns: int, utc_offset_s: int) -> str:
    """A sale's name, unique in the shop and short to say: day, two letters of the till, number: "261122-KX-0042"."""
    year, month, day = civil_date(day_number(now_ns, offset_s=utc_offset_s))
    return f"{year % 100:02d}{month:02d}{day:02d}-{tag_of(till_address)}-{number:04d}"


def tag_of(till_address: bytes) -> str:
    """Two letters that tell the tills of one shop apart."""
    return base64.b32encode(till_address).decode()[:_TAG_CHARACTERS]


def with_payment(row: SaleRow, payment: Payment) -> SaleRow:
    """The row with what the ledger's record of its payment says."""
    return msgspec.structs.replace(
        row,
        payer=payment.payer.hex(),
        height=payment.height,
        paid_ns=payment.time_s * SECOND_NS,
        fee_minor=payment.fee_acquirer_minor + payment.fee_network_minor,
        tip_minor=payment.tip_minor,
        refunded_minor=payment.refunded_minor,
        debtor=payment.debtor,
        batch=payment.batch,
        entry=payment.entry,
        problem_code=0,
    )


def is_money(row: SaleRow) -> bool:
    """Whether the row says that money was received."""
    return SaleState(row.state) in MONEY_RECEIVED

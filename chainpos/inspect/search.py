"""Search for anything: what there is, with when and where; and for what there is not, which kind of absence it is.

It refuses searches that would read too much, as the store does.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.checkout.frames import looks_like_frame
from chainpos.core.contracts.payments.messages import decode_request
from chainpos.core.contracts.payments.records import CANCELLED, PAYMENTS
from chainpos.core.execution import MISBEHAVED, REJECTED
from chainpos.core.values.amount import Amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS, clock_told
from chainpos.inspect import absence
from chainpos.inspect.asking import Meant, meant_by, told_by_form, words_of
from chainpos.inspect.lookups import Lookups
from chainpos.inspect.source import ChainSource
from chainpos.inspect.transactions import payment_of
from chainpos.inspect.views import TransactionRow
from chainpos.store.shop import SaleRow
from chainpos.store.shop_reading import BookReader

MAX_HITS: Final = 50
MAX_PROOFS: Final = 10
_REFERENCE_ATTRIBUTES: Final = (
    "payments.paid.reference", "payments.cancelled.reference", "chainpos.rejected.reference",
    "refunds.refunded.reference",
)  # fmt: skip

# What words together may narrow, by the event that tells it and its name there.
_NARROWED: Final = {
    "payments.paid": {"account": "payer", "merchant": "merchant", "reference": "reference", "payment": "payment"},
    "refunds.refunded": {"account": "payer", "merchant": "merchant", "reference": "reference", "payment": "payment"},
    "payments.cancelled": {"merchant": "merchant", "reference": "reference", "payment": "request"},
    REJECTED: {"account": "signer", "merchant": "merchant", "reference": "reference", "payment": "payment"},
}


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found. `kind` says what `name` is; `index` is -1 where it is no transaction."""

    kind: str
    name: str
    summary: str = ""
    height: int = 0
    index: int = -1
    time_ns: int = 0
    code: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a search came to, as of a height: hits, newest first, and what is absent. `more`: these are not all."""

    text: str
    height: int
    hits: tuple[Hit, ...]
    absences: tuple[absence.Absence, ...]
    more: bool = False

    def refused(self, one: absence.Absence) -> Hit | None:
        """The transaction that an absence says was refused, where it is among the hits."""
        return next((hit for hit in self.hits if one.kind == absence.REJECTED and hit.name == one.detail), None)


class Search:
    """Searches one source, with a shop's book where there is one."""

    def __init__(self, source: ChainSource, book: BookReader | None = None, limit: int = MAX_HITS) -> None:
        self.lookups = Lookups(source)
        # One more than is told shows whether there are more.
        self._most, self._limit = limit, limit + 1
        self._source = source
        self._book = book
        self._hits: dict[tuple[str, str], Hit] = {}
        self._absences: dict[tuple[str, str], absence.Absence] = {}

    def find(self, text: str) -> Answer:
        """All that the words mean together. Raises SearchTooWide, StoreError, UserFacingError."""
        self._hits.clear()
        self._absences.clear()
        offset_s = self.lookups.utc_offset_s()
        newest_ns = self._tip_ns() + offset_s * SECOND_NS
        words = [meant_by(word, offset_s) for word in words_of(text, newest_ns)]
        if len(words) == 1:
            self._one(words[0])
        elif words:
            self._all(words)
        if not self._hits:
            if not self._absences and not looks_like_frame(text):
                self._missed(absence.unknown(self.lookups.height, clean(text)))
            for told in told_by_form(self.lookups.height, words):
                self._absent(told)
        return Answer(
            text=clean(text),
            height=self.lookups.height,
            hits=tuple(self._hits.values())[: self._most],
            absences=tuple(self._absences.values()),
            more=len(self._hits) > self._most,
        )

    def _one(self, word: Meant) -> None:
        if word.hash:
            self._by_hash(word.hash)
        if word.address:
            self._card("account", word.address.hex(), self.lookups.account(word.address) is not None)
            for height in self._source.blocks_telling(
                f"{MISBEHAVED}.validator", word.address.hex().upper(), MAX_PROOFS
            ):
                self._block(height, f"proves that the validator {word.address.hex().upper()} misbehaved")
        if word.link:
            self._by_link(word.link)
        if word.height:
            self._by_height(word.height)
        if word.cycle:
            self._card("cycle", word.word, self.lookups.cycle(*word.cycle) is not None)
        if word.payout:
            self._card("payout", word.word, self.lookups.payout(*word.payout) is not None)
        if word.name and not word.hash and not word.address:
            self._card("merchant", word.name, self.lookups.merchant(word.name) is not None)
            self._card("institution", word.name, self.lookups.institution(word.name) is not None)
        for amount in word.amounts:
            self._transactions(_of_amount("payments.paid", amount))
            self._transactions(_of_amount("refunds.refunded", amount))
        if word.window_ns:
            self._by_window(*word.window_ns)
        if word.reference and not word.hash and not word.address:
            self._by_reference(word.reference)

    def _all(self, words: list[Meant]) -> None:
        """Words together narrow each other: an account, a shop, a reference, a payment, an amount, a time."""
        heights: list[str] = []
        wanted: list[tuple[str, str]] = []
        amounts: tuple[Amount, ...] = ()
        for word in words:
            if word.window_ns:
                low, high = self._heights(*word.window_ns)
                if high < low:
                    self._time_absent(word)
                    return
                heights += [f"tx.height>={low}", f"tx.height<={high}"]
            elif word.address:
                wanted.append(("account", word.address.hex()))
            elif word.hash:
                wanted.append(("payment", word.hash.hex()))
            elif word.amounts:
                amounts = word.amounts
            elif word.name and self.lookups.merchant(word.name) is not None:
                wanted.append(("merchant", word.name))
            elif word.reference:
                wanted.append(("reference", word.reference))
            else:
                self._absent(absence.unknown(self.lookups.height, clean(word.word)))
                return
        for place in sorted(self._together(heights, wanted, amounts), reverse=True)[: self._limit]:
            self._transaction(*place)
        if not self._hits:
            told = clean(" ".join(word.word for word in words))
            clock = clock_told(self.lookups.utc_offset_s()) if heights else ""
            self._missed(absence.unmatched(self.lookups.height, told, clock))

    def _together(
        self, heights: list[str], wanted: list[tuple[str, str]], amounts: tuple[Amount, ...]
    ) -> set[tuple[int, int]]:
        """What moved money, was cancelled or was refused, and has all of what is wanted."""
        if not wanted and not amounts:
            return set(self._source.search(" AND ".join(heights), self._limit))
        places: set[tuple[int, int]] = set()
        for event, names in _NARROWED.items():
            if any(kind not in names for kind, _ in wanted):
                continue
            conditions = [*heights, *(f"{event}.{names[kind]}='{value}'" for kind, value in wanted)]
            if event != REJECTED:
                # The index leads by a value; a time alone would have every block of it read.
                for query in [_of_amount(event, amount) for amount in amounts] or [""]:
                    asked = " AND ".join((*conditions, query) if query else conditions)
                    places.update(self._source.search(asked, self._limit))
            elif wanted:
                found = self._source.search(" AND ".join(conditions), self._limit)
                places.update(place for place in found if not amounts or self._has_amount(place, amounts))
        return places

    def _has_amount(self, place: tuple[int, int], amounts: tuple[Amount, ...]) -> bool:
        """What tells of a refusal tells no amount; the message does."""
        row = self.lookups.transaction(*place)
        return row is not None and row.amount in amounts

    def _by_hash(self, wanted: bytes) -> None:
        place = self._source.transaction(wanted)
        if place is not None:
            self._transaction(*place)
            return
        height = self._source.height_of_block(wanted)
        if height is not None:
            self._block(height)
            return
        if self._request(wanted):
            return
        if self.lookups.till(wanted) is not None:
            self._card("till", wanted.hex(), True)
            return
        sale = None if self._book is None else self._book.sale_of_request(wanted)
        if sale is not None:
            self._sale(sale)
            return
        self._never_arrived(wanted)

    def _request(self, request_id: bytes) -> bool:
        """A request by its ID: paid, cancelled, or refused at least."""
        told = request_id.hex()
        if self.lookups.record(PAYMENTS, request_id) is not None:
            self._hit(Hit(kind="request", name=told, summary="paid", height=self.lookups.height))
            self._transactions(f"payments.paid.payment='{told}'")
            return True
        cancellation = self.lookups.record(CANCELLED, request_id)
        if cancellation is not None:
            self._hit(Hit(kind="request", name=told, summary="cancelled", height=cancellation.height))
            self._absent(absence.cancelled(cancellation.height, told))
            return True
        # A static code has one ID for many payments.
        before = len(self._hits)
        self._transactions(f"payments.paid.request='{told}'")
        self._transactions(f"payments.cancelled.request='{told}'")
        return len(self._hits) > before

    def _by_link(self, beginning: bytes) -> None:
        told = beginning.hex()
        for attribute in ("payments.paid.request", "payments.cancelled.request"):
            for value in self._source.values(attribute, told, 2):
                if self._request(bytes.fromhex(value)):
                    return
        sale = None if self._book is None else self._book.sale_of_link(beginning)
        if sale is not None:
            self._sale(sale)
            return
        self._missed(absence.unpaid(self.lookups.height, told))

    def _by_height(self, height: int) -> None:
        base, tip = self._source.span()
        if base <= height <= tip:
            self._block(height)
        elif height < base:
            self._absent(absence.pruned(base, str(height)))
        else:
            self._absent(absence.not_synced(tip, str(height)))
        sale = None if self._book is None else self._book.sale_by_number(height)
        if sale is not None:
            self._sale(sale)

    def _by_window(self, begin_ns: int, end_ns: int) -> None:
        low, high = self._heights(begin_ns, end_ns)
        if high < low:
            self._time_absent(Meant(word="", window_ns=(begin_ns, end_ns)))
            return
        self._block(low)
        for height in range(low, high + 1):
            found = self._source.found(height)
            for index in range(0 if found is None else len(found.block.txs)):
                self._transaction(height, index)
                if len(self._hits) >= self._limit:
                    return

    def _by_reference(self, reference: str) -> None:
        before = len(self._hits)
        for attribute in _REFERENCE_ATTRIBUTES:
            self._transactions(f"{attribute}='{reference}'")
        found = [hit for hit in list(self._hits.values())[before:] if hit.kind == "transaction"]
        sale = None if self._book is None else self._book.sale(reference)
        if found and all(hit.code for hit in found):
            self._missed(absence.unpaid(self.lookups.height, reference))
        # A refund has a reference of its own; whoever holds the receipt asks by the payment's.
        for place in self._source.search(f"payments.paid.reference='{reference}'", MAX_PROOFS):
            payment = payment_of(self.lookups.transaction(*place))
            self._transactions(f"refunds.refunded.payment='{payment}'")
            self._transactions(f"{REJECTED}.payment='{payment}'")
        if sale is not None:
            self._sale(sale)

    def _sale(self, sale: SaleRow) -> None:
        """A sale of the shop's book, held against the ledger."""
        self._hit(
            Hit(
                kind="sale",
                name=clean(sale.reference),
                summary=f"sale {sale.number}, {clean(sale.state)}",
                time_ns=sale.created_ns,
                height=sale.height,
            )
        )
        if self._request(sale.request_id):
            return
        self._transactions(
            f"chainpos.rejected.till='{_till_of(sale)}' AND chainpos.rejected.reference='{sale.reference}'"
        )
        tip_ns = self._tip_ns()
        for row in [] if self._book is None else self._book.outbox_of(sale.number):
            if self._source.transaction(row.tx_hash) is None:
                over = row.expires_s * SECOND_NS < tip_ns
                make = absence.orphaned if over else absence.pending
                self._missed(make(self.lookups.height, row.tx_hash.hex()), row.created_ns)
        # Payments stay in the records for ever, also of blocks that are not here.
        self._absent(absence.unpaid(self.lookups.height, clean(sale.reference)))

    def _never_arrived(self, tx_hash: bytes) -> None:
        row = None if self._book is None else self._book.sent(tx_hash)
        if row is None:
            self._missed(absence.unknown(self.lookups.height, tx_hash.hex()))
        elif row.expires_s * SECOND_NS < self._tip_ns():
            self._missed(absence.orphaned(self.lookups.height, tx_hash.hex()), row.created_ns)
        else:
            self._missed(absence.pending(self.lookups.height, tx_hash.hex()), row.created_ns)

    def _tip_ns(self) -> int:
        header = self._source.header(self.lookups.height)
        return 0 if header is None else header.time_ns

    def _heights(self, begin_ns: int, end_ns: int) -> tuple[int, int]:
        """The first and last height with a time in the window; the first above the last where there is none."""
        base, tip = self._source.span()
        return self._first_at(begin_ns, base, tip), self._first_at(end_ns, base, tip) - 1

    def _first_at(self, time_ns: int, low: int, tip: int) -> int:
        high = tip + 1
        while low < high:
            middle = (low + high) // 2
            header = self._source.header(middle)
            if header is not None and header.time_ns < time_ns:
                low = middle + 1
            else:
                high = middle
        return low

    def _time_absent(self, word: Meant) -> None:
        begin_ns = 0 if word.window_ns is None else word.window_ns[0]
        base, tip = self._source.span()
        after = self._first_at(begin_ns, base, tip)
        if base < after <= tip:
            clock = clock_told(self.lookups.utc_offset_s())
            self._absent(absence.idle(self.lookups.height, clean(word.word), after - 1, clock))
            return
        make = absence.not_synced if begin_ns > self._tip_ns() else absence.unknown
        self._absent(make(tip if make is absence.not_synced else self.lookups.height, clean(word.word) or str(base)))

    def _transactions(self, query: str) -> None:
        for height, index in self._source.search(query, self._limit):
            self._transaction(height, index)

    def _transaction(self, height: int, index: int) -> None:
        row, found = self.lookups.transaction(height, index), self._source.found(height)
        if row is None or found is None:
            return
        self._hit(
            Hit(
                kind="transaction",
                name=row.hash,
                summary=_summary(row),
                height=height,
                index=index,
                time_ns=found.block.header.time_ns,
                code=row.code,
            )
        )
        if row.problem is not None:
            self._absent(absence.rejected(height, row.code, row.problem.name, row.hash))

    def _block(self, height: int, summary: str = "") -> None:
        header = self._source.header(height)
        if header is not None:
            name = str(height)
            self._hit(Hit(kind="block", name=name, summary=summary, height=height, time_ns=header.time_ns))

    def _card(self, kind: str, name: str, there: bool) -> None:  # noqa: FBT001 - one word, one answer
        if there:
            self._hit(Hit(kind=kind, name=name, height=self.lookups.height))

    def _hit(self, hit: Hit) -> None:
        self._hits.setdefault((hit.kind, hit.name), hit)

    def _missed(self, one: absence.Absence, made_ns: int = 0) -> None:
        self._absent(self.lookups.vouched(one, made_ns))

    def _absent(self, one: absence.Absence) -> None:
        self._absences.setdefault((one.kind, one.detail), one)


def _of_amount(event: str, amount: Amount) -> str:
    return f"{event}.amount_minor='{amount.minor}' AND {event}.currency='{amount.currency}'"


def _summary(row: TransactionRow) -> str:
    amount = "" if row.amount is None else f" {row.amount}"
    return f"{row.kind} {row.summary}{amount}".strip()


def _till_of(sale: SaleRow) -> str:
    return decode_request(sale.request).till_key.hex()

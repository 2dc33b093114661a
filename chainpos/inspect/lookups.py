"""Each thing that there is to look at, whole: block, account, merchant, institution, request, cycle, payout.

It refuses a height that is not here. What is not there is None, and `search.py` says which kind of absence that is.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from chainpos.core.chain.evidence import misdeeds_of
from chainpos.core.contracts.balances.records import ACCOUNTS, account_key, customer_account, merchant_account
from chainpos.core.contracts.balances.records import reserve_account as reserve
from chainpos.core.contracts.compliance.records import FREEZES
from chainpos.core.contracts.customers.records import CUSTOMERS
from chainpos.core.contracts.institutions.records import INSTITUTIONS, institution_key
from chainpos.core.contracts.merchants.records import MERCHANTS, TILLS, merchant_key
from chainpos.core.contracts.network import NETWORK
from chainpos.core.contracts.payments.records import CANCELLED, PAYMENTS, Payment
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.core.contracts.refunds.records import REFUNDS, refund_key
from chainpos.core.contracts.settlement.records import (
    BATCHES,
    CYCLES,
    PAYOUTS,
    POSITIONS,
    Batch,
    Payout,
    batch_key,
    cycle_key,
    folded,
    money_state,
    payout_key,
    payout_of,
    position_key,
)
from chainpos.core.state.tables import Table
from chainpos.core.values.currency import CURRENCIES
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import format_rfc3339
from chainpos.inspect.absence import Absence, pruned
from chainpos.inspect.asking import meant_by
from chainpos.inspect.changing import parse_record_key, refused
from chainpos.inspect.currencies import currency_of_message, detail_in
from chainpos.inspect.fields import (
    Fields,
    amount_text,
    attribute_fields,
    by_clock,
    in_currency,
    record_fields,
    struct_fields,
)
from chainpos.inspect.source import ChainSource, Found
from chainpos.inspect.transactions import REFUND, of_payment, opened_message, refund_in, transaction_row
from chainpos.inspect.views import TransactionRow

R = TypeVar("R", bound=msgspec.Struct)
MAX_LISTED: Final = 100
_MAX_PAYOUTS: Final = 10_000


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One thing as fields, under headings; `height` is as of when. `transactions` are those that concern it."""

    kind: str
    name: str
    height: int
    parts: tuple[tuple[str, Fields], ...]
    transactions: tuple[TransactionRow, ...] = ()


class Lookups:
    """Looks things up in one source, as of `height` (0: the tip)."""

    def __init__(self, source: ChainSource, height: int = 0) -> None:
        self.source = source
        self.height = height or source.span().tip

    @classmethod
    def as_of(cls, source: ChainSource, height: int) -> Lookups:
        """As of a height that somebody asked for. Raises UserFacingError where it is not here."""
        base, tip = source.span()
        if height > tip:
            raise refused(f"Not synced past height {tip}: this node cannot say yet", "Wait, or ask another node.")
        if height and height < base:
            raise refused(f"Pruned: this node keeps blocks from height {base} on", "Ask one that keeps all.")
        return cls(source, height)

    def record(self, table: Table[R], key: bytes) -> R | None:
        """One record as of the height."""
        value = self.source.record_at(table.full_key(key), self.height)
        return None if value is None else table.decode(value)

    def utc_offset_s(self) -> int:
        """How far east of UTC the network's own clock is: its days begin by it."""
        network = self.record(NETWORK, b"")
        return 0 if network is None else network.utc_offset_s

    def named(self, kind: str, name: str) -> Card | None:
        """A thing by its kind and its name as search shows it; a table's name is a kind too. Raises UserFacingError."""
        meant = meant_by(name)
        known = {
            "block": lambda: self.block(meant.height) if 0 < meant.height <= self.height else None,
            "account": lambda: self.account(meant.address) if meant.address else None,
            "merchant": lambda: self.merchant(meant.name) if meant.name else None,
            "institution": lambda: self.institution(meant.name) if meant.name else None,
            "till": lambda: self.till(meant.hash) if meant.hash else None,
            "request": lambda: self.request(meant.hash) if meant.hash else None,
            "cycle": lambda: self.cycle(*meant.cycle) if meant.cycle else None,
            "payout": lambda: self.payout(*meant.payout) if meant.payout else None,
        }
        return self._by_clock(known[kind]() if kind in known else self.record_card(parse_record_key(kind, name)))

    def _by_clock(self, card: Card | None) -> Card | None:
        """A card whose times are by the network's clock, as those of a search are, and of a statement."""
        if card is None:
            return None
        offset_s = self.utc_offset_s()
        parts = tuple((heading, by_clock(fields, offset_s)) for heading, fields in card.parts)
        return msgspec.structs.replace(card, parts=parts)

    def vouched(self, absent: Absence, made_ns: int = 0) -> Absence:
        """`absent`, if this node would have what was sought and made at `made_ns` or later; else that it is pruned.

        A node that began from a snapshot, or prunes, has not the first blocks: what is not found may be in those.
        """
        base, tip = self.source.span()
        first = self.source.header(base) if base <= tip else None
        if first is None or first.last_block_id.is_zero or made_ns > first.time_ns:
            return absent
        return pruned(base, absent.detail)

    def block(self, height: int) -> Card | None:
        """A block with who signed it."""
        found = self.source.found(height)
        if found is None:
            return None
        header = found.block.header
        signed = sum(1 for vote in found.commit.signatures if vote.signature)
        parts: Fields = (
            ("hash", found.block_id.hash.hex().upper()),
            *struct_fields(header),
            ("app_hash_after", found.app_hash.hex().upper()),
            ("signed", f"{signed} of {len(found.commit.signatures)}"),
        )
        shown = tuple((name, text) for name, text in parts if not name.startswith("last_block_id"))
        accused = tuple(
            (each.kind, f"{each.address.hex().upper()} at height {each.height}")
            for each in misdeeds_of(found.block.evidence)
        )
        listed = tuple(self._row(found, index) for index in range(len(found.block.txs)))
        card_parts = (("header", shown), *([("misbehaved", accused)] if accused else []))
        return Card(kind="block", name=str(height), height=height, parts=card_parts, transactions=listed)

    def transaction(self, height: int, index: int) -> TransactionRow | None:
        """A transaction in its block."""
        found = self.source.found(height)
        if found is None or not 0 <= index < len(found.block.txs):
            return None
        return self._row(found, index)

    def _row(self, found: Found, index: int) -> TransactionRow:
        wire = found.block.txs[index]
        row = transaction_row(wire, found.results[index], found.height, index)
        row = msgspec.structs.replace(row, time_ns=found.block.header.time_ns)
        refund = refund_in(wire) if row.kind == REFUND else None
        payment = None if refund is None else self.record(PAYMENTS, refund.payment_id)
        return row if refund is None or payment is None else of_payment(row, refund, payment)

    def transaction_card(self, height: int, index: int) -> Card | None:
        """A transaction: where it stands, how it ended, its message, the money it moved, what it told."""
        row, found = self.transaction(height, index), self.source.found(height)
        if row is None or found is None:
            return None
        result, header = found.results[index], found.block.header
        message = opened_message(found.block.txs[index])
        currency = currency_of_message(message.fields) or ("" if row.amount is None else row.amount.currency)
        facts: list[tuple[str, str]] = [
            ("hash", row.hash),
            ("block", str(height)),
            ("index", str(index)),
            ("time", format_rfc3339(header.time_ns)),
            ("kind", row.kind),
            ("signer", message.signer),
            ("result", "accepted" if not row.code else f"{row.code} {result.log}"),
            ("gas", str(result.gas_used)),
        ]
        if result.info:
            facts.append(("detail", detail_in(row.code, clean(result.info), currency)))
        asked = in_currency(message.fields, currency)
        parts: list[tuple[str, Fields]] = [("transaction", tuple(facts)), ("message", asked)]
        if row.legs:
            legs = tuple((leg.account, amount_text(leg.minor, leg.currency)) for leg in row.legs)
            parts.append(("postings", legs))
        told = [(kind, attributes) for kind, attributes in row.events if kind != "balances.posted"]
        parts += [(f"event {kind}", attribute_fields(attributes)) for kind, attributes in told]
        return self._by_clock(
            Card(kind="transaction", name=row.hash.lower(), height=height, parts=tuple(parts), transactions=(row,))
        )

    def account(self, address: bytes) -> Card | None:
        """A customer: the record, the balances, a freeze, the latest payments and what came back of them."""
        customer = self.record(CUSTOMERS, address)
        if customer is None:
            return None
        balances = [
            (currency, held)
            for currency in sorted(CURRENCIES)
            if (held := self._balance(customer_account(address, customer.institution), currency))
        ]
        parts = [("customer", struct_fields(customer)), ("balances", tuple(balances))]
        parts += self._freeze(account_subject(address))
        found = self.transactions(
            f"payments.paid.payer='{address.hex()}'",
            f"refunds.refunded.payer='{address.hex()}'",
            f"chainpos.rejected.signer='{address.hex()}'",
        )
        return Card(
            kind="account", name=address.hex(), height=self.height, parts=tuple(parts), transactions=tuple(found)
        )

    def merchant(self, name: str) -> Card | None:
        """A shop: the record, where its money is by currency, a freeze, the latest payments and refunds."""
        merchant = self.record(MERCHANTS, merchant_key(name))
        if merchant is None:
            return None
        parts: list[tuple[str, Fields]] = [("merchant", struct_fields(merchant))]
        for currency in sorted(CURRENCIES):
            position = self.record(POSITIONS, position_key(name, currency))
            if position is None:
                continue
            stands = folded(position, lambda debtor, currency=currency: self.batch(debtor, currency).number)  # type: ignore[misc]
            held = self._balance(merchant_account(name, merchant.acquirer), currency)
            parts.append((f"money {currency}", (("balance", held), *struct_fields(stands, currency))))
        parts += self._freeze(merchant_subject(name))
        found = self.transactions(
            *(f"{event}.merchant='{name}'" for event in ("payments.paid", "refunds.refunded", "chainpos.rejected"))
        )
        return Card(kind="merchant", name=name, height=self.height, parts=tuple(parts), transactions=tuple(found))

    def till(self, key: bytes) -> Card | None:
        """A till by its key."""
        till = self.record(TILLS, key)
        if till is None:
            return None
        found = self.transactions(f"payments.paid.till='{key.hex()}'", f"chainpos.rejected.till='{key.hex()}'")
        parts = (("till", struct_fields(till)),)
        return Card(kind="till", name=key.hex(), height=self.height, parts=parts, transactions=tuple(found))

    def institution(self, name: str) -> Card | None:
        """A bank or wallet company: the record, its reserve and what it owes."""
        found = self.record(INSTITUTIONS, institution_key(name))
        if found is None:
            return None
        parts: list[tuple[str, Fields]] = [("institution", struct_fields(found))]
        for currency in sorted(CURRENCIES):
            held = self._balance(reserve(name), currency)
            batch = self.record(BATCHES, batch_key(name, currency))
            if held or batch is not None:
                owed = () if batch is None else struct_fields(batch, currency)
                parts.append((f"reserve {currency}", (("reserve", held or "0"), *owed)))
        return Card(kind="institution", name=name, height=self.height, parts=tuple(parts))

    def request(self, request_id: bytes) -> Card | None:
        """A request by its ID: paid, or cancelled; None where the ledger never heard of it."""
        payment = self.record(PAYMENTS, request_id)
        if payment is not None:
            state = ("money_state", self.money_state(payment))
            parts: list[tuple[str, Fields]] = [("payment", (state, *struct_fields(payment)))]
            parts += self.refunds(request_id, payment)
            found = self.transactions(
                f"payments.paid.payment='{request_id.hex()}'",
                f"refunds.refunded.payment='{request_id.hex()}'",
                f"chainpos.rejected.payment='{request_id.hex()}'",
                f"chainpos.rejected.reference='{payment.reference}'"
                f" AND chainpos.rejected.merchant='{payment.merchant}'",
            )
        else:
            cancellation = self.record(CANCELLED, request_id)
            if cancellation is None:
                return None
            parts = [("cancellation", struct_fields(cancellation))]
            found = self.transactions(
                f"payments.cancelled.request='{request_id.hex()}'",
                f"chainpos.rejected.reference='{cancellation.reference}'"
                f" AND chainpos.rejected.merchant='{cancellation.merchant}'",
            )
        return Card(
            kind="request", name=request_id.hex(), height=self.height, parts=tuple(parts), transactions=tuple(found)
        )

    def cycle(self, currency: str, number: int) -> Card | None:
        """A netting by its number."""
        cycle = self.record(CYCLES, cycle_key(currency, number))
        if cycle is None:
            return None
        found = self.transactions(f"settlement.netted.cycle='{number}' AND settlement.netted.currency='{currency}'")
        return Card(
            kind="cycle",
            name=f"{currency}/{number}",
            height=self.height,
            parts=(("cycle", struct_fields(cycle, currency)),),
            transactions=tuple(found),
        )

    def payout(self, merchant: str, currency: str, number: int) -> Card | None:
        """A payout by its number."""
        payout = self.record(PAYOUTS, payout_key(merchant, currency, number))
        if payout is None:
            return None
        found = self.transactions(*payout_queries(merchant, currency, number))
        return Card(
            kind="payout",
            name=f"{merchant}/{currency}/{number}",
            height=self.height,
            parts=(("payout", struct_fields(payout, currency)),),
            transactions=tuple(found),
        )

    def record_card(self, full_key: bytes) -> Card | None:
        """Any record as of the height, with its last changes."""
        fields = record_fields(full_key, self.source.record_at(full_key, self.height))
        changes = self.source.record_history(full_key, MAX_LISTED)
        if fields is None and not changes:
            return None
        parts: list[tuple[str, Fields]] = [("record", fields or (("", "no record at this height"),))]
        parts += [
            (f"after block {height}", record_fields(full_key, value) or (("", "taken away"),))
            for height, value in changes
            if height <= self.height
        ]
        return Card(kind="record", name=full_key.hex(), height=self.height, parts=tuple(parts))

    def batch(self, debtor: str, currency: str) -> Batch:
        """An institution's open batch."""
        return self.record(BATCHES, batch_key(debtor, currency)) or Batch()

    def payouts(self, merchant: str, currency: str) -> list[Payout]:
        """All payouts of a merchant in a currency, ascending."""
        position = self.record(POSITIONS, position_key(merchant, currency))
        count = 0 if position is None else min(position.payouts, _MAX_PAYOUTS)
        found = (self.record(PAYOUTS, payout_key(merchant, currency, number)) for number in range(1, count + 1))
        return [payout for payout in found if payout is not None]

    def payout_number(self, payment: Payment) -> int:
        """The payout that a payment's money went with; 0 for none yet."""
        if payment.debtor and payment.batch >= self.batch(payment.debtor, payment.currency).number:
            return 0
        return payout_of(payment.placement, self.payouts(payment.merchant, payment.currency))

    def money_state(self, payment: Payment) -> str:
        """Where a payment's money is."""
        batch = self.batch(payment.debtor, payment.currency).number if payment.debtor else 0
        return money_state(payment.placement, batch, self.payouts(payment.merchant, payment.currency))

    def refunds(self, payment_id: bytes, payment: Payment) -> list[tuple[str, Fields]]:
        """The refunds of a payment, by their references."""
        found = []
        for height, index in self.source.search(f"refunds.refunded.payment='{payment_id.hex()}'", MAX_LISTED):
            block = self.source.found(height)
            if block is None or height > self.height:
                continue
            for event in block.results[index].events:
                told = {each.key: each.value for each in event.attributes}
                if event.type == "refunds.refunded" and told.get("payment") == payment_id.hex():
                    record = self.record(REFUNDS, refund_key(payment_id, told.get("reference", "")))
                    if record is not None:
                        found.append((f"refund {told['reference']}", struct_fields(record, payment.currency)))
        return found

    def transactions(self, *queries: str, limit: int = MAX_LISTED) -> list[TransactionRow]:
        """The transactions that match any query, newest first, up to the height."""
        places: dict[tuple[int, int], None] = {}
        for query in queries:
            places.update(dict.fromkeys(self.source.search(query, limit)))
        listed = sorted((place for place in places if place[0] <= self.height), reverse=True)[:limit]
        found = (self.transaction(height, index) for height, index in listed)
        return [row for row in found if row is not None]

    def _balance(self, account: str, currency: str) -> str:
        held = self.record(ACCOUNTS, account_key(account, currency))
        return "" if held is None else dict(struct_fields(held, currency))["balance_minor"]

    def _freeze(self, subject: bytes) -> list[tuple[str, Fields]]:
        freeze = self.record(FREEZES, subject)
        return [] if freeze is None else [("freeze", struct_fields(freeze))]


def payout_queries(merchant: str, currency: str, number: int) -> tuple[str, ...]:
    """What finds the steps of a payout."""
    return tuple(
        f"settlement.{what}.merchant='{merchant}' AND settlement.{what}.number='{number}'"
        f" AND settlement.{what}.currency='{currency}'"
        for what in ("payout_requested", "payout_confirmed", "payout_failed")
    )

"""An account's statement: what it held, every movement in the ledger's order, what it holds. One pass over the blocks.

It refuses to give a statement whose movements do not lead from the opening to the closing balance, to the minor unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from chainpos.core.contracts.balances.events import POSTED, decode_legs
from chainpos.core.contracts.balances.records import ACCOUNTS, account_key, merchant_account, reserve_account
from chainpos.core.contracts.institutions.records import INSTITUTIONS, institution_key
from chainpos.core.contracts.merchants.records import MERCHANTS, merchant_key
from chainpos.core.contracts.settlement.events import NETTED
from chainpos.core.contracts.settlement.records import (
    BATCHES,
    FIRST_BATCH,
    NO_MONEY,
    POSITIONS,
    Position,
    batch_key,
    folded,
    position_key,
)
from chainpos.core.state.tables import Table
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import EXIT_USAGE, StateMismatch, UserFacingError
from chainpos.inspect.lookups import Lookups
from chainpos.inspect.source import ChainSource
from chainpos.inspect.statements.period import Executed, Period, executed

R = TypeVar("R", bound=msgspec.Struct)
# What a movement was for, by the event that tells it: the entry's kind, and the attribute that names it.
_TOLD_BY: Final[tuple[tuple[str, str, str], ...]] = (
    ("payments.paid", "payment", "reference"),
    ("refunds.refunded", "refund", "reference"),
    ("settlement.payout_confirmed", "payout", "number"),
    (NETTED, "netting", "cycle"),
    ("institutions.reserve_funded", "reserve_funded", "reference"),
    ("institutions.reserve_drained", "reserve_drained", "reference"),
    ("balances.issued", "issue", "reference"),
    ("balances.redeemed", "redeem", "reference"),
)


class Holder(msgspec.Struct, frozen=True):
    """Whose account, and who keeps it: "" for reserves. `kind` is "merchant" or "institution"."""

    kind: str
    name: str
    name_en: str
    name_zh: str
    keeper: str
    keeper_en: str


class Entry(msgspec.Struct, frozen=True):
    """One movement: above zero it came in. `gross_minor` less `fee_minor` is what a sale or a refund came to.

    `counterparty` is the institution on the other side, `detail` a bank's reference; either may be "".
    """

    time_ns: int
    height: int
    index: int
    tx_hash: str
    kind: str
    reference: str
    amount_minor: int
    gross_minor: int
    fee_minor: int
    counterparty: str
    detail: str
    balance_minor: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """An account over a period. Of a merchant's closing balance so much is in each state; of reserves all available."""

    chain_id: str
    holder: Holder
    currency: str
    period: Period
    opening_minor: int
    closing_minor: int
    available_minor: int
    pending_minor: int
    requested_minor: int
    entries: tuple[Entry, ...]

    @property
    def came_minor(self) -> int:
        """The sum of what came in."""
        return sum(entry.amount_minor for entry in self.entries if entry.amount_minor > 0)

    @property
    def went_minor(self) -> int:
        """The sum of what went out, above zero."""
        return -sum(entry.amount_minor for entry in self.entries if entry.amount_minor < 0)


def merchant_holder(source: ChainSource, merchant: str) -> Holder:
    """A merchant's deposit at its acquirer. Raises UserFacingError."""
    lookups = Lookups(source)
    found = lookups.record(MERCHANTS, merchant_key(merchant))
    if found is None:
        raise unknown("shop", merchant, lookups.height)
    header = source.header(lookups.height)
    found = found.as_of(0 if header is None else header.time_ns // SECOND_NS)
    keeper = institution_holder(source, found.acquirer)
    return Holder(
        "merchant", merchant, clean(found.name_en), clean(found.name_zh), found.acquirer, clean(keeper.name_en)
    )


def institution_holder(source: ChainSource, institution: str) -> Holder:
    """An institution's reserve at the central bank. Raises UserFacingError."""
    lookups = Lookups(source)
    found = lookups.record(INSTITUTIONS, institution_key(institution))
    if found is None:
        raise unknown("institution", institution, lookups.height)
    return Holder("institution", institution, clean(found.name_en), clean(found.name_zh), "", "Central bank")


def read_statement(source: ChainSource, holder: Holder, currency: str, period: Period) -> Statement:
    """The statement. Raises StateMismatch where it does not reconcile with the ledger, StoreError."""
    is_merchant = holder.kind == "merchant"
    account = merchant_account(holder.name, holder.keeper) if is_merchant else reserve_account(holder.name)
    before, after = period.low - 1, max(period.high, period.low - 1)
    opening_minor, closing_minor = (_balance(source, account, currency, height) for height in (before, after))
    entries = tuple(_entries(source, account, currency, period, opening_minor))
    reached_minor = entries[-1].balance_minor if entries else opening_minor
    if reached_minor != closing_minor:
        raise StateMismatch(f"the movements of {account} lead to {reached_minor}, the ledger {closing_minor}")
    available_minor, pending_minor, requested_minor = closing_minor, 0, 0
    if is_merchant:
        position = _position(source, holder.name, currency, after)
        available_minor, pending_minor = position.available_minor, position.pending_minor
        requested_minor = position.requested_minor
        if position.held_minor != closing_minor:
            raise StateMismatch(f"the states of {holder.name}'s money sum to {position.held_minor}")
    return Statement(
        chain_id=chain_id(source),
        holder=holder,
        currency=currency,
        period=period,
        opening_minor=opening_minor,
        closing_minor=closing_minor,
        available_minor=available_minor,
        pending_minor=pending_minor,
        requested_minor=requested_minor,
        entries=entries,
    )


def chain_id(source: ChainSource) -> str:
    """The network's name in every header."""
    header = source.header(source.span().tip)
    return "" if header is None else header.chain_id


def unknown(what: str, name: str, height: int) -> UserFacingError:
    """Nothing of that name is on the ledger."""
    return UserFacingError(
        f"There is no {what} {clean(name)!r} as of height {height}.",
        next_step="Search for it: chainpos inspect search.",
        money_moved="",
        exit_code=EXIT_USAGE,
    )


def _record(source: ChainSource, table: Table[R], key: bytes, height: int) -> R | None:
    """A record after a block; the height before the first block is genesis."""
    value = source.record_at(table.full_key(key), height)
    return None if value is None else table.decode(value)


def _balance(source: ChainSource, account: str, currency: str, height: int) -> int:
    held = _record(source, ACCOUNTS, account_key(account, currency), height)
    return 0 if held is None else held.balance_minor


def _position(source: ChainSource, merchant: str, currency: str, height: int) -> Position:
    def open_batch(debtor: str) -> int:
        return (_record(source, BATCHES, batch_key(debtor, currency), height) or FIRST_BATCH).number

    return folded(_record(source, POSITIONS, position_key(merchant, currency), height) or NO_MONEY, open_batch)


def _entries(source: ChainSource, account: str, currency: str, period: Period, balance_minor: int) -> Iterator[Entry]:
    for done in executed(source, period):
        for event, following in zip(done.events, (*done.events[1:], None), strict=True):
            if event.type != POSTED:
                continue
            # A netting tells of itself right after its posting; what brought the reserves for it is another movement.
            is_netted = following is not None and following.type == NETTED
            posted = {each.key: each.value for each in event.attributes}
            if posted.get("currency") != currency:
                continue
            for leg in decode_legs(posted["legs"]):
                if leg.account == account and leg.delta_minor:
                    balance_minor += leg.delta_minor
                    yield _entry(done, account, leg.delta_minor, balance_minor, is_netted=is_netted)


def _entry(done: Executed, account: str, amount_minor: int, balance_minor: int, *, is_netted: bool) -> Entry:
    kind, reference, gross_minor, fee_minor, counterparty, detail = "other", "", amount_minor, 0, "", ""
    for event, name, attribute in _TOLD_BY:
        told = done.first(event)
        if told is None or is_netted != (event == NETTED):
            continue
        kind, reference = name, told.get(attribute, "")
        counterparty = told.get("institution", "")
        detail = told.get("bank_reference", "")
        if name in ("payment", "refund") and account.startswith("merchant/"):
            # What the payer gave or got; the rest is the fee, given back with a refund as its rule says.
            sign = 1 if amount_minor > 0 else -1
            gross_minor = sign * (int(told["amount_minor"]) + int(told.get("tip_minor", "0")))
            fee_minor = gross_minor - amount_minor
        break
    return Entry(
        time_ns=done.time_ns,
        height=done.height,
        index=done.place,
        tx_hash=done.tx_hash.hex(),
        kind=kind,
        reference=clean(reference),
        amount_minor=amount_minor,
        gross_minor=gross_minor,
        fee_minor=fee_minor,
        counterparty=clean(counterparty),
        detail=clean(detail),
        balance_minor=balance_minor,
    )

"""What institutions owe each other, where each merchant's money is, its payouts, and every cycle that closed.

A merchant's money is in exactly one state: pending in a debtor's batch, available, requested, or paid out. A batch
settles by its number moving on; nobody walks over the merchants whose money it held. So a position must be read
through `folded`, and a payment's state through `money_state`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from chainpos.core.contracts.ports import Placement
from chainpos.core.state.tables import Table
from chainpos.core.values.amount import MAX_MINOR
from chainpos.errors import StateMismatch

PENDING: Final = "pending"
AVAILABLE: Final = "available"
REQUESTED: Final = "payout_requested"
PAID_OUT: Final = "paid_out"
FAILED: Final = "failed"
# What one institution may owe all others, whatever its cap: a sixty-fourth of what a record can hold, as there are at
# most 64 institutions. So no sum over all of them can be beyond a record, where it would stop the chain.
MAX_OWED_MINOR: Final = MAX_MINOR >> 6

CYCLE: Final = "cycle"
RESOLUTION: Final = "resolution"


class Batch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An institution's open batch in one currency: all that it owes and has not settled. `number` begins at 1.

    `creditors`, ascending, are those it owes something; `owed_minor` is what it owes them together, `due_minor` what
    others owe it in their open batches.
    """

    number: int = 1
    rolled_over_times: int = 0
    creditors: tuple[str, ...] = ()
    owed_minor: int = 0
    due_minor: int = 0


class Obligation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one institution owes another in its open batch; there is no record of nothing."""

    amount_minor: int


class Pending(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A merchant's money in one debtor's batch; settled, and so available, once the debtor's number is higher."""

    debtor: str
    batch: int
    amount_minor: int


class Position(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A merchant's money in one currency, as last written: `folded` says how it stands.

    `pending` ascends by debtor, one each; it keeps debtors whose batch settled, with 0, so that a payout can say up to
    which batch of each it reaches. `entries` numbers what moved available money (see Payout), `payouts` the payouts.
    """

    available_minor: int = 0
    pending: tuple[Pending, ...] = ()
    requested_minor: int = 0
    paid_out_minor: int = 0
    entries: int = 0
    payouts: int = 0

    @property
    def pending_minor(self) -> int:
        """All that is pending, if folded."""
        return sum([part.amount_minor for part in self.pending])

    @property
    def held_minor(self) -> int:
        """What the merchant's account holds: everything that was not paid out."""
        return self.available_minor + self.requested_minor + self.pending_minor


class Through(msgspec.Struct, frozen=True, array_like=True):
    """Every batch of `debtor` up to and including `batch`."""

    debtor: str
    batch: int


class Payout(msgspec.Struct, frozen=True, array_like=True):
    """Money on its way from the ledger to a merchant's bank account. `state`: REQUESTED, PAID_OUT or FAILED.

    `payout_account` is the one that was the merchant's when it was requested, whatever its terms are since.
    It is made of `opening_minor`, left over by the payout before, and of all that became available since: the
    movements numbered up to `entry_through`, and the batches up to `through`, beyond what the payout before had.
    Of that, `closing_minor` was left over. A failed payout's money is the movement `returned_entry`.
    """

    acquirer: str
    payout_account: str
    amount_minor: int
    state: str
    opening_minor: int
    closing_minor: int
    entry_through: int
    through: tuple[Through, ...]
    requested_by: bytes
    requested_height: int
    requested_s: int
    decided_height: int = 0
    decided_s: int = 0
    bank_reference: str = ""
    reason: str = ""
    returned_entry: int = 0


class NetLeg(msgspec.Struct, frozen=True, array_like=True):
    """What an institution's reserve gained, or lost where it is below zero."""

    institution: str
    amount_minor: int


class RolledOver(msgspec.Struct, frozen=True, array_like=True):
    """A debtor that could not settle: its batch, what it owes in it, what it lacked, how often in a row by now."""

    debtor: str
    batch: int
    owed_minor: int
    shortfall_minor: int
    times: int


class Cycle(msgspec.Struct, frozen=True, array_like=True):
    """One netting. `kind` is CYCLE, at a cut-off, or RESOLUTION, of batches rolled over before (cutoff_s 0).

    gross = settled + rolled over; `moved_minor` of reserves settled `settled_minor`.
    """

    kind: str
    cutoff_s: int
    height: int
    time_s: int
    gross_minor: int
    settled_minor: int
    rolled_over_minor: int
    moved_minor: int
    settled: tuple[Through, ...]
    rolled_over: tuple[RolledOver, ...]
    legs: tuple[NetLeg, ...]

    @property
    def saved_minor(self) -> int:
        """The liquidity that netting saved: reserves that would have moved gross, less those that did."""
        return self.settled_minor - self.moved_minor


class Clock(msgspec.Struct, frozen=True, array_like=True):
    """Of one currency: how many nettings there were, and the cut-off of the last cycle."""

    nettings: int = 0
    cutoff_s: int = 0


class TimetableStep(msgspec.Struct, frozen=True, array_like=True):
    """From `from_s` on there is a cut-off every `interval_s`, at `offset_s` past its multiples (unix seconds)."""

    from_s: int
    interval_s: int
    offset_s: int


class Timetable(msgspec.Struct, frozen=True, array_like=True):
    """A currency's cut-offs; steps by ascending date."""

    steps: tuple[TimetableStep, ...]


BATCHES: Final = Table("settlement.batches", b"sb", Batch)
OBLIGATIONS: Final = Table("settlement.obligations", b"so", Obligation)
POSITIONS: Final = Table("settlement.positions", b"sp", Position)
PAYOUTS: Final = Table("settlement.payouts", b"su", Payout)
CYCLES: Final = Table("settlement.cycles", b"sy", Cycle)
CLOCKS: Final = Table("settlement.clocks", b"sc", Clock)
TIMETABLES: Final = Table("settlement.timetables", b"st", Timetable)
# What stands where nothing was written yet.
FIRST_BATCH: Final = Batch()
NO_MONEY: Final = Position()


def batch_key(institution: str, currency: str) -> bytes:
    """The key in BATCHES."""
    return f"{institution}/{currency}".encode()


def obligation_key(debtor: str, creditor: str, currency: str) -> bytes:
    """The key in OBLIGATIONS."""
    return f"{debtor}/{creditor}/{currency}".encode()


def position_key(merchant: str, currency: str) -> bytes:
    """The key in POSITIONS."""
    return f"{merchant}/{currency}".encode()


def payout_key(merchant: str, currency: str, number: int) -> bytes:
    """The key in PAYOUTS; numbers begin at 1."""
    return f"{merchant}/{currency}/".encode() + number.to_bytes(4, "big")


def cycle_key(currency: str, number: int) -> bytes:
    """The key in CYCLES; numbers begin at 1."""
    return f"{currency}/".encode() + number.to_bytes(4, "big")


def last_cutoff(timetable: Timetable, time_s: int) -> int:
    """The latest cut-off at or before `time_s`; 0 where there was none."""
    for step in reversed(timetable.steps):
        if step.from_s <= time_s:
            since_s = (time_s - step.offset_s) // step.interval_s * step.interval_s + step.offset_s
            return max(since_s, 0)
    return 0


def next_cutoff(timetable: Timetable, time_s: int) -> int:
    """The earliest cut-off after `time_s` by the step in force; 0 where none is."""
    for step in reversed(timetable.steps):
        if step.from_s <= time_s:
            return last_cutoff(timetable, time_s) + step.interval_s
    return 0


def folded(position: Position, current_batch: Callable[[str], int]) -> Position:
    """The position with all that has settled counted as available. `current_batch` is a debtor's open number."""
    settled_minor = 0
    pending = []
    for part in position.pending:
        number = current_batch(part.debtor)
        if part.amount_minor and part.batch < number:
            settled_minor += part.amount_minor
            part = Pending(part.debtor, part.batch, 0)
        pending.append(part)
    if not settled_minor:
        return position
    available_minor = position.available_minor + settled_minor
    return msgspec.structs.replace(position, available_minor=available_minor, pending=tuple(pending))


def with_pending(position: Position, debtor: str, batch: int, delta_minor: int) -> Position:
    """The position with `delta_minor` more in the debtor's open batch; what an earlier one held becomes available.

    Raises StateMismatch where a batch would hold less than nothing.
    """
    available_minor, amount_minor = position.available_minor, delta_minor
    before: tuple[Pending, ...] = ()
    after: tuple[Pending, ...] = ()
    for part in position.pending:
        if part.debtor < debtor:
            before = (*before, part)
        elif part.debtor > debtor:
            after = (*after, part)
        elif part.batch == batch:
            amount_minor += part.amount_minor
        else:
            available_minor += part.amount_minor
    if amount_minor < 0:
        raise StateMismatch(f"a position would hold {amount_minor} in batch {batch} of {debtor}")
    pending = (*before, Pending(debtor, batch, amount_minor), *after)
    return msgspec.structs.replace(position, available_minor=available_minor, pending=pending)


def covers(payout: Payout, placement: Placement) -> bool:
    """Whether money so placed had become available when the payout was requested."""
    if not placement.debtor:
        return placement.entry <= payout.entry_through
    return any(each.debtor == placement.debtor and placement.batch <= each.batch for each in payout.through)


def first_payout(placement: Placement, payouts: Sequence[Payout]) -> int:
    """The number of the payout that money so placed is counted in; 0 for none yet. `payouts` are all, ascending.

    For every payout: what it opened with and all that is counted in it (payments less fees, refunds below zero, what
    came back from failed payouts) is exactly its amount and what it left over.
    """
    for number, payout in enumerate(payouts, start=1):
        if covers(payout, placement):
            return number
    return 0


def payout_of(placement: Placement, payouts: Sequence[Payout]) -> int:
    """As `first_payout`, but past those that failed: money that came back goes with a later one that took it."""
    for number, payout in enumerate(payouts, start=1):
        if covers(payout, placement):
            if payout.state != FAILED:
                return number
            placement = Placement("", 0, payout.returned_entry)
    return 0


def money_state(placement: Placement, current_batch: int, payouts: Sequence[Payout]) -> str:
    """PENDING, AVAILABLE, REQUESTED or PAID_OUT, of a payment's money; for screens.

    `current_batch` is the open batch of `placement.debtor` in the payment's currency, `payouts` all of the merchant's,
    ascending. Where a payout left something over, what was left over counts with the payout all the same: which
    payments' money it is is anyone's choice.
    """
    if placement.debtor and placement.batch >= current_batch:
        return PENDING
    number = payout_of(placement, payouts)
    return payouts[number - 1].state if number else AVAILABLE

"""What the offices have in hand: open proposals, freezes, keys that are being replaced, and what alert rules told.

It refuses nothing: what a node does not keep any more is not in it. A node asked over RPC tells of what its index has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from chainpos.core.contracts.compliance.events import ALERT, FROZEN
from chainpos.core.contracts.compliance.records import FREEZES
from chainpos.core.contracts.customers.events import RECOVERY_STARTED
from chainpos.core.contracts.customers.records import RECOVERIES
from chainpos.core.contracts.governance.records import (
    ANY_KIND,
    COUNTER,
    ONLY,
    OPEN,
    PROPOSALS,
    QUORUMS,
    Proposal,
    Quorums,
    proposal_key,
    step_in_force,
)
from chainpos.core.contracts.merchants.events import OWNER_RECOVERY_STARTED
from chainpos.core.contracts.merchants.records import OWNER_RECOVERIES
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.core.state.tables import Table
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.inspect.lookups import Lookups
from chainpos.inspect.source import ChainSource

MOST_ROWS: Final = 50
# Those that have run out stay on record, among those in force.
MOST_ON_RECORD: Final = 10_000
LATEST_PROPOSALS: Final = 50
_ADDRESS_DIGITS: Final = 40


class NeedRow(msgspec.Struct, frozen=True):
    """Of one role: how many approved, and how many must."""

    role: str
    approved: int
    needed: int


class ProposalRow(msgspec.Struct, frozen=True):
    """An open proposal; times in Unix ns."""

    number: int
    kind: str
    title: str
    role: str
    needs: tuple[NeedRow, ...]
    expires_ns: int


class FreezeRow(msgspec.Struct, frozen=True):
    """A freeze in force. `subject` is an account's address in hex or a shop's number; `release` awaits agreement."""

    subject: str
    legal_reference: str
    is_agreed: bool
    until_ns: int
    release: str


class RecoveryRow(msgspec.Struct, frozen=True):
    """A key that is being replaced, of an account or a shop's owner; `upheld_by` is the regulator's ruling."""

    subject: str
    started_ns: int
    ready_ns: int
    upheld_by: str


class AlertRow(msgspec.Struct, frozen=True):
    """What a rule told of an account; nothing was stopped."""

    rule: str
    account: str
    count: int
    time_ns: int


class OfficesView(msgspec.Struct, frozen=True, kw_only=True):
    """All of it as of a height and its time."""

    height: int
    time_ns: int
    proposals: tuple[ProposalRow, ...] = ()
    freezes: tuple[FreezeRow, ...] = ()
    recoveries: tuple[RecoveryRow, ...] = ()
    alerts: tuple[AlertRow, ...] = ()


def read_offices(source: ChainSource) -> OfficesView:
    """What is in hand at the tip. Raises StoreError, UserFacingError."""
    lookups = Lookups(source)
    header = source.header(lookups.height)
    time_ns = 0 if header is None else header.time_ns
    return OfficesView(
        height=lookups.height,
        time_ns=time_ns,
        proposals=tuple(_proposals(lookups, time_ns // SECOND_NS)),
        freezes=tuple(_freezes(source, lookups, time_ns // SECOND_NS)),
        recoveries=tuple(sorted(_recoveries(source, lookups), key=lambda row: row.ready_ns)),
        alerts=tuple(_alerts(source)),
    )


def _proposals(lookups: Lookups, now_s: int) -> Iterator[ProposalRow]:
    counter = lookups.record(COUNTER, ONLY)
    last = 0 if counter is None else counter.proposals
    quorums = lookups.record(QUORUMS, ONLY) or Quorums()
    for number in range(last, max(last - LATEST_PROPOSALS, 0), -1):
        found = lookups.record(PROPOSALS, proposal_key(number))
        if found is not None and found.state == OPEN and now_s < found.expires_s:
            needs = tuple(_needs(quorums, found, now_s))
            expires_ns = found.expires_s * SECOND_NS
            yield ProposalRow(number, clean(found.kind), clean(found.title), found.role, needs, expires_ns)


def _needs(quorums: Quorums, proposal: Proposal, now_s: int) -> Iterator[NeedRow]:
    by_kind = {rule.kind: rule for rule in quorums.rules}
    for kind in (proposal.kind, ANY_KIND):
        step = step_in_force(by_kind[kind], now_s) if kind in by_kind else None
        if step is not None:
            for need in step.needs:
                approved = sum(each.role == need.role for each in proposal.approvals)
                yield NeedRow(need.role, approved, need.approvals)
            return


def _freezes(source: ChainSource, lookups: Lookups, now_s: int) -> Iterator[FreezeRow]:
    for subject in _keys(source, FREEZES, FROZEN, "subject", _subject):
        found = lookups.record(FREEZES, subject)
        if found is not None and found.from_s <= now_s < found.until_s:
            yield FreezeRow(
                _name(subject), clean(found.legal_reference), bool(found.agreed_by), found.until_s * SECOND_NS,
                clean(found.release_reference),
            )  # fmt: skip


def _recoveries(source: ChainSource, lookups: Lookups) -> Iterator[RecoveryRow]:
    accounts = _keys(source, RECOVERIES, RECOVERY_STARTED, "account", bytes.fromhex)
    shops = _keys(source, OWNER_RECOVERIES, OWNER_RECOVERY_STARTED, "merchant", str.encode)
    for name, found in (
        *((account.hex(), lookups.record(RECOVERIES, account)) for account in accounts),
        *((clean(shop.decode()), lookups.record(OWNER_RECOVERIES, shop)) for shop in shops),
    ):
        if found is not None:
            ready_ns = found.ready_s * SECOND_NS
            yield RecoveryRow(name, found.started_s * SECOND_NS, ready_ns, clean(found.upheld_by))


def _alerts(source: ChainSource) -> Iterator[AlertRow]:
    for time_ns, told in _told(source, ALERT, "rule"):
        yield AlertRow(clean(told["rule"]), told["account"], int(told["count"]), time_ns)


def _keys(
    source: ChainSource, table: Table[Any], kind: str, attribute: str, key_of: Callable[[str], bytes]
) -> tuple[bytes, ...]:
    """The keys of a table's records: out of the database, or where only a node is asked, out of what was told."""
    prefix = table.full_key(b"")
    if under := source.records_under(prefix, MOST_ON_RECORD):
        return tuple(key[len(prefix) :] for key, _ in under)
    return tuple(dict.fromkeys(key_of(told[attribute]) for _, told in _told(source, kind, attribute)))


def _told(source: ChainSource, kind: str, attribute: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The latest events of a kind with their blocks' times, the newest first."""
    for height, index in source.search(f"{kind}.{attribute} EXISTS", MOST_ROWS):
        found = source.found(height)
        if found is None:
            continue
        for event in found.results[index].events:
            if event.type == kind:
                yield found.block.header.time_ns, {each.key: each.value for each in event.attributes}


def _subject(name: str) -> bytes:
    return account_subject(bytes.fromhex(name)) if len(name) == _ADDRESS_DIGITS else merchant_subject(name)


def _name(subject: bytes) -> str:
    return subject[1:].hex() if subject.startswith(account_subject(b"")) else clean(subject[1:].decode())

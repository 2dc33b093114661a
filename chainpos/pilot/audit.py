"""The audit after a run: both nodes' stores, opened as files and judged by nothing but what is in them.

It refuses to call a run right where the nodes differ, an invariant does not hold, or money appeared or went.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.contracts.balances.records import ACCOUNTS
from chainpos.core.contracts.registry import TABLES, check_invariants
from chainpos.core.contracts.settlement.records import POSITIONS
from chainpos.core.execution import genesis_state
from chainpos.core.state.state import State
from chainpos.store.application import ApplicationReader
from chainpos.store.chain_reading import ChainReader


class Audited(NamedTuple):
    """One store: its height, the app hash (upper-case hex) recomputed from its records, and what was found wrong.

    `deposits_minor` is the sum of everybody's deposits and reserves: all accounts but the issuers' contra accounts.
    `paid_out_minor` left the ledger for shops' bank accounts, as their positions say.
    """

    height: int
    app_hash: str
    deposits_minor: int
    paid_out_minor: int
    faults: tuple[str, ...]


def audit(database: Path) -> Audited:
    """Read a store whose node may be running, and check all of it that is state. Raises StoreError."""
    with ChainReader.open(database) as reader:
        tip, records = reader.tip(), reader.load_records()
    return _judged(tip.height, tip.app_hash, records)


def audit_application(database: Path) -> Audited:
    """The same of the application behind CometBFT, which keeps the records alone."""
    with ApplicationReader.open(database) as reader:
        point, records = reader.point(), reader.load_records()
    return _judged(point.height, point.app_hash, records)


def _judged(height: int, app_hash: bytes, records: dict[bytes, bytes]) -> Audited:
    state = State(TABLES, records)
    faults = [f"{violation.invariant}: {violation.detail}" for violation in check_invariants(state)]
    if state.app_hash != app_hash:
        faults.append("the records are not those of the tip")
    return Audited(height, state.app_hash.hex().upper(), _deposits(state), _paid_out(state), tuple(faults))


def deposits_at_genesis(database: Path) -> int:
    """The same sum before the first block."""
    with ChainReader.open(database) as reader:
        genesis = reader.genesis_json()
    return _deposits(genesis_state(load_genesis(genesis)))


def _paid_out(state: State) -> int:
    return sum(position.paid_out_minor for _, position in state.records(POSITIONS))


def _deposits(state: State) -> int:
    return sum(max(account.balance_minor, 0) for _, account in state.records(ACCOUNTS))

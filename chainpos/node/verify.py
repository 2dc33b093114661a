"""Checking everything that a node has stored: the file against itself, then every block by executing it from genesis.

It refuses to call a store whole of which a single byte that matters does not follow from the genesis document and the
validators' signatures. It writes nothing; a node may be running.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.results import encode_results
from chainpos.errors import ChainposError, StateMismatch, StoreError, UserFacingError
from chainpos.node.home import Home
from chainpos.node.ledger import Appended, Ledger
from chainpos.node.replay import append_recorded
from chainpos.store.chain import ChainReader
from chainpos.store.chain_packing import StoredResults
from chainpos.store.chain_ranges import records_at
from chainpos.store.chainfile import RecordedBlock

MAX_FINDINGS: Final = 100
# Called with the height that was reached and the height of the tip.
Progress = Callable[[int, int], None]


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong: where, and what was found."""

    where: str
    detail: str


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What checking came to; the store is whole where there are no findings. `app_hash` is upper-case hex."""

    chain_id: str
    height: int
    blocks: int
    transactions: int
    app_hash: str
    findings: tuple[Finding, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def verify_home(folder: Path, *, progress: Progress | None = None) -> Verified:
    """Recompute all that the node at `folder` has stored. Raises StoreError where there is nothing to read."""
    home = Home(folder)
    with ChainReader.open(home.database) as reader:
        findings = [Finding(problem.where, problem.detail) for problem in reader.problems()]
        genesis_json = reader.genesis_json()
        if home.genesis.read_bytes() != genesis_json:
            findings.append(Finding("genesis", "the genesis file is not the one that the chain began with"))
        checking = _Checking(reader, _beginning(reader, genesis_json), findings)
        checking.run(progress)
        tip = checking.ledger.tip
        return Verified(
            chain_id=tip.chain_id,
            height=tip.height,
            blocks=tip.height - reader.base_height() + 1,
            transactions=checking.transactions,
            app_hash=tip.app_hash.hex().upper(),
            findings=tuple(findings[:MAX_FINDINGS]),
        )


def _beginning(reader: ChainReader, genesis_json: bytes) -> Ledger:
    began = reader.began()
    if began is None:
        return Ledger.in_memory(genesis_json)
    # What led to a snapshot is not here; its records must at least be those that the headers after it vouch for.
    try:
        return Ledger.begun(began, records_at(reader, began.height))
    except StateMismatch as error:
        raise StoreError(f"the snapshot that the chain began with is damaged: {error}") from error


class _Checking:
    """One pass over the blocks."""

    def __init__(self, reader: ChainReader, ledger: Ledger, findings: list[Finding]) -> None:
        self.ledger = ledger
        self.transactions = 0
        self._reader = reader
        self._findings = findings

    def run(self, progress: Progress | None) -> None:
        stored_tip = self._reader.tip()
        records = self._reader.load_records()
        try:
            for stored in self._reader.blocks(self._reader.base_height(), stored_tip.height):
                appended = append_recorded(self.ledger, RecordedBlock(stored.height, stored.block, stored.commit))
                self._compare(stored.height, stored.results, appended)
                self.transactions += len(appended.results.results)
                if progress is not None:
                    progress(stored.height, stored_tip.height)
        except UserFacingError as error:
            self._find("execution", error.what)
            return
        except ChainposError as error:
            self._find("blocks", str(error))
            return
        if self.ledger.tip != stored_tip:
            self._find("tip", "the stored tip does not follow from the blocks")
        # A running node may have appended since: then the records are those of a later height.
        if self._reader.tip_height() == stored_tip.height and self.ledger.records() != records:
            self._find("records", "the stored records do not follow from the blocks")
        for violation in self.ledger.violations():
            self._find(violation.invariant, violation.detail)

    def _compare(self, height: int, encoded: bytes, appended: Appended) -> None:
        stored = StoredResults.decode(encoded)
        if encode_results(stored.results) != encode_results(appended.results.results):
            self._find("results", f"the stored results of block {height} are not those of executing it")
        if stored.app_hash != appended.results.app_hash:
            self._find("results", f"the stored app hash after block {height} is not that of executing it")

    def _find(self, where: str, detail: str) -> None:
        self._findings.append(Finding(where, detail))

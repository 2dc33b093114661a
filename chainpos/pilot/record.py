"""Records the sample city's trading day: a real ledger, real rules, and the demo validator's real signatures.

Run as `python -m chainpos.pilot.record FILE`. The same code gives the same bytes, which a test holds it to.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chainpos.core.chain.commit import COMMIT, EMPTY_COMMIT, Commit, CommitSig, vote_sign_bytes
from chainpos.core.chain.genesis import dump_genesis
from chainpos.core.chain.tip import build_block
from chainpos.core.values.timestamps import SECOND_NS, parse_rfc3339
from chainpos.node.ledger import Ledger, create_ledger
from chainpos.pilot.city import load_catalogue, load_city
from chainpos.pilot.day import Day
from chainpos.pilot.genesis import CHAIN_ID, city_genesis
from chainpos.pilot.resources import sample_data
from chainpos.store.chainfile import RecordedBlock, write_chain_file
from chainpos.wallet.keys import Key, demo_key

RECORDED_NAME: Final = "trading_day.chain"
OPENS: Final = "2026-03-02T09:00:00+08:00"
CYCLE_S: Final = 3_600
SEED: Final = 20_260_302
MILLISECOND_NS: Final = 1_000_000


class Clerk:
    """Makes blocks as the embedded engine would, at times that are told to it."""

    def __init__(self, ledger: Ledger, validator: Key) -> None:
        self._ledger = ledger
        self._validator = validator
        self.codes: Counter[str] = Counter()

    def block(self, transactions: list[bytes], now_ns: int) -> RecordedBlock:
        """The next block, voted for at `now_ns`, appended to the ledger."""
        tip = self._ledger.tip
        block = build_block(tip, transactions, tip.commit or EMPTY_COMMIT, self._validator.address)
        block_id, height = block.block_id(), block.header.height
        vote_ns = max(now_ns, block.header.time_ns + MILLISECOND_NS)
        signature = self._validator.sign(vote_sign_bytes(tip.chain_id, height, 0, block_id, vote_ns))
        commit = Commit(height, 0, block_id, (CommitSig(COMMIT, self._validator.address, vote_ns, signature),))
        appended = self._ledger.append(block, commit)
        self.codes.update(result.log or "accepted" for result in appended.results.results)
        return RecordedBlock(height, block.encode(), commit.encode())


def record(path: Path) -> Counter[str]:
    """Write the day to `path`; how often each outcome occurred comes back."""
    folder = sample_data()
    city = load_city(folder)
    validator = demo_key("validator/recorded")
    opens_ns = parse_rfc3339(OPENS)
    doc = city_genesis(
        city,
        folder,
        validator=validator.public_key,
        genesis_time_ns=opens_ns,
        chain_id=f"{CHAIN_ID}-day",
        cycle_s=CYCLE_S,
    )
    genesis_json = dump_genesis(doc)
    catalogues = {row.catalogue: load_catalogue(folder, row.catalogue) for row in city.merchants}
    day = Day(city, catalogues, doc.chain_id, seed=SEED)
    with tempfile.TemporaryDirectory() as scratch:
        database = Path(scratch) / "chain.db"
        create_ledger(database, genesis_json)
        ledger = Ledger.open(database)
        clerk = Clerk(ledger, validator)
        try:
            write_chain_file(path, genesis_json, 1, _blocks(clerk, day, opens_ns // SECOND_NS))
        finally:
            ledger.close()
    return clerk.codes


def _blocks(clerk: Clerk, day: Day, opens_s: int) -> Iterator[RecordedBlock]:
    for now_s, transactions in day.moments(opens_s):
        now_ns = now_s * SECOND_NS
        yield clerk.block([], now_ns)  # carries the present
        yield clerk.block(transactions, now_ns + 20 * MILLISECOND_NS)
        yield clerk.block([], now_ns + 40 * MILLISECOND_NS)  # commits to the new app hash


def main() -> None:
    """Record, and say what happened on that day."""
    codes = record(Path(sys.argv[1]))
    sys.stdout.write("".join(f"{count:6} {code}\n" for code, count in sorted(codes.items())))


if __name__ == "__main__":
    main()

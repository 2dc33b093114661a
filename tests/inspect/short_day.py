"""A ledger of the sample city on which a test does a few things at times of its own, to be inspected afterwards."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chainpos.core.chain.genesis import dump_genesis
from chainpos.core.chain.results import TxResult
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.inspect.source import StoreSource
from chainpos.node.ledger import Ledger, create_ledger
from chainpos.pilot.acts import Hands
from chainpos.pilot.city import load_city
from chainpos.pilot.genesis import CHAIN_ID, city_genesis
from chainpos.pilot.record import MILLISECOND_NS, Clerk
from chainpos.pilot.resources import sample_data
from chainpos.store.chain import ChainReader
from chainpos.wallet.keys import Key, demo_key

OPENS_S = 1_772_413_200  # 2026-03-02 in the city
CYCLE_S = 3_600


class ShortDay:
    """Real blocks, signed by the demo validator; `now_s` goes on as the test says."""

    def __init__(self, database: Path) -> None:
        self.city, self.now_s, self.database, self._drawn = load_city(sample_data()), OPENS_S, database, 0
        validator = demo_key("validator/short")
        doc = city_genesis(
            self.city, sample_data(), validator=validator.public_key, genesis_time_ns=OPENS_S * SECOND_NS,
            chain_id=f"{CHAIN_ID}-short", cycle_s=CYCLE_S,
        )  # fmt: skip
        create_ledger(database, dump_genesis(doc))
        self._ledger = Ledger.open(database)
        self._clerk = Clerk(self._ledger, validator)
        self.hands = Hands(doc.chain_id, self._nonce)

    def _nonce(self) -> bytes:
        self._drawn += 1
        return sha256(b"short/%d" % self._drawn)[:16]

    def sign(self, key: Key, kind: str, message: msgspec.Struct) -> bytes:
        return self.hands.sign(key, kind, message, self.now_s)

    def block(self, *transactions: bytes) -> list[TxResult]:
        """One block of these a second later, all of which must be accepted, between two that carry the time."""
        self.now_s += 1
        now_ns = self.now_s * SECOND_NS
        self._clerk.block([], now_ns)
        height = self._clerk.block(list(transactions), now_ns + 20 * MILLISECOND_NS).height
        self._clerk.block([], now_ns + 40 * MILLISECOND_NS)
        with ChainReader.open(self.database) as reader:
            found = StoreSource(reader, "short").found(height)
        assert found is not None
        assert [result.log for result in found.results] == [""] * len(transactions)
        return list(found.results)

    def source(self) -> StoreSource:
        return StoreSource(ChainReader.open(self.database), "short")

    def close(self) -> None:
        self._ledger.close()

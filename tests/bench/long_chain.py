"""A long chain to measure on: the recorded sample day, and as many payments after it as are asked for.

Every block is signed, judged, executed and stored by the real ledger: about half a millisecond a payment. Run as
`python -m tests.bench.long_chain FOLDER COUNT` to have it made beforehand; a chain that is there already is continued.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.inspect.source import load_recorded
from chainpos.node.ledger import Ledger
from chainpos.pilot.acts import Hands
from chainpos.pilot.city import load_city
from chainpos.pilot.record import RECORDED_NAME, Clerk
from chainpos.pilot.resources import sample_data
from chainpos.store.chain import ChainReader
from chainpos.wallet.keys import demo_key

A_BLOCK = 500
UNDERPAID_ONE_IN = 100
MINUTE_S = 60


def stored_in(database: Path) -> int:
    """How many transactions there are."""
    with ChainReader.open(database) as reader:
        return int(reader.connection.execute("SELECT total(transactions) FROM blocks").get)


def extend(database: Path, begin: int, count: int, said: Callable[[int], None] = lambda _: None) -> None:
    """Append payments of one to nine hundredths, from number `begin` up to `count`; one in a hundred is refused."""
    city, draw = load_city(sample_data()), random.Random(f"payments from {begin}")
    ledger = Ledger.open(database)
    nonces = iter(range(begin, 10**9))
    hands = Hands(ledger.tip.chain_id, lambda: sha256(b"bench/%d" % next(nonces))[:16])
    clerk = Clerk(ledger, demo_key("validator/recorded"))
    now_s = ledger.tip.time_ns // SECOND_NS + MINUTE_S
    try:
        for first in range(begin, count, A_BLOCK):
            txs = []
            for number in range(first, min(first + A_BLOCK, count)):
                sale = hands.request(draw.choice(city.merchants), draw.randrange(1, 10), f"B{number}", now_s)
                minor = sale.minor + 1 if draw.randrange(UNDERPAID_ONE_IN) == 0 else None
                txs.append(hands.pay(sale, draw.choice(city.customers), now_s, minor=minor))
            clerk.block([], now_s * SECOND_NS)
            clerk.block(txs, now_s * SECOND_NS + 20_000_000)
            now_s += MINUTE_S
            said(first + A_BLOCK)
        clerk.block([], now_s * SECOND_NS)
    finally:
        ledger.close()


def main() -> None:
    """Make it, and say how far it is."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    begun = perf_counter()

    def said(done: int) -> None:
        if done % 50_000 == 0:
            print(f"{done:,} payments, {perf_counter() - begun:.0f} s", flush=True)

    long_chain(folder, count, said)


def long_chain(folder: Path, count: int, said: Callable[[int], None] = lambda _: None) -> Path:
    """The database within `folder`, made or continued until it holds `count` generated payments."""
    recorded = sample_data() / RECORDED_NAME
    # Another recorded day is another chain.
    database = folder / f"{sha256(recorded.read_bytes())[:6].hex()}-{count}" / "chain.db"
    first = database.with_name("recorded")
    if not first.exists():
        database.parent.mkdir(parents=True, exist_ok=True)
        load_recorded(recorded, database)
        first.write_text(str(stored_in(database)), encoding="ascii")
    begin = stored_in(database) - int(first.read_text(encoding="ascii"))
    if begin < count:
        extend(database, begin, count, said)
    return database


if __name__ == "__main__":
    main()

"""What the hot paths cost, in multiples of one SHA-256 call on the same machine at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from statistics import median
from time import perf_counter

import msgspec
import pytest

from chainpos.core.chain import merkle
from chainpos.core.chain.block import Block, data_hash
from chainpos.core.chain.commit import vote_sign_bytes
from chainpos.core.chain.envelope import Body, decode_envelope, encode_envelope
from chainpos.core.chain.results import TxResult, results_hash
from tests.core.chain.conftest import MadeChain, key_pair
from tests.measured import hold

COUNT = 5_000
ROUNDS = 15
ENOUGH_ROUNDS = 5
TX = encode_envelope(
    Body(1, "city", key_pair(0)[1], 1_760_000_000, bytes(16), "payments.pay", msgspec.msgpack.encode(bytes(150))),
    lambda _: bytes(64),
)
CHAIN = MadeChain()
MADE = CHAIN.add([TX[:-4] + n.to_bytes(4, "big") for n in range(COUNT)])
RESULTS = [TxResult(data=n.to_bytes(40, "big"), gas_used=5_000) for n in range(COUNT)]
ENCODED = MADE.block.encode()


def microseconds(work: Callable[[], object], per: int) -> float:
    started = perf_counter()
    work()
    return (perf_counter() - started) * 1e6 / per


def hashes() -> None:
    for _ in range(COUNT):
        sha256(TX).digest()


@pytest.mark.bench
@pytest.mark.parametrize(
    ("name", "work", "most"),
    [
        ("Merkle root, a leaf", lambda: merkle.root(MADE.block.txs), 4.0),
        ("data hash, a transaction", lambda: data_hash(MADE.block.txs), 5.0),
        ("results hash, a result", lambda: results_hash(RESULTS), 8.0),
        ("envelope, decoded and hashed", lambda: [decode_envelope(TX) for _ in range(COUNT)], 8.0),
        ("block, decoded, a transaction", lambda: Block.decode(ENCODED), 3.0),
        ("block, encoded, a transaction", MADE.block.encode, 3.0),
        ("sign bytes of a vote", lambda: [vote_sign_bytes("city", 9, 0, MADE.block_id, n) for n in range(COUNT)], 20.0),
    ],
)
def test_a_hot_path_costs_few_hashes(name: str, work: Callable[[], object], most: float) -> None:
    ratios, costs = [], []
    for _ in range(ROUNDS):
        before, cost, after = microseconds(hashes, COUNT), microseconds(work, COUNT), microseconds(hashes, COUNT)
        if abs(before - after) < 0.1 * before:
            ratios.append(cost / ((before + after) / 2))
            costs.append(cost)
    if len(ratios) < ENOUGH_ROUNDS:
        pytest.skip("the machine did not hold still")
    print(f"{name}: {median(costs):.2f} µs, {median(ratios):.1f} hashes of {len(TX)} bytes")
    hold(median(ratios), most, "hashes")

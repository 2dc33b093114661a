"""Bounds, order and refusals of the mempool."""

from __future__ import annotations

import msgspec

from chainpos.core.contracts.codes import BLOCK_FULL, TOO_MANY_WAITING
from chainpos.core.values.hashes import sha256
from chainpos.node.mempool import Mempool, MempoolLimits, Waiting

ALICE, BOB = b"a" * 32, b"b" * 32


def waiting(number: int, signer: bytes = ALICE, *, size: int = 100, expires_s: int = 1000, gas: int = 1) -> Waiting:
    wire = number.to_bytes(4, "big").ljust(size, b"\0")
    return Waiting(wire, sha256(wire), signer, expires_s, gas)


def filled(*entries: Waiting, limits: MempoolLimits = MempoolLimits()) -> Mempool:  # noqa: B008 - immutable
    mempool = Mempool(limits)
    assert [mempool.add(entry) for entry in entries] == [None] * len(entries)
    return mempool


def take(mempool: Mempool, *, max_bytes: int = 10**6, max_gas: int = -1, max_count: int = 100) -> list[Waiting]:
    return mempool.take(max_bytes=max_bytes, max_gas=max_gas, max_count=max_count)


def test_blocks_take_transactions_in_their_order_of_arrival() -> None:
    entries = [waiting(number, (ALICE, BOB)[number % 2]) for number in range(6)]
    assert take(filled(*entries)) == entries
    assert take(filled(*entries), max_count=2) == entries[:2]


def test_a_block_is_never_filled_beyond_its_bytes_and_nothing_overtakes() -> None:
    mempool = filled(waiting(1), waiting(2, size=300), waiting(3))
    assert take(mempool, max_bytes=103) == [waiting(1)]
    assert take(mempool, max_bytes=102) == []
    assert take(mempool, max_bytes=300) == [waiting(1)]


def test_a_block_is_never_filled_beyond_its_gas() -> None:
    mempool = filled(waiting(1, gas=5), waiting(2, gas=5), waiting(3, gas=1))
    assert take(mempool, max_gas=9) == [waiting(1, gas=5)]
    assert take(mempool, max_gas=11) == [waiting(1, gas=5), waiting(2, gas=5), waiting(3, gas=1)]


def test_one_signer_cannot_fill_the_mempool() -> None:
    mempool = filled(waiting(1), waiting(2), limits=MempoolLimits(max_per_signer=2))
    assert mempool.add(waiting(3)) == TOO_MANY_WAITING
    assert mempool.add(waiting(3, BOB)) is None
    mempool.remove([waiting(1).hash])
    assert mempool.add(waiting(4)) is None


def test_no_more_than_its_count_waits() -> None:
    mempool = filled(waiting(1), waiting(2, BOB), limits=MempoolLimits(max_transactions=2))
    assert mempool.add(waiting(3, b"c" * 32)) == BLOCK_FULL
    assert len(mempool) == 2


def test_no_more_than_its_bytes_wait() -> None:
    mempool = filled(waiting(1, size=100), limits=MempoolLimits(max_bytes=199))
    assert mempool.add(waiting(2, size=100)) == BLOCK_FULL
    assert mempool.add(waiting(2, size=99)) is None
    assert mempool.total_bytes == 199


def test_what_waits_already_is_accepted_again_and_kept_once() -> None:
    mempool = filled(waiting(1), limits=MempoolLimits(max_transactions=1, max_per_signer=1))
    assert mempool.add(waiting(1)) is None
    assert (len(mempool), mempool.total_bytes) == (1, 100)


def test_removing_gives_the_room_back() -> None:
    mempool = filled(waiting(1), waiting(2), limits=MempoolLimits(max_transactions=2))
    mempool.remove([waiting(1).hash, b"unknown", waiting(2).hash])
    assert (len(mempool), mempool.total_bytes) == (0, 0)
    assert mempool.add(waiting(3)) is None


def test_what_no_block_may_take_any_more_is_forgotten() -> None:
    mempool = filled(waiting(1, expires_s=50), waiting(2, expires_s=51))
    assert mempool.remove_expired(50) == [waiting(1, expires_s=50).hash]
    assert mempool.first(10) == [waiting(2, expires_s=51)]


def test_what_no_upstream_holds_is_sent_again_in_order() -> None:
    mempool = filled(waiting(1), waiting(2), waiting(3))
    mempool.mark_forwarded(waiting(2).hash)
    assert [entry.hash for entry in mempool.unforwarded()] == [waiting(1).hash, waiting(3).hash]
    mempool.forget_forwarding()
    assert [entry.hash for entry in mempool.unforwarded()] == [waiting(number).hash for number in (1, 2, 3)]


def test_what_an_upstream_was_heard_to_hold_is_sent_again_once_it_may_be_lost_there() -> None:
    heard = msgspec.structs.replace(waiting(1), forwarded=True)
    mempool = filled(heard)
    assert mempool.unforwarded() == []
    mempool.forget_forwarding()
    assert [entry.hash for entry in mempool.unforwarded()] == [heard.hash]


def test_who_waits_is_told_by_signer_those_with_the_most_first_and_since_when() -> None:
    entries = [
        msgspec.structs.replace(waiting(number, signer, size=100 + number), since_ns=1_000 - number)
        for number, signer in enumerate((ALICE, BOB, BOB))
    ]
    assert filled(*entries).per_signer() == [(BOB, 2, 203, 998), (ALICE, 1, 100, 1_000)]

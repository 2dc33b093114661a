"""The memory of verified signatures."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from chainpos.core.chain.signatures import Signature, verify_batch
from chainpos.engine.keys import SigningKey
from chainpos.node.verified import VerifiedSignatures

KEY = SigningKey(bytes(32))


class Counting:
    """The real verifier, counted."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, claims: Sequence[Signature]) -> list[bool]:
        self.asked.append(len(claims))
        return verify_batch(claims)


def claim(message: bytes, *, signed: bytes | None = None) -> Signature:
    return Signature(KEY.public_key, message, KEY.sign(message if signed is None else signed))


def test_what_held_is_not_verified_again() -> None:
    counting = Counting()
    memory = VerifiedSignatures(counting)
    assert memory.verify([claim(b"1"), claim(b"2")]) == [True, True]
    assert memory.verify([claim(b"2"), claim(b"3"), claim(b"1")]) == [True, True, True]
    assert counting.asked == [2, 1]


def test_what_did_not_hold_is_verified_each_time_and_never_holds() -> None:
    counting = Counting()
    memory = VerifiedSignatures(counting)
    bad = claim(b"1", signed=b"2")
    assert memory.verify([bad, claim(b"1")]) == [False, True]
    assert memory.verify([bad, claim(b"1")]) == [False, True]
    assert counting.asked == [2, 1]


def test_bytes_moved_between_signature_and_message_are_another_claim() -> None:
    memory = VerifiedSignatures()
    good = claim(b"message")
    assert memory.verify([good]) == [True]
    shifted = Signature(good.public_key, good.signature[-1:] + good.message, good.signature[:-1])
    assert memory.verify([shifted]) == [False]
    assert memory.verify([shifted]) == [False]


def test_the_memory_is_bounded_and_forgets_the_oldest() -> None:
    counting = Counting()
    memory = VerifiedSignatures(counting, capacity=2)
    memory.verify([claim(b"1"), claim(b"2"), claim(b"3")])
    memory.verify([claim(b"3")])
    memory.verify([claim(b"1")])
    assert counting.asked == [3, 1]


def test_two_threads_may_ask_at_once_while_what_is_oldest_is_forgotten() -> None:
    # A node executes blocks in one thread, and looks at the requests that tills publish in another.
    memory = VerifiedSignatures(lambda claims: [True] * len(claims), capacity=4)
    ends = time.monotonic() + 0.5

    def ask(thread: int) -> int:
        asked = 0
        while time.monotonic() < ends:
            asked += 1
            names = [b"%d/%d/%d" % (thread, asked, index) for index in range(8)]
            assert all(memory.verify([Signature(bytes(32), name, bytes(64)) for name in names]))
        return asked

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(2) as threads:
            assert all(threads.map(ask, range(2)))
    finally:
        sys.setswitchinterval(before)

"""The memory of verified signatures."""

from __future__ import annotations

from collections.abc import Sequence

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

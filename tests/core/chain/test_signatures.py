"""ZIP-215: what other Ed25519 verifiers refuse, and CometBFT takes."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chainpos.core.chain.signatures import Signature, verify, verify_batch
from tests.core.chain.conftest import key_pair

P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
L = 2**252 + 27742317777372353535851937790883648493


def is_on_curve_with_y(y: int) -> bool:
    top, bottom = (y * y - 1) % P, (D * y * y + 1) % P
    square = top * pow(bottom, P - 2, P) % P
    return square == 0 or pow(square, (P - 1) // 2, P) == 1


def small_order_encodings() -> list[bytes]:
    """All 14 encodings, canonical or not, of the curve's eight points of small order.

    Their y are 0, 1, -1 and the two of order eight; an encoding is y, or y + p where that fits, with either sign.
    """
    order_eight = [
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    ]
    found = []
    for y in (0, 1, P - 1, *order_eight):
        assert is_on_curve_with_y(y)
        for written in (y, y + P):
            if written < 2**255:
                found += [(written | sign << 255).to_bytes(32, "little") for sign in (0, 1)]
    return found


def test_all_196_small_order_signatures_of_zip_215_hold() -> None:
    # The cases of ed25519-zebra's own conformance test: key and R of small order, s = 0, any message.
    encodings = small_order_encodings()
    assert len(encodings) == len(set(encodings)) == 14
    held = [verify(key, b"Zcash", r + bytes(32)) for key in encodings for r in encodings]
    assert (len(held), all(held)) == (196, True)


def test_a_signature_of_another_library_holds() -> None:
    secret, public = key_pair(1)
    signature = Ed25519PrivateKey.from_private_bytes(secret[:32]).sign(b"message")
    assert verify(public, b"message", signature)
    assert not verify(public, b"massage", signature)
    assert not verify(key_pair(2)[1], b"message", signature)


def test_a_signature_whose_s_is_not_reduced_does_not_hold() -> None:
    secret, public = key_pair(1)
    signature = Ed25519PrivateKey.from_private_bytes(secret[:32]).sign(b"message")
    s = int.from_bytes(signature[32:], "little") + L
    assert not verify(public, b"message", signature[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize(("key", "signature"), [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)])
def test_keys_and_signatures_of_the_wrong_length_never_hold(key: int, signature: int) -> None:
    assert not verify(bytes(key), b"", bytes(signature))


def test_a_key_that_is_no_point_never_holds() -> None:
    y = next(y for y in range(2, 100) if not is_on_curve_with_y(y))
    assert not verify(y.to_bytes(32, "little"), b"message", bytes(64))


def test_a_batch_answers_each_claim_in_order() -> None:
    secret, public = key_pair(3)
    signer = Ed25519PrivateKey.from_private_bytes(secret[:32])
    claims = [Signature(public, b"%d" % n, signer.sign(b"%d" % (n if n % 3 else 99))) for n in range(7)]
    assert verify_batch(claims) == [n % 3 != 0 for n in range(7)]
    assert verify_batch([]) == []

"""Receipts that prove themselves, on a chain that real keys signed: true ones are believed, altered ones named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chainpos.core.chain import merkle
from chainpos.core.chain.bisection import Fetch, Found, begin, resume
from chainpos.core.chain.results import TxResult, result_proof, results_hash
from chainpos.core.chain.verifier import TrustOptions, UntrustedBlock, trust_genesis
from chainpos.core.checkout.receipt_proof import (
    MARK,
    ProofRefused,
    ReceiptProof,
    decode_proof,
    encode_proof,
    make_step,
    verify_proof,
)
from chainpos.core.checkout.statement import statement_lines
from chainpos.core.contracts.payments.messages import Cancel
from chainpos.core.values.amount import Amount
from chainpos.core.values.hashes import address_of, sha256
from tests.core.blocks import charge, pay, request, transaction
from tests.core.chain.conftest import MadeChain, public_key
from tests.core.contracts.conftest import CHAIN_ID, key_of

PAYMENT = transaction(pay("S1", 1250), "alice")
TXS = (transaction(pay("S0"), "bob"), PAYMENT, transaction(pay("S2"), "erin"))


def steps_to(chain: MadeChain, target: UntrustedBlock) -> list[UntrustedBlock]:
    """The blocks by which a light client comes to the target."""
    blocks = {made.block.header.height: made.light for made in chain.blocks}
    step = begin(trust_genesis(chain.doc), target, TrustOptions(2**62), target.header.time_ns)
    while isinstance(step, Fetch):
        step = resume(step, blocks[step.height], TrustOptions(2**62), target.header.time_ns)
    assert isinstance(step, Found)
    return [blocks[state.height] for state in step.trace]


def proof_of(chain: MadeChain, txs: tuple[bytes, ...] = TXS, index: int = 1, code: int = 0) -> ReceiptProof:
    """The receipt of one of `txs`, in a block that is added now, with the block after it."""
    made = chain.add(txs)
    results = list(made.results)
    if code:
        results[index] = TxResult(code)
        chain.tip = msgspec.structs.replace(chain.tip, last_results_hash=results_hash(results))
    following = chain.add().light
    return ReceiptProof(
        transaction=txs[index],
        inclusion=merkle.proof([sha256(tx) for tx in txs], index).encode(),
        header=made.block.header.encode(),
        result_data=results[index].data,
        gas_wanted=results[index].gas_wanted,
        gas_used=results[index].gas_used,
        result=result_proof(results, index).encode(),
        steps=tuple(
            make_step(each.header, each.commit, each.validators, chain.doc) for each in steps_to(chain, following)
        ),
    )


@pytest.fixture
def chain() -> MadeChain:
    made = MadeChain(chain_id=CHAIN_ID)
    for _ in range(3):
        made.add()
    return made


def refusal(proof: ReceiptProof, chain: MadeChain) -> str:
    with pytest.raises(ProofRefused) as refused:
        verify_proof(proof, chain.doc)
    return refused.value.reason


def test_a_receipt_proves_who_paid_whom_how_much_and_when(chain: MadeChain) -> None:
    file = encode_proof(proof_of(chain))
    statement = verify_proof(decode_proof(file), chain.doc)
    assert (statement.merchant, statement.reference, statement.amount) == ("TEAHOUSE", "S1", Amount(1250, "CNY"))
    assert statement.payer == address_of(key_of("alice").public)
    assert (statement.tx_hash, statement.height, statement.confirmed_height) == (sha256(PAYMENT), 4, 5)
    assert (statement.power, statement.total_power, statement.is_genesis_set) == (40, 40, True)
    # Four validators, three transactions: small enough for the largest QR code.
    assert len(file) < 2_900


def test_a_charged_customer_code_is_proved_too(chain: MadeChain) -> None:
    wire = transaction(charge("C1", nonce=1), "TEAHOUSE.till")
    statement = verify_proof(proof_of(chain, (wire,), 0), chain.doc)
    assert (statement.reference, statement.paid) == ("C1", Amount(1_000, "CNY"))
    assert statement.payer == address_of(key_of("alice").public)


def test_every_flipped_bit_is_refused_by_name(chain: MadeChain) -> None:
    file = encode_proof(proof_of(chain))
    for at in range(len(file)):
        for bit in range(8):
            flipped = bytearray(file)
            flipped[at] ^= 1 << bit
            with pytest.raises(ProofRefused) as refused:
                decode_proof(bytes(flipped))
            assert refused.value.reason == ("malformed" if at < len(MARK) else "damaged")


def test_a_flipped_bit_under_a_new_checksum_is_refused_or_changes_nothing_that_is_said(chain: MadeChain) -> None:
    """Whoever alters a receipt can seal it again. Only the trees' width may then differ, of which nothing is said."""
    proof = proof_of(chain)
    honest = verify_proof(proof, chain.doc)
    content = encode_proof(proof)[:-8]
    named = set()
    for at in range(len(MARK), len(content)):
        flipped = bytearray(content)
        flipped[at] ^= 1 << (at % 8)
        sealed = bytes(flipped) + sha256(bytes(flipped))[:8]
        try:
            assert verify_proof(decode_proof(sealed), chain.doc) == honest
        except ProofRefused as refused:
            named.add(refused.reason)
    assert {"not_included", "not_linked", "rejected_payment", "malformed", "forged_header", "bad_signature"} <= named


def test_a_payment_that_its_block_rejected_is_no_receipt(chain: MadeChain) -> None:
    assert refusal(proof_of(chain, code=502), chain) == "rejected_payment"


def test_the_success_of_a_neighbour_does_not_help(chain: MadeChain) -> None:
    proof = proof_of(chain, code=502)
    results = [TxResult(data=sha256(tx)[:8], gas_used=len(tx)) for tx in TXS]
    results[1] = TxResult(502)
    other = msgspec.structs.replace(
        proof, result=result_proof(results, 0).encode(), result_data=results[0].data, gas_used=results[0].gas_used
    )
    assert refusal(other, chain) == "forged_result"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: {"transaction": TXS[0]}, "not_included"),
        (lambda _: {"header": msgspec.msgpack.encode(1)}, "malformed"),
        (lambda proof: {"header": proof.steps[-1].header}, "not_linked"),
        (lambda proof: {"steps": (msgspec.structs.replace(proof.steps[-1], commit=b""),)}, "malformed"),
        (lambda proof: {"steps": (msgspec.structs.replace(proof.steps[-1], members=((public_key(7), 5),)),)},
         "wrong_validators"),
        (lambda proof: {"steps": proof.steps * 2}, "height_not_greater"),
    ],
)  # fmt: skip
def test_parts_of_another_receipt_do_not_fit(
    chain: MadeChain, change: Callable[[ReceiptProof], dict[str, Any]], reason: str
) -> None:
    proof = proof_of(chain)
    assert refusal(msgspec.structs.replace(proof, **change(proof)), chain) == reason


def test_another_network_and_other_validators_do_not_believe_it(chain: MadeChain) -> None:
    proof = proof_of(chain)
    assert refusal(proof, MadeChain(chain_id="another-chain")) == "wrong_chain"
    assert refusal(proof, MadeChain((1, 1), chain_id=CHAIN_ID)) == "wrong_validators"


def test_what_is_no_payment_is_no_receipt(chain: MadeChain) -> None:
    wire = transaction(Cancel(request()), "TEAHOUSE.till")
    assert refusal(proof_of(chain, (wire,), 0), chain) == "not_a_payment"


def test_validators_that_were_replaced_are_followed_from_the_genesis(chain: MadeChain) -> None:
    chain.add(updates=[(public_key(7), 50), *((public_key(n), 0) for n in range(3))])
    for _ in range(3):
        chain.add()
    chain.add(updates=[(public_key(8), 200)])
    for _ in range(4):
        chain.add()
    proof = proof_of(chain)
    assert len(proof.steps) > 1
    statement = verify_proof(decode_proof(encode_proof(proof)), chain.doc)
    assert not statement.is_genesis_set
    assert refusal(msgspec.structs.replace(proof, steps=proof.steps[-1:]), chain) == "not_enough_trust"
    assert any("changed since the genesis" in line for line in statement_lines(statement, "en"))


@pytest.mark.parametrize("file", [b"", b"CPR1", b"x" * 100, MARK + b"\x98" * 50 + b"12345678", b"CPR1" * 300_000])
def test_what_is_no_receipt_is_refused(file: bytes) -> None:
    with pytest.raises(ProofRefused):
        decode_proof(file)


def test_both_languages_say_what_is_proved_and_what_is_not(chain: MadeChain) -> None:
    statement = verify_proof(proof_of(chain), chain.doc)
    english, chinese = ("\n".join(statement_lines(statement, language)) for language in ("en", "zh"))
    assert "PROVED: TEAHOUSE was paid 12.50 CNY" in english
    assert "40/40 of the power" in english
    assert "does not prove that nothing was refunded since" in english
    assert "商户 TEAHOUSE 收到 12.50 CNY" in chinese
    assert "不能证明：此后没有退款" in chinese
    with pytest.raises(ValueError, match="no receipt in"):
        statement_lines(statement, "de")

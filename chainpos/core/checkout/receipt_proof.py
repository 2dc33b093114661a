"""A receipt that proves itself: a payment, its place in a block, its result, the validators' signatures.

Whoever has the network's genesis can check it without a network. It refuses, by name, every file of which one bit is
not as it was made, and a transaction that is in a block but was rejected there.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

import msgspec

from chainpos.core.chain import merkle
from chainpos.core.chain.commit import COMMIT, Commit
from chainpos.core.chain.envelope import MAX_TX_BYTES, Envelope, decode_envelope
from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.header import Header
from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.chain.results import TxResult, verify_result
from chainpos.core.chain.signatures import VerifyBatch, verify_batch
from chainpos.core.chain.validators import InvalidValidators, Validator, ValidatorSet, make_validator_set
from chainpos.core.chain.verifier import (
    TrustedState,
    TrustOptions,
    UntrustedBlock,
    trust_genesis,
    verify,
    verify_commit,
)
from chainpos.core.contracts.payments.messages import (
    Charge,
    Pay,
    Request,
    charge_signatures,
    decode_code,
    decode_request,
    pay_signatures,
    request_id,
)
from chainpos.core.values.amount import Amount, AmountError
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES, address_of, sha256
from chainpos.errors import MalformedBytes

MARK: Final = b"CPR1"
CHECKSUM_BYTES: Final = 8
MAX_PROOF_BYTES: Final = 1_000_000
MAX_STEPS: Final = 64
PAY: Final = "payments.pay"
CHARGE: Final = "payments.charge"
# A receipt is kept for years. What that costs in trust is said with the statement, not by a refusal.
_FOREVER: Final = TrustOptions(2**62)

_Bytes = Annotated[bytes, msgspec.Meta(max_length=400_000)]
_Member = tuple[Annotated[bytes, msgspec.Meta(min_length=PUBLIC_KEY_BYTES, max_length=PUBLIC_KEY_BYTES)], int]


class ProofRefused(ValueError):
    """A receipt that proves nothing. `reason` names why; light verification's own codes are passed on.

    "damaged", "malformed", "not_included", "not_linked", "forged_result", "rejected_payment", "not_a_payment",
    "forged_payment", or one of the verifier's: "forged_header", "bad_signature", "wrong_validators", "wrong_chain", ...
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class SignedStep(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A header with its commit, both encoded. No `members` (public key, power) means those of the genesis."""

    header: _Bytes
    commit: _Bytes
    members: Annotated[tuple[_Member, ...], msgspec.Meta(max_length=1000)] = ()


class ReceiptProof(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """All of the evidence. `header` is of the payment's block, the last of `steps` the next one, which commits to it.

    Steps before the last lead from the genesis's validators to a set that replaced them, and are seldom needed.
    """

    transaction: Annotated[bytes, msgspec.Meta(max_length=MAX_TX_BYTES)]
    inclusion: _Bytes
    header: _Bytes
    result_data: Annotated[bytes, msgspec.Meta(max_length=MAX_TX_BYTES)]
    gas_wanted: int
    gas_used: int
    result: _Bytes
    steps: Annotated[tuple[SignedStep, ...], msgspec.Meta(min_length=1, max_length=MAX_STEPS)]


class Statement(NamedTuple):
    """What a verified receipt proves, and nothing more. Times in ns; `power` of `total_power` signed."""

    chain_id: str
    merchant: str
    till_key: bytes
    reference: str
    memo: str
    amount: Amount
    tip: Amount
    payer: bytes
    request_id: bytes
    tx_hash: bytes
    height: int
    time_ns: int
    confirmed_height: int
    power: int
    total_power: int
    validators_hash: bytes
    is_genesis_set: bool

    @property
    def paid(self) -> Amount:
        """What the payer paid, the tip included."""
        return self.amount + self.tip


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ReceiptProof).decode
_MESSAGES: Final[dict[str, type[Pay] | type[Charge]]] = {PAY: Pay, CHARGE: Charge}


def encode_proof(proof: ReceiptProof) -> bytes:
    """The file: a mark, the evidence, a checksum."""
    content = MARK + _encode(proof)
    return content + sha256(content)[:CHECKSUM_BYTES]


def decode_proof(file: bytes) -> ReceiptProof:
    """The evidence in a file, nothing of it believed yet. Raises ProofRefused."""
    content, checksum = file[:-CHECKSUM_BYTES], file[-CHECKSUM_BYTES:]
    if not len(MARK) < len(content) <= MAX_PROOF_BYTES or not content.startswith(MARK):
        raise ProofRefused("malformed", "this is no receipt")
    if sha256(content)[:CHECKSUM_BYTES] != checksum:
        raise ProofRefused("damaged", "the receipt is damaged: it is not as it was written")
    try:
        proof = _decode(content[len(MARK) :])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProofRefused("malformed", "the receipt cannot be read") from error
    if encode_proof(proof) != file:
        raise ProofRefused("malformed", "the receipt is not in its one form")
    return proof


def make_step(header: Header, commit: Commit, validators: ValidatorSet, genesis: GenesisDoc) -> SignedStep:
    """A step, with its validators only where they are not the genesis's."""
    if validators.hash() == genesis.validator_set().hash():
        return SignedStep(header.encode(), commit.encode())
    members = tuple((each.public_key, each.power) for each in validators.validators)
    return SignedStep(header.encode(), commit.encode(), members)


def verify_proof(
    proof: ReceiptProof, genesis: GenesisDoc, *, verify_signatures: VerifyBatch = verify_batch
) -> Statement:
    """What the receipt proves to who trusts this genesis. Raises ProofRefused."""
    try:
        return _verified(proof, genesis, verify_signatures)
    except (MalformedBytes, AmountError, InvalidValidators) as error:
        raise ProofRefused("malformed", f"the receipt cannot be read: {error}") from error


class Proved(NamedTuple):
    """A transaction that a block accepted, whoever signed it, and who vouched for the block."""

    envelope: Envelope
    header: Header
    confirmed_height: int
    power: int
    total_power: int
    validators_hash: bytes
    is_genesis_set: bool


def prove_accepted(
    proof: ReceiptProof, genesis: GenesisDoc, *, verify_signatures: VerifyBatch = verify_batch
) -> Proved:
    """The proof's transaction, of whatever kind; its own signatures were not looked at. Raises ProofRefused."""
    try:
        return _accepted(proof, genesis, verify_signatures)
    except (MalformedBytes, InvalidValidators) as error:
        raise ProofRefused("malformed", f"the proof cannot be read: {error}") from error


def _accepted(proof: ReceiptProof, genesis: GenesisDoc, verify_signatures: VerifyBatch) -> Proved:
    header = _exact_header(proof.header)
    following, commit, validators = _followed(proof.steps, genesis, verify_signatures)
    if header.height + 1 != following.height or header.hash() != following.last_block_id.hash:
        raise ProofRefused("not_linked", "the payment's block is not the one that the validators signed")
    if header.chain_id != genesis.chain_id:
        raise ProofRefused("wrong_chain", "the receipt is of another network")
    inclusion = _exact_merkle(proof.inclusion)
    if not merkle.verify(header.data_hash, sha256(proof.transaction), inclusion):
        raise ProofRefused("not_included", "the payment is not in that block")
    where = _exact_merkle(proof.result)
    result = TxResult(0, proof.result_data, gas_wanted=proof.gas_wanted, gas_used=proof.gas_used)
    if (where.total, where.index) != (inclusion.total, inclusion.index):
        raise ProofRefused("forged_result", "the result is of another transaction")
    if not verify_result(following.last_results_hash, result, where):
        raise ProofRefused("rejected_payment", "the block has no such success: the payment was refused, or altered")
    signed = sum(validators.validators[at].power for at, vote in enumerate(commit.signatures) if vote.flag == COMMIT)
    return Proved(
        envelope=decode_envelope(proof.transaction),
        header=header,
        confirmed_height=following.height,
        power=signed,
        total_power=validators.total_power,
        validators_hash=validators.hash(),
        is_genesis_set=validators.hash() == genesis.validator_set().hash(),
    )


def _verified(proof: ReceiptProof, genesis: GenesisDoc, verify_signatures: VerifyBatch) -> Statement:
    proved = _accepted(proof, genesis, verify_signatures)
    payment = _payment(proved.envelope, genesis.chain_id, verify_signatures)
    request = payment.request
    return Statement(
        chain_id=genesis.chain_id,
        merchant=request.merchant,
        till_key=request.till_key,
        reference=request.reference,
        memo=request.memo,
        amount=Amount(payment.amount_minor, request.currency),
        tip=Amount(payment.tip_minor, request.currency),
        payer=address_of(payment.payer),
        request_id=payment.id,
        tx_hash=proved.envelope.hash,
        height=proved.header.height,
        time_ns=proved.header.time_ns,
        confirmed_height=proved.confirmed_height,
        power=proved.power,
        total_power=proved.total_power,
        validators_hash=proved.validators_hash,
        is_genesis_set=proved.is_genesis_set,
    )


def _followed(
    steps: tuple[SignedStep, ...], genesis: GenesisDoc, verify_signatures: VerifyBatch
) -> tuple[Header, Commit, ValidatorSet]:
    """The last step's parts, each step believed because of the one before it, the first because of the genesis."""
    trusted: TrustedState = trust_genesis(genesis)
    own = genesis.validator_set()
    for step in steps:
        header, commit = _exact_header(step.header), Commit.decode(step.commit)
        if commit.encode() != step.commit:
            raise ProofRefused("malformed", "a commit is not in its one form")
        validators = make_validator_set([Validator(key, power) for key, power in step.members]) if step.members else own
        # The receipt's own time stands for now: a wall clock that is wrong must not make a true receipt false.
        verdict = verify(
            trusted, UntrustedBlock(header, commit, validators), _FOREVER, header.time_ns,
            verify_signatures=verify_signatures,
        )  # fmt: skip
        if verdict.trusted is None:
            raise ProofRefused(
                verdict.code or "not_enough_trust", f"the validators did not vouch for it: {verdict.code}"
            )
        # Light verification stops at two thirds; a receipt has nothing in it that was not looked at.
        full = verify_commit(
            genesis.chain_id, validators, commit.block_id, header.height, commit, verify_signatures=verify_signatures
        )
        if not full.ok:
            raise ProofRefused(full.code, f"the validators did not vouch for it: {full.code}")
        trusted = verdict.trusted
    return header, commit, validators


class _Payment(NamedTuple):
    request: Request
    id: bytes
    payer: bytes
    amount_minor: int
    tip_minor: int


def _payment(envelope: Envelope, chain_id: str, verify_signatures: VerifyBatch) -> _Payment:
    body = envelope.body
    shape = _MESSAGES.get(body.kind)
    if shape is None:
        raise ProofRefused("not_a_payment", "the transaction is no payment")
    try:
        message = msgspec.msgpack.decode(body.message, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProofRefused("not_a_payment", "the transaction is no payment") from error
    claims = [envelope.claim(chain_id)]
    request = decode_request(message.request)
    if isinstance(message, Pay):
        payer, amount_minor, tip_minor = body.signer, message.amount_minor, message.tip_minor
        claims += pay_signatures(chain_id, message)
    else:
        payer, amount_minor, tip_minor = decode_code(message.code).payer_key, request.amount_minor, 0
        claims += charge_signatures(chain_id, message)
    if not all(verify_signatures(claims)):
        raise ProofRefused("forged_payment", "the payer or the till did not sign the payment")
    return _Payment(request, request_id(chain_id, message.request), payer, amount_minor, tip_minor)


def _exact_header(encoded: bytes) -> Header:
    header = Header.decode(encoded)
    if header.encode() != encoded:
        raise ProofRefused("malformed", "a header is not in its one form")
    return header


def _exact_merkle(encoded: bytes) -> MerkleProof:
    proof = MerkleProof.decode(encoded)
    if proof.encode() != encoded:
        raise ProofRefused("malformed", "a proof is not in its one form")
    return proof

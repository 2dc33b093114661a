"""Following without executing: verified headers, and of every block the payments to one merchant, each with its proof.

It refuses blocks whose transactions or results are not those that the headers commit to, so that an upstream can leave
out no payment. What it does not do is to judge rules: that a payment took effect is what the validators signed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from chainpos.core.chain import merkle
from chainpos.core.chain.block import data_hash, tx_proof
from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.header import Header
from chainpos.core.chain.results import results_hash
from chainpos.core.chain.verifier import TrustedState
from chainpos.core.checkout.receipt_proof import (
    CHARGE,
    PAY,
    ProofRefused,
    Statement,
    encode_proof,
    verify_proof,
)
from chainpos.core.contracts.payments.messages import Charge, Pay, decode_request
from chainpos.core.values.hashes import sha256
from chainpos.errors import MalformedBytes
from chainpos.rpc.backend import IncludedTransaction, TransactionProof
from chainpos.rpc.client import RpcClient
from chainpos.sync.light import LightClient, Untrusted
from chainpos.sync.proving import gather_proof

# So many headers are held at once.
MAX_AT_ONCE: Final = 1_000
_MESSAGES: Final[dict[str, type[Pay] | type[Charge]]] = {PAY: Pay, CHARGE: Charge}


class Received(NamedTuple):
    """A payment to the merchant: what its receipt proves, its place in its block, and the receipt's file."""

    statement: Statement
    position: int
    receipt: bytes


class Part(NamedTuple):
    """A stretch of the chain: its headers, ascending, and the payments in it; `trusted` is the next to go on from."""

    headers: tuple[Header, ...]
    payments: tuple[Received, ...]
    trusted: TrustedState


async def next_part(client: RpcClient, light: LightClient, doc: GenesisDoc, merchant: str, done: int) -> Part | None:
    """What comes after height `done`; None where nothing is confirmed that was not looked at.

    A block is confirmed by the header above it, which commits to its results. Raises Untrusted, NotYet, MalformedBytes,
    Disconnected, RpcError.
    """
    newest = await light.advance(client)
    top = min(newest.height - 1, done + MAX_AT_ONCE)
    if top <= done:
        return None
    headers = await light.headers(client, done + 1, top + 1)
    payments: list[Received] = []
    for header, following in pairwise(headers):
        if header.data_hash != merkle.EMPTY_ROOT:
            payments += await _received(client, doc, merchant, header, following)
    return Part(tuple(headers[:-1]), tuple(payments), light.believed(top + 1))


async def _received(
    client: RpcClient, doc: GenesisDoc, merchant: str, header: Header, following: Header
) -> list[Received]:
    height = header.height
    stored = await client.block(height)
    txs = () if stored is None else stored.block.txs
    if data_hash(txs) != header.data_hash:
        raise Untrusted("altered_transactions", height)
    results = (await client.block_results(height)).results
    if results_hash(results) != following.last_results_hash:
        raise Untrusted("forged_results", height)
    found = []
    for index, (wire, result) in enumerate(zip(txs, results, strict=True)):
        if result.code == 0 and _merchant_of(wire) == merchant:
            proof = TransactionProof(header.data_hash, wire, tx_proof(txs, index))
            included = IncludedTransaction(sha256(wire), height, index, wire, result, proof)
            gathered = await gather_proof(client, included, doc)
            try:
                statement = verify_proof(gathered, doc)
            except ProofRefused as refused:
                raise Untrusted(refused.reason, height) from refused
            found.append(Received(statement, index, encode_proof(gathered)))
    return found


def _merchant_of(wire: bytes) -> str:
    """Whom a payment is for; "" for what is no payment."""
    try:
        body = decode_envelope(wire).body
        shape = _MESSAGES.get(body.kind)
        if shape is None:
            return ""
        return decode_request(msgspec.msgpack.decode(body.message, type=shape).request).merchant
    except (MalformedBytes, msgspec.DecodeError, UnicodeDecodeError):
        return ""

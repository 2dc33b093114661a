"""A self-proving receipt of one sale, gathered from the till's own node and verified before it is handed out.

It refuses sales that are not paid, and payments that the next header does not confirm yet.
"""

from __future__ import annotations

import asyncio
from typing import Final

from chainpos.core.chain.bisection import Fetch, Refused, begin, resume
from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.results import result_proof
from chainpos.core.chain.verifier import TrustOptions, UntrustedBlock, trust_genesis
from chainpos.core.checkout.receipt_proof import ProofRefused, ReceiptProof, encode_proof, make_step, verify_proof
from chainpos.core.contracts.payments.events import PAID
from chainpos.errors import EXIT_USAGE, MalformedBytes, UserFacingError
from chainpos.inspect.connection import NodeConnection
from chainpos.rpc.backend import IncludedTransaction
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.till.home import TillHome

CONFIRM_TRIES: Final = 40
CONFIRM_PAUSE_S: Final = 0.05
_FOREVER: Final = TrustOptions(2**62)


async def make_receipt(paths: TillHome, reference: str) -> bytes:
    """The file of the paid sale with this reference. The counter may be open meanwhile. Raises UserFacingError."""
    settings, genesis = paths.settings(), paths.genesis()
    if not reference.isascii() or any(mark in reference for mark in "'\"\\") or not 0 < len(reference) <= 25:
        raise _not_paid(reference)
    connection = NodeConnection(settings.node)
    try:
        client = await connection.open()
        query = f"{PAID}.reference='{reference}' AND {PAID}.merchant='{settings.merchant}'"
        found = (await client.tx_search(query, per_page=1, descending=True, prove=True)).transactions
        if not found:
            raise _not_paid(reference)
        proof = await _gathered(client, found[0], genesis)
        verify_proof(proof, genesis)
    except (ProofRefused, RpcError, Disconnected, MalformedBytes) as error:
        raise UserFacingError(
            f"The till's node at {settings.node} gave no proof of {reference}.", next_step="Try again in a moment."
        ) from error
    finally:
        await connection.close()
    return encode_proof(proof)


async def _gathered(client: RpcClient, paid: IncludedTransaction, genesis: GenesisDoc) -> ReceiptProof:
    if paid.proof is None:
        raise MalformedBytes("the node gave no proof of inclusion")
    target = await _following(client, paid.height + 1)
    results = (await client.block_results(paid.height)).results
    index = paid.proof.proof.index
    if not 0 <= index < len(results):
        raise MalformedBytes("a result is missing")
    return ReceiptProof(
        transaction=paid.transaction,
        inclusion=paid.proof.proof.encode(),
        header=(await client.commit(paid.height)).header.encode(),
        result_data=results[index].data,
        gas_wanted=results[index].gas_wanted,
        gas_used=results[index].gas_used,
        result=result_proof(results, index).encode(),
        steps=tuple(
            make_step(step.header, step.commit, step.validators, genesis)
            for step in await _steps(client, target, genesis)
        ),
    )


async def _steps(client: RpcClient, target: UntrustedBlock, genesis: GenesisDoc) -> list[UntrustedBlock]:
    """The blocks by which one comes from the genesis to `target`: the target alone while validators are the same."""
    blocks = {target.header.height: target}
    step = begin(trust_genesis(genesis), target, _FOREVER, target.header.time_ns)
    while isinstance(step, Fetch):
        blocks[step.height] = await _block(client, step.height)
        step = resume(step, blocks[step.height], _FOREVER, target.header.time_ns)
    if isinstance(step, Refused):
        raise MalformedBytes(f"the node's headers do not follow from the genesis: {step.verdict.code}")
    return [blocks[state.height] for state in step.trace]


async def _following(client: RpcClient, height: int) -> UntrustedBlock:
    for _ in range(CONFIRM_TRIES):
        if (await client.status()).latest.height >= height:
            break
        await asyncio.sleep(CONFIRM_PAUSE_S)
    return await _block(client, height)


async def _block(client: RpcClient, height: int) -> UntrustedBlock:
    signed = await client.commit(height)
    return UntrustedBlock(signed.header, signed.commit, await client.validators(height))


def _not_paid(reference: str) -> UserFacingError:
    return UserFacingError(
        f"The ledger has no payment with the reference {reference[:40]!r} to this shop.",
        next_step="Look it up in the till's sales; a sale that is not paid has no receipt.",
        exit_code=EXIT_USAGE,
    )

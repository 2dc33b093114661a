"""All the evidence that a payment succeeded, gathered from a node: what a receipt and a customer's proof are made of.

It refuses answers that do not fit together; whether they are true, `receipt_proof.verify_proof` says.
"""

from __future__ import annotations

import asyncio
from typing import Final

from chainpos.core.chain.bisection import Fetch, Refused, begin, resume
from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.results import result_proof
from chainpos.core.chain.verifier import TrustOptions, UntrustedBlock, trust_genesis
from chainpos.core.checkout.receipt_proof import ReceiptProof, make_step
from chainpos.errors import MalformedBytes
from chainpos.rpc.backend import IncludedTransaction
from chainpos.rpc.client import RpcClient

CONFIRM_TRIES: Final = 200
CONFIRM_PAUSE_S: Final = 0.05
_FOREVER: Final = TrustOptions(2**62)


async def gather_proof(client: RpcClient, paid: IncludedTransaction, genesis: GenesisDoc) -> ReceiptProof:
    """The evidence for a transaction that was asked for with its proof. Waits a moment for the block after it.

    Raises MalformedBytes, RpcError, Disconnected.
    """
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

"""The methods that answer from stored blocks: blocks, headers, commits, validators, parameters, results, genesis.

It refuses heights outside what is stored and pages outside the list. Source: CometBFT rpc/core/blocks.go, consensus.go.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.rpc.backend import MAX_BLOCK_METAS
from chainpos.rpc.calls import CallContext, chosen_height, page_in_order, page_of, page_size, refused
from chainpos.rpc.query import MalformedQuery, parse_query
from chainpos.rpc.shapes import blocks, evidence, nodes, results

MAX_BLOCKS_FOUND: Final = 1_000
ONE_CONDITION: Final = "blocks are searched by one condition: TYPE.ATTRIBUTE = 'VALUE', or TYPE.ATTRIBUTE EXISTS"


async def genesis(context: CallContext) -> object:
    """The genesis document."""
    return nodes.GenesisJson(msgspec.Raw(await context.backend.genesis()))


async def block(context: CallContext, height: int | None) -> object:
    """A block, the latest if no height is given."""
    stored = await context.backend.block(chosen_height(context, height))
    return blocks.no_block_json() if stored is None else evidence.stored_block_json(stored)


async def block_by_hash(context: CallContext, block_hash: bytes) -> object:
    """The block with a hash, or one without content."""
    height = await context.backend.height_of_hash(block_hash)
    stored = None if height is None else await context.backend.block(height)
    return blocks.no_block_json() if stored is None else evidence.stored_block_json(stored)


async def block_search(
    context: CallContext, query: str, page: int | None, per_page: int | None, order_by: str
) -> object:
    """One page of the blocks that told something, by themselves or by a transaction; for one condition alone."""
    try:
        (asked,) = parse_query(query).conditions
    except MalformedQuery as error:
        raise refused(str(error)) from error
    except ValueError:
        raise refused(ONE_CONDITION) from None
    if (asked.operator, asked.kind) not in (("=", "string"), ("EXISTS", "none")):
        raise refused(ONE_CONDITION)
    heights = await context.backend.blocks_telling(asked.key, asked.text, MAX_BLOCKS_FOUND + 1)
    if len(heights) > MAX_BLOCKS_FOUND:
        raise refused(f"the query matches more than {MAX_BLOCKS_FOUND} blocks")
    found = [await context.backend.block(height) for height in page_in_order(heights, page, per_page, order_by)]
    shown = tuple(evidence.stored_block_json(stored) for stored in found if stored is not None)
    return blocks.BlockSearchJson(shown, str(len(heights)))


async def header(context: CallContext, height: int | None) -> object:
    """A header."""
    wanted = chosen_height(context, height)
    found = await context.backend.block_metas(wanted, wanted)
    return blocks.HeaderAnswerJson(blocks.header_json(found[0].header) if found else None)


async def header_by_hash(context: CallContext, block_hash: bytes) -> object:
    """The header with a hash, or null."""
    height = await context.backend.height_of_hash(block_hash)
    return blocks.HeaderAnswerJson(None) if height is None else await header(context, height)


async def blockchain(context: CallContext, low: int, high: int) -> object:
    """At most 20 blocks without their bodies, highest first. Source: CometBFT rpc/core/blocks.go `filterMinMax`."""
    base, tip = context.backend.span()
    if low < 0 or high < 0:
        raise refused("heights must be non-negative")
    last = min(tip, high or tip)
    first = max(base, low or 1, last - MAX_BLOCK_METAS + 1)
    if first > last:
        raise refused(f"min height {first} can't be greater than max height {last}")
    metas = await context.backend.block_metas(first, last)
    return blocks.BlockchainJson(str(tip), tuple(blocks.block_meta_json(meta) for meta in reversed(metas)))


async def block_results(context: CallContext, height: int | None) -> object:
    """What executing a block gave."""
    wanted = chosen_height(context, height)
    found = await context.backend.block_results(wanted)
    if found is None:
        raise refused(f"could not find results for height #{wanted}")
    return results.block_results_json(found)


async def commit(context: CallContext, height: int | None) -> object:
    """A header with its commit."""
    wanted = chosen_height(context, height)
    found = await context.backend.commit(wanted)
    if found is None:
        raise refused(f"could not find the commit for height #{wanted}")
    return blocks.commit_answer_json(found)


async def validators(context: CallContext, height: int | None, page: int | None, per_page: int | None) -> object:
    """One page of a height's validators."""
    wanted = chosen_height(context, height, above_tip=1)
    found = await context.backend.validators(wanted)
    if found is None:
        raise refused(f"could not find validator set for height #{wanted}")
    size = page_size(per_page)
    start = page_of(page, size, len(found.validators))
    members = found.validators[start : start + size]
    return blocks.ValidatorsJson(
        str(wanted),
        tuple(blocks.validator_json(member) for member in members),
        str(len(members)),
        str(len(found.validators)),
    )


async def consensus_params(context: CallContext, height: int | None) -> object:
    """The parameters in force at a height."""
    wanted = chosen_height(context, height, above_tip=1)
    found = await context.backend.consensus_params(wanted)
    if found is None:
        raise refused(f"could not find consensus params for height #{wanted}")
    return nodes.ConsensusParamsAnswerJson(str(wanted), nodes.consensus_params_json(found))

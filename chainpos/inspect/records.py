"""A record in the state of one's own node, at a height; no proof, because the node itself verified the state.

It refuses answers about another height, and a node that says no by code.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.state.tables import Table
from chainpos.errors import MalformedBytes
from chainpos.rpc.client import Disconnected, RpcClient

R = TypeVar("R", bound=msgspec.Struct)


class NoSuchState(Disconnected):
    """The node does not have, or no longer has, the state that was asked for: ask again at another height."""


async def record_at(client: RpcClient, table: Table[R], key: bytes, height: int) -> R | None:
    """The record after the block at `height`, or None where there is none.

    Raises NoSuchState, MalformedBytes, RpcError, Disconnected.
    """
    full_key = table.full_key(key)
    path = f"/store/{bucket_name(bucket_of(full_key)).decode()}/key"
    answer = await client.abci_query(path, full_key, height)
    if answer.code:
        raise NoSuchState(f"the node refused with code {answer.code}")
    if answer.height != height or answer.key not in (full_key, b""):
        raise MalformedBytes("an answer to another question")
    return table.decode(answer.value) if answer.value else None

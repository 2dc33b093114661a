"""A node over RPC as a source: its answers are read as they come, by a loop in a thread of its own.

It refuses what RPC cannot give: all records of a height, a record's history, proofs of an older state. The node is
believed; who must not believe it opens a case file, or the chain's own database.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from chainpos.core.chain.header import Header
from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.state.proofs import ProofOp, encode_proof, proof_from_ops
from chainpos.errors import EXIT_UNREACHABLE, MalformedBytes, UserFacingError
from chainpos.inspect.connection import NodeConnection
from chainpos.inspect.source import Found, Proofs, Span, Unanswerable
from chainpos.rpc.client import Disconnected, RpcError

T = TypeVar("T")
ANSWER_TIMEOUT_S: Final = 30.0
_MAX_PAGE: Final = 100
PROOF_TRIES: Final = 50
PROOF_PAUSE_S: Final = 0.2


class RemoteSource:
    """One node. Every method blocks until the node answers, or raises UserFacingError."""

    def __init__(self, connection: NodeConnection, loop: asyncio.AbstractEventLoop) -> None:
        self.name = connection.address
        self._connection = connection
        self._loop = loop
        self._latest: Found | None = None
        self._genesis = b""

    def genesis_json(self) -> bytes:
        """The genesis document."""
        self._genesis = self._genesis or self._ask(self._connection.require().genesis_document())
        return self._genesis

    def span(self) -> Span:
        """The heights that the node has."""
        status = self._ask(self._connection.require().status())
        return Span(status.earliest.height, status.latest.height)

    def found(self, height: int) -> Found | None:
        """The block at a height, with its results."""
        if self._latest is not None and self._latest.height == height:
            return self._latest
        client = self._connection.require()
        try:
            stored = self._ask(client.block(height))
            if stored is None:
                return None
            commit, results = self._ask(client.commit(height)).commit, self._ask(client.block_results(height))
        except _NoSuch:
            return None
        self._latest = Found(height, stored.block_id, stored.block, commit, tuple(results.results), results.app_hash)
        return self._latest

    def header(self, height: int) -> Header | None:
        """The header at a height."""
        metas = self._ask(self._connection.require().block_metas(height, height))
        return metas[0].header if metas and metas[0].header.height == height else None

    def height_of_block(self, block_hash: bytes) -> int | None:
        """Not asked over RPC: a block is named by its height there."""
        del block_hash
        return None

    def transaction(self, tx_hash: bytes) -> tuple[int, int] | None:
        """(height, index) of a transaction."""
        places = self.search(f"tx.hash='{tx_hash.hex().upper()}'", 1)
        return places[0] if places else None

    def search(self, query: str, limit: int) -> list[tuple[int, int]]:
        """(height, index) of transactions, newest first."""
        asked = self._connection.require().tx_search(query, per_page=min(limit, _MAX_PAGE), descending=True)
        try:
            return [(each.height, each.index) for each in self._ask(asked).transactions][:limit]
        except _NoSuch:
            return []

    def values(self, attribute: str, beginning: str, limit: int) -> list[str]:
        """The values that begin so, out of the transactions that the node finds."""
        found: dict[str, None] = {}
        for height, index in self.search(f"{attribute} CONTAINS '{beginning}'", limit):
            block = self.found(height)
            kind, _, key = attribute.rpartition(".")
            for event in () if block is None else block.results[index].events:
                told = {each.key: each.value for each in event.attributes}
                if event.type == kind and told.get(key, "").startswith(beginning):
                    found[told[key]] = None
        return list(found)

    def blocks_telling(self, attribute: str, value: str, limit: int) -> list[int]:
        """The heights of blocks that told this value of an event's attribute, newest first; none without an index."""
        asked = self._connection.require().block_search(
            f"{attribute} = '{value}'", per_page=min(limit, _MAX_PAGE), descending=True
        )
        try:
            return [stored.block.header.height for stored in self._ask(asked)]
        except _NoSuch:
            return []

    def record_at(self, key: bytes, height: int) -> bytes | None:
        """A record's bytes after a block."""
        return self._ask(self._record(key, height))

    def records_of(self, keys: Sequence[bytes], height: int) -> dict[bytes, bytes | None]:
        """Many records' bytes after a block: a page of questions is on its way at any time."""
        found: dict[bytes, bytes | None] = {}
        for begin in range(0, len(keys), _MAX_PAGE):
            page = keys[begin : begin + _MAX_PAGE]
            found.update(zip(page, self._ask(self._records(page, height)), strict=True))
        return found

    async def _records(self, keys: Sequence[bytes], height: int) -> list[bytes | None]:
        return await asyncio.gather(*(self._record(key, height) for key in keys))

    async def _record(self, key: bytes, height: int) -> bytes | None:
        path = f"/store/{bucket_name(bucket_of(key)).decode()}/key"
        # A height of 0 would be the latest; what there was before the first block is the state of height 0.
        answer = await self._connection.require().abci_query(path, key, max(height, 0))
        if answer.code or answer.height != height:
            raise Unanswerable(f"The node has no records of height {height}.")
        return answer.value or None

    def record_history(self, key: bytes, limit: int) -> list[tuple[int, bytes | None]]:
        """Not told over RPC."""
        del key, limit
        return []

    def records_under(self, prefix: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Not told over RPC."""
        del prefix, limit
        return []

    def records_at(self, height: int) -> dict[bytes, bytes]:
        """Not told over RPC. Raises Unanswerable."""
        raise Unanswerable(f"A node does not give all records of height {height} over RPC.")

    def proofs(self, keys: Sequence[bytes], height: int) -> Proofs | None:
        """Records with their proofs, of the node's newest state alone. It moves on: then they are asked for again."""
        for _ in range(PROOF_TRIES):
            found = self._proofs(keys, height)
            if found is not None and (height or found.height < self.span().tip):
                return found
            if height:
                return None
            time.sleep(PROOF_PAUSE_S)
        raise Unanswerable("The node moved on faster than it could be asked for proofs.")

    def _proofs(self, keys: Sequence[bytes], height: int) -> Proofs | None:
        records: list[tuple[bytes | None, bytes]] = []
        for key in keys:
            path = f"/store/{bucket_name(bucket_of(key)).decode()}/key"
            answer = self._ask(self._connection.require().abci_query(path, key, height, prove=True))
            if answer.code or answer.proof is None or height not in (0, answer.height):
                return None
            height = answer.height
            proof = proof_from_ops([ProofOp(op.type, op.key, op.data) for op in answer.proof])
            records.append((answer.value or None, encode_proof(proof)))
        return Proofs(height, tuple(records))

    def validators(self, height: int) -> ValidatorSet | None:
        """The validators of a height."""
        try:
            return self._ask(self._connection.require().validators(height))
        except _NoSuch:
            return None

    def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(question, self._loop)
        try:
            return future.result(ANSWER_TIMEOUT_S)
        except (Disconnected, TimeoutError) as error:
            future.cancel()
            raise UserFacingError(
                "The node stopped answering.",
                next_step="Wait a moment, then look again.",
                money_moved="",
                exit_code=EXIT_UNREACHABLE,
            ) from error
        except RpcError as error:
            raise _NoSuch from error
        except MalformedBytes as error:
            raise UserFacingError(
                "The node's answer cannot be read.", next_step="Ask another node.", money_moved=""
            ) from error


class _NoSuch(UserFacingError):
    """The node says no; for most questions that is an answer."""

    def __init__(self) -> None:
        super().__init__(
            "The node could not answer that.", next_step="Look at its log, then ask again.", money_moved=""
        )


@contextmanager
def open_node(address: str) -> Iterator[RemoteSource]:
    """The chain of a running node, HOST:PORT. Raises UserFacingError where it does not answer."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="inspect", daemon=True)
    thread.start()
    connection = NodeConnection(address)
    try:
        asyncio.run_coroutine_threadsafe(connection.open(), loop).result(ANSWER_TIMEOUT_S)
        yield RemoteSource(connection, loop)
    finally:
        asyncio.run_coroutine_threadsafe(connection.close(), loop).result(ANSWER_TIMEOUT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(ANSWER_TIMEOUT_S)
        loop.close()

"""The network as a wallet sees it: its nodes, and the light client that believes none of them.

It refuses to go on with a node that told something untrue, and asks the next; when no node is left it says which kind
of silence that is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.verifier import TrustedState, trust_genesis
from chainpos.core.checkout.receipt_proof import ProofRefused, ReceiptProof, verify_proof
from chainpos.core.state.tables import Table
from chainpos.errors import EXIT_UNREACHABLE, MalformedBytes, UserFacingError
from chainpos.node.clock import Clock
from chainpos.rpc.backend import BroadcastAnswer
from chainpos.rpc.client import Disconnected, RpcClient, RpcError, websocket_url
from chainpos.sync.light import Included, LightClient, NotYet, Proved, Untrusted, begin_at
from chainpos.sync.proving import gather_proof
from chainpos.wallet.home import Checkpoint

CALL_TIMEOUT_S: Final = 5.0
T = TypeVar("T")
R = TypeVar("R", bound=msgspec.Struct)


class Network:
    """`addresses` are HOST:PORT, the usual node first; the others stand in for it, and are its witnesses."""

    def __init__(
        self,
        genesis: GenesisDoc,
        addresses: tuple[str, ...],
        clock: Clock,
        *,
        trusted: TrustedState | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """`trusted` is what was believed before; a `checkpoint` is believed first where nothing was."""
        self._checkpoint = checkpoint if trusted is None else None
        self.genesis = genesis
        self.addresses = addresses
        self.clock = clock
        # With the genesis beside it, what lies below the newest header known can be proved as well.
        self._origin = trust_genesis(genesis)
        self.light = LightClient(trusted or self._origin, clock, origin=self._origin)
        self.distrusted: dict[str, str] = {}
        self._clients: dict[str, RpcClient] = {}
        self._connecting: dict[str, asyncio.Lock] = {}

    @property
    def chain_id(self) -> str:
        """The chain that everything here is about."""
        return self.genesis.chain_id

    async def sync(self) -> TrustedState:
        """Believe the newest header, and ask the other nodes that answer whether they know it too.

        Raises UserFacingError where no node answers, or where two nodes tell different things of one height.
        """

        async def advance(client: RpcClient) -> TrustedState:
            # Looked up late: a checkpoint may have put another light client in its place.
            return await self.light.advance(client)

        trusted = await self._ask(advance)
        for address in self.addresses[1:]:
            with contextlib.suppress(Disconnected, RpcError, MalformedBytes):
                await self._witness(address)
        return trusted

    async def record(self, table: Table[R], key: bytes) -> Proved[R]:
        """A record or its absence, proved. Raises UserFacingError."""
        return await self._ask(lambda client: self.light.record(client, table, key))

    async def included(self, tx_hash: bytes) -> Included | None:
        """The transaction in a verified block, or None where no node knows of one that can be proved yet.

        Raises UserFacingError.
        """

        async def look(client: RpcClient) -> Included | None:
            try:
                return await self.light.included(client, tx_hash)
            except (RpcError, NotYet):
                # Where blocks are rare, the header that proves it may be a while in coming.
                return None

        return await self._ask(look)

    async def proof(self, tx_hash: bytes) -> ReceiptProof | None:
        """All the evidence of a payment, verified; None where no node knows it. Raises UserFacingError."""

        async def gather(client: RpcClient) -> ReceiptProof | None:
            try:
                proof = await gather_proof(client, await client.tx(tx_hash, prove=True), self.genesis)
            except RpcError:
                return None
            try:
                verify_proof(proof, self.genesis)
            except ProofRefused as error:
                raise Untrusted(error.reason, 0) from error
            return proof

        return await self._ask(gather)

    async def broadcast(self, wire: bytes) -> BroadcastAnswer:
        """What the first node that answers says of a transaction. Raises UserFacingError."""
        return await self._ask(lambda client: client.broadcast_tx_sync(wire))

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def _ask(self, question: Callable[[RpcClient], Awaitable[T]]) -> T:
        late: NotYet | None = None
        for address in self.addresses:
            if address in self.distrusted:
                continue
            try:
                client = await self._client(address)
                await self._begin_at_checkpoint(client)
                return await question(client)
            except (Disconnected, RpcError):
                continue
            except NotYet as error:
                late = error
            except Untrusted as error:
                self.distrusted[address] = error.code
            except MalformedBytes:
                self.distrusted[address] = "malformed_answer"
        raise self._silence(late)

    def _silence(self, late: NotYet | None) -> UserFacingError:
        if self.distrusted:
            named = ", ".join(f"{address} ({code})" for address, code in self.distrusted.items())
            return UserFacingError(
                f"A node told something that the validators did not sign: {named}.",
                next_step="Do not pay through it; ask whoever runs it, or name another node.",
            )
        if late is not None:
            return UserFacingError(
                f"Not synced: the nodes show nothing past height {self.light.trusted.height}.",
                next_step="Wait a moment and try again.",
                exit_code=EXIT_UNREACHABLE,
            )
        return UserFacingError(
            f"No node answers ({', '.join(self.addresses)}).",
            next_step="Check the connection, or name another node.",
            exit_code=EXIT_UNREACHABLE,
        )

    async def _begin_at_checkpoint(self, client: RpcClient) -> None:
        if self._checkpoint is None:
            return
        height, expected = self._checkpoint.height, bytes.fromhex(self._checkpoint.hash)
        trusted = await begin_at(client, self.chain_id, height, expected)
        self.light = LightClient(trusted, self.clock, origin=self._origin)
        self._checkpoint = None

    async def _witness(self, address: str) -> None:
        try:
            await self.light.witness(await self._client(address))
        except Untrusted as error:
            raise UserFacingError(
                f"Two nodes tell different things of height {error.height}: {self.addresses[0]} and {address}.",
                next_step="Do not pay now: one of them lies. Ask the network's operator which.",
            ) from error

    async def _client(self, address: str) -> RpcClient:
        # One at a time: of two connections made at once, one would never be closed.
        async with self._connecting.setdefault(address, asyncio.Lock()):
            client = self._clients.get(address)
            if client is None or not client.is_open:
                client = await RpcClient.connect(websocket_url(address), CALL_TIMEOUT_S)
                self._clients[address] = client
            return client

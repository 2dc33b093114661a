"""A new peer's chain begun from other nodes' snapshot instead of from genesis, in seconds.

It refuses a home that has a chain already, a validator's, and to begin with fewer than two nodes to compare.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.genesis import load_genesis
from chainpos.errors import EXIT_CORRUPT, EXIT_UNREACHABLE, EXIT_USAGE, MalformedBytes, StoreInUse, UserFacingError
from chainpos.node.clock import Clock, SystemClock
from chainpos.node.config import load_settings
from chainpos.node.home import Home
from chainpos.rpc.client import Disconnected, RpcClient, RpcError, websocket_url
from chainpos.store.chain import ChainReader, ChainStore
from chainpos.sync.joining import (
    CONFLICT,
    NO_SNAPSHOT,
    NO_WITNESS,
    TRUST_EXPIRED,
    Joined,
    Joining,
    NotJoined,
    Progress,
    Trusted,
)

CALL_TIMEOUT_S: Final = 15.0
# One is asked, another must vouch.
LEAST_UPSTREAMS: Final = 2
_TRUST: Final = re.compile(r"(?:chainpos:trust/([^/]{1,50})/)?([0-9]{1,18})[:/]([0-9A-Fa-f]{64})")
_log = logging.getLogger(__name__)
_NEXT: Final = {
    CONFLICT: "Begin with none of them: one lies. Ask the network's operators which, by telephone.",
    NO_WITNESS: "Name one more node with --upstream, run by somebody else.",
    NO_SNAPSHOT: "Wait until a node has taken one, or start the node without: it then executes the whole chain.",
    TRUST_EXPIRED: "Ask an operator for a recent height and hash (`chainpos node status`), and give them with --trust.",
}


class JoinedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Where a peer begins. `app_hash` is upper-case hex; `distrusted` names who told something untrue, and what."""

    chain_id: str
    height: int
    app_hash: str
    records: int
    distrusted: dict[str, str]


def trust_text(chain_id: str, height: int, block_hash: bytes) -> str:
    """A block to trust, on one line, for a QR code or the telephone."""
    return f"chainpos:trust/{chain_id}/{height}/{block_hash.hex().upper()}"


def read_trust(text: str, chain_id: str = "") -> Trusted:
    """The inverse of `trust_text`; HEIGHT:HASH will do too. Raises UserFacingError, also for another chain's."""
    match = _TRUST.fullmatch(text.strip())
    if match is None:
        raise _refused("That is no block to trust.", "Give HEIGHT:HASH, or the line that `chainpos node status` shows.")
    if match.group(1) and chain_id and match.group(1) != chain_id:
        raise _refused(f"That is a block of {match.group(1)}, not of {chain_id}.", "Ask an operator of this network.")
    return Trusted(int(match.group(2)), bytes.fromhex(match.group(3)))


async def join(
    folder: Path,
    *,
    trust: str = "",
    upstreams: Sequence[str] = (),
    clock: Clock | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> JoinedFacts:
    """Begin the chain of the peer at `folder` from a snapshot of its upstreams. Raises UserFacingError, StoreError."""
    home = Home(folder)
    settings = load_settings(home.settings)
    doc = load_genesis(home.genesis.read_bytes())
    trusted = read_trust(trust, doc.chain_id) if trust else None
    store = ChainStore.open(home.database)
    try:
        if settings.mode != "peer" or not store.tip().is_genesis:
            raise _refused("Only a peer that has no block yet begins with a snapshot.", "Make a new home for it.")
        async with _connected(upstreams or settings.upstreams, doc.chain_id) as clients:
            try:
                joined = await Joining(doc, clients, clock or SystemClock(), trusted, progress).run()
            except NotJoined as error:
                raise _not_joined(error) from error
        progress(Progress("storing", 0, len(joined.records)))
        await asyncio.to_thread(store.restore, joined.tip, joined.records)
    finally:
        store.close()
    return _facts(joined)


async def begin_quickly(folder: Path, *, clock: Clock | None = None) -> JoinedFacts | None:
    """As `join`, where that can be; None where the node must execute the chain itself, or has begun already.

    Raises UserFacingError where two nodes tell different things: then nobody should begin at all.
    """
    home = Home(folder)
    try:
        if len(load_settings(home.settings).upstreams) < LEAST_UPSTREAMS:
            return None
        with ChainReader.open(home.database) as reader:
            if not reader.tip().is_genesis:
                return None
        return await join(folder, clock=clock)
    except UserFacingError as error:
        if error.exit_code == EXIT_CORRUPT:
            raise
        _log.info("no beginning from a snapshot: %s", error.what)
    except StoreInUse:
        _log.info("the node runs already")
    return None


@asynccontextmanager
async def _connected(addresses: Sequence[str], chain_id: str) -> AsyncIterator[dict[str, RpcClient]]:
    async with AsyncExitStack() as stack:
        clients: dict[str, RpcClient] = {}
        for address in addresses:
            try:
                client = await RpcClient.connect(websocket_url(address), CALL_TIMEOUT_S)
                await stack.enter_async_context(client)
                if (await client.status()).network == chain_id:
                    clients[address] = client
            except (Disconnected, RpcError, MalformedBytes):
                continue
        if len(clients) < LEAST_UPSTREAMS:
            answering = ", ".join(clients) or "none"
            raise UserFacingError(
                f"Beginning with a snapshot takes two nodes of {chain_id}, to compare them; answering: {answering}.",
                next_step=_NEXT[NO_WITNESS],
                money_moved="",
                exit_code=EXIT_UNREACHABLE,
            )
        yield clients


def _facts(joined: Joined) -> JoinedFacts:
    tip = joined.tip
    return JoinedFacts(
        chain_id=tip.chain_id,
        height=tip.height,
        app_hash=tip.app_hash.hex().upper(),
        records=len(joined.records),
        distrusted=joined.distrusted,
    )


def _not_joined(error: NotJoined) -> UserFacingError:
    named = "".join(f" {address} told something untrue ({code})." for address, code in error.distrusted.items())
    return UserFacingError(
        f"Nothing was taken over: {error.detail}.{named}",
        next_step=_NEXT[error.code],
        money_moved="",
        exit_code=EXIT_CORRUPT if error.code == CONFLICT else EXIT_UNREACHABLE,
    )


def _refused(what: str, next_step: str) -> UserFacingError:
    return UserFacingError(what, next_step=next_step, money_moved="", exit_code=EXIT_USAGE)

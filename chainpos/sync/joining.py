"""Taking over the records of a height from other nodes, for who would not execute a whole chain to get there.

Nobody is believed: headers by skipping verification from a trusted one, compared with at least one witness; chunks by
their hashes; the records by the commitment that is computed anew from them and must be the verified header's app hash.
It refuses to go on where two nodes tell different things of one height, and where nobody else can be asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeVar

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.header import Header
from chainpos.core.chain.tip import ChainTip, joined_tip
from chainpos.core.chain.verifier import TrustedState, compare_with_witness, trust_genesis, verify_commit
from chainpos.core.state.commitment import Commitment
from chainpos.core.state.snapshots import MAX_CHUNK_BYTES, MAX_TAKEN_CHUNKS, Manifest, joined
from chainpos.core.values.hashes import sha256
from chainpos.errors import ChainposError, MalformedBytes
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.store.snapshots import QUERY_PATH, decode_offers
from chainpos.sync.light import DEFAULT_OPTIONS, Clock, LightClient, NotYet, Untrusted, begin_at

T = TypeVar("T")
AT_ONCE: Final = 4
# Codes of this room.
CONFLICT: Final = "conflicting_headers"
NO_WITNESS: Final = "no_witness"
NO_SNAPSHOT: Final = "no_snapshot"
FORGED_SNAPSHOT: Final = "forged_snapshot"
FORGED_CHUNK: Final = "forged_chunk"
MALFORMED_ANSWER: Final = "malformed_answer"
TRUST_EXPIRED: Final = "trust_expired"


class Trusted(NamedTuple):
    """A block that someone vouches for by hand: its height and hash (32 bytes)."""

    height: int
    hash: bytes


class Progress(NamedTuple):
    """How far it is: "headers", "chunks", "records" or "storing"; how many of how many (0 where nobody knows)."""

    stage: str
    done: int
    total: int


class Joined(NamedTuple):
    """The chain after a height, with all records there, as the validators signed for them; and who was no help."""

    tip: ChainTip
    records: dict[bytes, bytes]
    distrusted: dict[str, str]


class NotJoined(ChainposError):
    """Nothing was taken over. `code` says why; `distrusted` names who told something untrue."""

    def __init__(self, code: str, detail: str, distrusted: Mapping[str, str]) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.distrusted = dict(distrusted)


class _Offer(NamedTuple):
    height: int
    manifest: Manifest


class Joining:
    """One attempt, over connections that are open: by the nodes' addresses."""

    def __init__(
        self,
        doc: GenesisDoc,
        upstreams: Mapping[str, RpcClient],
        clock: Clock,
        trusted: Trusted | None,
        progress: Callable[[Progress], None],
    ) -> None:
        self._doc = doc
        self._upstreams = dict(upstreams)
        self._clock = clock
        self._trusted = trusted
        self._progress = progress
        self._light: LightClient | None = None
        self.distrusted: dict[str, str] = {}

    async def run(self) -> Joined:
        """Raises NotJoined."""
        offers = await self._offers()
        for offer in sorted(offers, key=lambda offer: (-offer.height, offer.manifest.chunks)):
            header = await self._ask(partial(self._following, height=offer.height))
            if header is None:
                continue
            await self._compare(header)
            records = await self._records(offer, offers[offer], header.app_hash)
            if records is None:
                continue
            tip = await self._ask(partial(self._tip, following=header))
            if tip is not None:
                return Joined(tip, records, self.distrusted)
        if len(self._upstreams) < 2 and self.distrusted:
            raise NotJoined(NO_WITNESS, "too few nodes are left that told nothing untrue", self.distrusted)
        raise NotJoined(NO_SNAPSHOT, "no node has a snapshot whose next header can be verified", self.distrusted)

    async def _offers(self) -> dict[_Offer, list[str]]:
        found: dict[_Offer, list[str]] = {}
        for name, client in list(self._upstreams.items()):
            answer = await self._try(name, client.abci_query(QUERY_PATH, b""))
            if answer is None:
                continue
            try:
                for height, manifest in decode_offers(answer.value or b"\x90"):
                    if len(manifest.chunks) <= MAX_TAKEN_CHUNKS:
                        found.setdefault(_Offer(height, manifest), []).append(name)
            except MalformedBytes:
                self._drop(name, FORGED_SNAPSHOT)
        return found

    async def _following(self, client: RpcClient, height: int) -> Header | None:
        """The verified header after `height`: it carries the app hash of the records there."""
        light = await self._begin(client)
        newest = await light.advance(client)
        self._progress(Progress("headers", newest.height, newest.height))
        if newest.height <= height:
            return None
        return await light.header(client, height + 1)

    async def _begin(self, client: RpcClient) -> LightClient:
        if self._light is None:
            root: TrustedState = trust_genesis(self._doc)
            if self._trusted is not None:
                root = await begin_at(client, self._doc.chain_id, *self._trusted)
            self._light = LightClient(root, self._clock, DEFAULT_OPTIONS)
        return self._light

    async def _compare(self, header: Header) -> None:
        """At least one other node must tell the same, and none another thing."""
        believed = TrustedState(header.chain_id, header.height, header.time_ns, header, None, b"")
        agreeing = 0
        for name, client in list(self._upstreams.items()):
            signed = await self._try(name, client.commit(header.height))
            if signed is None:
                continue
            verdict = compare_with_witness(believed, signed.header)
            if not verdict.ok:
                raise NotJoined(
                    CONFLICT, f"{name} tells another thing of height {header.height} than the others", self.distrusted
                )
            agreeing += 1
        # Whoever served the header agrees with himself.
        if agreeing < 2:
            raise NotJoined(NO_WITNESS, f"no second node vouches for height {header.height}", self.distrusted)

    async def _records(self, offer: _Offer, names: Sequence[str], app_hash: bytes) -> dict[bytes, bytes] | None:
        chunks: list[bytes | None] = [None] * len(offer.manifest.chunks)
        total, gate, done = len(chunks), asyncio.Semaphore(AT_ONCE), 0

        async def take(index: int) -> None:
            nonlocal done
            async with gate:
                chunks[index] = await self._chunk(offer, names, index)
                done += 1
                self._progress(Progress("chunks", done, total))

        await asyncio.gather(*(take(index) for index in range(total)))
        whole = [chunk for chunk in chunks if chunk is not None]
        if len(whole) < total:
            return None
        self._progress(Progress("records", 0, 0))
        try:
            records = await asyncio.to_thread(_verified, whole, app_hash)
        except (MalformedBytes, ValueError):
            # Each chunk is as it was offered: it is the offer that lies.
            for name in names:
                self._drop(name, FORGED_SNAPSHOT)
            return None
        self._progress(Progress("records", len(records), len(records)))
        return records

    async def _chunk(self, offer: _Offer, names: Sequence[str], index: int) -> bytes | None:
        # Everybody who offers it is asked in turn, each beginning with another.
        for turn in range(len(names)):
            name = names[(index + turn) % len(names)]
            client = self._upstreams.get(name)
            if client is None:
                continue
            answer = await self._try(name, client.abci_query(f"{QUERY_PATH}/{offer.height}/{index}", b""))
            if answer is None or not answer.value:
                continue
            if len(answer.value) <= MAX_CHUNK_BYTES and sha256(answer.value) == offer.manifest.chunks[index]:
                return answer.value
            self._drop(name, FORGED_CHUNK)
        return None

    async def _tip(self, client: RpcClient, following: Header) -> ChainTip:
        light = await self._begin(client)
        height = following.height - 1
        header = await light.header(client, height)
        commit = (await client.commit(height)).commit
        sets = [await client.validators(each) for each in (height, height + 1, height + 2)]
        tip = joined_tip(self._doc, header, following, commit, sets)
        verdict = verify_commit(tip.chain_id, tip.last_validators, tip.block_id, height, commit)
        if not verdict.ok:
            raise Untrusted(verdict.code, height)
        return tip

    async def _ask(self, question: Callable[[RpcClient], Awaitable[T | None]]) -> T | None:
        """The first answer; None where nobody has one."""
        for name, client in list(self._upstreams.items()):
            found = await self._try(name, question(client))
            if found is not None:
                return found
        return None

    async def _try(self, name: str, answer: Awaitable[T]) -> T | None:
        """A node's answer; None where it has none, or is believed no more."""
        try:
            return await answer
        except Untrusted as error:
            if error.code == TRUST_EXPIRED:
                # No fault of the node's: where we begin has become too old to begin from.
                raise NotJoined(TRUST_EXPIRED, str(error), self.distrusted) from error
            self._drop(name, error.code)
        except MalformedBytes:
            self._drop(name, MALFORMED_ANSWER)
        except (Disconnected, RpcError, NotYet):
            pass
        return None

    def _drop(self, name: str, code: str) -> None:
        self._upstreams.pop(name, None)
        self.distrusted.setdefault(name, code)


def _verified(chunks: Sequence[bytes], app_hash: bytes) -> dict[bytes, bytes]:
    records = joined(chunks)
    if Commitment(records).root != app_hash:
        raise MalformedBytes("the records do not lead to the app hash of the verified header")
    return records

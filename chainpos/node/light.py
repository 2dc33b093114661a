"""A light node: headers and one merchant's payments with their proofs, on machines too small to execute the chain.

It refuses a merchant that the ledger does not know, to follow fewer than two upstreams, and to go on where two of them
tell different things of one height. It serves nobody, and no till can sell on it: a till needs a peer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from chainpos.core.chain.genesis import GenesisDoc, load_genesis
from chainpos.core.chain.header import Header
from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.chain.verifier import TrustedState, trust_genesis
from chainpos.core.contracts.merchants.records import MERCHANTS, merchant_key
from chainpos.errors import (
    EXIT_CORRUPT,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    MalformedBytes,
    StateMismatch,
    StoreError,
    UserFacingError,
)
from chainpos.node.clock import Clock, SystemClock
from chainpos.node.config import load_settings
from chainpos.node.home import Home
from chainpos.node.joining import LEAST_UPSTREAMS, read_trust
from chainpos.node.run import Ready, run_until_told
from chainpos.rpc.client import Disconnected, RpcClient, RpcError, websocket_url
from chainpos.store.light import LightPayment, LightStore, lock_light
from chainpos.sync.light import LightClient, NotYet, Untrusted, begin_at
from chainpos.sync.light_following import Received, next_part

CALL_TIMEOUT_S: Final = 10.0
LOOK_EVERY_S: Final = 0.5
RETRY_S: Final = 1.0
BEGIN_TRIES: Final = 5
T = TypeVar("T")
_log = logging.getLogger(__name__)
Told = Callable[[LightPayment], None]


class LightNode:
    """Follows one upstream for one merchant, and compares the others; the next takes over where it fails or lies."""

    def __init__(self, home: Home, doc: GenesisDoc, merchant: str, upstreams: Sequence[str], clock: Clock) -> None:
        self._home = home
        self._doc = doc
        self._merchant = merchant
        self._upstreams = list(upstreams)
        self._clock = clock
        self._current = ""
        self._witnesses: dict[str, RpcClient] = {}
        self.distrusted: dict[str, str] = {}

    async def begin(self, trust: str) -> None:
        """Make the database, where there is none: from a block that someone vouches for, or from genesis."""
        trusted = read_trust(trust, self._doc.chain_id) if trust else None

        async def look(client: RpcClient) -> int:
            root = trust_genesis(self._doc)
            if trusted is not None:
                root = await begin_at(client, self._doc.chain_id, *trusted)
            light = LightClient(root, self._clock)
            await light.advance(client)
            if (await light.record(client, MERCHANTS, merchant_key(self._merchant))).record is None:
                raise _refused(
                    f"The ledger knows no merchant {self._merchant!r}.", "Check the name given to --merchant."
                )
            trusted_state = _dump(light.trusted if root.header is None else root)
            LightStore.create(self._home.light, self._doc.chain_id, self._merchant, root.height + 1, trusted_state)
            return root.height

        for _ in range(BEGIN_TRIES):
            if await self._once(look) is not None:
                return
            await asyncio.sleep(RETRY_S)
        raise UserFacingError(
            f"No node answers ({', '.join(self._upstreams)}).",
            next_step="Check the connection, or name others with --upstream.",
            money_moved="",
            exit_code=EXIT_UNREACHABLE,
        )

    async def follow(self, told: Told) -> None:
        """Follow until cancelled; `told` is called for each payment once it is durable here. Raises UserFacingError."""
        store = LightStore.open(self._home.light)
        try:
            about = store.about()
            if (about.chain_id, about.merchant) != (self._doc.chain_id, self._merchant):
                raise _refused(
                    f"This light node keeps the payments of {about.merchant} on {about.chain_id}.", "Make a new home."
                )
            light = LightClient(_load(store.trusted()), self._clock, origin=trust_genesis(self._doc))
            while True:
                if await self._once(lambda client: self._step(client, light, store, told)) is None:
                    await asyncio.sleep(RETRY_S)
        finally:
            store.close()
            for witness in self._witnesses.values():
                await witness.close()

    async def _step(self, client: RpcClient, light: LightClient, store: LightStore, told: Told) -> bool:
        """Follow one upstream until it fails."""
        while True:
            part = await next_part(client, light, self._doc, self._merchant, store.about().done)
            if part is None:
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            await self._compare(light)
            payments = [_row(received) for received in part.payments]
            headers = [(header.height, header.encode()) for header in part.headers]
            store.keep(headers, payments, _dump(part.trusted))
            for payment in payments:
                told(payment)

    async def _compare(self, light: LightClient) -> None:
        """The others are asked for the newest header that is believed. Raises UserFacingError where one differs."""
        for address in self._upstreams:
            if address != self._current:
                with contextlib.suppress(Disconnected, RpcError, MalformedBytes):
                    await self._witness(address, light)

    async def _witness(self, address: str, light: LightClient) -> None:
        other = self._witnesses.get(address)
        if other is None or not other.is_open:
            other = self._witnesses[address] = await RpcClient.connect(websocket_url(address), CALL_TIMEOUT_S)
        try:
            await light.witness(other)
        except Untrusted as error:
            raise UserFacingError(
                f"Two nodes tell different things of height {error.height}: {self._current} and {address}.",
                next_step="One of them lies. Ask the network's operators which, and name honest ones.",
                exit_code=EXIT_CORRUPT,
            ) from error

    async def _once(self, question: Callable[[RpcClient], Awaitable[T]]) -> T | None:
        """The answer of the first upstream that has one; None where none has. Raises UserFacingError if all lied."""
        for address in list(self._upstreams):
            try:
                async with await RpcClient.connect(websocket_url(address), CALL_TIMEOUT_S) as client:
                    self._current = address
                    return await question(client)
            except Untrusted as error:
                self._distrust(address, error.code)
            except MalformedBytes:
                self._distrust(address, "malformed_answer")
            except (Disconnected, RpcError, NotYet) as error:
                _log.info("upstream %s: %s", address, error)
        return None

    def _distrust(self, address: str, code: str) -> None:
        if code == "trust_expired":
            raise _refused(
                "What this node believed has become too old to go on from.",
                "Make a new home, and give a recent block with --trust.",
            )
        _log.error("left upstream %s: %s", address, code)
        self.distrusted[address] = code
        self._upstreams.remove(address)
        if not self._upstreams:
            named = ", ".join(f"{each} ({why})" for each, why in self.distrusted.items())
            raise UserFacingError(
                f"Every upstream told something that the validators did not sign: {named}.",
                next_step="Name other nodes with --upstream, and tell whoever runs these.",
                exit_code=EXIT_UNREACHABLE,
            )


async def run_light(
    folder: Path,
    merchant: str,
    *,
    trust: str = "",
    upstreams: Sequence[str] = (),
    clock: Clock | None = None,
    ready: Ready,
    told: Told,
    stop: asyncio.Event,
) -> None:
    """Follow for `merchant` until `stop` is set; `told` is called for each payment.

    Raises UserFacingError, StoreError.
    """
    home = Home(folder)
    settings, doc = load_settings(home.settings), load_genesis(home.genesis.read_bytes())
    asked = upstreams or settings.upstreams
    if settings.mode != "peer" or len(asked) < LEAST_UPSTREAMS:
        raise _refused("A light node is a peer of two nodes or more.", "Name them with --upstream.")
    node = LightNode(home, doc, merchant, asked, clock or SystemClock())
    lock = lock_light(home.light)
    try:
        if not home.light.exists():
            await node.begin(trust)
        with contextlib.closing(LightStore.open(home.light)) as store:
            about = store.about()
        ready({"ready": True, "mode": "light", **about._asdict()})
        following = asyncio.create_task(node.follow(told), name="light")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait((following, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if following.done():
            await following
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
    finally:
        lock.release()


def start_light(
    folder: Path, merchant: str, *, trust: str = "", upstreams: Sequence[str] = (), until_stdin_ends: bool = False
) -> None:
    """Run a light node as this process; after the line that says it is ready, one JSON line for each payment."""

    async def run(ready: Ready, stop: asyncio.Event) -> None:
        await run_light(folder, merchant, trust=trust, upstreams=upstreams, ready=ready, told=_say, stop=stop)

    run_until_told(run, until_stdin_ends=until_stdin_ends, log=Home(folder).log)


def facts_of(payment: LightPayment) -> dict[str, object]:
    """A payment for people and programs, without its receipt."""
    return {
        "reference": payment.reference,
        "paid_minor": payment.paid_minor,
        "currency": payment.currency,
        "height": payment.height,
        "time_ns": payment.time_ns,
        "payer": payment.payer.hex(),
    }


def _say(payment: LightPayment) -> None:
    sys.stdout.write(json.dumps({"paid": facts_of(payment)}) + "\n")
    sys.stdout.flush()


def _row(received: Received) -> LightPayment:
    proved = received.statement
    return LightPayment(
        proved.height,
        received.position,
        proved.reference,
        proved.paid.minor,
        proved.paid.currency,
        proved.time_ns,
        proved.payer,
        received.receipt,
    )


def _dump(trusted: TrustedState) -> bytes:
    if trusted.header is None or trusted.validators is None:
        raise StateMismatch(f"what is believed of height {trusted.height} cannot be gone on from")
    return msgspec.msgpack.encode((trusted.header.encode(), trusted.validators.encode()))


def _load(kept: bytes | None) -> TrustedState:
    try:
        header_bytes, members = msgspec.msgpack.decode(kept or b"", type=tuple[bytes, bytes])
        header, validators = Header.decode(header_bytes), ValidatorSet.decode(members)
    except (msgspec.DecodeError, MalformedBytes) as error:
        raise StoreError("what the light node believed cannot be read: its database is damaged") from error
    return TrustedState(header.chain_id, header.height, header.time_ns, header, validators, header.next_validators_hash)


def _refused(what: str, next_step: str) -> UserFacingError:
    return UserFacingError(what, next_step=next_step, money_moved="", exit_code=EXIT_USAGE)

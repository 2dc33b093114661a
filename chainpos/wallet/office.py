"""A key that acts for somebody on the network: an institution's, a shop owner's, an office's. It signs any message.

It refuses demo keys outside a demo network, and to call done what it did not find in a verified block with code 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from enum import Enum
from typing import Final

import msgspec

from chainpos.core.chain.envelope import BODY_VERSION, Body, encode_envelope, tx_hash
from chainpos.core.contracts import codes as envelope_codes
from chainpos.core.contracts.institutions.records import DIRECTORY, DIRECTORY_KEY, INSTITUTIONS, institution_key
from chainpos.core.contracts.registry import CODES_BY_NUMBER, MESSAGES
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import EXIT_USAGE, Code, UserFacingError
from chainpos.node.clock import Clock
from chainpos.wallet.home import WalletHome
from chainpos.wallet.keys import Key, require_allowed
from chainpos.wallet.keystore import open_keystore
from chainpos.wallet.network import Network
from chainpos.wallet.trust import load_trust

# Long enough for a slow network, short enough that nobody has forgotten it when it arrives.
LIFE_S: Final = 120
WAIT_S: Final = 20.0
NONCE_BYTES: Final = 16
FIRST_LOOK_S: Final = 0.05
LONGEST_LOOK_S: Final = 0.4
MAY_HAVE_ARRIVED: Final = "It may have been sent all the same, and come true in two minutes: look before you repeat it."


class ActEnd(Enum):
    """How an act stands. Only DONE changed anything; UNKNOWN may still do so until it expires."""

    DONE = "done"
    REFUSED = "refused"  # in a verified block, with a code
    REFUSED_AT_DOOR = "refused_at_door"  # by the node that was asked, as it says
    UNKNOWN = "unknown"  # no block was seen to have it


class ActResult(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an act, as far as it is known; `data` is what the rule returned, e.g. a number."""

    end: ActEnd
    tx_hash: bytes
    expires_s: int
    height: int = 0
    code: int = 0
    data: bytes = b""

    @property
    def refusal(self) -> Code | None:
        """The contract's sentences for a refusal."""
        return CODES_BY_NUMBER.get(self.code) if self.code else None


class Office:
    """One key on one network."""

    def __init__(self, network: Network, key: Key) -> None:
        """Raises UserFacingError for a demo key outside a demo network."""
        self.network = network
        self.key = require_allowed(key, network.genesis)

    @classmethod
    def open(cls, home: WalletHome, clock: Clock, passphrase: str) -> Office:
        """The key in a folder that `chainpos wallet new` made. Raises UserFacingError."""
        genesis, settings = home.genesis(), home.settings()
        trusted = load_trust(home.trust_path, genesis.chain_id)
        network = Network(genesis, settings.nodes, clock, trusted=trusted, checkpoint=settings.checkpoint)
        return cls(network, open_keystore(home.key_path, passphrase))

    async def close(self) -> None:
        """Close the connections."""
        await self.network.close()

    async def act(self, kind: str, message: msgspec.Struct, *, wait_s: float = WAIT_S) -> ActResult:
        """Sign a message, send it, follow it into a verified block. Raises UserFacingError where no node answers.

        While nodes have no room it is sent again: refused is only what somebody judged.
        """
        if type(message) is not MESSAGES[kind].type:
            raise TypeError(f"{kind} is not a {type(message).__name__}")
        expires_s = self.network.clock.now_ns() // SECOND_NS + LIFE_S
        body = Body(
            BODY_VERSION,
            self.network.chain_id,
            self.key.public_key,
            expires_s,
            secrets.token_bytes(NONCE_BYTES),
            kind,
            msgspec.msgpack.encode(message),
        )
        wire = encode_envelope(body, self.key.sign)
        try:
            code = (await self.network.broadcast(wire)).code
        except UserFacingError as error:
            # An answer that did not come says nothing of what was sent.
            raise UserFacingError(
                error.what, money_moved=MAY_HAVE_ARRIVED, next_step=error.next_step, exit_code=error.exit_code
            ) from error
        pause_s = FIRST_LOOK_S
        with contextlib.suppress(TimeoutError, UserFacingError):
            async with asyncio.timeout(wait_s):
                while (found := await self.network.included(tx_hash(wire))) is None:
                    if code not in (0, envelope_codes.REPLAYED.number, *envelope_codes.FOR_NOW):
                        return ActResult(
                            end=ActEnd.REFUSED_AT_DOOR, tx_hash=tx_hash(wire), expires_s=expires_s, code=code
                        )
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 1.5, LONGEST_LOOK_S)
                    if code in envelope_codes.FOR_NOW:
                        code = (await self.network.broadcast(wire)).code
                return ActResult(
                    end=ActEnd.DONE if found.result.is_ok else ActEnd.REFUSED,
                    tx_hash=tx_hash(wire),
                    expires_s=expires_s,
                    height=found.height,
                    code=found.result.code,
                    data=found.result.data,
                )
        return ActResult(end=ActEnd.UNKNOWN, tx_hash=tx_hash(wire), expires_s=expires_s)

    async def institution(self) -> str:
        """The institution that the key acts for, by proof. Raises UserFacingError where there is none."""
        await self.network.sync()
        directory = await self.network.record(DIRECTORY, DIRECTORY_KEY)
        for name in () if directory.record is None else directory.record.institutions:
            found = await self.network.record(INSTITUTIONS, institution_key(name))
            if found.record is not None and found.record.key == self.key.public_key:
                return name
        raise UserFacingError(
            f"This key acts for no institution of {self.network.chain_id}.",
            next_step="Name the folder of an institution's key with --home.",
            exit_code=EXIT_USAGE,
        )

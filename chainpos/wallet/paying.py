"""A payment from yes to its end: signed, sent, and followed until a verified block tells what became of it.

It refuses to call anything paid that it did not find in a verified block with code 0; every other end is named.
"""

from __future__ import annotations

import asyncio
import contextlib
from enum import Enum
from typing import Final

import msgspec

from chainpos.core.chain.envelope import BODY_VERSION, LONGEST_LIFE_S, Body, decode_envelope, encode_envelope, tx_hash
from chainpos.core.contracts import codes as envelope_codes
from chainpos.core.contracts.customers.records import CUSTOMER_KEYS
from chainpos.core.contracts.payments.messages import Pay, decode_request, static_payment_id
from chainpos.core.contracts.payments.records import PAYMENTS
from chainpos.core.contracts.ports import STATIC_QR
from chainpos.core.contracts.registry import CODES_BY_NUMBER
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import EXIT_USAGE, Code, UserFacingError
from chainpos.rpc.client import Disconnected, http_get
from chainpos.wallet.keys import Key
from chainpos.wallet.network import Network
from chainpos.wallet.offer import PaymentOffer

# A payment of a request that never ends is signed for this long.
STATIC_LIFE_S: Final = 120
FIRST_LOOK_S: Final = 0.03
LONGEST_LOOK_S: Final = 0.3
SEND_AGAIN_S: Final = 1.0
COPY_TIMEOUT_S: Final = 3.0
COPY_ANSWER_BYTES: Final = 8192
# Replayed is what it is called when an earlier attempt had worked after all. A node without room says nothing of the
# payment, which may wait with another: called refused, it would be made again, and a printed code takes both.
_NO_NEWS: Final = envelope_codes.FOR_NOW | {0, envelope_codes.REPLAYED.number}


class End(Enum):
    """How a payment stands. Only PAID moved money; UNKNOWN and UNPAID may still become anything."""

    PAID = "paid"
    REFUSED = "refused"  # in a verified block, with a code: no money moved, and it cannot be sent again
    REFUSED_AT_DOOR = "refused_at_door"  # no node took it in, as they say: what the ledger has of it is not proved
    UNPAID = "unpaid"  # proved: not on the ledger as of `height`
    NEVER_REACHED = "never_reached"  # proved: it expired outside the ledger, and can never be on it
    UNKNOWN = "unknown"  # no node could be asked


class PaymentResult(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a payment, as far as it is known. `height` is the block's, or that of the proof of absence."""

    end: End
    tx_hash: bytes
    request_id: bytes
    height: int = 0
    code: int = 0

    @property
    def refusal(self) -> Code | None:
        """The contract's sentences for a refusal."""
        return CODES_BY_NUMBER.get(self.code) if self.code else None


def sign_payment(offer: PaymentOffer, key: Key, chain_id: str, *, tip_minor: int, nonce: bytes, now_s: int) -> bytes:
    """The signed transaction that pays the offer. `nonce` is 16 fresh random bytes.

    Raises UserFacingError where no amount was chosen.
    """
    request = offer.signed.request
    if not offer.amount.minor:
        raise UserFacingError(
            "The shop leaves the amount to you.", next_step="Say how much with --amount.", exit_code=EXIT_USAGE
        )
    message = Pay(
        offer.signed.encoded,
        offer.signed.signature,
        request.merchant,
        offer.amount.minor,
        tip_minor,
        request.currency,
    )
    # Not longer than the request lives: a payment that cannot succeed any more should not be able to arrive.
    expires_s = min(request.expires_s or now_s + STATIC_LIFE_S, now_s + LONGEST_LIFE_S)
    encoded = msgspec.msgpack.encode(message)
    body = Body(BODY_VERSION, chain_id, key.public_key, expires_s, nonce, "payments.pay", encoded)
    return encode_envelope(body, key.sign)


async def send_and_follow(network: Network, wire: bytes, offer: PaymentOffer, *, wait_s: float) -> PaymentResult:
    """Send a signed payment and say what became of it, waiting at most `wait_s` for a verified block.

    The link's host gets a copy, so that its till sees the payment coming; what it says of it changes nothing.
    """
    async with asyncio.TaskGroup() as group:
        copy = group.create_task(_copy_to_host(offer, wire), name="copy to the shop")
        try:
            code = await _send(network, wire, copy)
        except UserFacingError:
            # It left this machine all the same: the host has it, and may pass it on later.
            return _result(End.UNKNOWN, wire, offer.signed.id, height=network.light.trusted.height)
        if code:
            return _result(End.REFUSED_AT_DOOR, wire, offer.signed.id, code=code)
        result = await follow(network, wire, offer.signed.id, wait_s=wait_s)
        copy.cancel()
    return result


async def follow(network: Network, wire: bytes, requested: bytes, *, wait_s: float) -> PaymentResult:
    """Wait until a verified block has the transaction, at most `wait_s`; then what became of it.

    Meanwhile it is sent again now and then, which changes nothing where it still waits: a node that has dropped it,
    because another payment came first, says why.
    """
    with contextlib.suppress(TimeoutError, UserFacingError):
        async with asyncio.timeout(wait_s):
            while True:
                if (result := await _look_for(network, wire, requested)) is not None:
                    return result
                code = (await network.broadcast(wire)).code
                if code not in _NO_NEWS:
                    # It may have come into a block just before it was refused.
                    found = await _in_block(network, wire, requested)
                    return found or _result(End.REFUSED_AT_DOOR, wire, requested, code=code)
    return await absence(network, wire, requested)


async def _look_for(network: Network, wire: bytes, requested: bytes) -> PaymentResult | None:
    """Look often, then less often, until it is time to send it again."""
    pause_s, waited_s = FIRST_LOOK_S, 0.0
    while waited_s < SEND_AGAIN_S:
        if (result := await _in_block(network, wire, requested)) is not None:
            return result
        await asyncio.sleep(pause_s)
        waited_s += pause_s
        pause_s = min(pause_s * 1.5, LONGEST_LOOK_S)
    return None


async def absence(network: Network, wire: bytes, requested: bytes) -> PaymentResult:
    """Which kind of absence it is, when no node shows the transaction in a block; proved, where one can be asked."""
    body = decode_envelope(wire).body
    try:
        if (result := await _in_block(network, wire, requested)) is not None:
            return result
        payment = await network.record(PAYMENTS, _payment_id(wire, requested))
        holder = await network.record(CUSTOMER_KEYS, body.signer)
    except UserFacingError:
        return _result(End.UNKNOWN, wire, requested, height=network.light.trusted.height)
    if payment.record is not None and holder.record is not None and payment.record.payer == holder.record.account:
        # The node kept the transaction from us, but not what it did.
        return _result(End.PAID, wire, requested, height=payment.record.height)
    # No block from the proof's own time on can take it any more; refused in an earlier one it moved nothing either.
    expired = payment.time_ns // SECOND_NS >= body.expires_s
    return _result(End.NEVER_REACHED if expired else End.UNPAID, wire, requested, height=payment.height)


async def _in_block(network: Network, wire: bytes, requested: bytes) -> PaymentResult | None:
    found = await network.included(tx_hash(wire))
    if found is None:
        return None
    end = End.PAID if found.result.is_ok else End.REFUSED
    return _result(end, wire, requested, height=found.height, code=found.result.code)


def _result(end: End, wire: bytes, requested: bytes, *, height: int = 0, code: int = 0) -> PaymentResult:
    return PaymentResult(end=end, tx_hash=tx_hash(wire), request_id=requested, height=height, code=code)


def _payment_id(wire: bytes, requested: bytes) -> bytes:
    envelope = decode_envelope(wire)
    message = msgspec.msgpack.decode(envelope.body.message, type=Pay)
    if decode_request(message.request).instrument == STATIC_QR:
        return static_payment_id(requested, envelope.body_hash)
    return requested


async def _send(network: Network, wire: bytes, copy: asyncio.Task[bool]) -> int:
    """The code of our own node, 0 where it or the link's host took the transaction in."""
    try:
        code = (await network.broadcast(wire)).code
    except UserFacingError:
        if await copy:
            return 0
        raise
    if code in _NO_NEWS or await copy:
        return 0
    return code


async def _copy_to_host(offer: PaymentOffer, wire: bytes) -> bool:
    url = f"http://{offer.link.host}:{offer.link.port}/broadcast_tx_sync?tx=0x{wire.hex()}"
    try:
        answer = await http_get(url, COPY_ANSWER_BYTES, COPY_TIMEOUT_S)
        document = msgspec.json.decode(answer.body, type=_BroadcastAnswer)
    except (Disconnected, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return document.result is not None and document.result.code == 0


class _Checked(msgspec.Struct):
    code: int = -1


class _BroadcastAnswer(msgspec.Struct):
    result: _Checked | None = None

"""The customer's wallet: show, offer, pay, code, history. It asks before it pays and believes only what is proved.

It refuses demo keys outside a demo network, and to sign anything but what an offer said.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.envelope import decode_envelope
from chainpos.core.checkout.code import format_code, make_code
from chainpos.core.checkout.offered import read_offered
from chainpos.core.checkout.receipt_proof import encode_proof
from chainpos.core.checkout.request import MalformedLink, names
from chainpos.core.contracts.compliance.records import Freeze
from chainpos.core.contracts.payments.messages import CODE_LIFE_S, CODE_NONCE_BYTES
from chainpos.core.contracts.ports import account_subject
from chainpos.core.values.amount import Amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import EXIT_USAGE, MalformedBytes, UserFacingError
from chainpos.node.clock import Clock
from chainpos.wallet.history import Entry, History, State
from chainpos.wallet.home import WalletHome
from chainpos.wallet.keys import Key, require_allowed
from chainpos.wallet.keystore import open_keystore, read_head
from chainpos.wallet.network import Network
from chainpos.wallet.offer import Account, PaymentOffer, freeze_in_force, make_offer, read_account
from chainpos.wallet.paying import End, PaymentResult, absence, send_and_follow, sign_payment
from chainpos.wallet.trust import load_trust, save_trust

NONCE_BYTES: Final = 16
WAIT_S: Final = 15.0
Entropy = Callable[[int], bytes]
_ENDS: Final[dict[End, State]] = {End.PAID: "paid", End.REFUSED: "refused", End.NEVER_REACHED: "never_reached"}


class AccountView(msgspec.Struct, frozen=True):
    """An account and what it holds, proved as of `height`; `freeze` where no money can leave it now."""

    account: Account
    balance: Amount
    height: int
    freeze: Freeze | None = None


class CodeView(msgspec.Struct, frozen=True):
    """A code to show: its text for the QR, what it is good for at most, until when (unix s)."""

    text: str
    limit: Amount
    expires_s: int


class Wallet:
    """One key on one network. Without `key` it can look but not pay; without `history` it remembers nothing."""

    def __init__(
        self,
        network: Network,
        public_key: bytes,
        *,
        key: Key | None = None,
        history: History | None = None,
        trust_path: Path | None = None,
        entropy: Entropy = secrets.token_bytes,
    ) -> None:
        """Raises UserFacingError for a demo key outside a demo network."""
        if key is not None:
            require_allowed(key, network.genesis)
        self.network = network
        self.public_key = public_key
        self._key = key
        self._history = history
        self._trust_path = trust_path
        self._entropy = entropy

    @classmethod
    def open(cls, home: WalletHome, clock: Clock, *, passphrase: str | None = None) -> Wallet:
        """The wallet in a folder; without a passphrase it can only look. Raises UserFacingError."""
        genesis, settings = home.genesis(), home.settings()
        key = None if passphrase is None else open_keystore(home.key_path, passphrase)
        public_key = read_head(home.key_path).public_key if key is None else key.public_key
        network = Network(
            genesis,
            settings.nodes,
            clock,
            trusted=load_trust(home.trust_path, genesis.chain_id),
            checkpoint=settings.checkpoint,
        )
        return cls(network, public_key, key=key, history=History(home.history_path), trust_path=home.trust_path)

    async def close(self) -> None:
        """Close the connections, and remember what is believed by now."""
        if self._trust_path is not None:
            save_trust(self._trust_path, self.network.light.trusted)
        await self.network.close()

    async def show(self, currency: str) -> AccountView:
        """The account and its balance, proved. Raises UserFacingError."""
        await self.network.sync()
        account, balance, height = await read_account(self.network, self.public_key, currency)
        freeze, freeze_height = await freeze_in_force(self.network, account_subject(account.address))
        return AccountView(account, balance, min(height, freeze_height), freeze)

    async def offer(self, link_text: str) -> PaymentOffer:
        """What a link asks, after every check. Raises RefusedOffer, UserFacingError."""
        return await make_offer(link_text, self.network, self.public_key)

    async def pay(self, offer: PaymentOffer, *, tip_minor: int = 0, wait_s: float = WAIT_S) -> PaymentResult:
        """Pay an offer to which the customer said yes. Raises UserFacingError where the wallet is locked."""
        now_ns = self.network.clock.now_ns()
        wire = sign_payment(
            offer,
            self._require_key(),
            self.network.chain_id,
            tip_minor=tip_minor,
            nonce=self._entropy(NONCE_BYTES),
            now_s=now_ns // SECOND_NS,
        )
        if self._history is not None:
            self._history.add(_entry(offer, wire, tip_minor, now_ns))
        result = await send_and_follow(self.network, wire, offer, wait_s=wait_s)
        self._note(result)
        return result

    def code(self, limit: Amount) -> CodeView:
        """A code that a shop may scan once within a minute, for up to `limit`. Needs no connection."""
        key = self._require_key()
        now_s = self.network.clock.now_ns() // SECOND_NS
        signed = make_code(
            self.network.chain_id,
            key.public_key,
            limit,
            nonce=self._entropy(CODE_NONCE_BYTES),
            issued_s=now_s,
            sign=key.sign,
        )
        return CodeView(format_code(signed), limit, now_s + CODE_LIFE_S)

    async def history(self) -> tuple[Entry, ...]:
        """All payments of this wallet, newest first; those whose end was unknown are looked up on the ledger."""
        if self._history is None:
            return ()
        for entry in self._history.unknown():
            try:
                wire, requested = bytes.fromhex(entry.wire), bytes.fromhex(entry.request_id)
                self._note(await absence(self.network, wire, requested))
            except (ValueError, MalformedBytes, msgspec.DecodeError) as error:
                raise UserFacingError(
                    f"The history has an entry that is no payment ({entry.reference!r}).",
                    next_step="Restore it, or move it away: the ledger still has every payment.",
                ) from error
        return self._history.entries()

    async def proof(self, named: str) -> bytes:
        """A shop can check it without a network: that this wallet paid what `named` names, a link or a reference.

        Raises UserFacingError where this wallet paid no such thing.
        """
        for entry in await self.history():
            if entry.state == "paid" and _names(named, entry):
                proof = await self.network.proof(bytes.fromhex(entry.tx_hash))
                if proof is not None:
                    return encode_proof(proof)
        raise UserFacingError(
            f"This wallet has not paid {clean(named, max_characters=60)!r}, or no node shows it yet.",
            next_step="`chainpos wallet history` lists what it paid.",
            money_moved="",
        )

    def _note(self, result: PaymentResult) -> None:
        state = _ENDS.get(result.end)
        if self._history is not None and state is not None:
            self._history.end(result.tx_hash.hex(), state, height=result.height, code=result.code)

    def _require_key(self) -> Key:
        if self._key is None:
            raise UserFacingError("The wallet is locked.", next_step="Give its passphrase.", exit_code=EXIT_USAGE)
        return self._key


def _names(named: str, entry: Entry) -> bool:
    """Whether a link, an EMVCo code or a reference is that of a payment."""
    if named.strip() == entry.reference:
        return True
    try:
        return names(read_offered(named).link.id, bytes.fromhex(entry.request_id))
    except (MalformedLink, ValueError):
        return False


def _entry(offer: PaymentOffer, wire: bytes, tip_minor: int, now_ns: int) -> Entry:
    envelope = decode_envelope(wire)
    request = offer.signed.request
    return Entry(
        tx_hash=envelope.hash.hex(),
        wire=wire.hex(),
        at_ns=now_ns,
        expires_s=envelope.body.expires_s,
        request_id=offer.signed.id.hex(),
        merchant=offer.merchant,
        name=offer.name_zh or offer.name_en,
        reference=request.reference,
        amount_minor=offer.amount.minor,
        tip_minor=tip_minor,
        currency=request.currency,
    )

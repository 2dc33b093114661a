"""Payments that must not be: each refused with its own code and sentence, no money moved, one result in a block."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest

from chainpos.core.chain.envelope import tx_hash
from chainpos.core.contracts.compliance.messages import Freeze
from chainpos.core.contracts.payments.messages import Cancel, Pay
from chainpos.core.contracts.ports import account_subject
from chainpos.engine.embedded import BlockMaker
from chainpos.engine.keys import load_validator_key
from chainpos.engine.sign_state import Signer
from chainpos.inspect.sentences import sentence_of
from chainpos.node.clock import SystemClock
from chainpos.node.ledger import Ledger
from chainpos.node.verify import verify_home
from chainpos.pilot.acts import Hands, Sale
from chainpos.pilot.city import Customer
from chainpos.pilot.genesis import customer_key, role_key, till_key
from chainpos.rpc.client import RpcClient
from tests.acceptance.conftest import Pilot, accounts, read_ledger, require_whole_and_alike, until


class Case(NamedTuple):
    """What goes before, accepted; and what must be refused then, by which code."""

    name: str
    code: int
    before: Callable[[Street], list[bytes]]
    refused: Callable[[Street], bytes]


class Street:
    """Who is there: a rich customer, a poor one, and what they and the till can sign."""

    def __init__(self, pilot: Pilot) -> None:
        self.pilot = pilot
        self.hands = pilot.hands
        self.merchant = pilot.merchant
        of_tier = {row.tier: row for row in pilot.customers}
        self.rich, self.small = of_tier["tier_1"], of_tier["phone_only"]
        self.spare = [row for row in pilot.customers if row.tier == "tier_2"]
        self.now_s = int(time.time())
        self._number = 0
        self.sale = self.request(1250)
        self.earlier: bytes = b""

    def request(self, minor: int, *, ago_s: int = 0) -> Sale:
        self._number += 1
        return self.hands.request(self.merchant, minor, f"R{self.now_s}-{self._number}", self.now_s - ago_s)

    def new_sale(self) -> None:
        self.sale = self.request(1250)

    def pay(self, customer: Customer | None = None, **changes: object) -> bytes:
        """The payment of the sale in hand with something changed in it."""
        signed = self.sale.signed
        pay = Pay(signed.encoded, signed.signature, self.merchant.merchant, self.sale.minor, 0, "CNY")
        key = customer_key((customer or self.rich).customer)
        return self.hands.sign(key, "payments.pay", msgspec.structs.replace(pay, **changes), self.now_s)

    def paid(self) -> list[bytes]:
        self.earlier = self.pay()
        return [self.earlier]

    def cancelled(self) -> list[bytes]:
        cancel = Cancel(self.sale.signed.encoded)
        return [self.hands.sign(till_key(self.merchant.merchant), "payments.cancel", cancel, self.now_s)]

    def frozen(self) -> list[bytes]:
        subject = account_subject(customer_key(self.spare[0].customer).address)
        order = Freeze(subject, "Order 2026-17", self.now_s + 3600)
        return [self.hands.sign(role_key("regulator"), "compliance.freeze", order, self.now_s)]

    def late(self) -> bytes:
        self.sale = self.request(1250, ago_s=400)
        return self.pay()

    def large(self, minor: int, customer: Customer) -> bytes:
        self.sale = self.request(minor)
        return self.pay(customer)

    def elsewhere(self) -> bytes:
        hands = Hands("another-chain", lambda: secrets.token_bytes(16))
        return hands.pay(hands.request(self.merchant, 1250, "R1", self.now_s), self.rich, self.now_s)

    def forged(self) -> bytes:
        wire = self.pay()
        return wire[:10] + bytes([wire[10] ^ 1]) + wire[11:]

    def of_nobodys_till(self) -> bytes:
        signed = self.sale.signed
        return self.pay(till_signature=signed.signature[:-1] + bytes([signed.signature[-1] ^ 1]))

    def stale(self) -> bytes:
        return self.hands.sign(customer_key(self.rich.customer), "payments.pay", self._any(), self.now_s - 7200)

    def unheard_of(self) -> bytes:
        return self.hands.sign(customer_key(self.rich.customer), "payments.gift", self._any(), self.now_s)

    def _any(self) -> Pay:
        signed = self.sale.signed
        return Pay(signed.encoded, signed.signature, self.merchant.merchant, self.sale.minor, 0, "CNY")


def nothing(_: Street) -> list[bytes]:
    return []


CASES = (
    Case("under-paid", 504, nothing, lambda street: street.pay(amount_minor=1249)),
    Case("over-paid", 505, nothing, lambda street: street.pay(amount_minor=1251)),
    Case("late", 506, nothing, Street.late),
    Case("second", 507, Street.paid, lambda street: street.pay(street.spare[1])),
    Case("second by the same customer", 507, Street.paid, Street.pay),
    Case("cancelled", 508, Street.cancelled, Street.pay),
    Case("with a tip that nobody may give", 509, nothing, lambda street: street.pay(tip_minor=100)),
    Case("wrong currency", 503, nothing, lambda street: street.pay(currency="USD")),
    Case("wrong merchant", 502, nothing, lambda street: street.pay(merchant="HF02")),
    Case("frozen account", 0, Street.frozen, lambda street: street.pay(street.spare[0])),
    Case("over the payer's limit", 0, nothing, lambda street: street.large(200_001, street.small)),
    Case("over the till's limit", 510, nothing, lambda street: street.large(5_000_001, street.rich)),
    Case("more than there is", 0, nothing, lambda street: street.large(200_000, street.small)),
    Case("replayed", 7, Street.paid, lambda street: street.earlier),
    Case("of another chain", 3, nothing, Street.elsewhere),
    Case("forged", 4, nothing, Street.forged),
    Case("asked for by nobody's till", 4, nothing, Street.of_nobodys_till),
    Case("arrived after its own expiry", 5, nothing, Street.stale),
    Case("of an unknown kind", 8, nothing, Street.unheard_of),
    Case("undecodable", 1, nothing, lambda _: b"\xff" * 200),
    Case("oversized", 2, nothing, lambda _: b"\x00" * 4097),
)
# Codes of other capabilities, by name: their numbers are theirs to choose.
NAMES = {
    "frozen account": "frozen_account",
    "over the payer's limit": "over_single_limit",
    "more than there is": "insufficient_funds",
}


def require_sentence(case: Case, code: int) -> None:
    """The code is the case's own, and says in both languages what happened and what to do."""
    said = sentence_of(code)
    assert code == case.code if case.code else said.name == NAMES[case.name], (case.name, said.name)
    for text in (said.what_en, said.next_en):
        assert text.isascii()
        assert text.endswith(".")
    for text in (said.what_zh, said.next_zh):
        assert any("\u4e00" <= character <= "\u9fff" for character in text)


async def send(client: RpcClient, wire: bytes) -> int:
    return (await client.broadcast_tx_sync(wire)).code


async def in_block(client: RpcClient, wire: bytes) -> None:
    async def found() -> bool:
        return bool((await client.tx_search(f"tx.hash='{tx_hash(wire).hex().upper()}'")).total)

    await until(found)


async def level(one: RpcClient, other: RpcClient) -> bool:
    return (await one.report()).height == (await other.report()).height


async def test_each_wrong_payment_is_refused_at_the_door_of_either_node_and_moves_no_money(pilot: Pilot) -> None:
    addresses = (pilot.network.validator_address, pilot.network.peer_address)
    clients = [await RpcClient.connect(f"ws://{address}/websocket") for address in addresses]
    street = Street(pilot)
    refused: dict[bytes, str] = {}
    try:
        for case in CASES:
            street.new_sale()
            for wire in case.before(street):
                assert await send(clients[0], wire) == 0, case.name
                for client in clients:
                    await in_block(client, wire)
            held = accounts(pilot.paths.validator.database)
            wire = case.refused(street)
            if wire != street.earlier:
                refused[wire] = case.name
            for client in clients:
                require_sentence(case, await send(client, wire))
            assert accounts(pilot.paths.validator.database) == held, case.name
        await until(lambda: level(*clients))
    finally:
        for client in clients:
            await client.close()
    await pilot.network.stop()
    ledger = require_whole_and_alike(pilot.paths)
    for wire, name in refused.items():
        assert tx_hash(wire) not in ledger.codes, name
        assert wire not in ledger.codes, name


@pytest.mark.slow
async def test_in_a_block_each_wrong_payment_has_one_result_and_moves_no_money_on_either_node(pilot: Pilot) -> None:
    """A proposer that lets everything in: the same ledger, engine and key as the validator's, without its door."""
    await pilot.network.children["validator"].stop()
    street = Street(pilot)
    first: list[bytes] = []
    wrong: list[tuple[Case, bytes]] = []
    for case in CASES:
        street.new_sale()
        first += case.before(street)
        wrong.append((case, case.refused(street)))
    home = pilot.paths.validator
    signer = Signer(load_validator_key(home.validator_key), home.sign_state)
    ledger = Ledger.open(home.database)
    try:
        maker = BlockMaker(ledger, signer, SystemClock())
        maker.make([])  # its vote carries the present
        assert {result.code for result in maker.make(first).results.results} == {0}
        held = accounts(home.database)
        appended = maker.make([wire for _, wire in wrong])
        assert len(appended.results.results) == len(wrong)
        for (case, _), result in zip(wrong, appended.results.results, strict=True):
            require_sentence(case, result.code)
            assert result.data == b""
        assert accounts(home.database) == held
        height = ledger.tip.height
    finally:
        ledger.close()
        signer.close()
    await pilot.network.start_validator()

    async def followed() -> bool:
        async with await RpcClient.connect(f"ws://{pilot.network.peer_address}/websocket") as client:
            return (await client.report()).height > height

    await until(followed)
    assert accounts(pilot.paths.peer.database) == held
    await pilot.network.stop()
    for paths in (pilot.paths.validator, pilot.paths.peer):
        assert verify_home(paths.folder).whole
        codes = read_ledger(paths.database, pilot.genesis.chain_id).codes
        for case, wire in wrong:
            found = codes.get(wire) or codes[tx_hash(wire)]
            accepted_before = 1 if wire in first else 0
            assert len(found) == 1 + accepted_before, case.name
            require_sentence(case, found[-1])


@pytest.mark.slow
async def test_two_customers_who_pay_one_request_in_the_same_moment_pay_it_once(pilot: Pilot) -> None:
    street = Street(pilot)
    async with await RpcClient.connect(f"ws://{pilot.network.validator_address}/websocket") as client:
        for attempt in range(10):
            street.new_sale()
            filler = street.pay()
            street.new_sale()
            rivals = [street.pay(street.spare[attempt + 1]), street.pay(street.spare[attempt + 2])]
            # The filler has its block at once; what comes within the interval after it waits for one together.
            await send(client, filler)
            codes = await asyncio.gather(*(send(client, wire) for wire in rivals))
            if set(codes) == {0}:
                break
        assert codes == [0, 0]
        async with await RpcClient.connect(f"ws://{pilot.network.peer_address}/websocket") as peer:
            for wire in rivals:
                await in_block(peer, wire)
            await until(lambda: level(client, peer))
    await pilot.network.stop()
    ledger = require_whole_and_alike(pilot.paths)
    assert sorted(ledger.codes[tx_hash(wire)] for wire in rivals) == [[0], [507]]

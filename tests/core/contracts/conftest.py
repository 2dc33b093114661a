"""A small network for the rules' tests: two institutions, customers, merchants, offices; real state, known keys.

result = world.run(Freeze(...), "regulator")     # one rule, rolled back where it refuses; no signature asked
world.refused(Freeze(...), "alice", MISSING_ROLE)  # the same, and not one record differs afterwards
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec
import pytest
from ed25519_zebra import ed_from_seed, ed_sign

from chainpos.core.chain.results import Event, TxResult
from chainpos.core.contracts import registry
from chainpos.core.contracts.balances import port as balances
from chainpos.core.contracts.balances.events import POSTED, Leg, decode_legs
from chainpos.core.contracts.balances.records import customer_account, merchant_account
from chainpos.core.contracts.context import BlockFacts, Context, Message
from chainpos.core.state.journal import Journal
from chainpos.core.state.state import State
from chainpos.core.values.hashes import address_of, sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import Code, Rejected

CHAIN_ID = "testnet-1"
GENESIS_S = 1_790_000_000  # 2026-09-21T14:13:20Z, 22:13:20 in China
CNY = "CNY"
BANK, WALLET = "eastbank", "westpay"
KINDS: dict[type[msgspec.Struct], Message] = {message.type: message for message in registry.MESSAGES.values()}

# name: (institution, tier, code class, opening balance)
CUSTOMERS: Mapping[str, tuple[str, str, str, int]] = {
    "alice": (BANK, "tier_3", "B", 1_000_000),
    "bob": (WALLET, "tier_3", "C", 500_000),
    "carol": (BANK, "tier_2", "A", 5_000_000),
    "dave": (WALLET, "phone_only", "C", 200_000),
    "erin": (BANK, "tier_1", "A", 100_000_000),
}
# merchant: (acquirer, settlement mode, English name, Chinese name, category). Keys are "<merchant>.owner" and ".till".
MERCHANTS: Mapping[str, tuple[str, str, str, str, str]] = {
    "TEAHOUSE": (BANK, "netted", "Willow Tea House", "柳荫茶馆", "5814"),
    "NOODLES": (WALLET, "instant", "Old Bridge Noodles", "老桥面馆", "5812"),
}
OFFICES = ("operator", "regulator", "central_bank", "city")


class Key(NamedTuple):
    """A key pair that everybody knows."""

    seed: bytes
    public: bytes

    @property
    def address(self) -> bytes:
        return address_of(self.public)

    def sign(self, message: bytes) -> bytes:
        return bytes(ed_sign(self.seed, message))


@cache
def key_of(name: str) -> Key:
    seed = sha256(b"chainpos test key " + name.encode())
    _, public = ed_from_seed(seed)
    return Key(seed, bytes(public))


def tier(name: str, single_minor: int | None, daily_minor: int | None, balance_minor: int | None) -> dict[str, Any]:
    limits = {
        "currency": CNY, "single_minor": single_minor, "daily_minor": daily_minor, "balance_minor": balance_minor,
    }  # fmt: skip
    return {"tier": name, "steps": [{"effective_from_s": 0, "limits": [limits]}]}


def code_class(name: str, daily_minor: int | None) -> dict[str, Any]:
    caps = [{"currency": CNY, "daily_minor": daily_minor}]
    return {"code_class": name, "steps": [{"effective_from_s": 1_522_512_000, "caps": caps}]}


def institution(name: str, kind: str, name_en: str, name_zh: str) -> dict[str, Any]:
    return {
        "institution": name,
        "kind": kind,
        "name_en": name_en,
        "name_zh": name_zh,
        "key": key_of(name).public.hex(),
        "debit_caps": [{"currency": CNY, "cap_minor": 5_000_000}],
    }


def merchant(name: str) -> dict[str, Any]:
    acquirer, mode, name_en, name_zh, category = MERCHANTS[name]
    return {
        "merchant": name,
        "acquirer": acquirer,
        "name_en": name_en,
        "name_zh": name_zh,
        "category": category,
        "city": "Hefei",
        "owner": key_of(f"{name}.owner").public.hex(),
        "fee_class": "standard",
        "settlement_mode": mode,
        "payout_account": f"CN-{name}-001",
        "tills": [
            {
                "key": key_of(f"{name}.till").public.hex(),
                "label": "Counter 1",
                "max_payment_minor": 10_000_000,
                "refund_daily_minor": 100_000,
            }
        ],
    }


def opening() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The customers' accounts, and what was issued to them."""
    accounts, issues = [], []
    for name, (where, level, class_name, amount_minor) in CUSTOMERS.items():
        key = key_of(name)
        accounts.append(
            {
                "key": key.public.hex(),
                "institution": where,
                "tier": level,
                "code_class": class_name,
                "attestation": sha256(name.encode()).hex(),
            }
        )
        issues.append(
            {"institution": where, "account": key.address.hex(), "currency": CNY, "amount_minor": amount_minor}
        )
    return accounts, issues


def make_app_state() -> dict[str, Any]:
    """Genesis' app_state, to be changed by a test as it likes."""
    accounts, issues = opening()
    everywhere = ["dynamic_qr", "static_qr", "customer_code"]
    return {
        "network": {"name": "Test City", "demo": True, "utc_offset_s": 28_800},
        "governance": {"roles": {role: [key_of(role).public.hex()] for role in OFFICES}},
        "institutions": {
            "institutions": [
                institution(BANK, "bank", "East Lake Bank", "东湖银行"),
                institution(WALLET, "wallet", "West Pay", "西岸支付"),
            ]
        },
        "customers": {
            "tiers": [
                tier("phone_only", 200_000, 500_000, 1_000_000),
                tier("tier_3", 500_000, 1_000_000, 2_000_000),
                tier("tier_2", 5_000_000, 10_000_000, 50_000_000),
                tier("tier_1", None, None, None),
            ],
            "code_classes": [
                code_class("A", None),
                code_class("B", 500_000),
                code_class("C", 100_000),
                code_class("D", 50_000),
            ],
            "accounts": accounts,
        },
        "balances": {
            "issues": issues,
            "reserves": [
                {"institution": BANK, "currency": CNY, "amount_minor": 10_000_000},
                {"institution": WALLET, "currency": CNY, "amount_minor": 1_000_000},
            ],
        },
        "fees": {
            "schedules": [
                {
                    "fee_class": "standard",
                    "instruments": everywhere,
                    "currencies": [CNY],
                    "rules": [{"ppm": 3_800, "network_share_ppm": 200_000}],
                }
            ]
        },
        "merchants": {"merchants": [merchant(name) for name in MERCHANTS]},
        "settlement": {"cycles": [{"currency": CNY, "interval_s": 3_600}]},
    }


def genesis_values(app_state: Mapping[str, Any]) -> dict[bytes, bytes]:
    """The records that an app_state leads to."""
    state = State(registry.TABLES)
    journal = Journal(state)
    facts = BlockFacts(CHAIN_ID, 0, GENESIS_S * SECOND_NS)
    ctx = Context(journal, facts, registry.PORTS, signer=b"", tx_hash=b"", body_hash=b"")
    registry.load_genesis(ctx, json.dumps(app_state).encode())
    return {change.key: change.after for change in journal.changes() if change.after is not None}


class World:
    """The network at one moment. Every accepted message is a block of its own; time moves by `advance` alone."""

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self.state = State(registry.TABLES, values)
        self.time_s = GENESIS_S
        self.height = 0
        self._serial = 0

    def key(self, name: str) -> Key:
        """The key pair of a customer, an institution, an office, "TEAHOUSE.owner", "TEAHOUSE.till", or anybody."""
        return key_of(name)

    def address(self, name: str) -> bytes:
        """A customer's 20-byte account."""
        return key_of(name).address

    def account(self, name: str) -> str:
        """The deposit account's name of a customer or a merchant of this network."""
        if name in MERCHANTS:
            return merchant_account(name, MERCHANTS[name][0])
        return customer_account(self.address(name), CUSTOMERS[name][0])

    def held(self, name: str, currency: str = CNY) -> int:
        """What a customer or a merchant of this network holds, in minor units."""
        return self.balance(self.account(name), currency)

    def balance(self, account: str, currency: str = CNY) -> int:
        """What an account holds, by its name."""
        return balances.balance(self.context(), account, currency)

    def advance(self, seconds: int) -> None:
        """Let block time pass."""
        self.time_s += seconds

    def context(self, signer: str | Key = "nobody") -> Context:
        """A transaction's view of the ledger, for calling ports; `commit` keeps what it wrote."""
        self._serial += 1
        body_hash = sha256(b"body %d" % self._serial)
        key = key_of(signer) if isinstance(signer, str) else signer
        facts = BlockFacts(CHAIN_ID, self.height + 1, self.time_s * SECOND_NS, bytes(20))
        return Context(
            Journal(self.state),
            facts,
            registry.PORTS,
            signer=key.public,
            tx_hash=sha256(body_hash),
            body_hash=body_hash,
        )

    def commit(self, ctx: Context) -> None:
        """Make a context's writes the state."""
        self.state.commit(self.state.stage(ctx.journal.changes()))
        self.height = ctx.block.height

    def run(self, message: msgspec.Struct, signer: str | Key) -> TxResult:
        """One message's rule, as if every signature held. Nothing is kept where it refuses."""
        known = KINDS[type(message)]
        ctx = self.context(signer)
        try:
            returned = known.rule(ctx, message)
        except Rejected as refusal:
            return TxResult(code=refusal.code.number, log=refusal.code.name, info=refusal.detail)
        self.commit(ctx)
        return TxResult(data=returned, events=tuple(ctx.events))

    def accepted(self, message: msgspec.Struct, signer: str | Key) -> TxResult:
        """Run a message that must be accepted, after which all invariants hold."""
        result = self.run(message, signer)
        assert result.code == 0, f"{result.log} {result.info}"
        self.check()
        return result

    def refused(self, message: msgspec.Struct, signer: str | Key, code: Code) -> None:
        """Run a message that must be refused with `code` and leave no trace."""
        known = KINDS[type(message)]
        ctx = self.context(signer)
        mark = ctx.journal.mark()
        with pytest.raises(Rejected) as refusal:
            known.rule(ctx, message)
        assert refusal.value.code == code, f"{refusal.value} instead of {code.name}"
        ctx.journal.rollback(mark)
        assert ctx.journal.changes() == []

    def check(self) -> None:
        """All invariants hold."""
        found = registry.check_invariants(self.state)
        assert found == [], found


def events_of(result: TxResult, kind: str) -> list[dict[str, str]]:
    """The attributes of a result's events of one kind."""
    return [attributes_of(event) for event in result.events if event.type == kind]


def attributes_of(event: Event) -> dict[str, str]:
    """An event's attributes, which have one value each."""
    attributes = {attribute.key: attribute.value for attribute in event.attributes}
    assert len(attributes) == len(event.attributes)
    return attributes


def legs_of(result: TxResult) -> list[Leg]:
    """All legs that a result posted."""
    return [leg for attributes in events_of(result, POSTED) for leg in decode_legs(attributes["legs"])]


@cache
def _default_values() -> Mapping[bytes, bytes]:
    return genesis_values(make_app_state())


@pytest.fixture
def app_state() -> dict[str, Any]:
    """Genesis' app_state of the small network."""
    return make_app_state()


@pytest.fixture
def world() -> World:
    """The small network at genesis."""
    return World(_default_values())


@pytest.fixture
def world_of() -> Callable[[Mapping[str, Any]], World]:
    """A network from another app_state."""
    return lambda app_state: World(genesis_values(app_state))

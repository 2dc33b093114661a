"""Transactions of every kind with extreme and ill-shaped fields, signed rightly and run in blocks.

Whatever is sent: each transaction has one result, nothing but a mark of replay protection remains of a refused one, no
exception leaves execution (it would halt every node), and all invariants hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any, Final

import msgspec
import pytest
from msgspec import inspect as shapes

from chainpos.core.chain.envelope import MAX_TX_BYTES, Body
from chainpos.core.contracts import registry
from chainpos.core.contracts.anchors.messages import Record
from chainpos.core.contracts.balances.messages import Issue, Redeem
from chainpos.core.contracts.customers.messages import Open
from chainpos.core.contracts.governance.changes import PlanUpgrade, SetQuorum, SetRole, SetValidator
from chainpos.core.contracts.governance.messages import Approve, Propose, Withdraw, change_hash
from chainpos.core.contracts.governance.records import COUNTER, ONLY, PROPOSALS, proposal_key
from chainpos.core.contracts.institutions.messages import DrainReserve, FundReserve
from chainpos.core.contracts.merchants.messages import AddTill, CancelCertificate, Certify, Register, RevokeTill
from chainpos.core.contracts.payments.messages import (
    Cancel,
    Charge,
    CustomerCode,
    Pay,
    Request,
    code_signed_bytes,
    decode_request,
    request_signed_bytes,
)
from chainpos.core.contracts.ports import account_subject, merchant_subject
from chainpos.core.contracts.refunds.messages import Refund
from chainpos.core.contracts.settlement.messages import Close, ConfirmPayout, FailPayout, RequestPayout, Resolve
from chainpos.core.execution import UpgradeNeeded, check_transaction
from chainpos.core.values.hashes import HASH_BYTES
from chainpos.core.values.text import is_safe
from chainpos.errors import MalformedBytes
from tests.core.blocks import Chain
from tests.core.contracts.conftest import BANK, CHAIN_ID, CNY, CUSTOMERS, OFFICES, WALLET, key_of
from tests.seeds import seeds

TILL: Final = "TEAHOUSE.till"
OWNER: Final = "TEAHOUSE.owner"
SIGNERS: Final = (*CUSTOMERS, *OFFICES, BANK, WALLET, TILL, OWNER, "NOODLES.till", "NOODLES.owner", "nobody")
INTEGERS: Final = (
    0, 1, -1, 2, 100, 255, 65_536, 2**31, 2**32 - 1, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1, -(2**31),
    -(2**63), 253_402_300_799,
)  # fmt: skip
TEXTS: Final = (
    "", " ", "\0", "/", "a/b", "\x1b[2J", "\u202e", "é", "柳" * 40, "A" * 300, "\ufdd0", "\U0010ffff",
    "e" + "\u0301" * 9,
    CNY, "JPY", "cny", BANK, WALLET, "CENTRAL", "NETWORK", "TEAHOUSE", "NOODLES", "operator", "regulator", "tier_1",
    "A", "D", "instant", "dynamic_qr", "static_qr", "customer_code", "S1", "1234", "governance.role", "x" * 3_000,
)  # fmt: skip


class Fuzz:
    """One chain and the random messages for it: a right message of a kind, some of whose fields are then replaced."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.chain = Chain()
        self.serial = 0
        self.payments: list[bytes] = [bytes(32)]
        self.requests: list[Request] = []
        self.proposals: list[tuple[str, bytes]] = []

    def any_of(self, *values: Any) -> Any:
        return self.random.choice(values)

    def minor(self) -> int:
        usual = (1, 2, 99, 100, 1_000, 49_999, self.random.randrange(1, 100_000))
        return self.random.choice(usual) if self.random.randrange(16) else 2**63 - 1

    def raw(self) -> Any:
        """A value of any type at all."""
        kind = self.random.randrange(8)
        if kind < 3:
            return self.random.choice(INTEGERS)
        if kind < 5:
            return self.random.choice(TEXTS)
        if kind == 5:
            return self.random.randbytes(self.any_of(0, 1, 16, 20, 21, 31, 32, 33, 64, 257, 3_000))
        nested: Any = self.any_of(
            None, True, False, 1.5, [], {}, {"a": 1}, [CNY, 1], [[CNY, 1]] * 50, [["operator", 1]]
        )
        return msgspec.Raw(b"\x91" * self.any_of(10, 1_000, 3_000) + b"\xc0") if kind == 6 else nested

    def alike(self, shape: shapes.Type) -> Any:
        """A value of a field's own type."""
        match shape:
            case shapes.IntType():
                return self.random.choice(INTEGERS)
            case shapes.StrType():
                return self.random.choice(TEXTS)
            case shapes.BytesType():
                address = key_of(self.any_of(*SIGNERS)).address
                return self.any_of(
                    key_of(self.any_of(*SIGNERS)).public, address, account_subject(address), bytes(32), bytes(64), b"m",
                    merchant_subject("TEAHOUSE"), b"m\xff", b"a", *self.payments, self.random.randbytes(300), b"",
                )  # fmt: skip
            case shapes.BoolType():
                return self.any_of(True, False)
            case shapes.VarTupleType(item_type=item):
                return [self.alike(item) for _ in range(self.any_of(0, 1, 2, 3, 200))]
            case shapes.TupleType(item_types=items):
                return [self.alike(item) for item in items]
            case shapes.UnionType(types=types):
                return self.alike(self.any_of(*types))
            case shapes.StructType(fields=fields):
                return [self.alike(field.type) for field in fields]
        return self.raw()

    def bent(self, right: msgspec.Struct) -> list[Any]:
        """A right message's fields, none or some of them replaced."""
        shape = shapes.type_info(type(right))
        assert isinstance(shape, shapes.StructType)
        fields = [getattr(right, name) for name in right.__struct_fields__]
        for _ in range(self.random.choice([0] * 7 + [1, 1, 2])):
            at = self.random.randrange(len(fields))
            fields[at] = self.alike(shape.fields[at].type) if self.random.randrange(6) else self.raw()
        if self.random.randrange(60) == 0:
            fields = fields[:-1] if self.random.randrange(2) else [*fields, self.raw()]
        return fields

    # -- right messages, each with who may sign it

    def request(self) -> bytes:
        now_s = self.chain.time_s
        if self.requests and self.random.randrange(3) == 0:
            return msgspec.msgpack.encode(self.any_of(*self.requests))
        self.serial += 1
        instrument = self.any_of("dynamic_qr", "dynamic_qr", "static_qr")
        expires_s = (
            now_s + self.any_of(1, 60, 300, 86_400) if instrument == "dynamic_qr" else self.any_of(0, now_s + 60)
        )
        shop, tips, memo = self.any_of("TEAHOUSE", "NOODLES"), self.any_of(True, False), self.any_of("", "tea")
        till = key_of(f"{shop}.till").public
        right = Request(1, shop, till, f"S{self.serial}", self.minor(), CNY, now_s, expires_s, instrument, tips, memo)
        self.requests = [*self.requests[-8:], right]
        return msgspec.msgpack.encode(self.bent(right))

    def code(self) -> bytes:
        payer = key_of(self.any_of(*CUSTOMERS))
        nonce = self.random.choice([bytes(16), self.random.randbytes(16)])
        right = CustomerCode(1, payer.public, nonce, self.minor(), CNY, self.chain.time_s)
        return msgspec.msgpack.encode(self.bent(right))

    def signed_by(self, name: str, message: bytes) -> bytes:
        return key_of(name).sign(message) if self.random.randrange(20) else bytes(64)

    def pay(self) -> tuple[str, msgspec.Struct]:
        request = self.request()
        shop, amount = self.requests[-1].merchant, self.requests[-1].amount_minor
        if self.random.randrange(2) and (asked := _readable(request)) is not None:
            shop, amount = asked.merchant, asked.amount_minor or self.minor()
        signature = self.signed_by(f"{shop}.till", request_signed_bytes(CHAIN_ID, request))
        return self.any_of(*CUSTOMERS), Pay(
            request, signature, shop, amount, self.random.choice([0] * 9 + [5, 2**63 - 1]), CNY
        )

    def charge(self) -> tuple[str, msgspec.Struct]:
        code = self.code()
        payer = self.any_of(*CUSTOMERS)
        for name in CUSTOMERS:
            if key_of(name).public in code:
                payer = name
        return TILL, Charge(self.request(), code, self.signed_by(payer, code_signed_bytes(CHAIN_ID, code)))

    def change(self) -> tuple[str, bytes]:
        key = self.any_of(key_of("nobody").public, key_of("operator").public, self.random.randbytes(32))
        rights: tuple[tuple[str, msgspec.Struct], ...] = (
            ("governance.role", SetRole(self.any_of(*OFFICES), key, self.any_of(True, False))),
            ("governance.validator", SetValidator(key, self.any_of(0, 1, 10, 10**9))),
            (
                "governance.quorum",
                SetQuorum("", self.chain.time_s + 60, (("operator", 1), ("regulator", self.any_of(1, 2))), 3_600),
            ),
            ("governance.upgrade", PlanUpgrade(self.chain.height + 10**6, self.any_of(2, 3), "next")),
        )
        if self.random.randrange(4) == 0:
            known = self.random.choice([*registry.CHANGES.values()])
            return known.kind, msgspec.msgpack.encode(self.alike(shapes.type_info(known.type)))
        kind, right = self.any_of(*rights)
        return kind, msgspec.msgpack.encode(self.bent(right))

    def propose(self) -> tuple[str, msgspec.Struct]:
        kind, change = self.change()
        self.proposals = [*self.proposals[-8:], (kind, change)]
        return "operator", Propose("operator", kind, change, "Title", self.chain.time_s + self.any_of(60, 3_600))

    def approve(self) -> tuple[str, msgspec.Struct]:
        kind, change = self.any_of(*self.proposals) if self.proposals else ("governance.role", b"")
        count = self.chain.state.get(COUNTER, ONLY)
        number = self.random.randrange(0, 2 + (0 if count is None else count.proposals))
        if (proposal := self.chain.state.get(PROPOSALS, proposal_key(number))) is not None:
            kind, change = proposal.kind, proposal.change
        return "regulator", Approve(number, "regulator", change_hash(kind, change))

    def office(self) -> tuple[str, msgspec.Struct]:
        self.serial += 1
        amount, bank = self.minor(), self.any_of(BANK, WALLET)
        account = key_of(self.any_of(*CUSTOMERS)).address
        new = self.random.randbytes(32)
        pick: tuple[str, msgspec.Struct] = self.any_of(
            (bank, Issue(bank, account, CNY, amount, "cash", "ref")),
            (bank, Redeem(bank, account, CNY, amount, "cash", "ref")),
            (bank, Open(bank, new, "tier_3", "B", bytes(32))),
            ("central_bank", FundReserve(bank, CNY, amount, "ref")),
            ("central_bank", DrainReserve(bank, CNY, amount, "ref")),
            (
                bank,
                Register(
                    f"SHOP{self.serial}", bank, "Shop", "店", "5812", "Hefei", new, "standard", "netted", "CN-1234"
                ),
            ),
            (OWNER, AddTill("TEAHOUSE", new, "Till", amount, amount)),
            (OWNER, RevokeTill("TEAHOUSE", self.random.randbytes(32))),
            (bank, Certify("TEAHOUSE", "Oak", "橡树", "5499", "Hefei", self.random.choice(["standard", "small"]))),
            (OWNER, CancelCertificate("TEAHOUSE")),
            ("operator", Withdraw(self.random.randrange(0, 12))),
            (OWNER, Cancel(self.request())),
            (TILL, Record("TEAHOUSE", "z_report", self.random.randrange(1, 40), new)),
        )
        return pick

    def money(self) -> tuple[str, msgspec.Struct]:
        self.serial += 1
        shop, number = self.any_of("TEAHOUSE", "NOODLES"), self.random.randrange(0, 6)
        pick: tuple[str, msgspec.Struct] = self.any_of(
            (f"{shop}.owner", Refund(self.any_of(*self.payments), self.minor(), f"R{self.serial % 7}", "")),
            (TILL, Refund(self.any_of(*self.payments), self.minor(), f"R{self.serial}", "cold")),
            (self.any_of(BANK, WALLET), Close(self.any_of(BANK, WALLET), CNY)),
            ("operator", Close("", CNY)),
            ("operator", Resolve("", CNY)),
            (f"{shop}.owner", RequestPayout(shop, CNY, self.minor())),
            (self.any_of(BANK, WALLET), ConfirmPayout(shop, CNY, number, "bank ref")),
            (self.any_of(BANK, WALLET), FailPayout(shop, CNY, number, "closed")),
        )
        return pick

    def wire(self) -> bytes:
        """One transaction: of a right message that was bent, or of a kind's own shape filled with anything."""
        if self.random.randrange(12) == 0:
            known = self.random.choice([*registry.MESSAGES.values()])
            kind, fields = known.kind, self.alike(shapes.type_info(known.type))
            signer = self.any_of(*SIGNERS)
        else:
            make = self.any_of(
                self.pay, self.pay, self.pay, self.charge, self.propose, self.approve, self.office, self.money
            )
            signer, right = make()
            kind = _kinds()[type(right)]
            fields = self.bent(right)
        if self.random.randrange(30) == 0:
            signer = self.any_of(*SIGNERS)
        return self.sealed(kind, fields, signer)

    def sealed(self, kind: str, fields: Any, signer: str) -> bytes:
        self.serial += 1
        expires_s = self.chain.time_s + self.random.choice([0, 1, 86_400, 86_401] + [60] * 20)
        key = key_of(signer)
        encoded = msgspec.msgpack.encode(fields)
        body = Body(1, CHAIN_ID, key.public, expires_s, self.serial.to_bytes(16, "big"), kind, encoded)
        body_bytes = msgspec.msgpack.encode(body)
        wire = key.sign(b"chainpos/tx/1\0" + CHAIN_ID.encode() + b"\0" + body_bytes) + body_bytes
        return wire[:MAX_TX_BYTES]

    # -- what must hold

    def block(self, txs: Sequence[bytes]) -> list[int]:
        """Append a block; the codes. All that changed but marks is what the accepted transactions alone do."""
        chain = self.chain
        outcome = chain.outcome(*txs)
        codes = [result.code for result in outcome.results]
        assert len(codes) == len(txs)
        assert all(
            is_safe(each.value) for result in outcome.results for event in result.events for each in event.attributes
        )
        accepted = [wire for wire, code in zip(txs, codes, strict=True) if code == 0]
        # With one that is no transaction: a block of none would not forget what has expired.
        alone = chain.outcome(*accepted, b"")
        assert [result.code for result in alone.results[:-1]] == [0] * len(accepted)
        self.payments += [result.data for result in outcome.results if len(result.data) == HASH_BYTES]
        del self.payments[1:-12]
        assert _but_marks(alone.changes) == _but_marks(outcome.changes)
        checked = check_transaction(chain.state, txs[0], chain.facts)
        assert checked.code == codes[0]
        assert chain.append(*txs) == outcome.results
        chain.time_s += self.any_of(1, 1, 1, 7, 60, 3_700)
        return codes


def _but_marks(changes: Any) -> list[Any]:
    return [change for change in changes if not change.key.startswith(b"x")]


def _readable(request: bytes) -> Request | None:
    try:
        return decode_request(request)
    except MalformedBytes:
        return None


@cache
def _kinds() -> dict[type[msgspec.Struct], str]:
    return {message.type: message.kind for message in registry.MESSAGES.values()}


def _run(seed: int, blocks: int) -> set[int]:
    fuzz, met = Fuzz(seed), set[int]()
    for number in range(blocks):
        txs = [fuzz.wire() for _ in range(fuzz.any_of(1, 1, 2, 6, 12))]
        try:
            met.update(fuzz.block(txs))
        except UpgradeNeeded:
            # The offices agreed on the next version: that is the end of this one.
            break
        if number % 8 == 0:
            assert registry.check_invariants(fuzz.chain.state) == []
    assert registry.check_invariants(fuzz.chain.state) == []
    return met


@pytest.mark.parametrize("seed", range(4))
def test_no_transaction_halts_the_chain_or_leaves_a_trace_of_its_refusal(seed: int) -> None:
    met = _run(seed, 50)
    # Else it would be noise that stops at the first check, and prove nothing of the rules.
    assert 0 in met
    assert len(met) > 15


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(10))
def test_no_transaction_halts_the_chain_in_a_long_run(seed: int) -> None:
    assert 0 in _run(1_000 + seed, 300)

"""Blocks of signed transactions for tests of execution, on the small network of `contracts/conftest.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache

import msgspec

from chainpos.core.chain.envelope import Body, encode_envelope
from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.params import DEFAULT
from chainpos.core.chain.results import TxResult
from chainpos.core.chain.signatures import Signature, verify_batch
from chainpos.core.contracts import registry
from chainpos.core.contracts.balances.messages import Issue
from chainpos.core.contracts.context import BlockFacts
from chainpos.core.contracts.payments.messages import (
    Charge,
    CustomerCode,
    Pay,
    Request,
    code_signed_bytes,
    encode_code,
    encode_request,
    request_signed_bytes,
)
from chainpos.core.contracts.replay import BODIES, TOKENS
from chainpos.core.execution import BlockInput, BlockOutcome, execute_block, genesis_state
from chainpos.core.state.state import State
from chainpos.core.values.timestamps import SECOND_NS
from tests.core.contracts.conftest import BANK, CHAIN_ID, CNY, GENESIS_S, KINDS, Key, key_of, make_app_state

MARKS = (BODIES.prefix, TOKENS.prefix)


@cache
def genesis_records() -> dict[bytes, bytes]:
    app_state = json.dumps(make_app_state()).encode()
    doc = GenesisDoc(CHAIN_ID, GENESIS_S * SECOND_NS, 1, DEFAULT, (), app_state=app_state)
    return genesis_state(doc).values()


class Chain:
    """A chain of blocks, each committed at once."""

    def __init__(self) -> None:
        self.state = State(registry.TABLES, genesis_records())
        self.height = 0
        self.time_s = GENESIS_S

    def outcome(self, *txs: bytes, verify: Callable[[Sequence[Signature]], list[bool]] = verify_batch) -> BlockOutcome:
        block = BlockInput(CHAIN_ID, self.height + 1, self.time_s * SECOND_NS, txs, bytes(20))
        return execute_block(self.state, block, verify)

    def append(self, *txs: bytes) -> tuple[TxResult, ...]:
        outcome = self.outcome(*txs)
        assert len(outcome.results) == len(txs)
        self.state.commit(outcome.staged)
        self.height += 1
        assert self.state.app_hash == outcome.app_hash
        return outcome.results

    def append_one(self, tx: bytes) -> TxResult:
        return self.append(tx)[0]

    @property
    def facts(self) -> BlockFacts:
        return BlockFacts(CHAIN_ID, self.height + 1, self.time_s * SECOND_NS, bytes(20))

    def money(self) -> dict[bytes, bytes]:
        """All records but the marks of replay protection."""
        return {key: value for key, value in self.state.values().items() if not key.startswith(MARKS)}

    def marks(self) -> int:
        return len(self.state) - len(self.money())


def transaction(
    message: msgspec.Struct,
    signer: str | Key,
    *,
    nonce: int = 0,
    chain_id: str = CHAIN_ID,
    expires_s: int = GENESIS_S + 600,
    kind: str = "",
) -> bytes:
    key = key_of(signer) if isinstance(signer, str) else signer
    kind = kind or KINDS[type(message)].kind
    encoded = msgspec.msgpack.encode(message)
    body = Body(1, chain_id, key.public, expires_s, nonce.to_bytes(16, "big"), kind, encoded)
    return encode_envelope(body, key.sign)


def request(reference: str = "S1", amount_minor: int = 1_000, created_s: int = GENESIS_S) -> bytes:
    till = key_of("TEAHOUSE.till").public
    asked = Request(1, "TEAHOUSE", till, reference, amount_minor, CNY, created_s, created_s + 300, "dynamic_qr")
    return encode_request(asked)


def pay(reference: str = "S1", amount_minor: int = 1_000, *, chain_id: str = CHAIN_ID) -> Pay:
    encoded = request(reference, amount_minor)
    signature = key_of("TEAHOUSE.till").sign(request_signed_bytes(chain_id, encoded))
    return Pay(encoded, signature, "TEAHOUSE", amount_minor, 0, CNY)


def charge(reference: str, *, nonce: int, amount_minor: int = 1_000, issued_s: int = GENESIS_S) -> Charge:
    payer = key_of("alice")
    code = encode_code(CustomerCode(1, payer.public, nonce.to_bytes(16, "big"), 50_000, CNY, issued_s))
    signature = payer.sign(code_signed_bytes(CHAIN_ID, code))
    return Charge(request(reference, amount_minor, issued_s), code, signature)


def issue(amount_minor: int = 500, reference: str = "ref") -> Issue:
    return Issue(BANK, key_of("alice").address, CNY, amount_minor, "cash", reference)

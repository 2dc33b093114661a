"""The light client before nodes that lie: each lie is refused by name, and honest answers are proved."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chainpos.core.chain import merkle
from chainpos.core.chain.block import tx_proof
from chainpos.core.chain.genesis import load_genesis
from chainpos.core.chain.results import TxResult
from chainpos.core.chain.validators import Validator, ValidatorSet, make_validator_set
from chainpos.core.chain.verifier import TrustOptions, trust_genesis
from chainpos.core.contracts.balances.records import ACCOUNTS, Account, account_key, customer_account
from chainpos.core.contracts.merchants.records import MERCHANTS
from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import MalformedBytes, UserFacingError
from chainpos.node.clock import SystemClock
from chainpos.node.ledger import Appended
from chainpos.rpc.backend import (
    BlockMeta,
    BlockResults,
    IncludedTransaction,
    QueryAnswer,
    SignedHeader,
    TransactionProof,
)
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.sync import light as light_module
from chainpos.sync.light import DEFAULT_OPTIONS, LightClient, NotYet, Untrusted
from chainpos.wallet.keys import demo_key
from chainpos.wallet.network import Network
from tests.core.blocks import pay, transaction
from tests.core.contracts.conftest import BANK, CNY, key_of
from tests.node.conftest import Clerk, issue_tx
from tests.till.conftest import Shop

ALICE = account_key(customer_account(key_of("alice").address, BANK), CNY)


class Liar:
    """An honest node's answers, some of them altered: `lies` maps a method to what is done to its answer."""

    def __init__(self, client: RpcClient, **lies: Callable[[Any], Any]) -> None:
        self._client = client
        self._lies = lies

    def __getattr__(self, method: str) -> Any:
        asked = getattr(self._client, method)
        lie = self._lies.get(method)
        if lie is None:
            return asked

        async def altered(*arguments: Any, **named: Any) -> Any:
            return lie(await asked(*arguments, **named))

        return altered


def _light(city: Shop, options: TrustOptions = DEFAULT_OPTIONS) -> LightClient:
    return LightClient(trust_genesis(load_genesis(city.genesis)), SystemClock(), options)


async def _client_with_a_payment(city: Shop) -> tuple[RpcClient, bytes]:
    client = await city.nodes.client(city.validator)
    answer = await client.broadcast_tx_sync(issue_tx(1, amount_minor=5))
    await city.in_block(client, answer.hash)
    return client, answer.hash


async def test_what_an_honest_node_says_is_proved(city: Shop) -> None:
    client, tx_hash = await _client_with_a_payment(city)
    light = _light(city)
    trusted = await light.advance(client)
    assert trusted.height == (await client.status()).latest.height
    held = await light.record(client, ACCOUNTS, ALICE)
    assert held.record == Account(1_000_005)
    absent = await light.record(client, MERCHANTS, b"NOWHERE")
    assert absent.record is None
    included = await light.included(client, tx_hash)
    assert included.result.code == 0
    assert included.result.events == ()
    with pytest.raises(RpcError):
        await light.included(client, bytes(32))
    # Backwards too: an older header is believed from genesis again.
    assert (await light.header(client, 1)).height == 1


def _other_header(signed: SignedHeader, **changes: Any) -> SignedHeader:
    return msgspec.structs.replace(signed, header=msgspec.structs.replace(signed.header, **changes))


def _without_votes(signed: SignedHeader) -> SignedHeader:
    votes = tuple(msgspec.structs.replace(vote, signature=bytes(64)) for vote in signed.commit.signatures)
    return msgspec.structs.replace(signed, commit=msgspec.structs.replace(signed.commit, signatures=votes))


OTHERS = make_validator_set([Validator(demo_key("usurper").public_key, 10)])


@pytest.mark.parametrize(
    ("lies", "code"),
    [
        ({"commit": lambda signed: _other_header(signed, app_hash=bytes(32))}, "forged_header"),
        ({"commit": lambda signed: _other_header(signed, time_ns=signed.header.time_ns + 1)}, "forged_header"),
        ({"commit": lambda signed: _other_header(signed, chain_id="other")}, "wrong_chain"),
        ({"commit": _without_votes}, "bad_signature"),
        ({"validators": lambda _: OTHERS}, "wrong_validators"),
        (
            {
                "validators": lambda _: OTHERS,
                "commit": lambda signed: _other_header(signed, validators_hash=OTHERS.hash()),
            },
            "forged_header",
        ),
    ],
)
async def test_forged_headers_are_refused_by_name(city: Shop, lies: dict[str, Any], code: str) -> None:
    client, _ = await _client_with_a_payment(city)
    light = _light(city)
    with pytest.raises(Untrusted) as refused:
        await light.advance(Liar(client, **lies))
    assert refused.value.code == code
    assert light.trusted.height == 0
    assert (await light.advance(client)).height > 0


async def test_a_trust_that_is_too_old_is_no_trust(city: Shop) -> None:
    client, _ = await _client_with_a_payment(city)
    with pytest.raises(Untrusted) as refused:
        await _light(city, TrustOptions(60 * SECOND_NS)).advance(client)
    assert refused.value.code == "trust_expired"


@pytest.mark.parametrize(
    ("alter", "code"),
    [
        (lambda answer: msgspec.structs.replace(answer, value=ACCOUNTS.encode(Account(9_999))), "forged_record"),
        (lambda answer: msgspec.structs.replace(answer, value=b""), "forged_record"),
        (lambda answer: msgspec.structs.replace(answer, proof=None), "no_proof"),
        (lambda answer: msgspec.structs.replace(answer, key=b"another"), "no_proof"),
        (lambda answer: msgspec.structs.replace(answer, code=1), "no_proof"),
        (lambda answer: msgspec.structs.replace(answer, height=1), "forged_record"),
    ],
)
async def test_forged_records_are_refused_by_name(city: Shop, alter: Callable[[Any], Any], code: str) -> None:
    client, _ = await _client_with_a_payment(city)
    light = _light(city)
    with pytest.raises(Untrusted) as refused:
        await light.record(Liar(client, abci_query=alter), ACCOUNTS, ALICE)
    assert refused.value.code == code


async def test_a_record_that_is_there_cannot_be_denied(city: Shop) -> None:
    """The proof that something else is absent is no proof that this is."""
    client, _ = await _client_with_a_payment(city)
    light = _light(city)
    other = ACCOUNTS.full_key(b"nobody/CNY")
    denial = await client.abci_query(f"/store/{bucket_name(bucket_of(other)).decode()}/key", other, prove=True)
    full_key = ACCOUNTS.full_key(ALICE)
    lie = msgspec.structs.replace(denial, key=full_key)
    with pytest.raises((Untrusted, MalformedBytes)):
        await light.record(Liar(client, abci_query=lambda _: lie), ACCOUNTS, ALICE)


@pytest.mark.parametrize(
    ("lies", "code"),
    [
        ({"tx": lambda found: msgspec.structs.replace(found, transaction=b"other")}, "another_transaction"),
        ({"tx": lambda found: msgspec.structs.replace(found, proof=None)}, "another_transaction"),
        ({"tx": lambda found: msgspec.structs.replace(found, height=1)}, "forged_inclusion"),
        (
            {"block_results": lambda found: msgspec.structs.replace(found, results=(TxResult(code=501),))},
            "forged_results",
        ),
        ({"block_results": lambda found: msgspec.structs.replace(found, results=())}, "forged_results"),
    ],
)
async def test_forged_inclusions_are_refused_by_name(city: Shop, lies: dict[str, Any], code: str) -> None:
    client, tx_hash = await _client_with_a_payment(city)
    with pytest.raises(Untrusted) as refused:
        await _light(city).included(Liar(client, **lies), tx_hash)
    assert refused.value.code == code


async def test_a_header_that_is_withheld_is_not_waited_for_forever(city: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = await _client_with_a_payment(city)
    monkeypatch.setattr(light_module, "NEXT_HEADER_TRIES", 2)
    tip = (await client.status()).latest.height

    def as_of_tip(answer: Any) -> Any:
        return msgspec.structs.replace(answer, height=tip)

    with pytest.raises(NotYet):
        await _light(city).record(Liar(client, abci_query=as_of_tip), ACCOUNTS, ALICE)


async def test_an_older_state_is_not_taken_for_the_newest_though_its_proof_holds(
    city: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = await _client_with_a_payment(city)
    monkeypatch.setattr(light_module, "NEWEST_STATE_TRIES", 2)
    full_key = ACCOUNTS.full_key(ALICE)
    path = f"/store/{bucket_name(bucket_of(full_key)).decode()}/key"
    old = await client.abci_query(path, full_key, prove=True)
    stale = Liar(client, abci_query=lambda _: old)
    light = _light(city)
    before = await light.record(stale, ACCOUNTS, ALICE)
    await city.in_block(client, (await client.broadcast_tx_sync(issue_tx(2, amount_minor=7))).hash)
    assert (await light.record(client, ACCOUNTS, ALICE)).record == Account(1_000_012)
    with pytest.raises(NotYet):
        await light.record(stale, ACCOUNTS, ALICE)
    # One that is a moment behind is waited for.
    late = iter([old])
    catching_up = Liar(client, abci_query=lambda answer: next(late, answer))
    assert (await light.record(catching_up, ACCOUNTS, ALICE)).record == Account(1_000_012)
    # Who was shown nothing newer believes it: it was signed.
    assert (await _light(city).record(stale, ACCOUNTS, ALICE)).record == before.record == Account(1_000_005)


async def test_a_network_drops_a_node_that_lied_and_names_it(city: Shop) -> None:
    client, _ = await _client_with_a_payment(city)
    network = Network(load_genesis(city.genesis), ("liar:1", city.validator.rpc), SystemClock())
    network._clients["liar:1"] = Liar(client, commit=_without_votes, is_open=lambda value: value)  # type: ignore[assignment]
    assert (await network.record(ACCOUNTS, ALICE)).record == Account(1_000_005)
    assert network.distrusted == {"liar:1": "bad_signature"}
    network.addresses = ("liar:1",)
    with pytest.raises(UserFacingError, match=r"liar:1 \(bad_signature\)"):
        await network.sync()
    del network._clients["liar:1"]
    await network.close()


async def test_a_witness_that_tells_another_story_stops_everything(city: Shop) -> None:
    client, _ = await _client_with_a_payment(city)
    light = _light(city)
    await light.advance(client)
    await light.witness(client)
    with pytest.raises(Untrusted) as refused:
        await light.witness(Liar(client, commit=lambda signed: _other_header(signed, app_hash=bytes(32))))
    assert refused.value.code == "conflicting_headers"


async def test_with_no_node_the_sentence_says_so(city: Shop) -> None:
    network = Network(load_genesis(city.genesis), ("127.0.0.1:1",), SystemClock())
    with pytest.raises(UserFacingError, match="No node answers"):
        await network.sync()
    with contextlib.suppress(Disconnected):
        await network.close()


async def test_what_was_paid_below_the_newest_header_known_is_still_proved(city: Shop) -> None:
    """A wallet that was away remembers its newest header alone; its node is no liar for showing an older one."""
    client, tx_hash = await _client_with_a_payment(city)
    genesis = load_genesis(city.genesis)
    answer = await client.broadcast_tx_sync(issue_tx(2))
    await city.in_block(client, answer.hash)
    before = Network(genesis, (city.validator.rpc,), SystemClock())
    trusted = await before.sync()
    await before.close()
    assert trusted.height > (await client.tx(tx_hash)).height + 1
    again = Network(genesis, (city.validator.rpc,), SystemClock(), trusted=trusted)
    included = await again.included(tx_hash)
    assert included is not None
    assert included.result.is_ok
    assert again.distrusted == {}
    assert again.light.trusted.height >= trusted.height
    await again.close()


class OneBlock:
    """A node that shows block 1 of three transactions, and block 2; what it says of the last one is up to the test."""

    def __init__(self, first: Appended, second: Appended, said: IncludedTransaction) -> None:
        self._blocks = {1: first, 2: second}
        self._said = said

    async def commit(self, height: int | None = None) -> SignedHeader:
        shown = self._blocks[height or 2]
        return SignedHeader(shown.stored.block.header, shown.commit, canonical=True)

    async def validators(self, height: int | None = None) -> ValidatorSet:
        return self._blocks[height or 2].tip.last_validators

    async def block_results(self, height: int | None = None) -> BlockResults:
        return self._blocks[height or 2].results

    async def block_metas(self, low: int, high: int) -> list[BlockMeta]:
        raise NotImplementedError

    async def tx(self, tx_hash: bytes, *, prove: bool = False) -> IncludedTransaction:
        del tx_hash, prove
        return self._said

    async def abci_query(self, path: str, key: bytes, height: int = 0, *, prove: bool = False) -> QueryAnswer:
        raise NotImplementedError


async def test_a_refused_payment_cannot_be_told_with_its_neighbours_result(tmp_path: Path) -> None:
    """In a tree of three leaves the last one's proof is that of a second of two, too: the number of leaves counts."""
    clerk = Clerk(tmp_path)
    refused = transaction(pay("S2", 999_999), "dave")
    first = clerk.make(clerk.issue(), clerk.issue(), refused)
    assert [result.code == 0 for result in first.results.results] == [True, True, False]
    second = clerk.make()
    header = first.stored.block.header
    proof = tx_proof(first.stored.block.txs, 2)

    def said(**changes: int) -> OneBlock:
        told = msgspec.structs.replace(proof, **changes)
        claim = TransactionProof(header.data_hash, refused, told)
        return OneBlock(first, second, IncludedTransaction(sha256(refused), 1, told.index, refused, TxResult(), claim))

    def light() -> LightClient:
        years = TrustOptions(10 * 365 * 86_400 * SECOND_NS)
        return LightClient(trust_genesis(load_genesis(clerk.genesis)), LaterClock(clerk), years)

    included = await light().included(said(), sha256(refused))
    assert included.result.code == first.results.results[2].code
    assert merkle.verify(header.data_hash, sha256(refused), msgspec.structs.replace(proof, total=2, index=1))
    with pytest.raises(Untrusted) as lied:
        await light().included(said(total=2, index=1), sha256(refused))
    assert lied.value.code == "forged_inclusion"
    clerk.ledger.close()


class LaterClock:
    """Just after the clerk's blocks."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk

    def now_ns(self) -> int:
        return (self._clerk.now_s + 5) * SECOND_NS

    def monotonic_ns(self) -> int:
        return 0

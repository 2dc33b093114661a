"""What a running node proves, verified by code that shares nothing with it (see independent.py), over plain HTTP."""

from __future__ import annotations

import ast
import asyncio
import base64
import copy
import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from chainpos.core.contracts.balances.records import ACCOUNTS, Account, account_key, customer_account, merchant_account
from chainpos.core.contracts.payments.records import PAYMENTS
from chainpos.pilot.genesis import customer_key
from chainpos.till.views import SaleState
from tests.acceptance import independent
from tests.acceptance.conftest import Pilot, view_where, yuan
from tests.acceptance.independent import Wrong, verify_header, verify_record, verify_transaction

Json = dict[str, Any]


def test_the_verifier_shares_no_code_with_the_prover() -> None:
    source = Path(independent.__file__).read_text(encoding="utf-8")
    imported = {
        name
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not [name for name in imported if name.startswith(("chainpos", "tests"))]
    assert "ed25519_zebra" not in source


class Node:
    """A node as any program sees it."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def get(self, path: str) -> Json:
        def fetch() -> Json:
            with urllib.request.urlopen(f"http://{self.address}/{path}", timeout=10) as answer:
                result: Json = json.load(answer)["result"]
                return result

        return await asyncio.to_thread(fetch)

    async def header(self, height: int, validators: list[Json], chain_id: str) -> tuple[Json, Json]:
        signed = (await self.get(f"commit?height={height}"))["signed_header"]
        return signed, verify_header(signed, validators, chain_id)


class Proved:
    """Everything that was fetched of one payment."""

    chain_id: str
    validators: list[Json]
    signed: Json
    header: Json
    next_signed: Json
    next_header: Json
    transaction: Json
    key: bytes
    record: Json


async def prove_a_payment(pilot: Pilot, node: Node) -> Proved:
    """Sell something, then fetch what proves it, with the genesis file as the only root of trust."""
    till = await pilot.open_till()
    await view_where(till, lambda view: view.network.known_height >= 0 and view.network.link.value == "online")
    sale = await till.request(yuan(4_200))
    payer = pilot.customers[3].customer
    wallet = pilot.wallet(payer)
    result = await wallet.pay(await wallet.offer(sale.link))
    await view_where(till, lambda view: view.sale is not None and view.sale.state is SaleState.CONFIRMED)
    found = Proved()
    genesis = json.loads(pilot.paths.validator.genesis.read_bytes())
    found.chain_id = genesis["chain_id"]
    found.validators = [{"pub_key": each["pub_key"], "voting_power": each["power"]} for each in genesis["validators"]]
    found.transaction = await node.get(f"tx?hash=0x{result.tx_hash.hex()}&prove=true")
    height = int(found.transaction["height"])
    found.signed, found.header = await node.header(height, found.validators, found.chain_id)
    found.next_signed, found.next_header = await node.header(height + 1, found.validators, found.chain_id)
    found.key = PAYMENTS.full_key(result.request_id)
    found.record = await query(node, found.key)
    return found


async def query(node: Node, key: bytes) -> Json:
    bucket = independent.sha256(key)[:2].hex()
    return await node.get(f'abci_query?path="/store/{bucket}/key"&data=0x{key.hex()}&prove=true')


async def test_a_payment_is_proved_by_header_votes_inclusion_and_record_on_both_nodes(pilot: Pilot) -> None:
    for address in (pilot.network.validator_address, pilot.network.peer_address):
        node = Node(address)
        found = await prove_a_payment(pilot, node)
        assert verify_transaction(found.transaction, found.header)
        payment = PAYMENTS.decode(verify_record(found.record, found.key, found.next_header))
        assert (payment.merchant, payment.amount_minor) == ("HF01", 4_200)
        for account in (
            merchant_account("HF01", pilot.merchant.acquirer),
            customer_account(customer_key(pilot.customers[3].customer).address, pilot.customers[3].institution),
        ):
            key = ACCOUNTS.full_key(account_key(account, "CNY"))
            value = verify_record(await query(node, key), key, found.next_header)
            assert isinstance(ACCOUNTS.decode(value), Account)
        for till in list(pilot._tills):
            await pilot.close_till(till)


def _places(said: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(said, dict):
        return [place for name, each in said.items() for place in _places(each, (*path, name))]
    if isinstance(said, list):
        return [place for index, each in enumerate(said) for place in _places(each, (*path, index))]
    return [path]


def _altered(said: Any) -> Any:
    """The same kind of answer, one bit away."""
    if isinstance(said, int):
        return said + 1
    if not isinstance(said, str) or not said:
        return said
    if re.fullmatch(r"[0-9]+", said):
        return str(int(said) + 1)
    if re.fullmatch(r"[0-9A-F]+", said):
        return said[:-1] + ("0" if said[-1] != "0" else "1")
    if re.match(r"[0-9]{4}-", said):
        return said[:3] + str((int(said[3]) + 1) % 10) + said[4:]
    try:
        content = base64.b64decode(said, validate=True)
        return base64.b64encode(content[:-1] + bytes([content[-1] ^ 1])).decode()
    except ValueError:
        return said + "x"


def _with(said: Json, place: tuple[Any, ...]) -> Json | None:
    changed = copy.deepcopy(said)
    inside: Any = changed
    for step in place[:-1]:
        inside = inside[step]
    before = inside[place[-1]]
    inside[place[-1]] = _altered(before)
    return None if inside[place[-1]] == before else changed


@pytest.mark.slow
async def test_no_byte_of_what_is_proved_can_be_altered(pilot: Pilot) -> None:
    found = await prove_a_payment(pilot, Node(pilot.network.peer_address))
    tried = 0
    for place in _places(found.signed):
        if (changed := _with(found.signed, place)) is not None:
            tried += 1
            with pytest.raises(Wrong):
                verify_header(changed, found.validators, found.chain_id)
    # What says how it was executed and where it is found is not what is proved.
    proved = [place for place in _places(found.transaction) if place[0] in ("hash", "height", "tx", "proof")]
    for place in proved:
        changed = _with(found.transaction, place)
        if changed is not None and place != ("proof", "root_hash"):
            tried += 1
            with pytest.raises(Wrong):
                verify_transaction(changed, found.header)
    response = [place for place in _places(found.record) if place[1] in ("key", "value", "height", "proofOps")]
    for place in response:
        if (changed := _with(found.record, place)) is not None:
            tried += 1
            with pytest.raises(Wrong):
                verify_record(changed, found.key, found.next_header)
    assert tried > 30
    with pytest.raises(Wrong):
        verify_record(found.record, found.key, found.header)
    with pytest.raises(Wrong):
        verify_transaction(found.transaction, found.next_header)
    with pytest.raises(Wrong):
        verify_header(found.signed, [{**found.validators[0], "voting_power": "11"}], found.chain_id)

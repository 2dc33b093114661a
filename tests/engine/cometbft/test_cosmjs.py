"""@cosmjs/tendermint-rpc (Comet38Client) in Node, against our embedded node and our peer, by HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chainpos.core.contracts.balances.records import ACCOUNTS, account_key, customer_account
from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.values.hashes import sha256
from chainpos.rpc.client import RpcClient
from tests.core.contracts.conftest import BANK, CHAIN_ID, CNY, key_of
from tests.node.conftest import Processes, issue_tx, peer_home, processes, until, validator_home

__all__ = ["processes"]
pytestmark = [pytest.mark.cometbft]
PACKAGE = "@cosmjs/tendermint-rpc@0.39.0"
SCRIPT = Path(__file__).with_name("cosmjs_client.mjs")
TIMEOUT_S = 120.0


@pytest.fixture(scope="module")
def cosmjs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which Node finds the package."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node and npm are not installed on this machine")
    folder = tmp_path_factory.mktemp("cosmjs")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    installed = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE],
        cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    if installed.returncode:
        pytest.skip(f"{PACKAGE} could not be installed: {installed.stderr.strip().splitlines()[-1:]}")
    return folder


def drive(folder: Path, url: str, number: int) -> dict[str, Any]:
    """What the client saw; `number` makes the transactions new ones."""
    key = ACCOUNTS.prefix + account_key(customer_account(key_of("alice").address, BANK), CNY)
    path = f"/store/{bucket_name(bucket_of(key)).decode()}/key"
    txs = [issue_tx(number + each).hex() for each in range(3)]
    ran = subprocess.run(
        ["node", str(SCRIPT), url, path, key.hex(), *txs, "00ff"],
        cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    saw: dict[str, Any] = json.loads(ran.stdout)
    saw["sent"] = sha256(bytes.fromhex(txs[0])).hex()
    saw["sent_tx"] = txs[0]
    return saw


def require_right(saw: dict[str, Any], *, events: bool) -> None:
    assert saw["status"]["network"] == saw["genesis"] == CHAIN_ID
    assert saw["status"]["height"] >= 2
    assert saw["info"]["data"] == "chainpos"
    assert saw["sync"] == {"code": 0, "hash": saw["sent"]}
    assert (saw["commit"]["check"], saw["commit"]["code"]) == (0, 0)
    assert saw["refused"] > 0
    assert (saw["tx"]["hash"], saw["tx"]["tx"], saw["tx"]["code"]) == (saw["sent"], saw["sent_tx"], 0)
    assert saw["block"]["height"] == saw["commit"]["height"]
    assert saw["first"] == 1
    assert saw["latest"]
    assert saw["results"] == [0] * saw["block"]["txs"]
    assert saw["blockchain"] == min(20, saw["block"]["height"])
    assert saw["signatures"] == saw["validators"] == 1
    assert saw["search"] == saw["block"]["txs"]
    assert saw["searchAll"] >= 3
    assert (saw["query"]["ops"], saw["query"]["code"]) == (2, 0)
    assert saw["query"]["value"]
    if events:
        assert saw["events"]["txs"] == 3
        assert saw["events"]["blocks"] >= 1
        assert saw["events"]["headers"] >= 1


def test_it_runs_against_our_embedded_node_and_our_peer(cosmjs: Path, processes: Processes, tmp_path: Path) -> None:
    genesis = validator_home(tmp_path / "validator")
    validator = processes.start("validator")
    peer_home(tmp_path / "peer", genesis, validator.rpc)
    peer = processes.start("peer")
    asyncio.run(_begun(peer.url))
    number = 0
    for node in (validator, peer):
        for scheme in ("ws", "http"):
            number += 100
            require_right(drive(cosmjs, f"{scheme}://{node.rpc}", number), events=scheme == "ws")


async def _begun(url: str) -> None:
    async with await RpcClient.connect(url) as client:

        async def has_blocks() -> bool:
            return (await client.status()).latest.height >= 2

        await until(has_blocks)

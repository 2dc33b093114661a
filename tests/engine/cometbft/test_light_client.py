"""CometBFT's own light client against our embedded engine: it verifies its headers and our proofs, and finds a forgery.

Source: CometBFT v0.38 `cometbft light`, light/rpc/client.go.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainpos.core.contracts.balances.records import ACCOUNTS, account_key, customer_account
from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.rpc.client import RpcClient
from tests.core.contracts.conftest import BANK, CHAIN_ID, CNY, key_of
from tests.node.conftest import NodeProcess, Processes, free_port, issue_tx, peer_home, processes, until, validator_home

__all__ = ["processes"]
pytestmark = [pytest.mark.cometbft]
TIMEOUT_S = 30.0


class Tamperer:
    """A TCP relay that replaces bytes on their way from the node, where it is told to."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.replace: tuple[bytes, bytes] | None = None
        self.replaced = 0
        self._sockets: list[socket.socket] = [self._listening]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(TIMEOUT_S)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            self._sockets += (near, far)
            for source, sink, tamper in ((near, far, False), (far, near, True)):
                thread = threading.Thread(target=self._relay, args=(source, sink, tamper), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _relay(self, source: socket.socket, sink: socket.socket, tamper: bool) -> None:
        try:
            while data := source.recv(1 << 20):
                if tamper and self.replace is not None and self.replace[0] in data:
                    data = data.replace(*self.replace)
                    self.replaced += 1
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


class Light:
    """`cometbft light`, a proxy whose every answer is verified."""

    def __init__(
        self, program: Path, folder: Path, primary: str, witness: str, *, height: int, block_hash: str
    ) -> None:
        self.port = free_port()
        self.log = folder / "light.log"
        command = [str(program), "light", CHAIN_ID, "-p", f"http://{primary}", "-w", f"http://{witness}"]
        command += ["--height", str(height), "--hash", block_hash, "--laddr", f"tcp://127.0.0.1:{self.port}"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--home-dir", str(folder / "light"), "--verbose"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        return found

    def wait(self) -> None:
        until_s = time.monotonic() + TIMEOUT_S
        while time.monotonic() < until_s and self.process.poll() is None:
            try:
                self.call("health")
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(self.log.read_text()[-3000:])

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(TIMEOUT_S)


class Setting:
    """An embedded validator with a few blocks, its peer, and a relay before the validator."""

    def __init__(self, validator: NodeProcess, peer: NodeProcess) -> None:
        self.validator = validator
        self.peer = peer
        self.relay = Tamperer(validator.rpc)


@pytest.fixture
def setting(processes: Processes, tmp_path: Path) -> Iterator[Setting]:
    genesis = validator_home(tmp_path / "validator")
    validator = processes.start("validator")
    peer_home(tmp_path / "peer", genesis, validator.rpc)
    made = Setting(validator, processes.start("peer"))
    asyncio.run(_make_blocks(made))
    yield made
    made.relay.close()


async def _make_blocks(setting: Setting) -> None:
    async with (
        await RpcClient.connect(setting.validator.url) as client,
        await RpcClient.connect(setting.peer.url) as peer,
    ):
        for number in range(5):
            assert (await client.broadcast_tx_sync(issue_tx(number))).code == 0
            height = (await client.status()).latest.height
            await until(functools.partial(_is_above, client, height))
        # The last one is empty and commits to what the last payment did.
        await asyncio.sleep(0.5)
        top = (await client.status()).latest.height
        await until(lambda: _is_above(peer, top - 1))


async def _is_above(client: RpcClient, height: int) -> bool:
    return (await client.status()).latest.height > height


async def _first_hash(url: str) -> str:
    async with await RpcClient.connect(url) as client:
        return (await client.commit(1)).header.hash().hex()


async def _account(url: str) -> tuple[bytes, bytes]:
    """The full key of some account, and its record."""
    key = ACCOUNTS.prefix + account_key(customer_account(key_of("alice").address, BANK), CNY)
    async with await RpcClient.connect(url) as client:
        found = await client.abci_query(path_of(key), key)
    assert found.value
    return key, found.value


def path_of(key: bytes) -> str:
    return f"/store/{bucket_name(bucket_of(key)).decode()}/key"


def test_the_light_client_verifies_our_headers_and_our_proof_and_refuses_a_forged_one(
    cometbft: Path, setting: Setting, tmp_path: Path
) -> None:
    first = asyncio.run(_first_hash(setting.validator.url))
    key, value = asyncio.run(_account(setting.validator.url))
    light = Light(cometbft, tmp_path, setting.relay.address, setting.peer.rpc, height=1, block_hash=first)
    try:
        light.wait()
        # Headers: verified against the trusted one, and compared with the witness.
        commit = light.call("commit", height="8")
        assert commit["result"]["signed_header"]["header"]["height"] == "8", commit
        block = light.call("block", height="8")
        assert "error" not in block, block
        results = light.call("block_results", height="8")
        assert "error" not in results, results
        # A record, with our proof.
        params = {"path": path_of(key), "data": key.hex(), "height": "0", "prove": True}
        answer = light.call("abci_query", **params)
        assert "error" not in answer, answer
        assert base64.b64decode(answer["result"]["response"]["value"]) == value
        # The same with another value on its way: one bit more in the balance.
        forged = value[:-1] + bytes([value[-1] ^ 1])
        setting.relay.replace = (base64.b64encode(value), base64.b64encode(forged))
        refused = light.call("abci_query", **params)
        assert setting.relay.replaced
        assert "error" in refused
        assert "verify" in refused["error"]["data"] or "proof" in refused["error"]["data"], refused
    finally:
        light.close()


def test_the_light_client_refuses_a_start_that_was_never_signed(
    cometbft: Path, setting: Setting, tmp_path: Path
) -> None:
    wrong = "00" * 32
    light = Light(cometbft, tmp_path, setting.validator.rpc, setting.peer.rpc, height=1, block_hash=wrong)
    try:
        assert light.process.wait(TIMEOUT_S) != 0
        assert "expected header's hash" in light.log.read_text()
    finally:
        light.close()

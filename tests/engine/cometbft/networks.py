"""Networks of real CometBFT validators for these tests: made, started, looked at, broken and mended."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.params import DEFAULT
from chainpos.engine.keys import SigningKey
from chainpos.node.cometbft_home import (
    NOTE,
    NetworkNote,
    NodePlace,
    Pace,
    comet_settings,
    init_network,
    loopback_places,
    make_home,
)
from chainpos.node.home import Home
from chainpos.pilot.trial import APPLICATION, COMETBFT, Trial
from chainpos.rpc.client import RpcClient
from chainpos.store.application import ApplicationReader
from tests.core.contracts.conftest import CHAIN_ID, make_app_state
from tests.node.conftest import free_port

PATIENCE_S = 60.0


class RealNetwork:
    """A trial network with the small test city in its genesis."""

    def __init__(self, folder: Path, count: int, *, pace: Pace | None = None, places: Sequence[NodePlace] = ()) -> None:
        doc = GenesisDoc(CHAIN_ID, time.time_ns(), 1, DEFAULT, (), app_state=json.dumps(make_app_state()).encode())
        init_network(folder, doc, places or loopback_places(folder, count, free_port), pace or Pace(500, 2))
        self.folder = folder
        self.trial = Trial(folder)

    @classmethod
    def open(cls, folder: Path) -> RealNetwork:
        """A network that was made already."""
        made = cls.__new__(cls)
        made.folder, made.trial = folder, Trial(folder)
        return made

    @property
    def genesis(self) -> bytes:
        return Home(self.folder / "node0").genesis.read_bytes()

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.trial.note.nodes]

    def rpc(self, number: int) -> str:
        return self.trial.note.nodes[number].rpc

    async def client(self, number: int = 0) -> RpcClient:
        return await RpcClient.connect(f"ws://{self.rpc(number)}/websocket")

    async def height(self, number: int = 0) -> int:
        async with await self.client(number) as client:
            return (await client.status()).latest.height

    async def wait_above(self, height: int, *numbers: int) -> None:
        names = [self.names[number] for number in numbers] or self.names
        await self.trial.wait_ready(names, height=height + 1)

    def pid(self, number: int, role: str = COMETBFT) -> int:
        return next(each.pid for each in self.trial.running() if (each.node, each.role) == (self.names[number], role))

    def signal(self, number: int, number_of_signal: int, *roles: str) -> None:
        for role in roles or (COMETBFT, APPLICATION):
            os.kill(self.pid(number, role), number_of_signal)

    async def kill(self, number: int, role: str) -> None:
        """Kill one process; its companion ends by itself or is ended."""
        os.kill(self.pid(number, role), signal.SIGKILL)
        await asyncio.to_thread(self.trial.down, [self.names[number]])

    async def start(self, *numbers: int) -> None:
        await asyncio.to_thread(self.trial.up, [self.names[number] for number in numbers])
        await self.trial.wait_ready([self.names[number] for number in numbers])

    def records(self, number: int) -> tuple[int, bytes, dict[bytes, bytes]]:
        """An application's height, app hash and records."""
        with ApplicationReader.open(Home(self.folder / self.names[number]).application) as reader:
            point = reader.point()
            return point.height, point.app_hash, reader.load_records()

    async def add_node(self) -> SigningKey:
        """A fifth node, which begins from a snapshot at a height that the light client is told to trust; its key."""
        height = await self.height()
        async with await self.client() as client:
            trusted = (await client.commit(height)).header.hash().hex().upper()
        key, node_key = SigningKey(secrets.token_bytes(32)), SigningKey(secrets.token_bytes(32))
        name = f"node{len(self.names)}"
        # So deep a folder that its socket's path would be too long: its application gets a port.
        (place,) = loopback_places(self.folder / ("new" * 40), 1, free_port)
        place = msgspec.structs.replace(place, name=name, node_id=node_key.address.hex())
        nodes = (*self.trial.note.nodes, place)
        settings = comet_settings(place, nodes, Pace(500, 2)) + (
            f'[statesync]\nenable = true\nrpc_servers = "{self.rpc(0)},{self.rpc(1)}"\ntrust_height = {height}\n'
            f'trust_hash = "{trusted}"\ntrust_period = "168h0m0s"\ndiscovery_time = "5s"\n'
        )
        make_home(Home(self.folder / name), self.genesis, settings, key, node_key)
        note = NetworkNote(self.trial.note.chain_id, nodes)
        (self.folder / NOTE).write_bytes(msgspec.json.encode(note))
        options = self.trial.application_options
        self.trial = Trial(self.folder)
        self.trial.application_options = options
        return key

    def close(self) -> None:
        self.trial.down()

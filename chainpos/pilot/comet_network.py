"""The pilot with four validators that run CometBFT in place of the embedded one; all else is the same.

It refuses nothing of its own. The shop's peer follows two of the validators; customers use the first.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import Final

from chainpos.node.cometbft_home import NodePlace, Pace, init_network, load_note, loopback_places
from chainpos.node.home import Home
from chainpos.pilot.audit import Audited, audit, audit_application
from chainpos.pilot.city import City
from chainpos.pilot.genesis import city_genesis, new_chain_id
from chainpos.pilot.network import PilotFolder, PilotNetwork
from chainpos.pilot.processes import STOP_TIMEOUT_S, free_port, start
from chainpos.pilot.resources import sample_data
from chainpos.pilot.trial import Trial, find_cometbft

VALIDATORS: Final = 4
FOLLOWED: Final = 2
# Quicker than a network of real machines: somebody watches this one.
EMPTY_BLOCKS_S: Final = 3
# Header 2 is the first to which a proof of a genesis record leads.
FIRST_PROVABLE: Final = 2


class CometPilotFolder(PilotFolder):
    """A pilot whose validators are in `network/`."""

    @property
    def network(self) -> Path:
        """As `chainpos network init` makes it."""
        return self.folder / "network"

    def places(self) -> tuple[NodePlace, ...]:
        """The validators."""
        return load_note(self.network).nodes

    def audited(self) -> dict[str, Audited]:
        """What every application and the peer hold, by name. Raises StoreError."""
        found = {place.name: audit_application(Home(self.network / place.name).application) for place in self.places()}
        return {**found, "peer": audit(self.peer.database)}

    def _make(self, city: City, merchant: str, cycle_s: int) -> None:
        find_cometbft()
        doc = city_genesis(
            city, sample_data(), validator=bytes(32), genesis_time_ns=time.time_ns(), chain_id=new_chain_id(),
            cycle_s=cycle_s,
        )  # fmt: skip
        places = loopback_places(self.network, VALIDATORS, free_port)
        note = init_network(self.network, doc, places, Pace(empty_blocks_s=EMPTY_BLOCKS_S))
        self._make_shop(Home(self.network / note.nodes[0].name).genesis.read_bytes(), city, merchant)


class CometPilotNetwork(PilotNetwork):
    """The running pilot. Each application ends with whoever started it, and its CometBFT with it."""

    def __init__(self, paths: CometPilotFolder, merchant: str) -> None:
        super().__init__(paths, merchant)
        self._folder = paths
        self._engines: dict[str, Process] = {}
        self._upstreams: tuple[str, ...] = ()

    @property
    def upstreams(self) -> tuple[str, ...]:
        """Two validators."""
        return self._upstreams

    async def start(self, *citizens: str) -> None:
        """Start all of it. Raises UserFacingError."""
        # Their ports were written down when the homes were made.
        places = await asyncio.to_thread(self._folder.places)
        self.validator_address = places[0].rpc
        self._upstreams = tuple(place.rpc for place in places[:FOLLOWED])
        await super().start(*citizens)

    async def start_validator(self) -> None:
        """Start the four validators."""
        trial = await asyncio.to_thread(Trial, self._folder.network)
        await asyncio.gather(*(self._start_pair(place) for place in trial.note.nodes))
        await trial.wait_ready(height=FIRST_PROVABLE)

    async def stop(self) -> None:
        """End all of it, the validators last."""
        applications = {name: self.children.pop(name) for name in list(self.children) if name.startswith("node")}
        await super().stop()
        await asyncio.gather(*(_end(engine) for engine in self._engines.values()))
        await asyncio.gather(*(child.stop() for child in applications.values()))
        self._engines.clear()

    async def _start_pair(self, place: NodePlace) -> None:
        home = self._folder.network / place.name
        arguments = ("-m", "chainpos", "node", "start", "--engine", "cometbft", "--until-stdin-ends")
        self.children[place.name] = await start(
            place.name,
            (*arguments, "--home", str(home), "--abci", place.abci),
            log=self.paths.log(f"{place.name}-application"),
        )
        with self.paths.log(f"{place.name}-cometbft").open("ab") as log:
            self._engines[place.name] = await asyncio.create_subprocess_exec(
                str(find_cometbft()), "start", "--home", str(home),
                stdin=DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip


async def _end(engine: Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if engine.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                engine.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(engine.wait(), STOP_TIMEOUT_S)


def pilot_of(folder: Path, merchant: str, engine: str) -> tuple[PilotFolder, PilotNetwork]:
    """The pilot in a folder on this engine, "embedded" or "cometbft"."""
    if engine == "cometbft":
        paths = CometPilotFolder(folder)
        return paths, CometPilotNetwork(paths, merchant)
    embedded = PilotFolder(folder)
    return embedded, PilotNetwork(embedded, merchant)

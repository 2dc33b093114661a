"""The pilot's own network on loopback: a validator, the shop's peer, and the rest of the city, each a real process.

With a named folder it goes on where it was left; it refuses a folder that holds something else.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.genesis import dump_genesis
from chainpos.engine.keys import SEED_BYTES, SigningKey
from chainpos.errors import EXIT_USAGE, UserFacingError
from chainpos.node.config import NodeSettings, dump_settings
from chainpos.node.home import Home, init_peer, init_validator_of
from chainpos.pilot.audit import Audited, audit
from chainpos.pilot.city import City, load_city
from chainpos.pilot.genesis import CURRENCY, city_genesis, customer_key, new_chain_id, till_key
from chainpos.pilot.processes import Child, free_port, start
from chainpos.pilot.resources import sample_data
from chainpos.pilot.running import DEMO_PASSPHRASE
from chainpos.store.locking import FileLock
from chainpos.store.shop import ShopBook
from chainpos.till.catalogue import Catalogue
from chainpos.till.home import TillHome, TillSettings
from chainpos.wallet.home import WalletHome
from chainpos.wallet.keystore import create_keystore

# Whose wallet the person at the keyboard gets: a customer of the same city, with money enough to try things.
GUEST_MIN_MINOR: Final = 200_000
GUEST_TIER: Final = "tier_2"
# Ports are chosen when the pilot starts; what is written before then leads nowhere.
NOWHERE: Final = "127.0.0.1:1"


class PilotFolder:
    """Where everything of one pilot is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.validator = Home(folder / "validator")
        self.peer = Home(folder / "peer")
        self.till = TillHome(folder / "till")
        self.wallet = folder / "wallet"
        self.merchant_note = folder / "merchant"
        self.lock = folder / "lock"

    def log(self, name: str) -> Path:
        """A process's log."""
        return self.folder / "logs" / f"{name}.log"

    def audited(self) -> dict[str, Audited]:
        """What every store holds, by the name of its node. Raises StoreError."""
        return {"validator": audit(self.validator.database), "peer": audit(self.peer.database)}

    def prepare(self, merchant: str, *, cycle_s: int = 0) -> None:
        """Make whatever is not there yet. Raises UserFacingError."""
        city = load_city(sample_data())
        city.merchant(merchant)
        if self.merchant_note.exists():
            if (noted := self.merchant_note.read_text(encoding="utf-8").strip()) != merchant:
                raise UserFacingError(
                    f"The pilot in {self.folder} is the counter of {noted}.",
                    next_step=f"Leave --merchant out, or name {noted}, or take another folder.",
                    exit_code=EXIT_USAGE,
                )
            return
        if self.folder.exists() and any(self.folder.iterdir()):
            raise UserFacingError(
                f"{self.folder} holds something else.", next_step="Name an empty folder.", exit_code=EXIT_USAGE
            )
        self._make(city, merchant, cycle_s)
        # Written last: a folder without it was not finished, and is not begun upon.
        self.merchant_note.write_text(merchant + "\n", encoding="utf-8")

    def lead_to(self, validator: str, peer: str) -> None:
        """Where wallet and till find their nodes (HOST:PORT); all else that was set for them stands."""
        wallet = WalletHome(self.wallet)
        wallet.create(wallet.genesis_path.read_bytes(), (validator, peer))
        self.till.save_settings(msgspec.structs.replace(self.till.settings(), node=peer))

    def _make(self, city: City, merchant: str, cycle_s: int) -> None:
        key = SigningKey(secrets.token_bytes(SEED_BYTES))
        doc = city_genesis(
            city, sample_data(), validator=key.public_key, genesis_time_ns=time.time_ns(), chain_id=new_chain_id(),
            cycle_s=cycle_s,
        )  # fmt: skip
        genesis = dump_genesis(doc)
        validator = NodeSettings(mode="validator", moniker="city validator", listen="127.0.0.1:0")
        init_validator_of(self.validator.folder, validator, genesis=genesis, key=key)
        self._make_shop(genesis, city, merchant)

    def _make_shop(self, genesis: bytes, city: City, merchant: str) -> None:
        peer = NodeSettings(mode="peer", moniker=f"peer of {merchant}", listen="127.0.0.1:0")
        init_peer(self.peer.folder, peer, genesis=genesis)
        self.till.create(genesis, TillSettings(merchant, NOWHERE, CURRENCY), till_key(merchant))
        self._stock(city.merchant(merchant).catalogue)
        wallet = WalletHome(self.wallet)
        wallet.create(genesis, (NOWHERE,))
        create_keystore(wallet.key_path, customer_key(guest(city, merchant)), DEMO_PASSPHRASE)

    def _stock(self, catalogue: str) -> None:
        # What the shop sells is there to be scanned and found: a counter without articles shows half of itself.
        content = (sample_data() / "catalogues" / f"{catalogue}.csv").read_bytes()
        with ShopBook.open(self.till.book_path) as book:
            Catalogue(book, CURRENCY).take_in(content)


def guest(city: City, merchant: str) -> str:
    """The customer whose wallet the person at the keyboard gets."""
    place = city.merchant(merchant).city
    return next(
        row.customer
        for row in city.customers
        if row.city == place and row.tier == GUEST_TIER and row.opening_balance_minor >= GUEST_MIN_MINOR
    )


class PilotNetwork:
    """The running processes; ports are chosen once, so that a process that died comes back where it was."""

    def __init__(self, paths: PilotFolder, merchant: str) -> None:
        self.paths = paths
        self.merchant = merchant
        self.validator_address = f"127.0.0.1:{free_port()}"
        self.peer_address = f"127.0.0.1:{free_port()}"
        self.children: dict[str, Child] = {}
        self._lock = FileLock(paths.lock)

    @property
    def upstreams(self) -> tuple[str, ...]:
        """Whom the shop's peer follows."""
        return (self.validator_address,)

    async def start(self, *citizens: str) -> None:
        """Start all of it; `citizens` are options for the rest of the city. Raises UserFacingError, StoreInUse."""
        # Before anything is written: a second pilot in one folder would lead the first one's wallet astray.
        self._lock.acquire(f"the pilot in {self.paths.folder} is in use by another process")
        self.paths.lead_to(self.validator_address, self.peer_address)
        await self.start_validator()
        # Both at once, as whoever waits for the screen counts the seconds; each is awaited, so that it can be stopped.
        ends = await asyncio.gather(self.start_peer(), self.start_citizens(*citizens), return_exceptions=True)
        for end in ends:
            if end is not None:
                raise end

    async def start_validator(self) -> None:
        """Start the city's validator, at first or again."""
        settings = NodeSettings(mode="validator", moniker="city validator", listen=self.validator_address)
        await self._start_node("validator", self.paths.validator, settings)

    async def start_peer(self) -> None:
        """Start the shop's own peer, at first or again."""
        settings = NodeSettings(
            mode="peer",
            moniker=f"peer of {self.merchant}",
            listen=self.peer_address,
            upstreams=self.upstreams,
        )
        await self._start_node("peer", self.paths.peer, settings)

    async def start_citizens(self, *options: str) -> None:
        """Start customers, clearing desk and banks, at first or again."""
        genesis = str(self.paths.peer.genesis)
        arguments = ("-m", "chainpos.pilot.citizens", genesis, self.validator_address, self.peer_address, self.merchant)
        self.children["citizens"] = await start("citizens", (*arguments, *options), log=self.paths.log("citizens"))

    async def stop(self) -> None:
        """End all of it, customers first, the validator last."""
        for name in ("citizens", "peer", "validator"):
            if (child := self.children.pop(name, None)) is not None:
                await child.stop()
        self._lock.release()

    async def _start_node(self, name: str, home: Home, settings: NodeSettings) -> None:
        home.settings.write_text(dump_settings(settings), encoding="utf-8")
        arguments = ("-m", "chainpos.node.run", str(home.folder))
        self.children[name] = await start(name, arguments, log=self.paths.log(name))

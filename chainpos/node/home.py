"""A node's home: a folder with its settings, its keys, the genesis file and the chain.

It refuses to make a home where something is already, and makes one wholly or not at all.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator, dump_genesis, load_genesis
from chainpos.core.chain.params import DEFAULT, ConsensusParams
from chainpos.engine.keys import SEED_BYTES, SigningKey, save_node_key, save_validator_key
from chainpos.engine.sign_state import SignState, save_sign_state
from chainpos.errors import EXIT_USAGE, MalformedBytes, UserFacingError
from chainpos.node.config import NodeSettings, dump_settings
from chainpos.node.ledger import create_ledger
from chainpos.store.chain import ChainReader
from chainpos.store.durable import sync_folder, write_durably

VALIDATOR_POWER: Final = 10
_PRIVATE_FOLDER: Final = 0o700
Entropy = Callable[[int], bytes]


class Home(NamedTuple):
    """Where everything is."""

    folder: Path

    @property
    def genesis(self) -> Path:
        """CometBFT's genesis.json."""
        return self.folder / "config" / "genesis.json"

    @property
    def validator_key(self) -> Path:
        """Only a validator has one."""
        return self.folder / "config" / "priv_validator_key.json"

    @property
    def node_key(self) -> Path:
        """The node's own key, which gives it its ID."""
        return self.folder / "config" / "node_key.json"

    @property
    def settings(self) -> Path:
        """See `config.py`."""
        return self.folder / "config" / "chainpos.toml"

    @property
    def cometbft_settings(self) -> Path:
        """CometBFT's own, where it is the engine."""
        return self.folder / "config" / "config.toml"

    @property
    def sign_state(self) -> Path:
        """What the validator has signed."""
        return self.folder / "data" / "priv_validator_state.json"

    @property
    def database(self) -> Path:
        """The chain."""
        return self.folder / "data" / "chain.db"

    @property
    def application(self) -> Path:
        """The records, where CometBFT keeps the chain."""
        return self.folder / "data" / "application.db"

    @property
    def log(self) -> Path:
        """What the node said lately: JSON lines, in a few files of bounded size."""
        return self.folder / "data" / "log" / "node.jsonl"

    @property
    def listening(self) -> Path:
        """Where the running node's RPC answers, HOST:PORT; gone when it has ended in order."""
        return self.folder / "data" / "listening"

    @property
    def light(self) -> Path:
        """Headers and one merchant's payments, where a node keeps no more."""
        return self.folder / "data" / "light.db"

    @property
    def evidence(self) -> Path:
        """What was kept of a divergence, one folder for each."""
        return self.folder / "data" / "evidence"


def init_validator(
    folder: Path,
    settings: NodeSettings,
    *,
    chain_id: str,
    app_state: bytes,
    genesis_time_ns: int,
    params: ConsensusParams = DEFAULT,
    entropy: Entropy = secrets.token_bytes,
) -> bytes:
    """Make the home of a new network's one validator; its genesis.json comes back, for the peers.

    `app_state` is JSON, the application's part of genesis. Raises UserFacingError.
    """
    key = SigningKey(entropy(SEED_BYTES))
    validator = GenesisValidator(key.public_key, VALIDATOR_POWER, settings.moniker)
    try:
        genesis = dump_genesis(GenesisDoc(chain_id, genesis_time_ns, 1, params, (validator,), app_state=app_state))
    except MalformedBytes as error:
        raise _refused(f"This network cannot begin: {error}.") from error
    init_validator_of(folder, settings, genesis=genesis, key=key, entropy=entropy)
    return genesis


def init_validator_of(
    folder: Path, settings: NodeSettings, *, genesis: bytes, key: SigningKey, entropy: Entropy = secrets.token_bytes
) -> None:
    """Make the home of a validator whose genesis.json and key there are already. Raises UserFacingError."""
    _make(folder, settings, genesis, entropy, key)


def init_peer(folder: Path, settings: NodeSettings, *, genesis: bytes, entropy: Entropy = secrets.token_bytes) -> None:
    """Make the home of a peer that follows the network of this genesis.json. Raises UserFacingError."""
    _make(folder, settings, genesis, entropy, None)


def require_full(folder: Path) -> None:
    """Returns unless a light node lives at `folder`: there is no ledger to look into, and nothing that answers.

    A folder that a peer made whole later is a peer's. Raises UserFacingError, StoreError.
    """
    home = Home(folder)
    if not home.light.is_file():
        return
    if home.database.is_file():
        with ChainReader.open(home.database) as reader:
            if not reader.tip().is_genesis:
                return
    raise UserFacingError(
        f"The node in {folder} is a light one: it keeps one merchant's payments, has no ledger, and answers nobody.",
        next_step=f"List what it keeps: chainpos node payments --home {folder}. Else ask a peer: --node HOST:PORT.",
        money_moved="",
        exit_code=EXIT_USAGE,
    )


def _make(folder: Path, settings: NodeSettings, genesis: bytes, entropy: Entropy, key: SigningKey | None) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise _refused(f"There is something at {folder} already.")
    try:
        load_genesis(genesis)
    except MalformedBytes as error:
        raise _refused(f"This is not a genesis file: {error}.") from error
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Built beside its place and moved there in one step: a home is there wholly or not at all.
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        _fill(Home(building), settings, genesis, SigningKey(entropy(SEED_BYTES)), key)
        building.replace(folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    sync_folder(folder.parent)


def _fill(home: Home, settings: NodeSettings, genesis: bytes, node_key: SigningKey, key: SigningKey | None) -> None:
    for part in (home.settings.parent, home.database.parent):
        part.mkdir(mode=_PRIVATE_FOLDER)
    write_durably(home.settings, dump_settings(settings).encode())
    write_durably(home.genesis, genesis)
    save_node_key(home.node_key, node_key)
    if key is not None:
        save_validator_key(home.validator_key, key)
        save_sign_state(home.sign_state, SignState())
    create_ledger(home.database, genesis)


def _refused(what: str) -> UserFacingError:
    return UserFacingError(what, next_step="Nothing was changed.", exit_code=EXIT_USAGE)

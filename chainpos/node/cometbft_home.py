"""Homes for validators that run CometBFT: keys, one genesis, CometBFT's config.toml, and the application's database.

It refuses to write into a folder that holds something. A home is CometBFT's and the application's alike; each keeps to
its own files.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.genesis import GenesisDoc, GenesisValidator, dump_genesis
from chainpos.engine.cometbft.application import create_application
from chainpos.engine.keys import SEED_BYTES, SigningKey, save_node_key, save_validator_key
from chainpos.engine.sign_state import SignState, save_sign_state
from chainpos.errors import EXIT_USAGE, MalformedBytes, UserFacingError
from chainpos.node.home import VALIDATOR_POWER, Home
from chainpos.store.durable import write_durably

MAX_VALIDATORS: Final = 100
DEFAULT_TIMEOUT_COMMIT_MS: Final = 500
DEFAULT_EMPTY_BLOCKS_S: Final = 15
NOTE: Final = "network.json"
# A Unix socket's path may have no more bytes than this on every system.
_MAX_SOCKET_PATH_BYTES: Final = 100
_PRIVATE_FOLDER: Final = 0o700


class NodePlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a node is reached: HOST:PORT for the other validators, HOST:PORT of its RPC, and its application's socket.

    `listen` is where it listens for the other validators; elsewhere than loopback that is another address.
    """

    name: str
    p2p: str
    rpc: str
    abci: str
    listen: str
    node_id: str = ""


class NetworkNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `network.json` says of the homes beside it."""

    chain_id: str
    nodes: tuple[NodePlace, ...]


class Pace(msgspec.Struct, frozen=True):
    """How quick consensus is. A block without transactions comes at the latest after `empty_blocks_s`."""

    timeout_commit_ms: int = DEFAULT_TIMEOUT_COMMIT_MS
    empty_blocks_s: int = DEFAULT_EMPTY_BLOCKS_S


def loopback_places(folder: Path, count: int, free_port: Callable[[], int]) -> tuple[NodePlace, ...]:
    """Places for a trial on this machine alone, on ports that are free just now."""
    places = []
    taken: set[int] = set()

    def another() -> int:
        # Nobody listens yet on those that were chosen before: one may come twice.
        while (port := free_port()) in taken:
            pass
        taken.add(port)
        return port

    for number in range(count):
        name = f"node{number}"
        p2p, rpc = f"127.0.0.1:{another()}", f"127.0.0.1:{another()}"
        socket = folder.resolve() / name / "data" / "abci.sock"
        fits = len(bytes(socket)) <= _MAX_SOCKET_PATH_BYTES
        abci = f"unix://{socket}" if fits else f"tcp://127.0.0.1:{another()}"
        places.append(NodePlace(name, p2p, rpc, abci, p2p))
    return tuple(places)


def host_places(hosts: Sequence[str]) -> tuple[NodePlace, ...]:
    """Places on machines of their own, on CometBFT's usual ports; the RPC stays on each machine's loopback."""
    return tuple(
        NodePlace(f"node{number}", f"{host}:26656", "127.0.0.1:26657", "tcp://127.0.0.1:26658", "0.0.0.0:26656")
        for number, host in enumerate(hosts)
    )


def init_network(folder: Path, doc: GenesisDoc, places: Sequence[NodePlace], pace: Pace) -> NetworkNote:
    """Make a home for each place, and new validators' keys; `doc`'s own validators are replaced by them.

    Raises UserFacingError. The note comes last: a folder without it was not finished.
    """
    if not 1 <= len(places) <= MAX_VALIDATORS:
        raise _refused(f"A network has 1 to {MAX_VALIDATORS} validators.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise _refused(f"There is something at {folder} already.")
    keys = [SigningKey(secrets.token_bytes(SEED_BYTES)) for _ in places]
    node_keys = [SigningKey(secrets.token_bytes(SEED_BYTES)) for _ in places]
    validators = tuple(
        GenesisValidator(key.public_key, VALIDATOR_POWER, place.name) for key, place in zip(keys, places, strict=True)
    )
    try:
        genesis = dump_genesis(msgspec.structs.replace(doc, validators=validators))
    except MalformedBytes as error:
        raise _refused(f"This network cannot begin: {error}.") from error
    named = tuple(
        msgspec.structs.replace(place, node_id=key.address.hex()) for place, key in zip(places, node_keys, strict=True)
    )
    for place, key, node_key in zip(named, keys, node_keys, strict=True):
        make_home(Home(folder / place.name), genesis, comet_settings(place, named, pace), key, node_key)
    note = NetworkNote(doc.chain_id, named)
    write_durably(folder / NOTE, msgspec.json.format(msgspec.json.encode(note), indent=2))
    return note


def make_home(home: Home, genesis: bytes, settings: str, key: SigningKey, node_key: SigningKey) -> None:
    """Make one home, of a validator or of whoever will be one; `settings` is CometBFT's config.toml."""
    for part in (home.settings.parent, home.database.parent):
        part.mkdir(mode=_PRIVATE_FOLDER, parents=True)
    write_durably(home.genesis, genesis)
    save_node_key(home.node_key, node_key)
    save_validator_key(home.validator_key, key)
    save_sign_state(home.sign_state, SignState())
    write_durably(home.cometbft_settings, settings.encode())
    create_application(home.application, genesis)


def load_note(folder: Path) -> NetworkNote:
    """What `network init` noted. Raises UserFacingError."""
    try:
        return msgspec.json.decode((folder / NOTE).read_bytes(), type=NetworkNote)
    except (OSError, msgspec.DecodeError) as error:
        raise UserFacingError(
            f"{folder} is not a network's folder.",
            next_step="Make one: chainpos network init --validators 4 --output DIR.",
            exit_code=EXIT_USAGE,
        ) from error


def comet_settings(place: NodePlace, places: Sequence[NodePlace], pace: Pace) -> str:
    """A config.toml: what is not written has CometBFT's default."""
    others = ",".join(f"{each.node_id}@{each.p2p}" for each in places if each is not place)
    on_loopback = "true" if place.listen.startswith("127.") else "false"
    return f"""\
# CometBFT v0.38 of the chainpos network. What is not written here has CometBFT's default.
proxy_app = {json.dumps(place.abci)}
abci = "socket"
moniker = {json.dumps(place.name)}
log_level = "info"

[rpc]
# Not for the open network: put TLS and an allow-list in front.
laddr = "tcp://{place.rpc}"
max_body_bytes = 1000000
max_subscriptions_per_client = 5
unsafe = false

[p2p]
laddr = "tcp://{place.listen}"
external_address = "{place.p2p}"
persistent_peers = "{others}"
# The validators know each other; nobody else is asked for or told about.
pex = false
addr_book_strict = {"false" if on_loopback == "true" else "true"}
allow_duplicate_ip = {on_loopback}

[mempool]
# A transaction has at most 4,096 bytes; what waits is bounded in count and bytes, and per signer by the application.
size = 5000
max_txs_bytes = 8000000
max_tx_bytes = 4096
cache_size = 10000
recheck = true
# What is refused now may be right later.
keep-invalid-txs-in-cache = false

[consensus]
timeout_commit = "{pace.timeout_commit_ms}ms"
# How long a validator that is down holds up the round in which it is the proposer.
timeout_propose = "1s"
# Payments make blocks; without any, one comes now and then, so that everybody sees that the network moves.
create_empty_blocks = false
create_empty_blocks_interval = "{pace.empty_blocks_s}s"
peer_gossip_sleep_duration = "25ms"

[storage]
# Peers ask for results and prove them.
discard_abci_responses = false

[tx_index]
indexer = "kv"
"""


def _refused(what: str) -> UserFacingError:
    return UserFacingError(what, next_step="Nothing was changed.", exit_code=EXIT_USAGE)

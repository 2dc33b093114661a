"""A node's settings, as `config/chainpos.toml` holds them.

It refuses names that it does not know: a setting with a typing error in it must not silently be another one.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from chainpos.errors import EXIT_USAGE, UserFacingError
from chainpos.rpc.client import TLS

MAX_UPSTREAMS: Final = 16
_MAX_FILE_BYTES: Final = 100_000
_ADDRESS: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]{1,253}):([0-9]{1,5})")

Mode = Literal["validator", "peer"]
_Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]


class EngineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a validator makes blocks."""

    block_interval_ms: Annotated[int, msgspec.Meta(ge=1, le=60_000)] = 100
    max_block_transactions: _Count = 2_000


class MempoolSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may wait for a block."""

    max_transactions: _Count = 5_000
    max_bytes: Annotated[int, msgspec.Meta(ge=4096, le=1_000_000_000)] = 8_000_000
    max_per_signer: _Count = 128


class NodeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that an operator may set. `listen` and `upstreams` are HOST:PORT; port 0 takes a free one.

    An upstream behind TLS is wss://HOST:PORT.

    `hosts` are the names, beside the machine's own loopback names, under which the RPC answers: a web page that is
    reached under any other name may not talk to the node. `snapshot_every` so many heights the records are written down
    for new peers; 0 is never.
    """

    mode: Mode
    moniker: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    listen: str = "127.0.0.1:26657"
    hosts: tuple[str, ...] = ()
    upstreams: tuple[str, ...] = ()
    snapshot_every: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 1_000
    engine: EngineSettings = EngineSettings()
    mempool: MempoolSettings = MempoolSettings()


def split_address(address: str) -> tuple[str, int]:
    """Host and port of a HOST:PORT; an IPv6 host comes in brackets. Raises UserFacingError."""
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match.group(2)) > 65_535:
        raise _refused(f"{address[:80]!r} is not an address of the form HOST:PORT.")
    return match.group(1).strip("[]"), int(match.group(2))


def load_settings(path: Path) -> NodeSettings:
    """The settings in a TOML file. Raises UserFacingError."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
        if len(content) > _MAX_FILE_BYTES:
            raise _refused(f"{path} is too large to be a settings file.")
        settings = msgspec.convert(tomllib.loads(content.decode()), NodeSettings)
    except OSError as error:
        raise UserFacingError(
            f"The settings {path} cannot be read.",
            next_step="Make the node's home first: chainpos node init.",
            exit_code=EXIT_USAGE,
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _refused(f"The settings {path} are not right: {error}.") from error
    check_settings(settings)
    return settings


def check_settings(settings: NodeSettings) -> None:
    """Raises UserFacingError where a setting is out of its range or settings contradict each other."""
    try:
        msgspec.convert(msgspec.to_builtins(settings), NodeSettings)
    except msgspec.ValidationError as error:
        raise _refused(f"The settings are not right: {error}.") from error
    split_address(settings.listen)
    for upstream in settings.upstreams:
        split_address(upstream.removeprefix(TLS))
    if len(settings.upstreams) > MAX_UPSTREAMS or len(set(settings.upstreams)) != len(settings.upstreams):
        raise _refused(f"A node follows at most {MAX_UPSTREAMS} upstreams, each named once.")
    if settings.mode == "validator" and settings.upstreams:
        raise _refused("The one validator follows nobody: it has no upstreams.")


def dump_settings(settings: NodeSettings) -> str:
    """The settings as TOML, with a word on each part."""
    check_settings(settings)
    engine, mempool = settings.engine, settings.mempool
    return f"""\
# A chainpos node. Restart it after a change.
mode = {_text(settings.mode)}
moniker = {_text(settings.moniker)}

# Where the RPC listens, and the names beside loopback's under which it answers.
listen = {_text(settings.listen)}
hosts = {_list(settings.hosts)}

# Whom a peer follows, as HOST:PORT of their RPC, or wss://HOST:PORT behind TLS.
upstreams = {_list(settings.upstreams)}

# Every so many heights all records are written down, for new peers to begin from; 0 is never.
snapshot_every = {settings.snapshot_every}

[engine]
# The least time between two blocks with transactions, and how many one may hold.
block_interval_ms = {engine.block_interval_ms}
max_block_transactions = {engine.max_block_transactions}

[mempool]
max_transactions = {mempool.max_transactions}
max_bytes = {mempool.max_bytes}
max_per_signer = {mempool.max_per_signer}
"""


def _text(value: str) -> str:
    # TOML's basic strings escape as JSON's do, but for DEL, which JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(_text(value) for value in values) + "]"


def _refused(what: str) -> UserFacingError:
    return UserFacingError(what, next_step="Correct the settings and start again.", exit_code=EXIT_USAGE)

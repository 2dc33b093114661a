"""A wallet's folder: which network it trusts, which nodes it asks, its key and what it did.

    wallet.json     the nodes to ask, and a checkpoint where one was given
    genesis.json    the network: the root of all that the wallet believes
    key.json        the encrypted key
    trust.json      the newest header verified; losing it costs a few more steps next time
    history.jsonl   what was signed and how it ended, one JSON object a line

It refuses settings that it does not know and a network that is not the one the folder was made for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import msgspec

from chainpos.core.chain.genesis import MAX_GENESIS_BYTES, GenesisDoc, load_genesis
from chainpos.errors import EXIT_USAGE, MalformedBytes, UserFacingError
from chainpos.store.durable import private_folder, write_durably

MAX_NODES: Final = 8
_MAX_SETTINGS_BYTES: Final = 10_000
_Address = Annotated[str, msgspec.Meta(pattern=r"^(wss://)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]{1,253}):[0-9]{1,5}\Z")]
_Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{64}\Z")]


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A block that its owner believes, by height and hash, when the genesis is too old to begin from."""

    height: Annotated[int, msgspec.Meta(ge=1)]
    hash: _Hash


class WalletSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`nodes` are HOST:PORT of the nodes to ask, the first being the usual one and the others its witnesses."""

    nodes: Annotated[tuple[_Address, ...], msgspec.Meta(min_length=1, max_length=MAX_NODES)]
    checkpoint: Checkpoint | None = None


class WalletHome:
    """The paths of one wallet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings_path = folder / "wallet.json"
        self.genesis_path = folder / "genesis.json"
        self.key_path = folder / "key.json"
        self.trust_path = folder / "trust.json"
        self.history_path = folder / "history.jsonl"

    def create(self, genesis_json: bytes, nodes: tuple[str, ...], checkpoint: Checkpoint | None = None) -> GenesisDoc:
        """Begin the folder for a network. Raises UserFacingError if it already is for another one."""
        genesis = _genesis(genesis_json, "that was given")
        if self.genesis_path.exists() and self.genesis_path.read_bytes() != genesis_json:
            raise UserFacingError(
                f"The wallet in {self.folder} belongs to another network.",
                next_step="Choose another folder with --home.",
                exit_code=EXIT_USAGE,
            )
        settings = _settings(msgspec.json.encode(WalletSettings(nodes, checkpoint)), "that were given")
        private_folder(self.folder)
        write_durably(self.genesis_path, genesis_json)
        self.save_settings(settings)
        return genesis

    def genesis(self) -> GenesisDoc:
        """The network that this wallet trusts. Raises UserFacingError."""
        return _genesis(self._read(self.genesis_path, MAX_GENESIS_BYTES), f"in {self.genesis_path}")

    def settings(self) -> WalletSettings:
        """Raises UserFacingError."""
        return _settings(self._read(self.settings_path, _MAX_SETTINGS_BYTES), f"in {self.settings_path}")

    def save_settings(self, settings: WalletSettings) -> None:
        """Write the settings, durable when this returns."""
        write_durably(self.settings_path, msgspec.json.format(msgspec.json.encode(settings)) + b"\n")

    def _read(self, path: Path, limit: int) -> bytes:
        try:
            with path.open("rb") as file:
                content = file.read(limit + 1)
        except FileNotFoundError as error:
            raise UserFacingError(
                f"There is no wallet in {self.folder}.",
                next_step="Make one with `chainpos wallet new`, or name its folder with --home.",
                exit_code=EXIT_USAGE,
            ) from error
        if len(content) > limit:
            raise UserFacingError(f"{path} is too large.", next_step="Restore it.", exit_code=EXIT_USAGE)
        return content


def default_home() -> Path:
    """Where a wallet is unless told otherwise: $CHAINPOS_WALLET, else .chainpos/wallet in the user's folder."""
    named = os.environ.get("CHAINPOS_WALLET")
    return Path(named) if named else Path.home() / ".chainpos" / "wallet"


def _genesis(content: bytes, which: str) -> GenesisDoc:
    try:
        return load_genesis(content)
    except MalformedBytes as error:
        raise UserFacingError(
            f"The genesis file {which} cannot be read: {error}.",
            next_step="Get it again from whoever runs the network.",
            exit_code=EXIT_USAGE,
        ) from error


def _settings(content: bytes, which: str) -> WalletSettings:
    try:
        return msgspec.json.decode(content, type=WalletSettings)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserFacingError(
            f"The wallet settings {which} are not right: {error}.",
            next_step="Name the nodes as HOST:PORT.",
            exit_code=EXIT_USAGE,
        ) from error

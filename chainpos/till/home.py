"""A till's folder: whose counter it is, which node is its own, its key and its book.

    till.json       the merchant, the node, the address in the QR code
    genesis.json    the network
    key.json        the till's own key, readable by its owner alone
    shop.db         the shop's book

It refuses settings that it does not know, and a demo key outside a demo network.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated, Final

import msgspec

from chainpos.core.chain.genesis import MAX_GENESIS_BYTES, GenesisDoc, load_genesis
from chainpos.core.checkout.receipt import NARROW_COLUMNS
from chainpos.core.values.currency import CURRENCIES
from chainpos.errors import EXIT_CORRUPT, EXIT_USAGE, MalformedBytes, StoreError, UserFacingError
from chainpos.store.durable import private_folder, write_durably
from chainpos.store.shop import ShopBook
from chainpos.till.keyfile import load_till_key, save_till_key
from chainpos.till.printing.address import PATTERN
from chainpos.wallet.keys import Key, require_allowed

DEFAULT_LIFE_S: Final = 120
# What anybody may lose by a code that the network then refuses; off unless the shop's owner says otherwise.
MAX_OFFLINE_MINOR: Final = 100_000
_MAX_SETTINGS_BYTES: Final = 10_000
_Address = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]{1,253}:[0-9]{1,5}\Z")]
_Merchant = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,32}\Z")]


class TillSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`node` is the HOST:PORT of this till's own node; `link_address` how customers reach it, the same where empty.

    `life_s` is how long a request can be paid; `lock_after_s` how long nobody touches the till before it locks, 0
    for never; left out, a till with staff locks after five minutes, and one that is its owner's alone never.
    `printer` is tcp:HOST:PORT, usb:VENDOR:PRODUCT or file:PATH, its paper `paper_columns` wide (32 on 58 mm, 48 on
    80 mm); `print_each`: a receipt for each sale without being asked. `offline_codes_minor`: how much, of all
    together, may be charged to customers' codes while the network is away.
    """

    merchant: _Merchant
    node: _Address
    currency: str
    link_address: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9.-]{1,57}:[0-9]{1,5})?\Z")] = ""
    life_s: Annotated[int, msgspec.Meta(ge=10, le=86_400)] = DEFAULT_LIFE_S
    lock_after_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None
    printer: Annotated[str, msgspec.Meta(pattern=PATTERN)] = ""
    paper_columns: Annotated[int, msgspec.Meta(ge=24, le=80)] = NARROW_COLUMNS
    print_each: bool = False
    offline_codes_minor: Annotated[int, msgspec.Meta(ge=0, le=MAX_OFFLINE_MINOR)] = 0


class TillHome:
    """The paths of one till."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings_path = folder / "till.json"
        self.genesis_path = folder / "genesis.json"
        self.key_path = folder / "key.json"
        self.book_path = folder / "shop.db"
        self.display_path = folder / "display.json"

    def create(self, genesis_json: bytes, settings: TillSettings, key: Key) -> None:
        """Begin the folder. Raises UserFacingError where it is a till's already."""
        require_allowed(key, _genesis(genesis_json))
        check_settings(settings)
        private_folder(self.folder)
        save_till_key(self.key_path, key)
        write_durably(self.genesis_path, genesis_json)
        self.save_settings(settings)

    def save_settings(self, settings: TillSettings) -> None:
        """Write the settings, durable when this returns. Raises UserFacingError where they are not right."""
        check_settings(settings)
        write_durably(self.settings_path, msgspec.json.format(msgspec.json.encode(settings)) + b"\n")

    def settings(self) -> TillSettings:
        """Raises UserFacingError."""
        return _settings(self._read(self.settings_path, _MAX_SETTINGS_BYTES))

    def genesis(self) -> GenesisDoc:
        """The network. Raises UserFacingError."""
        return _genesis(self._read(self.genesis_path, MAX_GENESIS_BYTES))

    def key(self) -> Key:
        """The till's key, if it may be used on this network. Raises UserFacingError."""
        return require_allowed(load_till_key(self.key_path), self.genesis())

    def open_book(self) -> ShopBook:
        """The shop's book. Raises UserFacingError where it is damaged, StoreError where another till has it."""
        try:
            return ShopBook.open(self.book_path)
        except StoreError as error:
            # Locked, full and of a newer version are other troubles, with sentences of their own.
            if not isinstance(error.__cause__, sqlite3.DatabaseError) or (
                "malformed" not in str(error) and ("not a database" not in str(error))
            ):
                raise
            raise UserFacingError(
                f"The shop's book {self.book_path} is damaged.",
                next_step="Restore a copy of it, or move it away and start again with an empty one: "
                "the ledger still has every payment, under Ledger and in `chainpos inspect search`.",
                exit_code=EXIT_CORRUPT,
            ) from error

    def _read(self, path: Path, limit: int) -> bytes:
        try:
            with path.open("rb") as file:
                content = file.read(limit + 1)
        except FileNotFoundError as error:
            raise UserFacingError(
                f"There is no till in {self.folder}.",
                next_step="Set it up with `chainpos till --new`, or name its folder with --home.",
                exit_code=EXIT_USAGE,
            ) from error
        if len(content) > limit:
            raise UserFacingError(f"{path} is too large.", next_step="Restore it.", exit_code=EXIT_USAGE)
        return content


def check_settings(settings: TillSettings) -> None:
    """Raises UserFacingError where a setting is out of its range."""
    _settings(msgspec.json.encode(settings))


def _genesis(content: bytes) -> GenesisDoc:
    try:
        return load_genesis(content)
    except MalformedBytes as error:
        raise UserFacingError(
            f"The till's genesis file cannot be read: {error}.",
            next_step="Get it again from whoever runs the network.",
            exit_code=EXIT_USAGE,
        ) from error


def _settings(content: bytes) -> TillSettings:
    try:
        settings = msgspec.json.decode(content, type=TillSettings)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserFacingError(
            f"The till's settings are not right: {error}.", next_step="Correct till.json.", exit_code=EXIT_USAGE
        ) from error
    if settings.currency not in CURRENCIES:
        raise UserFacingError("The till's currency is unknown.", next_step="Correct till.json.", exit_code=EXIT_USAGE)
    return settings

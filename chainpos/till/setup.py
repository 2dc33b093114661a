"""Setting a shop's till up, step by step: the network, the shop, the till's key, its enrolment, articles, PIN, printer.

Each step is durable when it returns, and what is done is read from the folder: setting up can be left at any moment and
gone on with. It refuses another network than the one whose fingerprint was confirmed, and never overwrites a key.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.envelope import BODY_VERSION, Body, encode_envelope
from chainpos.core.chain.genesis import load_genesis
from chainpos.core.checkout.qr import qr_modules
from chainpos.core.contracts.merchants.messages import AddTill
from chainpos.core.contracts.merchants.records import MERCHANTS, OPEN, TILLS, merchant_key
from chainpos.core.contracts.registry import CODES_BY_NUMBER
from chainpos.core.values.amount import AmountError, parse_amount
from chainpos.core.values.hashes import sha256
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_USAGE, MalformedBytes, UserFacingError
from chainpos.inspect.connection import NodeConnection
from chainpos.inspect.records import record_at
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.store.durable import private_folder, write_durably
from chainpos.store.shop import ShopBook
from chainpos.store.shop_shifts import ShopShifts
from chainpos.till.catalogue import Catalogue, Preview
from chainpos.till.home import TillHome, TillSettings, check_settings
from chainpos.till.keyfile import load_till_key, save_till_key
from chainpos.till.own_node import CatchingUp, ensure_own_node, make_own_node
from chainpos.till.pin import set_pin
from chainpos.till.printing.address import PATTERN as PRINTER_PATTERN
from chainpos.till.printing.commands import job_bytes
from chainpos.till.printing.device import PrinterProblem, send
from chainpos.till.staff import decides
from chainpos.till.views import Qr
from chainpos.wallet.keys import SEED_BYTES, Key, require_allowed
from chainpos.wallet.keystore import open_keystore

PROGRESS_NAME: Final = "setup.json"
NODE_FOLDER: Final = "node"
MAX_CATALOGUE_BYTES: Final = 64_000_000
ENROL_LIFE_S: Final = 600
ENROL_WAIT_S: Final = 30.0
_LOOK_EVERY_S: Final = 0.5
_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253}):[0-9]{1,5}", re.ASCII)


class Step(StrEnum):
    """What is to be done, in this order."""

    NETWORK = "network"
    SHOP = "shop"
    KEY = "key"
    ENROL = "enrol"
    ARTICLES = "articles"
    PIN = "pin"
    PRINTER = "printer"
    DONE = "done"


# What a shop can do without, or do later.
MAY_WAIT: Final = frozenset({Step.ENROL, Step.ARTICLES, Step.PIN, Step.PRINTER})


class NetworkFound(msgspec.Struct, frozen=True):
    """A network that a node belongs to; `fingerprint` (hex, in groups) is its genesis file's, for people to compare."""

    chain_id: str
    fingerprint: str
    height: int
    validators: int
    demo: bool
    genesis: bytes


class ShopFound(msgspec.Struct, frozen=True):
    """A shop as the network certified it, as of a height of the shop's own node."""

    merchant: str
    name_en: str
    name_zh: str
    city: str
    is_open: bool
    height: int


class Enrolment(msgspec.Struct, frozen=True):
    """Whether the owner has added this till; `key` is what the owner adds, hex."""

    key: str
    is_added: bool
    qr: Qr


class _Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What no other file of the folder tells. `later` are steps that were put off."""

    upstreams: tuple[str, ...] = ()
    address: str = ""
    later: tuple[Step, ...] = ()


class ShopSetup:
    """One folder's setting up. Its calls that reach the network raise UserFacingError within their time-outs."""

    def __init__(
        self, folder: Path, now_ns: Callable[[], int], entropy: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self.home = TillHome(folder)
        self._now_ns = now_ns
        self._entropy = entropy
        self._is_enrolled = False

    # -- how far it is

    def step(self) -> Step:
        """The first step that is neither done nor put off."""
        later = self._progress().later
        done = {
            Step.NETWORK: self.home.genesis_path.exists() and (self.home.folder / NODE_FOLDER).exists(),
            Step.SHOP: self.home.settings_path.exists(),
            Step.KEY: self.home.key_path.exists(),
            Step.ENROL: self._is_enrolled,
            Step.PRINTER: self.home.settings_path.exists() and bool(self.home.settings().printer),
        }
        for step in Step:
            if step is Step.DONE or (step not in later and not done.get(step, False) and not self._in_book(step)):
                return step
        return Step.DONE

    def put_off(self, step: Step) -> None:
        """Go on without it; `chainpos till setup` comes back to nothing that was put off. Raises UserFacingError."""
        if step not in MAY_WAIT:
            raise UserFacingError("A till needs this.", next_step="It cannot be left for later.", exit_code=EXIT_USAGE)
        progress = self._progress()
        self._save(msgspec.structs.replace(progress, later=(*progress.later, step)))

    def _in_book(self, step: Step) -> bool:
        if step not in {Step.ARTICLES, Step.PIN} or not self.home.book_path.exists():
            return False
        with ShopBook.open(self.home.book_path) as book:
            if step is Step.PIN:
                return bool(decides(ShopShifts(book)))
            return bool(Catalogue(book, self.home.settings().currency).stored.articles())

    # -- the network

    async def find_network(self, node: str) -> NetworkFound:
        """The network that a node says it belongs to. Nothing of it is believed yet. Raises UserFacingError."""
        if not _ADDRESS.fullmatch(node):
            raise UserFacingError(
                f"{node[:40]!r} is no address of a node.",
                next_step="Write it as HOST:PORT, such as 192.168.1.20:26657.",
                exit_code=EXIT_USAGE,
            )
        async with _Asked(node, "Check the address, and that this machine has a network; then Enter again.") as client:
            status, genesis = await client.status(), await client.genesis_document()
        try:
            document = load_genesis(genesis)
        except MalformedBytes as error:
            raise UserFacingError(
                f"The node's genesis file is not right: {error}.", next_step="Ask another."
            ) from error
        if document.chain_id != status.network:
            raise UserFacingError("The node contradicts itself.", next_step="Ask another node of the network.")
        demo = bool(msgspec.json.decode(document.app_state).get("network", {}).get("demo"))
        return NetworkFound(
            clean(document.chain_id),
            fingerprint(genesis),
            status.latest.height,
            len(document.validators),
            demo,
            genesis,
        )

    def accept_network(self, found: NetworkFound, nodes: tuple[str, ...]) -> None:
        """Whoever sets up has compared the fingerprint: this is the network from now on, with a node of the shop's own.

        Raises UserFacingError.
        """
        private_folder(self.home.folder)
        own = self.home.folder / NODE_FOLDER
        address = self._progress().address
        if not own.exists():
            address = make_own_node(own, found.genesis, nodes, "shop")
            self._save(msgspec.structs.replace(self._progress(), upstreams=nodes, address=address))
        write_durably(self.home.genesis_path, found.genesis)

    async def start_node(self) -> str:
        """The shop's own node runs; its HOST:PORT. Raises UserFacingError."""
        address = self._progress().address
        await ensure_own_node(self.home.folder / NODE_FOLDER, address)
        return address

    # -- the shop and the till's key

    async def find_shop(self, merchant: str) -> ShopFound:
        """The shop as the network certified it, by the shop's own node. Raises UserFacingError."""
        address = await self.start_node()
        async with _Asked(address) as client:
            report = await client.report()
            height = report.height
            if height < 1 or height < report.target_height:
                raise CatchingUp(height, report.target_height)
            record = await record_at(client, MERCHANTS, merchant_key(merchant), height)
        if record is None:
            raise UserFacingError(
                f"No shop {merchant[:40]!r} is on the ledger as of height {height}.",
                next_step="Check the ID with the shop's bank, which registers it.",
                exit_code=EXIT_REFUSED,
            )
        record = record.as_of(report.tip_time_ns // SECOND_NS)
        names = clean(record.name_en), clean(record.name_zh), clean(record.city)
        return ShopFound(merchant, *names, record.status == OPEN, height)

    def accept_shop(self, found: ShopFound, currency: str) -> None:
        """This till is that shop's. Raises UserFacingError."""
        self.home.save_settings(TillSettings(found.merchant, self._progress().address, currency))

    def make_key(self) -> None:
        """A new key for this till. Raises UserFacingError where one is."""
        save_till_key(self.home.key_path, Key(self._entropy(SEED_BYTES)))

    def import_key(self, path: Path) -> None:
        """The key of another till's folder, which must no longer be used there. Raises UserFacingError."""
        key = require_allowed(load_till_key(path), self.home.genesis())
        save_till_key(self.home.key_path, key)

    # -- enrolment

    async def enrolment(self) -> Enrolment:
        """Whether the ledger knows this till as the shop's. Raises UserFacingError."""
        address = await self.start_node()
        key = self.home.key().public_key
        async with _Asked(address) as client:
            record = await record_at(client, TILLS, key, (await client.report()).height)
        merchant = self.home.settings().merchant
        self._is_enrolled = record is not None and record.merchant == merchant and record.status == OPEN
        text = key.hex().upper()
        return Enrolment(key.hex(), self._is_enrolled, Qr(text, qr_modules(text)))

    async def enrol(self, keystore: Path, passphrase: str, label: str, largest: str, refunds_a_day: str) -> Enrolment:
        """Add this till with the owner's key, which is used once and kept nowhere. Raises UserFacingError."""
        settings = self.home.settings()
        limits = [_minor(text, settings.currency) for text in (largest, refunds_a_day)]
        owner = require_allowed(await asyncio.to_thread(open_keystore, keystore, passphrase), self.home.genesis())
        message = AddTill(settings.merchant, self.home.key().public_key, label, *limits)
        wire = self._signed(owner, message)
        async with _Asked(await self.start_node()) as client:
            answer = await client.broadcast_tx_sync(wire)
        if answer.code:
            code = CODES_BY_NUMBER.get(answer.code)
            what = code.what_en if code is not None else "The network refused it."
            raise UserFacingError(what, next_step="Check the shop's ID and the owner's key.", exit_code=EXIT_REFUSED)
        for _ in range(int(ENROL_WAIT_S / _LOOK_EVERY_S)):
            enrolment = await self.enrolment()
            if enrolment.is_added:
                return enrolment
            await asyncio.sleep(_LOOK_EVERY_S)
        raise UserFacingError(
            "The network took the request and has not answered yet.",
            next_step="Look again in a minute.",
            exit_code=EXIT_UNREACHABLE,
        )

    def _signed(self, owner: Key, message: AddTill) -> bytes:
        expires_s = self._now_ns() // SECOND_NS + ENROL_LIFE_S
        encoded = msgspec.msgpack.encode(message)
        chain_id = self.home.genesis().chain_id
        kind, nonce = "merchants.add_till", self._entropy(16)
        body = Body(BODY_VERSION, chain_id, owner.public_key, expires_s, nonce, kind, encoded)
        return encode_envelope(body, owner.sign)

    # -- the book

    def preview_articles(self, path: Path) -> Preview:
        """What importing the file would do, with every wrong line. May take seconds. Raises UserFacingError."""
        with ShopBook.open(self.home.book_path) as book:
            return Catalogue(book, self.home.settings().currency).preview(_read(path))

    def import_articles(self, path: Path, progress: Callable[[int, int], None] | None = None) -> Preview:
        """Import the file, if nothing is wrong with it. May take seconds. Raises UserFacingError."""
        with ShopBook.open(self.home.book_path) as book:
            return Catalogue(book, self.home.settings().currency).take_in(_read(path), progress)

    def choose_pin(self, pin: str, again: str) -> None:
        """The owner's first PIN, while nobody decides here. Raises UserFacingError."""
        if pin != again:
            raise UserFacingError("The two PINs differ.", next_step="Type the same one twice.", exit_code=EXIT_USAGE)
        with ShopBook.open(self.home.book_path) as book:
            # Whoever types here was asked for no PIN: nobody makes an owner of themselves beside those who decide.
            if decides(ShopShifts(book)):
                raise UserFacingError(
                    "Somebody decides on this till already: its owner's PIN is not set here.",
                    next_step="Set it with `chainpos till --set-pin`, which asks for the PIN of one who may.",
                    exit_code=EXIT_REFUSED,
                )
            set_pin(book, pin)

    def try_printer(self, address: str) -> None:
        """Print a line, and keep the printer where it came out. Blocks for some seconds. Raises UserFacingError."""
        if not address or not re.fullmatch(PRINTER_PATTERN, address):
            raise UserFacingError(
                f"{address[:40]!r} is no printer's address.",
                next_step="Write tcp:HOST:9100, usb:VENDOR:PRODUCT or file:/dev/usb/lp0.",
                exit_code=EXIT_USAGE,
            )
        chosen = msgspec.structs.replace(self.home.settings(), printer=address)
        check_settings(chosen)
        try:
            send(address, job_bytes(["chainpos", chosen.merchant, "收款 OK", "", ""], columns=chosen.paper_columns))
        except PrinterProblem as problem:
            raise UserFacingError(
                f"The printer did not print: {problem.kind.replace('_', ' ')}.",
                next_step="Look at its paper, cover, cable and address, then try again; or leave it for later.",
            ) from problem
        self.home.save_settings(chosen)

    # -- progress

    def _progress(self) -> _Progress:
        try:
            return msgspec.json.decode((self.home.folder / PROGRESS_NAME).read_bytes(), type=_Progress)
        except FileNotFoundError:
            return _Progress()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UserFacingError(
                f"{PROGRESS_NAME} in {self.home.folder} is not right.",
                next_step="Take it away: setting up goes on with what the other files tell.",
                exit_code=EXIT_USAGE,
            ) from error

    def _save(self, progress: _Progress) -> None:
        write_durably(self.home.folder / PROGRESS_NAME, msgspec.json.encode(progress))


def fingerprint(genesis: bytes) -> str:
    """The SHA-256 of a genesis file, in eight groups of four bytes, to be read aloud."""
    digest = sha256(genesis).hex().upper()
    return " ".join(digest[place : place + 8] for place in range(0, len(digest), 8))


def _minor(text: str, currency: str) -> int:
    try:
        return parse_amount(text, currency).minor
    except AmountError as error:
        raise UserFacingError(f"{text[:40]!r} is no amount.", next_step="Write it as 5000.00.") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CATALOGUE_BYTES + 1)
    except OSError as error:
        raise UserFacingError(f"{path} cannot be read: {error.strerror}.", next_step="Check the path.") from error
    if len(content) > MAX_CATALOGUE_BYTES:
        raise UserFacingError(f"{path} is too large.", next_step="Import it in parts.")
    return content


class _Asked:
    """A connection for a few questions; what goes wrong becomes a sentence, with the step for a node that is silent."""

    def __init__(self, node: str, next_step: str = "") -> None:
        self._connection = NodeConnection(node)
        self._node, self._next_step = node, next_step

    async def __aenter__(self) -> RpcClient:
        try:
            return await self._connection.open()
        except UserFacingError as error:
            raise UserFacingError(
                error.what, next_step=self._next_step or error.next_step, exit_code=EXIT_UNREACHABLE
            ) from error

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        await self._connection.close()
        if isinstance(error, (Disconnected, RpcError, MalformedBytes, TimeoutError)):
            raise UserFacingError(
                f"The node at {self._node[:80]} did not answer as one should.",
                next_step="Check the address, or ask another node.",
                exit_code=EXIT_UNREACHABLE,
            ) from error

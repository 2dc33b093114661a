"""What can be wrong with a machine that is to be a till, found before a customer finds it; each with its mend.

It refuses to mend anything itself, and writes nothing but a probe beside the till's files, which it takes away again.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, Literal

import apsw
import msgspec

from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.checkout.qr import qr_modules
from chainpos.core.contracts.merchants.records import MERCHANTS, OPEN, TILLS, merchant_key
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import MalformedBytes, StoreInUse, UserFacingError
from chainpos.inspect.connection import NodeConnection
from chainpos.inspect.records import record_at
from chainpos.rpc.backend import NodeReport
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.store.durable import write_durably
from chainpos.store.shop_reading import BookReader
from chainpos.till.home import TillHome, TillSettings
from chainpos.till.views import Qr

Verdict = Literal["good", "look", "bad"]
OLDEST_PYTHON: Final = (3, 11)
# STRICT tables came with the first; the chain database also relies on fixes up to the second.
OLDEST_BOOK_SQLITE: Final = (3, 37, 0)
OLDEST_CHAIN_SQLITE: Final = (3, 51, 2)
LEAST_FREE_BYTES: Final = 200_000_000
LITTLE_FREE_BYTES: Final = 2_000_000_000
# A block's time is its validators', and may be a little ahead of ours.
CLOCK_SLACK_NS: Final = 10 * SECOND_NS
# No program of this version ran before: a clock that says so was never set.
BUILT_NS: Final = 1_764_547_200 * SECOND_NS
PROBE: Final = ".chainpos-doctor"
NODE_TIMEOUT_S: Final = 3.0
# As long as a link of a till can be, so that what fits here fits always.
SAMPLE_TEXT: Final = "HTTP://192.168.100.100:26657/P/CHAINPOS2DOCTOR2SAMPLE2CODE"


class Finding(msgspec.Struct, frozen=True):
    """One check: `found` is what there is, `mend` what to do where it is not "good"."""

    name: str
    verdict: Verdict
    found: str
    mend: str = ""


def sample_code() -> Qr:
    """A code as large as those of a counter."""
    return Qr(SAMPLE_TEXT, qr_modules(SAMPLE_TEXT))


def examine_machine(folder: Path, now_ns: int) -> Iterator[Finding]:
    """What every till needs: Python, SQLite, a clock, and a disk to write on. `folder` may not exist yet."""
    yield _version("Python", tuple(sys.version_info[:3]), OLDEST_PYTHON, "Install a newer Python.")
    chain = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    yield _version("SQLite of the chain", chain, OLDEST_CHAIN_SQLITE, "Install chainpos again from its lock file.")
    yield _version("SQLite of the shop's book", sqlite3.sqlite_version_info, OLDEST_BOOK_SQLITE,
                   "Install a newer Python, whose SQLite is newer.")  # fmt: skip
    if now_ns < BUILT_NS:
        yield Finding("clock", "bad", "The clock is before chainpos was made.", "Set the date and the time.")
    yield from _disk(folder)


def examine_till(home: TillHome) -> Iterator[Finding]:
    """A till's own files."""
    settings = None
    try:
        settings, genesis = home.settings(), home.genesis()
        yield Finding("settings", "good", f"{settings.merchant}, {settings.currency}, on {genesis.chain_id}")
        yield _link(settings, genesis)
    except UserFacingError as error:
        yield _told("settings", error)
        return
    try:
        yield Finding("key", "good", f"{home.key().public_key.hex()[:16]}…, readable by its owner alone")
    except UserFacingError as error:
        yield _told("key", error)
    yield _book(home.book_path)


async def examine_node(home: TillHome, now_ns: int) -> list[Finding]:
    """The till's own node, and what the ledger says of this till. Raises UserFacingError for the till's own files."""
    settings, genesis, key = home.settings(), home.genesis(), home.key()
    connection = NodeConnection(settings.node, timeout_s=NODE_TIMEOUT_S)
    try:
        client = await connection.open()
        status, report = await client.status(), await client.report()
        if status.network != genesis.chain_id:
            mend = "Name this network's own node in till.json, or set the till up for the other network."
            return [Finding("node", "bad", f"The node at {settings.node} is of another network.", mend)]
        found = [_node(report), _clock(report, now_ns, settings.life_s)]
        return found + [each async for each in _enrolment(client, settings, key.public_key, report.height)]
    except UserFacingError:
        mend = "Start it: chainpos node start --home DIR. Until then the till shows requests and says OFFLINE."
        return [Finding("node", "bad", f"No node answers at {settings.node}.", mend)]
    except (Disconnected, RpcError, MalformedBytes, TimeoutError):
        mend = "Look at its log; is that address a chainpos node's?"
        return [Finding("node", "bad", f"The node at {settings.node} does not answer as one.", mend)]
    finally:
        await connection.close()


def _version(name: str, found: tuple[int, ...], oldest: tuple[int, ...], mend: str) -> Finding:
    text = ".".join(map(str, found))
    if found >= oldest:
        return Finding(name, "good", text)
    return Finding(name, "bad", f"{text}, and {'.'.join(map(str, oldest))} is needed.", mend)


def _disk(folder: Path) -> Iterator[Finding]:
    standing = folder
    while not standing.exists() and standing != standing.parent:
        standing = standing.parent
    try:
        free = shutil.disk_usage(standing).free
    except OSError as error:
        yield Finding("disk", "bad", f"{standing} cannot be looked at: {error.strerror}.", "Check the path.")
        return
    text = f"{free / 1e9:.1f} GB free"
    if free < LEAST_FREE_BYTES:
        mend = "Make room before selling: without it the till stops rather than lose a sale."
        yield Finding("disk", "bad", text, mend)
    elif free < LITTLE_FREE_BYTES:
        yield Finding("disk", "look", text, "Make room soon; a year of a busy counter takes about 2 GB.")
    else:
        yield Finding("disk", "good", text)
    if not folder.is_dir():
        return
    probe = folder / PROBE
    try:
        write_durably(probe, b"probe")
        probe.unlink()
    except OSError as error:
        mend = "Let this user write there, or name another folder with --home."
        yield Finding("folder", "bad", f"{folder} cannot be written: {error.strerror}.", mend)
    else:
        yield Finding("folder", "good", f"{folder} can be written")


def _link(settings: TillSettings, genesis: GenesisDoc) -> Finding:
    address = settings.link_address or settings.node
    host = address.rpartition(":")[0]
    if host in {"localhost", "0.0.0.0"} or host.startswith("127."):  # noqa: S104 - compared, not bound
        found = f"The QR code says {address}, which no customer's phone can reach."
        mend = 'Write the address of this machine in the shop\'s network as "link_address" in till.json.'
        return Finding("address in the QR code", "look", found, mend)
    return Finding("address in the QR code", "good", f"{address} on {genesis.chain_id}")


def _book(path: Path) -> Finding:
    if not path.exists():
        return Finding("book", "good", "The shop's book will be begun with the first sale")
    try:
        damage, whole = BookReader(path).look_over()
    except StoreInUse:
        return Finding(
            "book", "look", "Another program holds the shop's book; it could not be read.",
            "Close that program, and look again: no sale can be written meanwhile.",
        )  # fmt: skip
    if not whole:
        found = "Nothing damaged in what was read of the shop's book; close the till, then all of it is read"
        return Finding("book", "good", found)
    if not damage:
        return Finding("book", "good", "The shop's book is whole")
    mend = "Keep the file as it is. What was paid is on the ledger; begin a new book from a copy of this folder."
    return Finding("book", "bad", f"The shop's book is damaged: {damage.splitlines()[0][:80]}.", mend)


def _node(report: NodeReport) -> Finding:
    where = f"{report.state} at height {report.height}"
    if report.state == "halted":
        return Finding("node", "bad", f"{where}: {report.halted_reason}", "chainpos node status says what to do.")
    if report.state == "offline":
        mend = "It hears nobody: check the network and its upstreams. Codes can be shown, and nothing is PAID."
        return Finding("node", "bad", where, mend)
    if report.alarms:
        codes = ", ".join(sorted({alarm.code for alarm in report.alarms}))
        return Finding("node", "look", f"{where}; alarms: {codes}", "chainpos explain CODE says what to do.")
    verdict: Verdict = "good" if report.state == "online" else "look"
    return Finding("node", verdict, where, "" if verdict == "good" else "Wait until it is ONLINE.")


def _clock(report: NodeReport, now_ns: int, life_s: int) -> Finding:
    behind_s = (report.tip_time_ns - now_ns) // SECOND_NS
    if now_ns + CLOCK_SLACK_NS >= report.tip_time_ns:
        return Finding("clock", "good", "Not behind the last block")
    said = f"The clock is {behind_s} seconds behind the last block."
    if behind_s >= life_s:
        said = f"{said} Requests made now would be expired before they are shown."
    return Finding("clock", "bad", said, "Let the machine set its clock by the network (NTP).")


async def _enrolment(client: RpcClient, settings: TillSettings, key: bytes, height: int) -> AsyncIterator[Finding]:
    merchant = await record_at(client, MERCHANTS, merchant_key(settings.merchant), height)
    if merchant is None:
        mend = "Check the merchant's ID in till.json; the acquirer registers a shop."
        yield Finding("shop", "bad", f"No shop {settings.merchant} is on the ledger as of height {height}.", mend)
        return
    if merchant.status != OPEN:
        yield Finding("shop", "bad", f"{settings.merchant} is suspended or closed.", "Ask the shop's acquirer.")
    else:
        yield Finding("shop", "good", f"{settings.merchant} is open")
    till = await record_at(client, TILLS, key, height)
    if till is None or till.merchant != settings.merchant:
        mend = f"The shop's owner adds the key {key.hex()} to the shop."
        yield Finding("enrolment", "bad", f"This till's key is not {settings.merchant}'s.", mend)
    elif till.status != OPEN:
        yield Finding("enrolment", "bad", "This till was revoked.", "Ask the shop's owner; make a new key.")
    else:
        yield Finding("enrolment", "good", "The shop's owner has added this till")


def _told(name: str, error: UserFacingError) -> Finding:
    return Finding(name, "bad", str(error), error.next_step)

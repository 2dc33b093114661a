"""A network of CometBFT validators on this machine, for trials: `network up`, `down` and `status`.

It refuses to touch a process that it did not start: each is known by its ID and the moment at which it began.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from chainpos.core.values.text import clean
from chainpos.errors import EXIT_UNREACHABLE, EXIT_USAGE, MalformedBytes, StoreInUse, UserFacingError
from chainpos.node.cometbft_home import NetworkNote, NodePlace, load_note
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.store.durable import write_durably
from chainpos.store.locking import FileLock

VERSION: Final = "v0.38.25"
VARIABLE: Final = "CHAINPOS_COMETBFT"
RUNNING: Final = "running.json"
APPLICATION: Final = "application"
COMETBFT: Final = "cometbft"
READY_TIMEOUT_S: Final = 120.0
STOP_TIMEOUT_S: Final = 10.0
LISTENING_TIMEOUT_S: Final = 15.0
_POLL_S: Final = 0.1
_LAST_BYTES: Final = 16_384
_READY: Final = '{"ready"'
_STATUS_TIMEOUT_S: Final = 3.0
_children: Final[dict[int, subprocess.Popen[bytes]]] = {}


class Started(msgspec.Struct, frozen=True):
    """A process that was started here: `began` tells it from another that has its ID later."""

    node: str
    role: str
    pid: int
    began: str


def last_words(log: Path) -> tuple[str, ...]:
    """What an application said last in plain words since it was ready, or as it failed to be; or nothing.

    An earlier start of it has said other things into the same log.
    """
    try:
        with log.open("rb") as read:
            skipped = max(log.stat().st_size - _LAST_BYTES, 0)
            read.seek(skipped)
            # The first may be the rest of a longer one.
            lines = read.read().decode(errors="replace").splitlines()[1 if skipped else 0 :]
    except OSError:
        return ()
    begun = next((n for n, line in reversed(list(enumerate(lines))) if line.startswith(_READY)), 0)
    told = [line for line in lines[begun:] if line.strip() and not line.startswith("{")]
    return (f'Its application said: "{clean(told[-1], max_characters=300)}"',) if told else ()


def find_cometbft() -> Path:
    """The program: $CHAINPOS_COMETBFT, or one on the PATH, or where Go puts it. Raises UserFacingError."""
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
    else:
        found = shutil.which("cometbft") or shutil.which(Path.home() / "go" / "bin" / "cometbft")
    if found is None:
        raise UserFacingError(
            f"{named} is not a program." if named else "CometBFT is not installed on this machine.",
            next_step=f"With Go: go install github.com/cometbft/cometbft/cmd/cometbft@{VERSION}; "
            f"or name the program by ${VARIABLE}.",
            exit_code=EXIT_UNREACHABLE,
        )
    return Path(found)


class Trial:
    """The network in one folder that `init_network` made."""

    def __init__(self, folder: Path) -> None:
        """Raises UserFacingError where it is not such a folder."""
        self.folder = folder.resolve()
        self.note: NetworkNote = load_note(self.folder)
        # More options for `chainpos node start`.
        self.application_options: tuple[str, ...] = ()
        # By node, what comes before CometBFT's own command: where it runs in a network namespace, say.
        self.before_cometbft: dict[str, tuple[str, ...]] = {}

    def place(self, name: str) -> NodePlace:
        """The node of this name. Raises UserFacingError."""
        for each in self.note.nodes:
            if each.name == name:
                return each
        raise UserFacingError(
            f"There is no node {name!r}.",
            next_step=f"They are {', '.join(each.name for each in self.note.nodes)}.",
            exit_code=EXIT_USAGE,
        )

    def log(self, name: str, role: str) -> Path:
        """A process's log."""
        return self.folder / "logs" / f"{name}-{role}.log"

    def up(self, names: Iterable[str] = (), *, roles: Sequence[str] = (APPLICATION, COMETBFT)) -> list[Started]:
        """Start what does not run yet of the named nodes, or of all; what was started. Raises UserFacingError."""
        program = find_cometbft()
        places = [self.place(name) for name in names] or list(self.note.nodes)
        started: list[Started] = []
        with self.alone():
            running = {(each.node, each.role) for each in self.running()}
            for role in roles:
                due = [place for place in places if (place.name, role) not in running]
                started += [self._start(place, role, program) for place in due]
                if role == APPLICATION:
                    # CometBFT tries once, and then again after three seconds.
                    _wait_listening([place.abci for place in places])
        return started

    def again(self, dead: Started) -> bool:
        """Start a process that died again, unless it was ended here meanwhile. Raises UserFacingError."""
        program, place = find_cometbft(), self.place(dead.node)
        with self.alone():
            if dead not in self.noted():
                return False
            self._start(place, dead.role, program)
            if dead.role == APPLICATION:
                _wait_listening([place.abci])
        return True

    def down(self, names: Iterable[str] = (), *, roles: Sequence[str] = (COMETBFT, APPLICATION)) -> list[Started]:
        """End what runs of the named nodes, or of all: CometBFT before its application. What was ended."""
        chosen = {self.place(name).name for name in names} or {each.name for each in self.note.nodes}
        with self.alone():
            running = self.running()
            ending = [each for role in roles for each in running if each.role == role and each.node in chosen]
            for role in roles:
                end([each for each in ending if each.role == role])
            self._save([each for each in self.noted() if each.node not in chosen or each.role not in roles])
        return ending

    def running(self) -> list[Started]:
        """What was started here and still runs."""
        _reap()
        return [each for each in self.noted() if began(each.pid) == each.began]

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Whoever starts or ends processes here waits for the others who do. Raises StoreInUse after a minute."""
        lock, until = FileLock(self.folder / f"{RUNNING}.lock"), time.monotonic() + READY_TIMEOUT_S
        while True:
            try:
                lock.acquire("another command starts or ends this network's processes")
                break
            except StoreInUse:
                if time.monotonic() > until:
                    raise
                time.sleep(_POLL_S)
        try:
            yield
        finally:
            lock.release()

    def noted(self) -> list[Started]:
        """What was started here and not ended here; some of it may have died. Raises UserFacingError."""
        try:
            return msgspec.json.decode((self.folder / RUNNING).read_bytes(), type=list[Started])
        except FileNotFoundError:
            return []
        except msgspec.DecodeError as error:
            raise UserFacingError(
                f"{self.folder / RUNNING} cannot be read.",
                next_step="End the network's processes by hand, and remove the file.",
                exit_code=EXIT_USAGE,
            ) from error

    async def wait_ready(self, names: Iterable[str] = (), *, height: int = 0) -> None:
        """Wait until the named nodes, or all, answer and have that height. Raises UserFacingError."""
        places = [self.place(name) for name in names] or list(self.note.nodes)
        until = time.monotonic() + READY_TIMEOUT_S
        for place in places:
            while ((found := await _look(place)) is None) or found["height"] < height:
                if time.monotonic() > until:
                    why = last_words(self.log(place.name, APPLICATION)) if found is None else ()
                    raise UserFacingError(
                        f"{place.name} does not answer at {place.rpc}."
                        if found is None
                        else f"{place.name} is at height {found['height']} only.",
                        next_step=" ".join([*why, f"Its logs are in {self.folder / 'logs'}."]),
                        exit_code=EXIT_UNREACHABLE,
                    )
                await asyncio.sleep(_POLL_S)

    async def status(self) -> dict[str, Any]:
        """How every node is, and whether enough of them run for blocks to be made."""
        running = {(each.node, each.role): each.pid for each in self.running()}
        answers = await asyncio.gather(*(_look(place) for place in self.note.nodes))
        nodes = [
            {
                "name": place.name,
                "rpc": place.rpc,
                "application_pid": running.get((place.name, APPLICATION)),
                "cometbft_pid": running.get((place.name, COMETBFT)),
                **(found or {"height": None, "app_hash": None, "catching_up": None, "latest_block_time_ns": None}),
                "answers": found is not None,
            }
            for place, found in zip(self.note.nodes, answers, strict=True)
        ]
        answering = sum(found is not None for found in answers)
        return {
            "chain_id": self.note.chain_id,
            "nodes": nodes,
            "answering": answering,
            "validators": len(nodes),
            # Every validator has the same power, so that counting them is counting votes.
            "can_make_blocks": answering * 3 > len(nodes) * 2,
        }

    def _start(self, place: NodePlace, role: str, program: Path) -> Started:
        home = str(self.folder / place.name)
        command = [*self.before_cometbft.get(place.name, ()), str(program), "start", "--home", home]
        if role == APPLICATION:
            command = [sys.executable, "-m", "chainpos", "node", "start", "--engine", "cometbft"]
            command += ["--home", home, "--abci", place.abci, *self.application_options]
        log = self.log(place.name, role)
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=home, start_new_session=True
            )
        # They outlive this process; as long as it lives, it must take note of their ends.
        _children[process.pid] = process
        started = Started(place.name, role, process.pid, began(process.pid) or "")
        self._save([*(each for each in self.noted() if (each.node, each.role) != (place.name, role)), started])
        return started

    def _save(self, running: Sequence[Started]) -> None:
        write_durably(self.folder / RUNNING, msgspec.json.format(msgspec.json.encode(list(running)), indent=2))


def began(pid: int) -> str | None:
    """When the process with this ID began, in its system's own terms; None where it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _began_by_ps(pid)
    # The program's name stands in brackets and may hold anything; the state and 18 more come before the time.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _began_by_ps(pid: int) -> str | None:
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def _wait_listening(addresses: Sequence[str]) -> None:
    """Wait until applications listen, but not for ever: why one does not, its log says."""
    until = time.monotonic() + LISTENING_TIMEOUT_S
    for address in addresses:
        while not _listens(address) and time.monotonic() < until:
            time.sleep(_POLL_S / 2)


def _listens(address: str) -> bool:
    scheme, _, place = address.partition("://")
    host, _, port = place.rpartition(":")
    try:
        if scheme == "unix":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(place)
        else:
            socket.create_connection((host, int(port)), _POLL_S).close()
    except OSError:
        return False
    return True


def end(processes: Sequence[Started]) -> None:
    """End processes that were started here, first by asking."""
    for number, patience_s in ((signal.SIGTERM, STOP_TIMEOUT_S), (signal.SIGKILL, STOP_TIMEOUT_S)):
        alive = [each for each in processes if began(each.pid) == each.began]
        for each in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each.pid, number)
                # One that was paused could not hear it.
                os.kill(each.pid, signal.SIGCONT)
        until = time.monotonic() + patience_s
        while time.monotonic() < until and any(began(each.pid) == each.began for each in alive):
            _reap()
            time.sleep(_POLL_S / 2)


def _reap() -> None:
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            del _children[pid]


async def _look(place: NodePlace) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(_STATUS_TIMEOUT_S):
            client = await RpcClient.connect(f"ws://{place.rpc}/websocket", _STATUS_TIMEOUT_S)
            try:
                status = await client.status()
            finally:
                await client.close()
    except (Disconnected, RpcError, MalformedBytes, TimeoutError):
        return None
    latest = status.latest
    return {
        "height": latest.height,
        "app_hash": latest.app_hash.hex().upper(),
        "catching_up": status.catching_up,
        "latest_block_time_ns": latest.time_ns,
    }

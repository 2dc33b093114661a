"""The shop's own node, made and started from the counter: a shopkeeper should need no second terminal.

It is a process of its own and survives the screens. It refuses to start twice: the node itself locks its folder.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

from chainpos.errors import EXIT_UNREACHABLE, UserFacingError
from chainpos.inspect.connection import NodeConnection
from chainpos.node.config import NodeSettings, split_address
from chainpos.node.home import Home, init_peer
from chainpos.node.joining import begin_quickly

USUAL_PORT: Final = 26657
START_TIMEOUT_S: Final = 20.0
_LOOK_EVERY_S: Final = 0.1
_LOOK_TIMEOUT_S: Final = 1.0
# A node outlives whoever started it, so nobody waits for its end; kept, as Python warns of one that is let go.
_STARTED: Final[list[subprocess.Popen[bytes]]] = []


class CatchingUp(UserFacingError):
    """The shop's own node has not yet what was asked of it; it has come to `height` of `target`."""

    def __init__(self, height: int, target: int) -> None:
        what = f"The shop's node is still catching up: height {height} of {target}."
        super().__init__(what, next_step="Try again in a moment.")
        self.height, self.target = height, target


def address_towards(node: str) -> str:
    """This machine's own address on the way to a node, which a phone in the shop's network can reach too.

    Nothing is sent. Raises UserFacingError for what is no HOST:PORT, or where no way leads there.
    """
    host, port = split_address(node)
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect(place)
            own: str = way.getsockname()[0]
    except OSError as error:
        raise UserFacingError(
            f"There is no way to {node[:80]} from here.",
            next_step="Check the address and this machine's network.",
            exit_code=EXIT_UNREACHABLE,
        ) from error
    return own


def free_port(host: str) -> int:
    """CometBFT's usual port where it is free, else any that is."""
    for port in (USUAL_PORT, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trying:
            try:
                trying.bind((host, port))
            except OSError:
                continue
            return int(trying.getsockname()[1])
    return USUAL_PORT


def make_own_node(folder: Path, genesis: bytes, upstreams: tuple[str, ...], moniker: str) -> str:
    """A peer of the network, for this shop; the HOST:PORT under which phones reach it. Raises UserFacingError."""
    host = address_towards(upstreams[0])
    listen = f"[{host}]:{free_port(host)}" if ":" in host else f"{host}:{free_port(host)}"
    # Nobody begins from a counter's node: it takes no snapshots.
    settings = NodeSettings(
        mode="peer", moniker=moniker, listen=listen, hosts=(host,), upstreams=upstreams, snapshot_every=0
    )
    init_peer(folder, settings, genesis=genesis)
    return listen


async def ensure_own_node(folder: Path, address: str) -> None:
    """The node in `folder` answers at `address`: it did, or it was started. Raises UserFacingError."""
    if await _answers(address):
        return
    # A shop with two nodes to compare need not wait until its own has executed years of everybody's payments.
    await begin_quickly(folder)
    words = Home(folder).log.with_name("start.log")
    node = _start(folder, words)
    for _ in range(int(START_TIMEOUT_S / _LOOK_EVERY_S)):
        if await _answers(address):
            return
        if node.poll() is not None:
            break
        await asyncio.sleep(_LOOK_EVERY_S)
    raise UserFacingError(
        "The shop's own node did not start.",
        next_step=f"Its last words are in {words}.",
        exit_code=EXIT_UNREACHABLE,
    )


def _start(folder: Path, words: Path) -> subprocess.Popen[bytes]:
    words.parent.mkdir(parents=True, exist_ok=True)
    with words.open("ab") as said:
        node = subprocess.Popen(
            (sys.executable, "-m", "chainpos", "node", "start", "--home", str(folder)),
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
    _STARTED.append(node)
    return node


async def _answers(address: str) -> bool:
    connection = NodeConnection(address, timeout_s=_LOOK_TIMEOUT_S)
    try:
        await connection.open()
    except UserFacingError:
        return False
    await connection.close()
    return True

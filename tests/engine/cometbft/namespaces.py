"""Validators in network namespaces of their own, on one bridge, so that one can be cut off as by a pulled cable."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import msgspec

from chainpos.node.cometbft_home import NodePlace, loopback_places
from tests.node.conftest import free_port


def why_not() -> str:
    """Why there can be no namespaces here; "" where there can."""
    if shutil.which("ip") is None:
        return "there is no `ip` here (package iproute2): nobody can be cut off"
    if os.geteuid() != 0:
        return "only root may make network namespaces: nobody can be cut off"
    name = f"cp{os.getpid()}t"
    tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if tried.returncode:
        return f"network namespaces cannot be made here: {tried.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return ""


class Namespaces:
    """`count` namespaces on one bridge. Close it."""

    def __init__(self, count: int) -> None:
        self._mark = f"cp{os.getpid()}"
        # A private network that hardly anybody uses; this process's own third octet.
        self._net = f"10.233.{os.getpid() % 250 + 1}"
        self._count = count
        self._bridge = f"{self._mark}b"
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("addr", "add", f"{self._net}.254/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        for number in range(count):
            self._add(number)

    def _add(self, number: int) -> None:
        name, outside, inside = self.name(number), f"{self._mark}v{number}", f"{self._mark}i{number}"
        _ip("netns", "add", name)
        _ip("link", "add", outside, "type", "veth", "peer", "name", inside)
        _ip("link", "set", inside, "netns", name)
        _ip("link", "set", outside, "master", self._bridge)
        _ip("link", "set", outside, "up")
        _ip("-n", name, "addr", "add", f"{self._net}.{number + 1}/24", "dev", inside)
        _ip("-n", name, "link", "set", inside, "up")
        _ip("-n", name, "link", "set", "lo", "up")

    def name(self, number: int) -> str:
        return f"{self._mark}n{number}"

    def places(self, folder: Path) -> tuple[NodePlace, ...]:
        """Where the validators of these namespaces are reached."""
        found = []
        for number, place in enumerate(loopback_places(folder, self._count, free_port)):
            host = f"{self._net}.{number + 1}"
            p2p = f"{host}:26656"
            found.append(msgspec.structs.replace(place, p2p=p2p, listen=p2p, rpc=f"{host}:26657"))
        return tuple(found)

    def before(self, number: int) -> tuple[str, ...]:
        """What starts a command there."""
        return ("ip", "netns", "exec", self.name(number))

    def cut_off(self, number: int, *, cut: bool) -> None:
        """Pull the cable, or put it back."""
        _ip("link", "set", f"{self._mark}v{number}", "down" if cut else "up")

    def close(self) -> None:
        for number in range(self._count):
            subprocess.run(["ip", "link", "del", f"{self._mark}v{number}"], capture_output=True, check=False)
            subprocess.run(["ip", "netns", "del", self.name(number)], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self._bridge], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    ran = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, (arguments, ran.stderr)

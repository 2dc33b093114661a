"""Two demos at once: neither's signatures are good in the other, and a link's own wallet pays it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from chainpos.cli.wallet import _which
from chainpos.core.checkout.request import format_link
from chainpos.pilot import running
from chainpos.pilot.network import PilotFolder
from chainpos.pilot.running import RunningDemo, announce, running_demos, withdraw
from chainpos.wallet.home import WalletHome

ADDRESSES = ("127.0.0.1:4001", "127.0.0.1:4002")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two demos as they are before anything runs."""
    made = [tmp_path_factory.mktemp("demo") for _ in ADDRESSES]
    for folder, address in zip(made, ADDRESSES, strict=True):
        PilotFolder(folder / "pilot").prepare("HF01")
        wallet = WalletHome(folder / "pilot" / "wallet")
        wallet.create(wallet.genesis_path.read_bytes(), ("127.0.0.1:4000", address))
    return [folder / "pilot" for folder in made]


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A process that lives beside this one; notes are left in a folder of the test's own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


def announce_as(pid: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: pid)
        announce(folder)
    later_s = time.time() + len(running._notes())
    os.utime(running._note_path(pid), (later_s, later_s))


def test_each_demo_is_a_network_of_its_own(folders: list[Path]) -> None:
    first, second = (PilotFolder(folder).till.genesis().chain_id for folder in folders)
    assert first != second


def test_a_kept_demo_leads_to_its_nodes_and_keeps_the_printer_that_was_set(folders: list[Path]) -> None:
    paths = PilotFolder(folders[0])
    before = paths.till.settings()
    paths.till.save_settings(msgspec.structs.replace(before, printer="file:/dev/null", paper_columns=48))
    paths.lead_to("127.0.0.1:4000", ADDRESSES[0])
    after = paths.till.settings()
    assert (after.node, after.printer, after.paper_columns) == (ADDRESSES[0], "file:/dev/null", 48)
    assert WalletHome(paths.wallet).settings().nodes == ("127.0.0.1:4000", ADDRESSES[0])


def test_the_wallet_that_pays_a_link_is_that_of_the_demo_which_serves_it(
    folders: list[Path], other: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    announce_as(os.getpid(), folders[0], monkeypatch)
    announce_as(other, folders[1], monkeypatch)
    assert running_demos() == (RunningDemo(folders[1]), RunningDemo(folders[0]))
    for folder, address in zip(folders, ADDRESSES, strict=True):
        host, port = address.split(":")
        assert _which(None, format_link(host, int(port), "A" * 26))[0] == folder / "wallet"
    assert "started last" not in capsys.readouterr().err
    # Nothing says which: the newest, and that there are others.
    assert _which(None, "")[0] == folders[1] / "wallet"
    assert "2 demos are running: this is the wallet of the one that was started last" in capsys.readouterr().err


def test_a_demo_that_ends_takes_its_own_note_alone_and_the_next_clears_those_of_the_killed(
    folders: list[Path], other: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce_as(other, folders[0], monkeypatch)
    announce_as(os.getpid(), folders[1], monkeypatch)
    withdraw()
    assert running_demos() == (RunningDemo(folders[0]),)
    os.kill(other, 9)
    os.waitpid(other, 0)
    assert running_demos() == ()
    announce(folders[1])
    assert [path.name.rpartition("-")[2] for path in running._notes()] == [f"{os.getpid()}.json"]

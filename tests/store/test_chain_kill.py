"""kill -9 while blocks are being written: it reopens at a whole height, with every block that was acknowledged."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainpos.store.chain import ChainReader, ChainStore
from tests.seeds import seeds
from tests.store.conftest import SampleLedger

ROOT = Path(__file__).parents[2]
BLOCKS = 60


def command(path: Path, first: int) -> list[str]:
    return [sys.executable, "-m", "tests.store.appender", str(path), str(first), str(BLOCKS)]


def acknowledged_before_kill(path: Path, first: int, delay_s: float) -> int:
    """The last height that the process acknowledged before it was killed; one less than `first` if none."""
    with subprocess.Popen(command(path, first), cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(delay_s)
        process.kill()
        heights = process.stdout.read().split(b"\n")[:-1]
    return int(heights[-1]) if heights else first - 1


def check(path: Path, ledger: SampleLedger, acknowledged: int) -> int:
    """The height at which the chain opens again, having looked at all of it, first as somebody who may only read."""
    with ChainReader.open(path) as reader:
        assert acknowledged <= reader.tip_height() <= acknowledged + 1
        assert reader.problems() == []
    with ChainStore.open(path) as store:
        tip = store.tip_height()
        assert acknowledged <= tip <= acknowledged + 1
        assert store.problems() == []
        assert store.load_records() == (ledger.blocks[tip - 1].records if tip else ledger.genesis_records)
        assert [found.block for found in store.blocks(1, tip)] == [each.packed.block for each in ledger.blocks[:tip]]
    return tip


def kill_again_and_again(path: Path, times: int, seed: int) -> int:
    rng, ledger, tip = random.Random(seed), SampleLedger(), 0
    ledger.create(path).close()
    for _ in range(times):
        acknowledged = acknowledged_before_kill(path, tip + 1, rng.random() * 0.03)
        while len(ledger.blocks) <= acknowledged + 1:
            ledger.add((len(ledger.blocks) + 1) % 4)
        tip = check(path, ledger, acknowledged)
    return tip


@pytest.mark.slow
def test_a_killed_writer_loses_no_acknowledged_block(chain_path: Path) -> None:
    assert kill_again_and_again(chain_path, 3, seed=1) > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", seeds(2))
def test_a_writer_killed_very_often_loses_no_acknowledged_block(chain_path: Path, seed: int) -> None:
    assert kill_again_and_again(chain_path, 25, seed) > 0


def strace_works() -> bool:
    if shutil.which("strace") is None:
        return False
    return (
        subprocess.run(["strace", "-qq", "-e", "trace=none", "true"], check=False, capture_output=True).returncode == 0
    )


@pytest.mark.slow
@pytest.mark.skipif(not strace_works(), reason="strace is not there, or may not trace")
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "fsync", "ftruncate", "unlink"])
def test_a_writer_killed_at_any_system_call_loses_no_acknowledged_block(chain_path: Path, call: str) -> None:
    """Killed as it enters the first, the second, ... such call, until it reaches the end of its blocks alive."""
    ledger = SampleLedger()
    for height in range(1, BLOCKS + 2):
        ledger.add(height % 4)
    number, step = 1, 1
    while True:
        chain_path.unlink(missing_ok=True)
        for leftover in chain_path.parent.glob("chain.db*"):
            leftover.unlink()
        ledger.create(chain_path).close()
        inject = f"inject={call}:signal=KILL:when={number}"
        run = subprocess.run(
            ["strace", "-qq", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject, *command(chain_path, 1)],
            cwd=ROOT,
            check=False,
            capture_output=True,
        )
        heights = run.stdout.split(b"\n")[1:-1]
        check(chain_path, ledger, int(heights[-1]) if heights else 0)
        if run.returncode == 0:
            assert len(heights) == BLOCKS
            return
        number, step = number + step, step + 7

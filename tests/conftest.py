"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A gate must say the same of the same code: examples are drawn from fixed seeds, and CHAINPOS_EXPLORE=1 draws new ones.
# A slow day must not fail a test: what takes how long is measured in tests/bench.
EXPLORE = bool(os.environ.get("CHAINPOS_EXPLORE"))
settings.register_profile("quick", deadline=None, derandomize=not EXPLORE, max_examples=30)
settings.register_profile("long", parent=settings.get_profile("quick"), max_examples=120)
settings.load_profile(os.environ.get("CHAINPOS_EXAMPLES", "quick"))


def pytest_xdist_auto_num_workers() -> int:
    """-n auto: half as many again as there are processors, as much of a test is waiting for others and for the disk."""
    return (os.cpu_count() or 1) * 3 // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Property tests can be asked for by name, for a longer run of them alone: -m property, CHAINPOS_EXAMPLES=long."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("property")


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of public test vectors; they are not committed, so that tests which need them may skip."""
    folder = Path(os.environ.get("CHAINPOS_VECTORS") or Path(__file__).parents[2] / "shared" / "vectors")
    if not folder.is_dir():
        pytest.skip(f"no test vectors in {folder}: set CHAINPOS_VECTORS to where they are")
    return folder

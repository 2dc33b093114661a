"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A slow day must not fail a test: what takes how long is measured in tests/bench.
settings.register_profile("chainpos", parent=settings.default, deadline=None)
settings.load_profile("chainpos")


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of public test vectors; they are not committed, so that tests which need them may skip."""
    folder = Path(os.environ.get("CHAINPOS_VECTORS") or Path(__file__).parents[2] / "shared" / "vectors")
    if not folder.is_dir():
        pytest.skip(f"no test vectors in {folder}: set CHAINPOS_VECTORS to where they are")
    return folder

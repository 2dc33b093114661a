"""A validator to inspect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.inspect.recorded import day, day_database
from tests.node.conftest import Nodes, RunningNode

__all__ = ["day", "day_database"]


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    made = Nodes(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def validator(nodes: Nodes) -> RunningNode:
    return await nodes.validator()

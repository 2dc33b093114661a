"""A console served to browsers, on a real node."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chainpos.console.browser.serving import BrowserConsole
from tests.node.conftest import Nodes, RunningNode, nodes

__all__ = ["nodes"]
TOKEN = "a-token-of-the-tests"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from chainpos.cli.main import main; main()", "console", "--in-browser", *arguments]


@pytest.fixture
async def node(nodes: Nodes) -> RunningNode:
    return await nodes.validator()


@pytest.fixture
async def served(node: RunningNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The address of a console of that node."""
    monkeypatch.setenv("CHAINPOS_CONFIG", str(tmp_path / "me"))
    console = BrowserConsole(command("--home", str(node.folder)), TOKEN, sessions=1)
    async with console.serving("127.0.0.1", 0) as address:
        yield address


@pytest.fixture
async def empty() -> AsyncIterator[str]:
    """The address of a console whose sessions would end at once."""
    async with BrowserConsole(["true"], TOKEN, sessions=1).serving("127.0.0.1", 0) as address:
        yield address

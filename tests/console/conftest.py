"""What the console's tests may ask for."""

from __future__ import annotations

import pytest

from tests.console.prepared_till import PreparedTill
from tests.inspect.recorded import day, day_database

__all__ = ["day", "day_database"]


@pytest.fixture
def till() -> PreparedTill:
    return PreparedTill()


@pytest.fixture(autouse=True)
def _a_plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs the tests must not colour them."""
    for name in ("NO_COLOR", "CHAINPOS_ASCII", "CHAINPOS_CONFIG", "CHAINPOS_THEMES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", "truecolor")

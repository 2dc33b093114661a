"""What the console's tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

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


@pytest.fixture(autouse=True, scope="session")
def _a_style_sheet_is_parsed_once() -> Iterator[None]:
    """Hundreds of consoles are opened on a few style sheets, and parsing these would be a third of the work of a test.

    Textual keeps what it parsed as long as a console's colours stay; here it is kept for the next console of the same.
    """
    kept: dict[tuple[object, ...], list[RuleSet]] = {}
    parse = Stylesheet._parse_rules

    def parse_once(sheet: Stylesheet, *told: Any, **named: Any) -> list[RuleSet]:
        key = (*told, *sorted(named.items()), frozenset(sheet._variables.items()))
        if key not in kept:
            kept[key] = parse(sheet, *told, **named)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield

"""The sample city's recorded day in a database, loaded once for all tests of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chainpos.core.chain.results import TxResult
from chainpos.inspect.source import StoreSource, load_recorded
from chainpos.pilot.record import RECORDED_NAME
from chainpos.pilot.resources import sample_data
from chainpos.store.chain import ChainReader


@pytest.fixture(scope="session")
def day_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("day") / "chain.db"
    load_recorded(sample_data() / RECORDED_NAME, database)
    return database


@pytest.fixture
def day(day_database: Path) -> Iterator[StoreSource]:
    with ChainReader.open(day_database) as reader:
        yield StoreSource(reader, "day")


def places(source: StoreSource, name: str = "", kind: str = "") -> Iterator[tuple[int, int, TxResult]]:
    """(height, index, result) of the transactions that ended by a code's name, or told an event of a kind."""
    for height in range(1, source.span().tip + 1):
        found = source.found(height)
        assert found is not None
        for index, result in enumerate(found.results):
            if (name and result.log == name) or (kind and any(event.type == kind for event in result.events)):
                yield height, index, result


def first_place(source: StoreSource, name: str = "", kind: str = "") -> tuple[int, int]:
    height, index, _ = next(places(source, name, kind))
    return height, index

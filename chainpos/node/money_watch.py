"""Whether the money still adds up: every invariant over every record, looked at again and again beside the work.

A posting that does not balance stops the chain when it is made; this finds what came about in any other way. It refuses
to take more than a small part of the machine: after a look it rests for many times as long as the look took.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from chainpos.core.contracts.context import Violation
from chainpos.core.contracts.registry import check_invariants
from chainpos.core.state.tables import PREFIX_BYTES, Table
from chainpos.errors import StoreError
from chainpos.store.chain import ChainReader

R = TypeVar("R", bound=msgspec.Struct)
LEAST_REST_S: Final = 600.0
REST_FACTOR: Final = 30
_SECOND_NS: Final = 1_000_000_000
_log = logging.getLogger(__name__)
Told = Callable[[list[Violation]], None]


class _Records:
    """Loaded records as a scan."""

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self._by_prefix: dict[bytes, list[tuple[bytes, bytes]]] = {}
        for key in sorted(values):
            self._by_prefix.setdefault(key[:PREFIX_BYTES], []).append((key[PREFIX_BYTES:], values[key]))

    def records(self, table: Table[R]) -> Iterator[tuple[bytes, R]]:
        return ((key, table.decode(value)) for key, value in self._by_prefix.get(table.prefix, ()))


def broken_invariants(values: Mapping[bytes, bytes]) -> list[Violation]:
    """What does not hold over these records, by full key."""
    return check_invariants(_Records(values))


class MoneyWatch:
    """Looks at a database's committed records in a thread, and holds up nobody who reads; `told` hears of each look."""

    def __init__(self, database: Path, monotonic_ns: Callable[[], int], told: Told) -> None:
        self._database = database
        self._now_ns = monotonic_ns
        self._told = told

    async def look(self) -> float:
        """Look once; how long it took, in seconds. Raises StoreError."""
        begun_ns = self._now_ns()
        self._told(await asyncio.to_thread(self._broken))
        return (self._now_ns() - begun_ns) / _SECOND_NS

    async def run(self) -> None:
        """Look, and rest, until cancelled."""
        rest_s = LEAST_REST_S
        while True:
            await asyncio.sleep(rest_s)
            try:
                rest_s = max(LEAST_REST_S, REST_FACTOR * await self.look())
            except StoreError as error:
                # What cannot be read is told where it is needed; here it is only not looked at.
                _log.warning("the money was not looked at: %s", error)

    def _broken(self) -> list[Violation]:
        with ChainReader.open(self._database) as reader:
            return broken_invariants(reader.load_records())

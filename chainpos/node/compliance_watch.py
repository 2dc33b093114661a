"""What a regulator looks at first: the latest alerts, freezes and releases; at start out of the records, then live.

It refuses nothing and decides nothing. Records say no height of a freeze, so what was before the start has height 0.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import nlargest
from typing import Final

from chainpos.core.chain.results import TxResult
from chainpos.core.contracts.compliance.events import ALERT, FROZEN, RELEASED
from chainpos.core.contracts.compliance.records import ALERTS, FREEZES
from chainpos.core.values.hashes import ADDRESS_BYTES
from chainpos.rpc.backend import WatchReport
from chainpos.store.chain import ChainReader
from chainpos.store.chain_ranges import records_under

MOST: Final = 6
_KINDS: Final = {ALERT: "alert", FROZEN: "frozen", RELEASED: "released"}


class Watched:
    """The latest few, newest first in `rows`."""

    def __init__(self, reader: ChainReader) -> None:
        """Raises StoreError."""
        # All are read, for their keys do not tell which are the latest; no more than these few are kept.
        latest = nlargest(MOST, _on_record(reader), key=lambda pair: pair[0])
        self._rows: deque[WatchReport] = deque((report for _, report in reversed(latest)), MOST)

    @property
    def rows(self) -> tuple[WatchReport, ...]:
        """Newest first."""
        return tuple(reversed(self._rows))

    def appended(self, results: Iterable[TxResult], height: int) -> None:
        """A block was executed."""
        for result in results:
            for event in result.events:
                if event.type in _KINDS:
                    told = {each.key: each.value for each in event.attributes}
                    subject = told.get("subject") or told.get("account", "")
                    name = told.get("legal_reference") or told.get("rule", "")
                    self._rows.append(WatchReport(_KINDS[event.type], subject, name, height))


def _on_record(reader: ChainReader) -> Iterator[tuple[int, WatchReport]]:
    """Each alert and freeze, with the second of block time at which it began."""
    for key, value in records_under(reader, ALERTS.prefix):
        alert, account = ALERTS.decode(value), key[len(ALERTS.prefix) :][:ADDRESS_BYTES].hex()
        yield alert.time_s, WatchReport("alert", account, alert.rule, alert.height)
    for key, value in records_under(reader, FREEZES.prefix):
        freeze, subject = FREEZES.decode(value), key[len(FREEZES.prefix) :]
        named = subject[1:].hex() if subject[:1] == b"a" else subject[1:].decode()
        yield freeze.from_s, WatchReport("frozen", named, freeze.legal_reference)

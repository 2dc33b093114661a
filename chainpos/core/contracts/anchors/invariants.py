"""What holds of all anchors: each series counts its anchors and ends at the last of them; nobody exceeds a day."""

from __future__ import annotations

from chainpos.core.contracts.anchors.records import ANCHORS, DAILY_LIMIT, DAYS, SEQUENCE_BYTES, SERIES, Series
from chainpos.core.contracts.context import Scan, Violation
from chainpos.core.values.hashes import HASH_BYTES, PUBLIC_KEY_BYTES


def series_end_at_their_last_anchor(scan: Scan) -> list[Violation]:
    """Every series has as many anchors as it counts, the last one where it says, each of them a whole hash."""
    found, counted = [], dict[bytes, Series]()
    for key, anchor in scan.records(ANCHORS):
        till, rest = key[:PUBLIC_KEY_BYTES], key[PUBLIC_KEY_BYTES:]
        sequence, kind = int.from_bytes(rest[:SEQUENCE_BYTES], "big"), rest[SEQUENCE_BYTES:]
        before = counted.get(till + kind, Series(0, 0))
        counted[till + kind] = Series(max(sequence, before.sequence), before.anchors + 1)
        if len(anchor.digest) != HASH_BYTES or sequence < 1:
            found.append(Violation("series_end_at_their_last_anchor", f"anchor {key.hex()}"))
    kept = dict(scan.records(SERIES))
    found += [
        Violation("series_end_at_their_last_anchor", f"series {key.hex()}")
        for key in sorted(kept.keys() | counted.keys())
        if kept.get(key) != counted.get(key)
    ]
    return found


def tills_keep_to_their_day(scan: Scan) -> list[Violation]:
    """No till recorded more on a day than it may."""
    return [
        Violation("tills_keep_to_their_day", f"till {key.hex()}: {day.anchors}")
        for key, day in scan.records(DAYS)
        if not 0 < day.anchors <= DAILY_LIMIT
    ]

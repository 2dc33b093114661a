"""Where two stores of one chain part: the first block, the transaction in it, the record, and which of them is wrong.

It refuses stores of different chains by saying so; it changes neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from chainpos.core.values.hashes import sha256
from chainpos.errors import MalformedBytes, StateMismatch
from chainpos.inspect.fields import Fields, key_text, record_fields
from chainpos.inspect.past import past_state
from chainpos.inspect.source import ChainSource, Found, StoreSource
from chainpos.inspect.trace import Run
from chainpos.store.chain_ranges import history_rows, history_size

Row = tuple[bytes, int, bytes | None]
# Called with how many of how many.
Progress = Callable[[int, int], None]
MAX_RECORDS: Final = 100
TELL_EVERY: Final = 5_000

_END: Final[Row] = (b"", -1, None)

GENESIS: Final = "genesis"
BLOCK: Final = "block"
RESULT: Final = "result"
RECORD: Final = "record"


class DivergentRecord(msgspec.Struct, frozen=True):
    """One record that the two have differently after a block."""

    name: str
    key: str
    height: int
    left: Fields | None
    right: Fields | None


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """What two stores come to. `kind` is "" where they agree as far as both go, to `common_height`.

    `wrong` is "left", "right" or "both" by executing the block again, "" where that cannot tell. `transaction` is the
    index of the first one in the block that is concerned, -1 for none.
    """

    kind: str
    common_height: int
    height: int = 0
    transaction: int = -1
    hash: str = ""
    detail: str = ""
    wrong: str = ""
    records: tuple[DivergentRecord, ...] = ()


def diverge(left: ChainSource, right: ChainSource, *, progress: Progress | None = None) -> Divergence:
    """The first thing in which two sources differ. `progress` is told how many changes of records were compared.

    Raises UserFacingError, StoreError.
    """
    common = min(left.span().tip, right.span().tip)
    if left.genesis_json() != right.genesis_json():
        return Divergence(kind=GENESIS, common_height=0, detail="they began differently: these are two networks")
    height = _first_other_block(left, right, max(left.span().base, right.span().base), common)
    agreed = height - 1 if height else common
    if isinstance(left, StoreSource) and isinstance(right, StoreSource):
        records = _other_records(left, right, agreed, progress)
        if records:
            return _told(left, right, agreed, records)
    if not height:
        return Divergence(kind="", common_height=common)
    return _other_block(left, right, height)


def _first_other_block(left: ChainSource, right: ChainSource, low: int, high: int) -> int:
    """The first height with two headers, by halves: as headers are linked, one that agrees vouches for all below."""
    if high < low or _header_hash(left, high) == _header_hash(right, high):
        return 0
    while low < high:
        middle = (low + high) // 2
        if _header_hash(left, middle) == _header_hash(right, middle):
            low = middle + 1
        else:
            high = middle
    return low


def _header_hash(source: ChainSource, height: int) -> bytes:
    header = source.header(height)
    return b"" if header is None else header.hash()


def _other_records(
    left: StoreSource, right: StoreSource, height: int, progress: Progress | None
) -> list[DivergentRecord]:
    """The records whose history differs up to a height, those that part first before the others."""
    found: list[tuple[int, bytes]] = []
    rows = history_rows(left.reader)
    if progress is not None:
        rows = _counted(rows, history_size(left.reader), progress)
    for key, at in _other_rows(rows, history_rows(right.reader)):
        if at <= height:
            found.append((at, key))
    found.sort()
    told = []
    for at, key in found[:MAX_RECORDS]:
        ours, theirs = left.record_at(key, at), right.record_at(key, at)
        told.append(DivergentRecord(key_text(key), key.hex(), at, record_fields(key, ours), record_fields(key, theirs)))
    return told


def _counted(rows: Iterator[Row], of: int, progress: Progress) -> Iterator[Row]:
    for count, row in enumerate(rows, 1):
        if count % TELL_EVERY == 0:
            progress(count, of)
        yield row


def _other_rows(left: Iterator[Row], right: Iterator[Row]) -> Iterator[tuple[bytes, int]]:
    """(key, height) of the rows of two ascending histories that are not the same."""
    ours, theirs = next(left, _END), next(right, _END)
    while ours is not _END or theirs is not _END:
        if ours == theirs:
            ours, theirs = next(left, _END), next(right, _END)
            continue
        place = min((row[0], row[1]) for row in (ours, theirs) if row is not _END)
        yield place
        if ours is not _END and (ours[0], ours[1]) == place:
            ours = next(left, _END)
        if theirs is not _END and (theirs[0], theirs[1]) == place:
            theirs = next(right, _END)


def _told(left: ChainSource, right: ChainSource, common: int, records: list[DivergentRecord]) -> Divergence:
    """The first record that differs, the transaction that wrote it, and by execution whose value is right."""
    first = records[0]
    here = tuple(record for record in records if record.height == first.height)
    found = left.found(first.height)
    if found is None:
        return Divergence(
            kind=RECORD, common_height=common, height=first.height, detail="it stood at genesis", records=here
        )
    key = bytes.fromhex(first.key)
    index, right_value = _writer(left, found, key)
    verdicts = [source.record_at(key, first.height) == right_value for source in (left, right)]
    wrong = {(True, False): "right", (False, True): "left", (False, False): "both"}.get((verdicts[0], verdicts[1]), "")
    return Divergence(
        kind=RECORD,
        common_height=first.height - 1,
        height=first.height,
        transaction=index,
        hash=sha256(found.block.txs[index]).hex() if index >= 0 else "",
        detail=f"{first.name} differs after block {first.height}",
        wrong=wrong,
        records=here,
    )


def _writer(source: ChainSource, found: Found, key: bytes) -> tuple[int, bytes | None]:
    """The index of the last transaction that wrote the record in a block, -1 for none; and the value it comes to."""
    state = past_state(source, found)
    run = Run(state, found)
    index, value = -1, state.committed(key)
    try:
        for at in range(len(found.block.txs)):
            run.next()
            changed = {change.key: change.after for change in run.journal.changes()}
            if key in changed and changed[key] != value:
                index, value = at, changed[key]
    except (StateMismatch, MalformedBytes):
        # The state before is damaged as well, so that nothing can be executed on it.
        return index, value
    return index, value


def _other_block(left: ChainSource, right: ChainSource, height: int) -> Divergence:
    """Two blocks at one height: is it their content, or what the height before left behind?"""
    ours, theirs = left.header(height), right.header(height)
    detail = "the blocks differ"
    if ours is not None and theirs is not None:
        for name in ours.__struct_fields__:
            if getattr(ours, name) != getattr(theirs, name):
                detail = f"the headers differ, first in {name}"
                break
    return Divergence(kind=BLOCK, common_height=height - 1, height=height, detail=detail)

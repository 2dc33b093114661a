"""Running a recorded chain again from genesis: every block goes through the same `append` as when it was live.

It refuses a recording that does not verify, at the height where it fails and by the code of what is wrong. It writes
nothing, and no key is ever loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from chainpos.core.chain.block import Block
from chainpos.core.chain.commit import Commit
from chainpos.core.chain.validation import BlockRefused
from chainpos.errors import EXIT_CORRUPT, EXIT_USAGE, MalformedBytes, StateMismatch, UserFacingError
from chainpos.node.home import Home
from chainpos.node.ledger import Appended, Diverged, Ledger
from chainpos.store.chain import ChainReader
from chainpos.store.chainfile import RecordedBlock, open_chain_file

# Called with the height that was reached, and the last one, 0 where only the end of the file will tell.
Progress = Callable[[int, int], None]


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay came to. `refused` counts transactions by the name of their code; `app_hash` is upper-case hex."""

    chain_id: str
    height: int
    blocks: int
    transactions: int
    accepted: int
    refused: dict[str, int]
    app_hash: str
    violations: tuple[str, ...]


def replay(source: Path, *, to_height: int = 0, progress: Progress | None = None) -> Replayed:
    """Run a chain file or a node's home again, up to `to_height` (0: its end). Raises UserFacingError, StoreError."""
    opened = _home(source) if source.is_dir() else _file(source)
    with opened as (genesis_json, blocks, last):
        try:
            ledger = Ledger.in_memory(genesis_json)
        except MalformedBytes as error:
            raise _failed(0, f"its genesis document is not one: {error}") from error
        told = None if progress is None else partial(_told, progress, to_height or last)
        return _run(ledger, blocks, to_height, told)


def append_recorded(ledger: Ledger, recorded: RecordedBlock) -> Appended:
    """Append one block as it was recorded. Raises UserFacingError with its height and what is wrong."""
    try:
        return ledger.append(Block.decode(recorded.block), Commit.decode(recorded.commit))
    except MalformedBytes as error:
        raise _failed(recorded.height, "the block cannot be read") from error
    except (BlockRefused, Diverged) as error:
        raise _failed(recorded.height, error.code) from error
    except StateMismatch as error:
        raise _failed(recorded.height, str(error)) from error


def _told(progress: Progress, last: int, height: int) -> None:
    progress(height, last)


def _run(
    ledger: Ledger, blocks: Iterable[RecordedBlock], to_height: int, told: Callable[[int], None] | None
) -> Replayed:
    codes: Counter[str] = Counter()
    count = transactions = 0
    for recorded in blocks:
        if to_height and recorded.height > to_height:
            break
        appended = append_recorded(ledger, recorded)
        count += 1
        transactions += len(appended.results.results)
        codes.update(result.log for result in appended.results.results if result.code)
        if told is not None:
            told(recorded.height)
    if to_height > ledger.tip.height:
        raise UserFacingError(
            f"The chain ends at height {ledger.tip.height}.", next_step="Choose a lower height.", exit_code=EXIT_USAGE
        )
    return Replayed(
        chain_id=ledger.tip.chain_id,
        height=ledger.tip.height,
        blocks=count,
        transactions=transactions,
        accepted=transactions - codes.total(),
        refused=dict(sorted(codes.items())),
        app_hash=ledger.tip.app_hash.hex().upper(),
        violations=tuple(f"{each.invariant}: {each.detail}" for each in ledger.violations()),
    )


@contextmanager
def _file(path: Path) -> Iterator[tuple[bytes, Iterable[RecordedBlock], int]]:
    with open_chain_file(path) as reader:
        yield reader.genesis_json, reader.blocks(), reader.announced_height()


@contextmanager
def _home(folder: Path) -> Iterator[tuple[bytes, Iterable[RecordedBlock], int]]:
    with ChainReader.open(Home(folder).database) as reader:
        yield reader.genesis_json(), recorded_blocks(reader), reader.tip_height()


def recorded_blocks(reader: ChainReader) -> Iterator[RecordedBlock]:
    """All blocks of a store with the commits that were seen for them, ascending. Raises UserFacingError."""
    began = reader.began()
    if began is not None:
        raise UserFacingError(
            f"This node began with a snapshot of height {began.height}: the blocks before it are not here.",
            next_step="Take a node that followed from genesis.",
            money_moved="",
            exit_code=EXIT_USAGE,
        )
    tip = reader.tip()
    for stored in reader.blocks(tip.initial_height, tip.height):
        yield RecordedBlock(stored.height, stored.block, stored.commit)


def _failed(height: int, what: str) -> UserFacingError:
    return UserFacingError(
        f"The recorded chain does not verify at height {height}: {what}.",
        next_step="Do not rely on it; take another copy.",
        money_moved="",
        exit_code=EXIT_CORRUPT,
    )

"""What would have been: a transaction again with another message, other records, another time; and two runs compared.

It refuses to be mistaken for what happened: its traces say that they are hypothetical, and what was changed. It writes
nothing anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

import msgspec

from chainpos.core.chain.signatures import Signature
from chainpos.core.contracts.context import BlockFacts
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.inspect.changing import Change, apply_changes
from chainpos.inspect.past import PastState
from chainpos.inspect.source import ChainSource
from chainpos.inspect.steps import Step, Trace
from chainpos.inspect.trace import Run, require_block


class Comparison(msgspec.Struct, frozen=True):
    """Two traces side by side. `rows` pair their steps' indexes, -1 where one has none; `first` is the first row that

    differs, -1 for none. Steps are alike where they do the same thing in the same place with the same values.
    """

    rows: tuple[tuple[int, int], ...]
    first: int
    codes: tuple[str, str]


def what_if(source: ChainSource, height: int, index: int, changes: Sequence[Change]) -> Trace:
    """The transaction at a place in a block, with changes. Raises UserFacingError, StoreError.

    The block's earlier transactions run as they were, at the block's own time; changed records are changed before them.
    Signatures of a changed message are taken as good. Buckets are taken to have room.
    """
    found = require_block(source, height)
    header = found.block.header
    changed = apply_changes(
        tuple(changes), found.block.txs[index], header.time_ns, lambda key: source.record_at(key, height - 1)
    )
    facts = BlockFacts(header.chain_id, height, changed.time_ns, header.proposer_address)
    state = PastState(source, height, changed.time_ns // SECOND_NS, changed=changed.records, hypothetical=True)
    run = Run(state, found, facts)
    run.before(index)
    return run.observed(changed.wire, index, verify=_all_good, hypothetical=True, changed=changed.told)


def compare(left: Trace, right: Trace) -> Comparison:
    """Where two runs part."""
    ours, theirs = [_sign(step) for step in left.steps], [_sign(step) for step in right.steps]
    rows: list[tuple[int, int]] = []
    first = -1
    for tag, low, high, other_low, other_high in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag != "equal" and first < 0:
            first = len(rows)
        rows += [
            (low + at if low + at < high else -1, other_low + at if other_low + at < other_high else -1)
            for at in range(max(high - low, other_high - other_low))
        ]
    return Comparison(tuple(rows), first, (left.name or "accepted", right.name or "accepted"))


def _sign(step: Step) -> tuple[object, ...]:
    return (
        step.kind, step.what, step.where, step.outcome, step.key, step.before, step.after, step.fields, step.detail,
    )  # fmt: skip


def _all_good(claims: Sequence[Signature]) -> list[bool]:
    return [True] * len(claims)

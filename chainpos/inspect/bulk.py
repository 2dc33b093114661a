"""A range of blocks again under other rules or records: what would differ, transaction by transaction.

It refuses a range that is not there and a rule file that names no known rule. It writes nothing: the state is loaded
into memory, and the hypothetical one goes its own way from the first difference on.
"""

from __future__ import annotations

import runpy
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.results import TxResult
from chainpos.core.contracts.registry import MESSAGES, TABLES, check_invariants
from chainpos.core.execution import BUILT_IN, BlockInput, Rules, execute_block_by
from chainpos.core.state.state import State
from chainpos.core.values.hashes import sha256
from chainpos.core.values.text import clean
from chainpos.inspect.changing import refused
from chainpos.inspect.source import ChainSource
from chainpos.inspect.trace import require_block

MAX_DIFFERENCES: Final = 1_000
# Called with the height that was reached and the last one.
Progress = Callable[[int, int], None]


class Difference(msgspec.Struct, frozen=True):
    """One transaction that would have ended differently: in what, and how it did and would have ended."""

    height: int
    index: int
    hash: str
    what: str
    recorded: str
    other: str


class BulkReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a range comes to under other rules. `outcomes` counts "recorded -> other" of the codes that differ.

    `state_differs_at` is the first height whose records differ, 0 for none. `differences` are the first ones.
    """

    rules: str
    low: int
    high: int
    transactions: int
    different: int
    outcomes: dict[str, int]
    state_differs_at: int
    violations: tuple[str, ...]
    differences: tuple[Difference, ...]
    hypothetical: bool


def load_rules(path: Path) -> Rules:
    """The network's rules with those that a Python file replaces: `RULES = {"payments.pay": function(ctx, message)}`.

    The file runs with all that its author may do: it is an engineer's own. Raises UserFacingError.
    """
    if not path.is_file():
        raise refused(f"There is no rule file {path}", "Check the path")
    try:
        found = runpy.run_path(str(path)).get("RULES")
    except (Exception, SystemExit) as error:
        # Whatever an engineer's own file dies of is that file's fault, and the engineer's to mend.
        told = clean(f"{type(error).__name__}: {error}")
        raise refused(f"The rule file does not run: {told}", "Mend it, or name another.") from error
    if not isinstance(found, Mapping) or not found:
        raise refused(f"{path} has no RULES", "Define RULES = {kind: function}")
    messages = dict(MESSAGES)
    for kind, rule in found.items():
        if kind not in messages or not callable(rule):
            raise refused(f"{clean(str(kind))!r} is no kind of message", f"Choose from {', '.join(sorted(messages))}")
        messages[kind] = messages[kind]._replace(rule=rule)
    return Rules(messages=messages)


def bulk_replay(
    source: ChainSource,
    low: int,
    high: int,
    *,
    rules: Rules = BUILT_IN,
    name: str = "this version",
    changed: Mapping[bytes, bytes | None] | None = None,
    progress: Progress | None = None,
) -> BulkReport:
    """Execute blocks `low` to `high` from the state before them. Raises UserFacingError, StoreError."""
    base, tip = source.span()
    if not base <= low <= high <= tip:
        raise refused(f"The blocks {low} to {high} are not all here: there are {base} to {tip}", "Choose among them")
    records = source.records_at(low - 1)
    for key, value in (changed or {}).items():
        if value is None:
            records.pop(key, None)
        else:
            records[key] = value
    state = State(TABLES, records)
    differences: list[Difference] = []
    outcomes: Counter[str] = Counter()
    transactions = different = state_differs_at = 0
    for height in range(low, high + 1):
        found = require_block(source, height)
        header = found.block.header
        block = BlockInput(header.chain_id, height, header.time_ns, found.block.txs, header.proposer_address)
        outcome = execute_block_by(rules, state, block)
        state.commit(outcome.staged)
        transactions += len(found.results)
        if not state_differs_at and outcome.app_hash != found.app_hash:
            state_differs_at = height
        for index, (recorded, other) in enumerate(zip(found.results, outcome.results, strict=True)):
            if recorded == other:
                continue
            different += 1
            what = _what(recorded, other)
            outcomes[f"{_name(recorded)} -> {_name(other)}"] += 1
            if len(differences) < MAX_DIFFERENCES:
                tx_hash = sha256(found.block.txs[index]).hex()
                differences.append(Difference(height, index, tx_hash, what, _name(recorded), _name(other)))
        if progress is not None:
            progress(height, high)
    return BulkReport(
        rules=name,
        low=low,
        high=high,
        transactions=transactions,
        different=different,
        outcomes=dict(sorted(outcomes.items())),
        state_differs_at=state_differs_at,
        violations=tuple(f"{each.invariant}: {clean(each.detail)}" for each in check_invariants(state)),
        differences=tuple(differences),
        hypothetical=rules is not BUILT_IN or bool(changed),
    )


def _what(recorded: TxResult, other: TxResult) -> str:
    for name in ("code", "data", "gas_used", "events", "info"):
        if getattr(recorded, name) != getattr(other, name):
            return name
    return "result"


def _name(result: TxResult) -> str:
    return clean(result.log) or "accepted"

"""One transaction's run, step by step, as values: what a trace is made of. They hold no behaviour and no bytes."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.inspect.fields import Fields

CALL: Final = "call"
CHECK: Final = "check"
READ: Final = "read"
WRITE: Final = "write"
DELETE: Final = "delete"
POSTING: Final = "posting"
EVENT: Final = "event"
UNDO: Final = "undo"
REFUSAL: Final = "refusal"
RESULT: Final = "result"
PASSED: Final = "passed"
FAILED: Final = "failed"


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step. `where` is "contracts/payments/rules.py:120" in core, `function` the one that did it.

    `before` is what was read, or stood before a write; None where there was no record. `condition` is what a check
    asked, as its source has it; `code` the refusal that hangs on it.
    """

    index: int
    depth: int
    kind: str
    what: str
    where: str = ""
    function: str = ""
    outcome: str = ""
    code: int = 0
    condition: str = ""
    detail: str = ""
    key: str = ""
    before: Fields | None = None
    after: Fields | None = None
    fields: Fields = ()


class RecordWrite(msgspec.Struct, frozen=True):
    """What became of one record in the end: its name, its key in hex, its bytes and its fields before and after."""

    name: str
    key: bytes
    before: bytes | None
    after: bytes | None
    fields_before: Fields | None
    fields_after: Fields | None


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction's run. `hypothetical` says that it never happened; `changed` what was changed for it.

    `code` 0 is accepted; `refused_at` is the step that refused, -1 for none. `data` and `gas` are the result's.
    """

    chain_id: str
    height: int
    index: int
    hash: str
    time_ns: int
    kind: str
    signer: str
    message: Fields
    code: int
    name: str
    detail: str
    data: bytes
    gas: int
    steps: tuple[Step, ...]
    writes: tuple[RecordWrite, ...]
    refused_at: int = -1
    hypothetical: bool = False
    changed: tuple[str, ...] = ()
    reproduces: bool = True

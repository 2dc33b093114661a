"""Execution under observation: a journal and a context that note what passes through them, and a line tracer.

They refuse nothing and change nothing: the rules that run are the live ones, and the live path has none of this.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import msgspec

from chainpos.core.chain.results import Event
from chainpos.core.contracts.balances.events import POSTED, decode_legs
from chainpos.core.contracts.context import BlockFacts, Context
from chainpos.core.contracts.ports import Ports
from chainpos.core.state.journal import Journal, Records, Views
from chainpos.core.state.tables import Table
from chainpos.core.values.text import clean
from chainpos.errors import Code, MalformedBytes, Rejected
from chainpos.inspect.fields import Fields, amount_text, attribute_fields, key_text, record_fields
from chainpos.inspect.guards import (
    EXECUTION,
    EXECUTION_STEPS,
    Guard,
    is_observed,
    resolved,
    short_name,
    source_file,
)
from chainpos.inspect.steps import (
    CALL,
    CHECK,
    DELETE,
    EVENT,
    FAILED,
    PASSED,
    POSTING,
    READ,
    REFUSAL,
    UNDO,
    WRITE,
    Step,
)

R = TypeVar("R", bound=msgspec.Struct)


class Notes:
    """The steps of one run, in their order."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.depth = 0
        self.is_on = False
        self.refused_at = -1

    def add(self, kind: str, what: str, *, frame: FrameType | None = None, line: int = 0, **more: Any) -> None:
        """One more step; `frame` is the rule's, found by itself where it is not given."""
        if not self.is_on:
            return
        at = frame or _rule_frame()
        where = "" if at is None else f"{short_name(at.f_code.co_filename)}:{line or at.f_lineno}"
        function = "" if at is None else at.f_code.co_name
        step = Step(
            index=len(self.steps), depth=self.depth, kind=kind, what=what, where=where, function=function, **more
        )
        self.steps.append(step)

    def refused(self, code: Code, detail: str, frame: FrameType) -> None:
        """A rule says no, here; told once, though it passes through many frames."""
        if self.is_on and self.refused_at < 0:
            self.refused_at = len(self.steps)
            self.add(REFUSAL, code.name, frame=frame, detail=clean(detail), code=code.number)

    def forget_refusal(self) -> None:
        """What was raised was caught again within the rule."""
        self.refused_at = -1


class _ObservedView:
    """One table's records, each read and write noted by the journal."""

    def __init__(self, journal: ObservingJournal, table: Table[Any]) -> None:
        self._journal = journal
        self._table = table

    def __getitem__(self, key: bytes) -> Any:
        return self._journal.get(self._table, key)

    def put(self, key: bytes, record: Any) -> None:
        self._journal.put(self._table, key, record)


class _ObservedViews:
    def __init__(self, journal: ObservingJournal) -> None:
        self._journal = journal

    def __getitem__(self, table: Table[Any]) -> _ObservedView:
        return _ObservedView(self._journal, table)


class ObservingJournal(Journal):
    """A journal that notes reads and writes while its notes are on; its writes are the same."""

    __slots__ = ("_notes", "looked_at", "touched")

    def __init__(self, records: Records, notes: Notes, begun: Journal) -> None:
        super().__init__(records)
        self._notes = notes
        # One block, one journal: what `begun` saw and changed is seen here, and the other way round.
        self._views, self._undo = begun._views, begun._undo  # noqa: SLF001 - it is one of them
        # The full keys of all records that were read or written here, in the order of the first time.
        self.looked_at: dict[bytes, None] = {}
        # Each record written while observed: its table, and how it stood before the first write.
        self.touched: dict[bytes, tuple[Table[Any], bytes | None]] = {}

    @property
    def views(self) -> Views:
        """All records as this block sees them; what is read of them is noted as by `get`."""
        return _ObservedViews(self)

    def get(self, table: Table[R], key: bytes) -> R | None:
        """The record as this block sees it, or None."""
        record = super().get(table, key)
        full_key = table.full_key(key)
        self.looked_at[full_key] = None
        if self._notes.is_on:
            value = None if record is None else table.encode(record)
            self._notes.add(READ, table.name, key=key_text(full_key), before=record_fields(full_key, value))
        return record

    def put(self, table: Table[R], key: bytes, record: R) -> None:
        """Write one record."""
        self._changing(WRITE, table, key, table.encode(record))
        super().put(table, key, record)

    def delete(self, table: Table[Any], key: bytes) -> None:
        """Remove one record."""
        self._changing(DELETE, table, key, None)
        super().delete(table, key)

    def rollback(self, mark: int) -> None:
        """Forget every write since `mark`."""
        count = self.mark() - mark
        super().rollback(mark)
        if count:
            self._notes.add(UNDO, "rollback", detail=str(count))

    def net(self) -> list[tuple[bytes, bytes | None, bytes | None]]:
        """(full key, before, after) of what the observed part changed in the end, by ascending key."""
        changed = []
        for full_key in sorted(self.touched):
            table, before = self.touched[full_key]
            record = super().get(table, full_key[len(table.prefix) :])
            after = None if record is None else table.encode(record)
            if before != after:
                changed.append((full_key, before, after))
        return changed

    def _changing(self, kind: str, table: Table[Any], key: bytes, after: bytes | None) -> None:
        full_key = table.full_key(key)
        self.looked_at[full_key] = None
        if not self._notes.is_on:
            return
        record = super().get(table, key)
        before = None if record is None else table.encode(record)
        self.touched.setdefault(full_key, (table, before))
        self._notes.add(
            kind,
            table.name,
            key=key_text(full_key),
            before=record_fields(full_key, before),
            after=record_fields(full_key, after),
        )


class _Events(list[Event]):
    """A rule's events, noted as they come; rules append to the list itself."""

    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self._notes = notes

    def append(self, event: Event) -> None:
        super().append(event)
        kind = POSTING if event.type == POSTED else EVENT
        self._notes.add(kind, clean(event.type), fields=event_fields(event))


class ObservingContext(Context):
    """A context that notes checks and events."""

    def __init__(
        self,
        journal: Journal,
        block: BlockFacts,
        ports: Ports,
        *,
        signer: bytes,
        tx_hash: bytes,
        body_hash: bytes,
        notes: Notes,
    ) -> None:
        super().__init__(journal, block, ports, signer=signer, tx_hash=tx_hash, body_hash=body_hash)
        self._notes = notes
        self.events = _Events(notes)

    def require(self, condition: bool, code: Code, detail: str = "") -> None:  # noqa: FBT001 - as the rule calls it
        """One rung of a ladder of refusals."""
        self._checked(code, detail, passed=bool(condition))
        super().require(condition, code, detail)

    def found(self, record: R | None, code: Code, detail: str = "") -> R:
        """`record`, where it must exist."""
        self._checked(code, detail, passed=record is not None)
        return super().found(record, code, detail)

    def require_text(self, text: str, code: Code, *, max_bytes: int, min_bytes: int = 1) -> None:
        """Refuse text that may not enter the ledger."""
        try:
            super().require_text(text, code, max_bytes=max_bytes, min_bytes=min_bytes)
        except Rejected as refusal:
            self._checked(code, refusal.detail, passed=False)
            raise
        self._checked(code, "", passed=True)

    def _checked(self, code: Code, detail: str, *, passed: bool) -> None:
        frame = _rule_frame()
        condition = ""
        if frame is not None:
            rung = source_file(frame.f_code.co_filename).rungs.get(frame.f_lineno)
            condition = "" if rung is None else rung.condition
        self._notes.add(
            CHECK,
            code.name,
            frame=frame,
            code=code.number,
            outcome=PASSED if passed else FAILED,
            condition=f"must hold: {condition}" if condition else "",
            detail="" if passed else clean(detail),
        )


@contextmanager
def lines_observed(notes: Notes) -> Iterator[None]:
    """Within it, calls of rules and the `if`s that refuse are noted, in this thread alone."""
    previous = sys.gettrace()
    tracer = _Tracer(notes)
    notes.is_on = True
    sys.settrace(tracer.called)
    try:
        yield
    finally:
        sys.settrace(previous)
        notes.is_on = False


class _Tracer:
    """What Python tells of each line of a rule."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._pending: dict[FrameType, Guard] = {}

    def called(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if event != "call" or code.co_name.startswith("<") or not is_observed(code.co_filename):
            return None
        if code.co_filename == EXECUTION and code.co_name not in EXECUTION_STEPS:
            return None
        self._notes.add(CALL, f"{_module(frame)}.{code.co_name.lstrip('_')}", frame=frame)
        self._notes.depth += 1
        return self.stepped

    def stepped(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self._line(frame)
        elif event == "exception":
            self._pending.pop(frame, None)
            if isinstance(argument[1], Rejected):
                self._notes.refused(argument[1].code, argument[1].detail, frame)
        elif event == "return":
            self._decide(frame, 0)
            self._notes.depth -= 1
        return self.stepped

    def _line(self, frame: FrameType) -> None:
        line = frame.f_lineno
        self._decide(frame, line)
        guard = source_file(frame.f_code.co_filename).guards.get(line)
        if guard is not None:
            self._pending[frame] = guard

    def _decide(self, frame: FrameType, line: int) -> None:
        guard = self._pending.get(frame)
        if guard is None or guard.test_low <= line <= guard.test_high:
            return
        del self._pending[frame]
        codes = resolved(guard, frame.f_globals)
        if codes:
            self._notes.add(
                CHECK,
                " or ".join(code.name for code in codes),
                frame=frame,
                line=guard.test_low,
                code=codes[0].number,
                outcome=FAILED if guard.refuses(line) else PASSED,
                condition=f"must not hold: {guard.condition}",
            )


def event_fields(event: Event) -> Fields:
    """An event's attributes for people; a posting's legs one by one."""
    attributes = {attribute.key: attribute.value for attribute in event.attributes}
    if event.type == POSTED:
        try:
            legs = decode_legs(attributes.get("legs", ""))
        except MalformedBytes:
            legs = ()
        currency = attributes.get("currency", "")
        return tuple((clean(leg.account), _signed(leg.delta_minor, currency)) for leg in legs)
    return attribute_fields(attributes.items())


def _signed(minor: int, currency: str) -> str:
    text = amount_text(minor, clean(currency))
    return text if minor < 0 else f"+{text}"


def _rule_frame() -> FrameType | None:
    """The innermost frame of a rule, or of what execution does around it."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the language's one way to ask who calls
    while frame is not None:
        if is_observed(frame.f_code.co_filename):
            return frame
        frame = frame.f_back
    return None


def _module(frame: FrameType) -> str:
    name = str(frame.f_globals.get("__name__", ""))
    parts = name.split(".")
    return parts[-2] if len(parts) > 1 and parts[-1] in ("rules", "port") else parts[-1]

"""What a rule sees: the records through a journal, the block it runs in, who signed; and how it says no.

A rule gets nothing else: no clock, no network, no other capability except through `ports`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar

import msgspec

from chainpos.core.chain.results import Event, EventAttribute
from chainpos.core.chain.signatures import Signature
from chainpos.core.contracts.ports import Ports
from chainpos.core.state.journal import Journal
from chainpos.core.state.tables import Table
from chainpos.core.values.text import HostileText, check_text
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import Code, Rejected

R = TypeVar("R", bound=msgspec.Struct)

# How genesis writes keys, addresses and hashes: lower-case hex, as the screens show them.
HexKey = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
HexHash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
HexAddress = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}\Z")]


class BlockFacts:
    """The block in which a rule runs. `time_ns` is the header's time; `proposer` a validator's 20-byte address.

    `time_s` are whole seconds since 1970, rounded down, kept as a payment asks for them a dozen times.
    """

    __slots__ = ("chain_id", "height", "proposer", "time_ns", "time_s")

    def __init__(self, chain_id: str, height: int, time_ns: int, proposer: bytes = b"") -> None:
        self.chain_id = chain_id
        self.height = height
        self.time_ns = time_ns
        self.time_s = time_ns // SECOND_NS
        self.proposer = proposer


class Get(Protocol):
    """Reads one record."""

    def __call__(self, table: Table[R], key: bytes) -> R | None:
        """The record as this transaction sees it, or None."""


class Put(Protocol):
    """Writes one record; undone if the transaction is rejected."""

    def __call__(self, table: Table[R], key: bytes, record: R) -> None:
        """The record stands from now on."""


class Context:
    """One transaction's view of the ledger. `signer` is the envelope's 32-byte public key.

    `get` and `put` are the journal's own. `views[TABLE][key]` is `get(TABLE, key)` without a call, for what every
    payment reads: twenty records; and `views[TABLE].put(key, record)` is the cheaper `put` of what was read there.
    """

    __slots__ = ("block", "body_hash", "events", "get", "journal", "ports", "put", "signer", "tx_hash", "views")

    get: Get
    put: Put

    def __init__(
        self, journal: Journal, block: BlockFacts, ports: Ports, *, signer: bytes, tx_hash: bytes, body_hash: bytes
    ) -> None:
        self.journal = journal
        self.get = journal.get
        self.put = journal.put
        self.views = journal.views
        self.block = block
        self.ports = ports
        self.signer = signer
        self.tx_hash = tx_hash
        self.body_hash = body_hash
        self.events: list[Event] = []

    def delete(self, table: Table[Any], key: bytes) -> None:
        """Remove one record; undone if the transaction is rejected."""
        self.journal.delete(table, key)

    def require(self, condition: bool, code: Code, detail: str = "") -> None:  # noqa: FBT001 - the rung of a ladder
        """One rung of a ladder of refusals. Raises Rejected(code) unless `condition`."""
        if not condition:
            raise Rejected(code, detail)

    def found(self, record: R | None, code: Code, detail: str = "") -> R:
        """`record`, where it must exist. Raises Rejected(code)."""
        if record is None:
            raise Rejected(code, detail)
        return record

    def require_text(self, text: str, code: Code, *, max_bytes: int, min_bytes: int = 1) -> None:
        """Refuse text that may not enter the ledger. Raises Rejected(code)."""
        try:
            check_text(text, max_bytes=max_bytes, min_bytes=min_bytes)
        except HostileText as error:
            raise Rejected(code, str(error)) from error

    def emit(self, kind: str, /, **attributes: str | int | bytes) -> None:
        """Add an event; attributes become text: integers in decimal, bytes in lower-case hex. All are indexed.

        `kind` is the event's full name, "capability.what": a rule of one capability may call another's port.
        """
        texts = [
            EventAttribute(key, value if isinstance(value, str) else _attribute_text(value))
            for key, value in attributes.items()
        ]
        self.events.append(Event(kind, tuple(texts)))


def _attribute_text(value: int | bytes) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


class Scan(Protocol):
    """All committed records, for invariants and reports; never offered to a rule."""

    def records(self, table: Table[R]) -> Iterator[tuple[bytes, R]]:
        """Every (key without prefix, record) of one table, by ascending key."""


class Violation(NamedTuple):
    """An invariant that does not hold: its name and what was found."""

    invariant: str
    detail: str


def no_tokens(_: Any) -> tuple[bytes, ...]:
    """For messages that present no one-time code."""
    return ()


def no_signatures(_: str, __: Any) -> tuple[Signature, ...]:
    """For messages that need no signature beyond the envelope's."""
    return ()


def no_subject(_: Any) -> dict[str, str]:
    """For messages that concern nothing by which somebody would look for their refusal."""
    return {}


class Message(NamedTuple):
    """One kind of message and its rule.

    `gas` is fixed per kind. `tokens(message)` are 32-byte one-time tokens that are spent even when the rule says no
    (a customer's code); `signatures(chain_id, message)` are those needed beside the envelope's. `subject(message)`
    are the attributes under which a refusal is told (a till looks for its request's reference, support for the
    merchant): text that the rule has not checked yet, so that it must be made of hex, numbers or a fixed alphabet.
    """

    kind: str
    type: type[msgspec.Struct]
    rule: Callable[[Context, Any], bytes]
    gas: int
    tokens: Callable[[Any], tuple[bytes, ...]] = no_tokens
    signatures: Callable[[str, Any], tuple[Signature, ...]] = no_signatures
    subject: Callable[[Any], dict[str, str]] = no_subject


class Change(NamedTuple):
    """One kind of thing that governance decides: a new step of a dated parameter, an institution's standing, a role.

    `apply(ctx, change)` is a ladder like a rule's, then the writes; who may decide it was asked before. It refuses by a
    code, or, where a figure simply cannot be, by MalformedBytes, which governance tells as `bad_change`. Where
    `effective_from_s` is given, it says from when the change holds, which must lie ahead of its deciding block.
    """

    kind: str
    type: type[msgspec.Struct]
    apply: Callable[[Context, Any], None]
    effective_from_s: Callable[[Any], int] | None = None


class Capability(NamedTuple):
    """One folder of the contract layer, as the registry sees it.

    `load_genesis(ctx, section)` writes the records that genesis' app_state names under the capability's name.
    `changes` are what governance may decide of it.
    """

    name: str
    codes: tuple[Code, ...]
    messages: tuple[Message, ...]
    tables: tuple[Table[Any], ...]
    invariants: tuple[Callable[[Scan], list[Violation]], ...]
    load_genesis: Callable[[Context, Any], None]
    changes: tuple[Change, ...] = ()


def decode_section(section: Any, shape: type[R]) -> R:
    """A genesis section in its shape. Raises msgspec.ValidationError with the path of what is wrong."""
    if not isinstance(section, Mapping):
        raise msgspec.ValidationError("a genesis section is an object")
    return msgspec.convert(section, shape, strict=True)


@contextmanager
def genesis_row(path: str) -> Iterator[None]:
    """Within it, a rule's refusal or a ValueError is told as a fault of the genesis section at `path` ("rows[3]").

    Raises ValueError, in the words of `decode_section`: the reason, then "at" and the path in the section.
    """
    try:
        yield
    except (Rejected, ValueError) as refusal:
        raise ValueError(f"{refusal} - at `$.{path}`") from refusal

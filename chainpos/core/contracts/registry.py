"""The one list of capabilities. It refuses two that share a message kind, a code number or a table prefix."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from chainpos.core.contracts import (
    anchors,
    balances,
    compliance,
    customers,
    fees,
    governance,
    institutions,
    merchants,
    moving,
    network,
    payments,
    refunds,
    replay,
    settlement,
)
from chainpos.core.contracts import codes as envelope_codes
from chainpos.core.contracts.compliance import port as compliance_port
from chainpos.core.contracts.context import Capability, Change, Context, Message, Scan, Violation
from chainpos.core.contracts.customers import port as customers_port
from chainpos.core.contracts.fees import port as fees_port
from chainpos.core.contracts.governance import genesis as governance_genesis
from chainpos.core.contracts.governance import port as governance_port
from chainpos.core.contracts.institutions import port as institutions_port
from chainpos.core.contracts.merchants import port as merchants_port
from chainpos.core.contracts.payments import port as payments_port
from chainpos.core.contracts.ports import Ports
from chainpos.core.contracts.settlement import port as settlement_port
from chainpos.core.state.tables import Table
from chainpos.errors import Code, MalformedBytes, Rejected

# One line per capability, in the order in which genesis loads them. See PORTS below for what they offer each other.
CAPABILITIES: Final[tuple[Capability, ...]] = (
    network.CAPABILITY,
    moving.CAPABILITY,
    replay.CAPABILITY,
    governance.CAPABILITY,
    compliance.CAPABILITY,
    institutions.CAPABILITY,
    customers.CAPABILITY,
    balances.CAPABILITY,
    fees.CAPABILITY,
    merchants.CAPABILITY,
    payments.CAPABILITY,
    refunds.CAPABILITY,
    settlement.CAPABILITY,
    anchors.CAPABILITY,
)

_encode = msgspec.msgpack.Encoder().encode


class _Changes:
    """What the capabilities list as theirs to be decided by governance; fulfils ports.ChangesPort."""

    def find(self, kind: str) -> Change | None:
        """The kind of change of that name, or None."""
        return CHANGES.get(kind)

    def decode(self, known: Change, encoded: bytes) -> msgspec.Struct:
        """A change in its shape. Raises MalformedBytes where it is not that shape, or not in canonical form."""
        try:
            change: msgspec.Struct = _CHANGE_DECODERS[known.kind].decode(encoded)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedBytes(f"not a {known.kind}") from error
        if _encode(change) != encoded:
            raise MalformedBytes(f"a {known.kind} not in canonical form")
        return change


# Each port.py is a module whose functions fulfil the protocol; the type checker compares the two here.
PORTS: Final = Ports(
    governance=governance_port,
    institutions=institutions_port,
    customers=customers_port,
    merchants=merchants_port,
    fees=fees_port,
    settlement=settlement_port,
    payments=payments_port,
    compliance=compliance_port,
    changes=_Changes(),
)


def _by_unique(pairs: list[tuple[object, object]]) -> None:
    seen: dict[object, object] = {}
    for key, owner in pairs:
        if key in seen:
            raise ValueError(f"{key!r} belongs to both {seen[key]} and {owner}")
        seen[key] = owner


_by_unique([(capability.name, capability.name) for capability in CAPABILITIES])
_by_unique([(message.kind, capability.name) for capability in CAPABILITIES for message in capability.messages])
_by_unique([(change.kind, capability.name) for capability in CAPABILITIES for change in capability.changes])
_by_unique([(message.type, message.kind) for capability in CAPABILITIES for message in capability.messages])
_by_unique([(table.prefix, capability.name) for capability in CAPABILITIES for table in capability.tables])
_by_unique([(table.name, capability.name) for capability in CAPABILITIES for table in capability.tables])

MESSAGES: Final[dict[str, Message]] = {
    message.kind: message for capability in CAPABILITIES for message in capability.messages
}
CHANGES: Final[dict[str, Change]] = {
    change.kind: change for capability in CAPABILITIES for change in capability.changes
}
_CHANGE_DECODERS: Final = {kind: msgspec.msgpack.Decoder(change.type) for kind, change in CHANGES.items()}
TABLES: Final[tuple[Table[Any], ...]] = tuple(table for capability in CAPABILITIES for table in capability.tables)
TABLES_BY_PREFIX: Final[dict[bytes, Table[Any]]] = {table.prefix: table for table in TABLES}
INVARIANTS: Final[tuple[Callable[[Scan], list[Violation]], ...]] = tuple(
    invariant for capability in CAPABILITIES for invariant in capability.invariants
)
ALL_CODES: Final[tuple[Code, ...]] = envelope_codes.CODES + tuple(
    code for capability in CAPABILITIES for code in capability.codes
)
_by_unique([(code.number, code.name) for code in ALL_CODES])
_by_unique([(code.name, code.number) for code in ALL_CODES])
CODES_BY_NUMBER: Final[dict[int, Code]] = {code.number: code for code in ALL_CODES}
CODESPACES: Final[dict[int, str]] = {code.number: envelope_codes.CODESPACE for code in envelope_codes.CODES} | {
    code.number: capability.name for capability in CAPABILITIES for code in capability.codes
}


def check_invariants(scan: Scan) -> list[Violation]:
    """All that does not hold over the committed records; empty where all is well. Looks at every record."""
    return [violation for invariant in INVARIANTS for violation in invariant(scan)]


def load_genesis(ctx: Context, app_state: bytes, validators: Sequence[tuple[bytes, int]] = ()) -> None:
    """Write the records that genesis' app_state names: a JSON object with a section for each capability.

    `validators` are genesis' own (public key, power): governance decides of them from then on. A section that is left
    out is as good as an empty one; the network's must be there. Raises ValueError with the JSON path of what is wrong:
    an unknown section or field, a name given twice, a value that its rule would refuse. A network that moved has one
    section alone, `moved`, with every record of the older chain.
    """
    sections = _read_json(app_state)
    if not isinstance(sections, dict):
        raise ValueError("expected an object - at `$`")  # noqa: TRY004 - the input is at fault, not its type
    if list(sections) == [moving.NAME]:
        _load_by(lambda: moving.load(ctx, sections[moving.NAME], TABLES_BY_PREFIX), moving.NAME)
        governance_genesis.load_validators(ctx, validators)
        return
    known = [capability.name for capability in CAPABILITIES]
    for name in sections:
        if name not in known:
            raise ValueError(f"no such section - at `$.{name}`")
    for capability in CAPABILITIES:
        name = capability.name
        if name in sections:
            _load_by(functools.partial(capability.load_genesis, ctx, sections[name]), name)
        elif capability is network.CAPABILITY:
            raise ValueError(f"missing - at `$.{name}`")
    governance_genesis.load_validators(ctx, validators)


def _load_by(load: Callable[[], None], name: str) -> None:
    path = f"$.{name}"
    try:
        load()
    except (ValueError, Rejected) as error:
        text = str(error)
        located = text.replace("at `$", f"at `{path}") if "at `$" in text else f"{text} - at `{path}`"
        raise ValueError(located) from error


def _read_json(app_state: bytes) -> Any:
    try:
        return json.loads(app_state, object_pairs_hook=_no_twins, parse_float=_no_float, parse_constant=_no_float)
    except RecursionError as error:
        raise ValueError("nested too deeply - at `$`") from error


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        twins = [name for name in read if [each for each, _ in pairs].count(name) > 1]
        raise ValueError(f"{twins[0]!r} is given twice in one object - at `$`")
    return read


def _no_float(text: str) -> Any:
    raise ValueError(f"{text} is not a whole number - at `$`")

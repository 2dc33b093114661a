"""The only caller of rules: from transactions as bytes to one result each, and the state that they lead to.

It refuses a transaction that is not canonical, not for this chain, not in time, not signed, of an unknown kind, or on
the ledger already; whatever passes is remembered, even where its rule says no. Any exception but a rule's refusal is a
bug of ours: it leaves this module as it came, so that the node halts instead of recording it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from chainpos.core.chain.envelope import MAX_LIFETIME_S, MAX_TX_BYTES, Envelope, decode_envelope
from chainpos.core.chain.evidence import Misdeed
from chainpos.core.chain.genesis import GenesisDoc
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.chain.results import Event, EventAttribute, TxResult
from chainpos.core.chain.signatures import Signature, VerifyBatch, verify_batch
from chainpos.core.contracts import codes, registry
from chainpos.core.contracts.context import BlockFacts, Context, Message
from chainpos.core.contracts.governance.records import APP_VERSION, ONLY, UPGRADES, VALIDATORS, Upgrade, Validators
from chainpos.core.contracts.replay import BODIES, TOKENS, Mark
from chainpos.core.state.crowding import Growth
from chainpos.core.state.expiry import Unexpired
from chainpos.core.state.journal import Change, Journal
from chainpos.core.state.state import Staged, State
from chainpos.core.values.hashes import address_of
from chainpos.errors import Code, MalformedBytes, Rejected, StateMismatch

# So that a block after a quiet day does not pay for all of that day's marks at once.
MAX_FORGOTTEN_A_BLOCK: Final = 10_000
REJECTED: Final = "chainpos.rejected"
MISBEHAVED: Final = "chainpos.misbehaved"
_VALIDATORS_KEY: Final = VALIDATORS.full_key(ONLY)

_encode = msgspec.msgpack.Encoder().encode
_DECODERS: Final = {kind: msgspec.msgpack.Decoder(known.type) for kind, known in registry.MESSAGES.items()}


class UpgradeNeeded(StateMismatch):
    """The network decided that this block is executed by a later version than this one: the node stops before it."""


class BlockInput(NamedTuple):
    """What a block brings: `time_ns` is the header's time, `proposer_address` 20 bytes.

    `params` are those in force, where the caller wants them back with the version that an upgrade sets. `misdeeds` are
    what the block proves of validators: told in an event, and nothing is done about it but by governance.
    """

    chain_id: str
    height: int
    time_ns: int
    txs: Sequence[bytes]
    proposer_address: bytes = b""
    params: ConsensusParams | None = None
    misdeeds: Sequence[Misdeed] = ()

    @property
    def facts(self) -> BlockFacts:
        """What rules may know of the block."""
        return BlockFacts(self.chain_id, self.height, self.time_ns, self.proposer_address)


class BlockOutcome(NamedTuple):
    """What a block does, not yet committed: one result a transaction, and the state as `State.commit` takes it.

    `validator_updates` are (public key, power), by ascending key, power 0 for one that is removed.
    """

    results: tuple[TxResult, ...]
    events: tuple[Event, ...]
    changes: Sequence[Change]
    staged: Staged
    validator_updates: tuple[tuple[bytes, int], ...] = ()
    param_updates: ConsensusParams | None = None

    @property
    def app_hash(self) -> bytes:
        """The 32-byte commitment to the state after the block."""
        return self.staged.app_hash


class Rules(NamedTuple):
    """What runs transactions: the kinds of messages, and how a rule's context is made.

    The network's own are `BUILT_IN`. Others are for inspection alone: to observe a run, or to ask what another version
    would have said.
    """

    messages: Mapping[str, Message] = registry.MESSAGES
    context: Callable[..., Context] = Context


BUILT_IN: Final = Rules()


class ReadTransaction(NamedTuple):
    """A transaction as far as it can be judged without the ledger and without its signatures."""

    envelope: Envelope
    known: Message
    message: msgspec.Struct


def genesis_state(doc: GenesisDoc) -> State:
    """The state before the first block. Raises ValueError with the JSON path of what is wrong in app_state."""
    state = State(registry.TABLES)
    journal = Journal(state)
    facts = BlockFacts(doc.chain_id, doc.initial_height - 1, doc.genesis_time_ns)
    ctx = Context(journal, facts, registry.PORTS, signer=b"", tx_hash=b"", body_hash=b"")
    registry.load_genesis(ctx, doc.app_state, [(row.public_key, row.power) for row in doc.validators])
    state.commit(state.stage(journal.changes()))
    if violations := registry.check_invariants(state):
        raise ValueError(f"{violations[0].invariant}: {violations[0].detail} - at `$`")
    return state


def read_transaction(wire: bytes, facts: BlockFacts) -> ReadTransaction:
    """All that can be said of a transaction without the ledger and without its signatures.

    Raises Rejected: OVERSIZED, MALFORMED, OTHER_CHAIN, TX_EXPIRED, EXPIRY_TOO_FAR, UNKNOWN_KIND.
    """
    if len(wire) > MAX_TX_BYTES:
        raise Rejected(codes.OVERSIZED, f"{len(wire)} bytes")
    try:
        envelope = decode_envelope(wire)
    except MalformedBytes as error:
        raise Rejected(codes.MALFORMED, str(error)) from error
    body = envelope.body
    if body.chain_id != facts.chain_id:
        raise Rejected(codes.OTHER_CHAIN)
    if body.expires_s <= facts.time_s:
        raise Rejected(codes.TX_EXPIRED)
    if body.expires_s > facts.time_s + MAX_LIFETIME_S:
        raise Rejected(codes.EXPIRY_TOO_FAR)
    known = registry.MESSAGES.get(body.kind)
    if known is None:
        raise Rejected(codes.UNKNOWN_KIND)
    encoded = bytes(body.message)
    try:
        message: msgspec.Struct = _DECODERS[body.kind].decode(encoded)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(codes.MALFORMED, f"not a {body.kind}") from error
    if _encode(message) != encoded:
        raise Rejected(codes.MALFORMED, f"a {body.kind} not in canonical form")
    return ReadTransaction(envelope, known, message)


def signatures_of(envelope: Envelope, message: msgspec.Struct) -> tuple[Signature, ...]:
    """All signatures that a transaction of a known kind needs, the signer's first; none of them verified."""
    chain_id = envelope.body.chain_id
    return (envelope.claim(chain_id), *registry.MESSAGES[envelope.body.kind].signatures(chain_id, message))


def execute_block(state: State, block: BlockInput, verify: VerifyBatch = verify_batch) -> BlockOutcome:
    """What the block's transactions do to the state, in their order. The state itself is not moved.

    An empty block changes nothing. Raises UpgradeNeeded where a later version must execute it. Raises StateMismatch,
    or whatever a rule raises, where our own code is at fault.
    """
    return execute_block_by(BUILT_IN, state, block, verify)


def execute_block_by(rules: Rules, state: State, block: BlockInput, verify: VerifyBatch = verify_batch) -> BlockOutcome:
    """As `execute_block`, by rules that need not be the network's."""
    planned = _planned_upgrade(state, block)
    journal = Journal(state)
    if block.txs:
        _forget_expired(state, journal, block.facts)
    results = run_transactions(block.txs, block.facts, journal, Growth(state), verify, rules)
    changes = journal.changes()
    return BlockOutcome(
        tuple(results),
        tuple(_misbehaved(misdeed) for misdeed in block.misdeeds),
        changes,
        state.stage(changes),
        validator_updates(changes),
        _param_updates(planned, block),
    )


def run_transactions(
    txs: Sequence[bytes],
    facts: BlockFacts,
    journal: Journal,
    growth: Growth,
    verify: VerifyBatch = verify_batch,
    rules: Rules = BUILT_IN,
) -> list[TxResult]:
    """One result for each transaction, run in their order against the journal; what has expired is forgotten already.

    A block is one call. Inspection makes two of it, to stop before the transaction that it is asked about.
    """
    read = [_read(wire, facts) for wire in txs]
    held = _verified(read, verify)
    results = []
    for wire_read, is_signed in zip(read, held, strict=True):
        if isinstance(wire_read, Rejected):
            results.append(_refused(wire_read))
        else:
            results.append(_run(wire_read, facts, journal, growth, rules, is_signed=is_signed))
    return results


def _misbehaved(misdeed: Misdeed) -> Event:
    facts = {
        "validator": misdeed.address.hex().upper(),
        "kind": misdeed.kind,
        "height": str(misdeed.height),
        "power": str(misdeed.power),
    }
    return Event(MISBEHAVED, tuple(EventAttribute(key, value) for key, value in facts.items()))


def _planned_upgrade(state: State, block: BlockInput) -> Upgrade | None:
    """What governance decided before this block, if this version may execute it."""
    planned = state.get(UPGRADES, ONLY)
    if planned is not None and 0 < planned.height <= block.height and planned.app_version > APP_VERSION:
        raise UpgradeNeeded(
            f"block {block.height} needs version {planned.app_version} ({planned.name}) of the application;"
            f" this is version {APP_VERSION}"
        )
    return planned


def _param_updates(planned: Upgrade | None, block: BlockInput) -> ConsensusParams | None:
    """The block before an upgrade announces the version that the upgrade's own header must carry."""
    params = block.params
    if planned is None or params is None or planned.height != block.height + 1:
        return None
    if planned.app_version == params.app_version:
        return None
    return msgspec.structs.replace(params, app_version=planned.app_version)


def validator_updates(changes: Sequence[Change]) -> tuple[tuple[bytes, int], ...]:
    """How a block changed the validators: all of its decisions together, as CometBFT refuses a key named twice."""
    at = bisect_left(changes, _VALIDATORS_KEY, key=_key_of)
    if at == len(changes) or changes[at].key != _VALIDATORS_KEY:
        return ()
    before, after = _powers(changes[at].before), _powers(changes[at].after)
    return tuple((key, after.get(key, 0)) for key in sorted(before | after) if before.get(key) != after.get(key))


def _key_of(change: Change) -> bytes:
    return change.key


def _powers(value: bytes | None) -> dict[bytes, int]:
    record = Validators() if value is None else VALIDATORS.decode(value)
    return {each.public_key: each.power for each in record.validators}


def check_transaction(state: State, wire: bytes, facts: BlockFacts, verify: VerifyBatch = verify_batch) -> TxResult:
    """What a block with this transaction alone would say of it, without data and events; nothing is kept."""
    read = _read(wire, facts)
    if isinstance(read, Rejected):
        return _refused(read)
    journal = Journal(Unexpired(state, registry.TABLES_BY_PREFIX, facts.time_s))
    result = _run(read, facts, journal, Growth(state), BUILT_IN, is_signed=_verified([read], verify)[0])
    return msgspec.structs.replace(result, data=b"", events=())


def _read(wire: bytes, facts: BlockFacts) -> ReadTransaction | Rejected:
    try:
        return read_transaction(wire, facts)
    except Rejected as refusal:
        return refusal


def _verified(read: Sequence[ReadTransaction | Rejected], verify: VerifyBatch) -> list[bool]:
    """Whether every signature of each transaction holds; all of a block's are verified in one batch."""
    claims: list[Signature] = []
    counts = []
    for each in read:
        needed = () if isinstance(each, Rejected) else signatures_of(each.envelope, each.message)
        claims += needed
        counts.append(len(needed))
    answers = verify(claims) if claims else []
    if len(answers) != len(claims):
        raise StateMismatch(f"{len(answers)} answers for {len(claims)} signatures")
    held, position = [], 0
    for count in counts:
        held.append(all(answers[position : position + count]))
        position += count
    return held


def _forget_expired(state: State, journal: Journal, facts: BlockFacts) -> None:
    for table, key in state.expired(facts.time_s, MAX_FORGOTTEN_A_BLOCK):
        journal.delete(table, key)


def _run(
    read: ReadTransaction, facts: BlockFacts, journal: Journal, growth: Growth, rules: Rules, *, is_signed: bool
) -> TxResult:
    """One transaction against the journal: its marks, then its rule; the only place that catches a rule's refusal."""
    envelope, known, message = read
    if rules is not BUILT_IN:
        known = rules.messages.get(known.kind, known)
    if not is_signed:
        return _refused(Rejected(codes.BAD_SIGNATURE), known)
    before = journal.mark()
    refusal = _remember(read, facts, journal)
    if not growth.admit(journal.created(before)):
        journal.rollback(before)
        refusal = Rejected(codes.LEDGER_CROWDED)
    if refusal is not None:
        return _refused(refusal, known, (_rejected_event(read, refusal.code),))
    ctx = rules.context(
        journal,
        facts,
        registry.PORTS,
        signer=envelope.body.signer,
        tx_hash=envelope.hash,
        body_hash=envelope.body_hash,
    )
    remembered = journal.mark()
    data, refusal = b"", None
    try:
        data = known.rule(ctx, message)
    except Rejected as rejected:
        refusal = rejected
    if refusal is None and not growth.admit(journal.created(remembered)):
        refusal = Rejected(codes.LEDGER_CROWDED)
    if refusal is not None:
        journal.rollback(remembered)
        return _refused(refusal, known, (_rejected_event(read, refusal.code),))
    return TxResult(data=data, gas_wanted=known.gas, gas_used=known.gas, events=tuple(ctx.events))


def _remember(read: ReadTransaction, facts: BlockFacts, journal: Journal) -> Rejected | None:
    """Mark the body and the tokens as used; a refusal if either was used before."""
    envelope, known, message = read
    if journal.get(BODIES, envelope.body_hash) is not None:
        return Rejected(codes.REPLAYED)
    journal.put(BODIES, envelope.body_hash, Mark(envelope.body.expires_s))
    refusal = None
    for token in known.tokens(message):
        if journal.get(TOKENS, token) is not None:
            refusal = Rejected(codes.TOKEN_SPENT)
        else:
            # Not the transaction's own expiry: another one, which lives longer, may present the same token.
            journal.put(TOKENS, token, Mark(facts.time_s + MAX_LIFETIME_S))
    return refusal


def _refused(refusal: Rejected, known: Message | None = None, events: tuple[Event, ...] = ()) -> TxResult:
    gas = 0 if known is None else known.gas
    code = refusal.code
    return TxResult(
        code=code.number,
        log=code.name,
        info=refusal.detail,
        gas_wanted=gas,
        gas_used=gas,
        events=events,
        codespace=registry.CODESPACES[code.number],
    )


def _rejected_event(read: ReadTransaction, code: Code) -> Event:
    """How tills and support find a refusal: by what it was about, by who signed it, by its code."""
    attributes = {
        "kind": read.known.kind,
        "code": str(code.number),
        "name": code.name,
        "signer": address_of(read.envelope.body.signer).hex(),
    } | read.known.subject(read.message)
    return Event(REJECTED, tuple(EventAttribute(key, value) for key, value in attributes.items()))

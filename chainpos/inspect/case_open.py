"""Opening a case file on a machine that knows only the genesis: every claim is checked, and each check has a name.

It refuses to believe the file in anything: headers by their signatures, transactions, results and records by proofs,
the trace by running it again on the records proved. A damaged file is named by its part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from chainpos.core.chain.bisection import Fetch, Found, begin, resume
from chainpos.core.chain.block import Block, verify_tx
from chainpos.core.chain.commit import EMPTY_COMMIT, Commit
from chainpos.core.chain.genesis import load_genesis
from chainpos.core.chain.header import Header
from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.chain.results import verify_result
from chainpos.core.chain.validators import ValidatorSet
from chainpos.core.chain.verifier import UntrustedBlock, trust_genesis
from chainpos.core.contracts.payments.records import CANCELLED, PAYMENTS
from chainpos.core.state.proofs import decode_proof, verify_absence, verify_presence
from chainpos.core.values.hashes import sha256
from chainpos.core.values.text import clean
from chainpos.errors import ChainposError, MalformedBytes
from chainpos.inspect.case import (
    CASE_OPTIONS,
    CASE_VERSION,
    SUBJECT,
    Case,
    LightBlock,
    ProvedRecord,
    ProvedTransaction,
    encode_json,
)
from chainpos.inspect.case_container import PARTS, CaseDamaged, unpack
from chainpos.inspect.case_html import render_case
from chainpos.inspect.case_telling import fault_of_telling
from chainpos.inspect.past import PastState
from chainpos.inspect.source import Found as FoundBlock
from chainpos.inspect.timeline import LEDGER
from chainpos.inspect.trace import Run

GENESIS: Final = "genesis"
_SHOWN: Final = 16


class Checked(msgspec.Struct, frozen=True):
    """One check: its name, whether it holds, and what was found."""

    name: str
    holds: bool
    detail: str = ""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A case file as far as it could be opened; it is to be believed where all checks hold."""

    checks: tuple[Checked, ...]
    case: Case | None = None

    @property
    def verified(self) -> bool:
        """Whether everything in it holds."""
        return self.case is not None and all(check.holds for check in self.checks)

    @property
    def elsewhere(self) -> bool:
        """Whether it says that it is of another network than the genesis's: then nothing else of it was checked."""
        return any(check.name == GENESIS and not check.holds for check in self.checks)


def open_case(packed: bytes, genesis_json: bytes) -> Opened:
    """Verify a case file against a genesis document. Never raises: what is wrong is in the checks."""
    try:
        parts = unpack(packed)
        case, headers = _decoded(parts)
    except CaseDamaged as error:
        return Opened(checks=(Checked(error.part, False, error.what),))
    return _Opening(case, headers, genesis_json).run()


def _decoded(parts: dict[str, bytes]) -> tuple[Case, tuple[LightBlock, ...]]:
    if tuple(sorted(parts)) != PARTS:
        raise CaseDamaged("container", "it does not hold the parts of a case")
    try:
        case = msgspec.json.decode(parts["case.json"], type=Case)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CaseDamaged("case.json", "it cannot be read") from error
    try:
        headers = msgspec.json.decode(parts["headers.json"], type=tuple[LightBlock, ...])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CaseDamaged("headers.json", "it cannot be read") from error
    if case.version != CASE_VERSION:
        raise CaseDamaged("case.json", f"its version is {case.version}; this reads {CASE_VERSION}")
    for name, value in (("case.json", case), ("headers.json", headers)):
        if encode_json(value) != parts[name]:
            raise CaseDamaged(name, "it is not in canonical form")
    if render_case(case) != parts["case.html"]:
        raise CaseDamaged("case.html", "it is not the page of this case")
    return case, headers


class _Opening:
    def __init__(self, case: Case, headers: tuple[LightBlock, ...], genesis_json: bytes) -> None:
        self._case = case
        self._light = headers
        self._genesis = genesis_json
        self._headers: dict[int, Header] = {}
        self._checks: list[Checked] = []

    def run(self) -> Opened:
        case = self._case
        self._check(GENESIS, self._network)
        if not self._checks[0].holds:
            # Every proof would be wrong against this one, and say nothing about the file.
            return Opened(checks=tuple(self._checks), case=case)
        self._check("headers", self._believe)
        for each in case.transactions:
            name = f"transaction {sha256(each.wire).hex()[:16]}"
            self._check(f"{name} in block {each.height}", partial(self._included, each))
            self._check(f"{name} result", partial(self._result, each))
        for record in (*case.records, *case.witness):
            self._check(f"record {record.name} after block {record.height}", partial(self._record, record))
        self._check("request", self._about_the_request)
        self._check("timeline", self._timeline)
        self._check("telling", lambda: fault_of_telling(case))
        if case.trace is not None:
            self._check("trace", self._trace)
        return Opened(checks=tuple(self._checks), case=case)

    def _check(self, name: str, check: Callable[[], str]) -> None:
        try:
            fault = check()
        except (ChainposError, KeyError, ValueError, IndexError) as error:
            fault = f"{type(error).__name__}"
        self._checks.append(Checked(name, not fault, fault))

    def _network(self) -> str:
        here = sha256(self._genesis)
        if here == self._case.genesis_sha256:
            return ""
        there = self._case.genesis_sha256.hex()[:_SHOWN]
        its, ours = clean(self._case.chain_id), clean(load_genesis(self._genesis).chain_id)
        return f"it names {its}, genesis {there}; this network is {ours}, genesis {here.hex()[:_SHOWN]}"

    def _believe(self) -> str:
        """From the genesis validators to every header in the file, as a light client would."""
        blocks = {
            each.height: UntrustedBlock(
                Header.decode(each.header), Commit.decode(each.commit), ValidatorSet.decode(each.validators)
            )
            for each in self._light
        }
        if not blocks or any(block.header.height != height for height, block in blocks.items()):
            return "headers out of their places"
        trusted = trust_genesis(load_genesis(self._genesis))
        now_ns = blocks[max(blocks)].header.time_ns
        for height in sorted(blocks):
            step = begin(trusted, blocks[height], CASE_OPTIONS, now_ns)
            while isinstance(step, Fetch):
                if step.height not in blocks:
                    return f"the header of height {step.height} is missing"
                step = resume(step, blocks[step.height], CASE_OPTIONS, now_ns)
            if not isinstance(step, Found):
                return f"{step.verdict.code} at height {step.height}"
            trusted = step.trusted
            self._headers[height] = blocks[height].header
        return ""

    def _included(self, each: ProvedTransaction) -> str:
        header = self._headers[each.height]
        proof = MerkleProof.decode(each.inclusion)
        held = proof.index == each.index and verify_tx(header.data_hash, each.wire, proof)
        return "" if held else "the block does not have it there"

    def _result(self, each: ProvedTransaction) -> str:
        header = self._headers[each.height + 1]
        proof = MerkleProof.decode(each.result_proof)
        # A proof fits trees of other sizes as well, at another place: both must be of one place in one tree.
        same_place = (proof.index, proof.total) == (each.index, MerkleProof.decode(each.inclusion).total)
        held = same_place and verify_result(header.last_results_hash, each.result, proof)
        return "" if held else "the next header commits to another result"

    def _record(self, record: ProvedRecord) -> str:
        header = self._headers[record.height + 1]
        proof = decode_proof(record.proof)
        if record.value is None:
            held = verify_absence(header.app_hash, record.key, proof)
        else:
            held = verify_presence(header.app_hash, record.key, record.value, proof)
        return "" if held else "the next header commits to something else"

    def _about_the_request(self) -> str:
        """The records told of are the request's own, as of the height that the case names."""
        request_id = bytes.fromhex(self._case.timeline.request_id)
        wanted = {(table.full_key(request_id), self._case.as_of) for table in (PAYMENTS, CANCELLED)}
        if {(record.key, record.height) for record in self._case.records} != wanted:
            return "the records are not those of the request"
        return "" if self._case.chain_id == load_genesis(self._genesis).chain_id else "another chain"

    def _timeline(self) -> str:
        """What the ledger is said to have done, one of the proved transactions or headers did, at that time."""
        proved = {(each.height, each.index): sha256(each.wire).hex() for each in self._case.transactions}
        for moment in self._case.timeline.moments:
            if moment.source != LEDGER:
                continue
            header = self._headers.get(moment.height)
            if header is None or header.time_ns != moment.time_ns:
                return f"{moment.stage} has no header of that time"
            if moment.index >= 0 and (moment.height, moment.index) not in proved:
                return f"{moment.stage} has no transaction in the file"
            kind, _, named = moment.evidence.partition(" ")
            if kind == "tx" and proved.get((moment.height, moment.index)) != named:
                return f"{moment.stage} names another transaction"
        return ""

    def _trace(self) -> str:
        """The subject again, on the records proved to be there before it."""
        trace = self._case.trace
        subject = next((each for each in self._case.transactions if each.role == SUBJECT), None)
        if trace is None or subject is None:
            return "there is no transaction to run"
        if (trace.height, trace.index) != (subject.height, subject.index):
            return "it is of another transaction"
        witnessed = _Witness(self._case)
        header = self._headers[subject.height]
        stated = {record.key: record.value for record in self._case.stated}
        block = Block(header, (b"",) * subject.index + (subject.wire,), (), EMPTY_COMMIT)
        found = FoundBlock(
            subject.height, header.last_block_id, block, EMPTY_COMMIT, (subject.result,) * (subject.index + 1), b""
        )
        state = PastState(witnessed, subject.height, header.time_ns // 1_000_000_000, changed=stated)
        again = Run(state, found).observed(subject.wire, subject.index)
        if again != trace:
            return "running it again gives another trace"
        return "" if again.reproduces else "running it again gives another result"


class _Witness:
    """The records of a case as a source; it knows no others."""

    def __init__(self, case: Case) -> None:
        self._records = {(record.key, record.height): record.value for record in case.witness}

    def record_at(self, key: bytes, height: int) -> bytes | None:
        if (key, height) not in self._records:
            raise MalformedBytes(f"the case has no record {key.hex()} of height {height}")
        return self._records[(key, height)]

    def records_of(self, keys: Sequence[bytes], height: int) -> dict[bytes, bytes | None]:
        return {key: self.record_at(key, height) for key in keys}

    def records_at(self, height: int) -> dict[bytes, bytes]:
        """Not all records, and so none: a case cannot tell how full a bucket was."""
        raise MalformedBytes(f"the case has not all records of height {height}")

"""A case file: one payment's evidence in one file, that a machine with nothing but the genesis can verify.

It refuses a case whose next header is not there yet, as nothing could be proved of it. What it leaves out it says: no
other person's transactions, no secrets, nothing of a shop's book but its stages.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.chain.bisection import Fetch, Refused, begin, resume
from chainpos.core.chain.block import tx_proof
from chainpos.core.chain.genesis import load_genesis
from chainpos.core.chain.results import result_proof
from chainpos.core.chain.verifier import TrustedState, UntrustedBlock, trust_genesis
from chainpos.core.contracts.payments.records import CANCELLED, PAYMENTS
from chainpos.core.contracts.registry import TABLES
from chainpos.core.values.hashes import sha256
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import EXIT_REFUSED, UserFacingError
from chainpos.inspect import absence
from chainpos.inspect.case import (
    CASE_OPTIONS,
    CASE_VERSION,
    LEFT_OUT,
    SUBJECT,
    UNPROVED,
    Case,
    LightBlock,
    ProvedRecord,
    ProvedTransaction,
    StatedRecord,
    encode_json,
)
from chainpos.inspect.case_container import pack
from chainpos.inspect.case_html import render_case
from chainpos.inspect.case_telling import money_told
from chainpos.inspect.fields import key_text
from chainpos.inspect.past import past_state
from chainpos.inspect.source import ChainSource, Found, Proofs
from chainpos.inspect.steps import Trace
from chainpos.inspect.timeline import BOOK, LEDGER, OUTBOX, Timeline, timeline
from chainpos.inspect.trace import Run, require_block
from chainpos.store.shop_reading import BookReader

RELATED: Final = "related"


def make_case(source: ChainSource, word: str, *, book: BookReader | None = None, as_of: int = 0) -> bytes:
    """The case file of a payment: a reference, request, link, transaction's hash or sale's number names it.

    The same source and `as_of` give the same bytes; 0 is the last height that can be proved. Raises UserFacingError.
    """
    base, tip = source.span()
    if not base <= (as_of or tip - 1) < tip:
        raise _not_yet(as_of or tip - 1)
    story = timeline(source, word, book)
    keys = [table.full_key(bytes.fromhex(story.request_id)) for table in (PAYMENTS, CANCELLED)]
    proved = source.proofs(keys, as_of)
    if proved is None:
        raise UserFacingError(
            f"This node proves its newest state alone, and not that of height {as_of}.",
            next_step="Leave --as-of out, or name the node's folder with --home.",
            money_moved="",
            exit_code=EXIT_REFUSED,
        )
    maker = _Maker(source, proved.height)
    case = maker.case(story, _records(keys, proved))
    parts = {
        "case.json": encode_json(case),
        "headers.json": encode_json(maker.headers()),
    }
    parts["case.html"] = render_case(case)
    return pack(parts)


class _Maker:
    def __init__(self, source: ChainSource, as_of: int) -> None:
        self._source = source
        self._as_of = as_of
        self._heights: dict[int, None] = {as_of + 1: None}

    def case(self, story: Timeline, records: tuple[ProvedRecord, ...]) -> Case:
        """The case of a story whose request's records are these."""
        story = _redacted(story, self._as_of)
        places = self._places(story)
        trace: Trace | None = None
        witness: tuple[ProvedRecord, ...] = ()
        stated: tuple[StatedRecord, ...] = ()
        if places:
            trace, witness, stated = self._witnessed(*places[0])
        genesis = self._source.genesis_json()
        return Case(
            version=CASE_VERSION,
            chain_id=load_genesis(genesis).chain_id,
            genesis_sha256=sha256(genesis),
            as_of=self._as_of,
            reference=story.reference,
            left_out=LEFT_OUT if witness or trace is None else (*LEFT_OUT, UNPROVED),
            timeline=story,
            trace=trace,
            transactions=tuple(
                self._transaction(height, index, SUBJECT if at == 0 else RELATED)
                for at, (height, index) in enumerate(places)
            ),
            records=records,
            witness=witness,
            stated=stated,
        )

    def headers(self) -> tuple[LightBlock, ...]:
        """The headers that lead from genesis to all that the case proves, ascending."""
        trusted: TrustedState = trust_genesis(load_genesis(self._source.genesis_json()))
        blocks: dict[int, UntrustedBlock] = {}
        now_ns = self._light(self._as_of + 1, blocks).header.time_ns
        for height in sorted(self._heights):
            step = begin(trusted, self._light(height, blocks), CASE_OPTIONS, now_ns)
            while isinstance(step, Fetch):
                step = resume(step, self._light(step.height, blocks), CASE_OPTIONS, now_ns)
            if isinstance(step, Refused):
                raise UserFacingError(
                    f"The header of height {step.height} does not verify: {step.verdict.code}.",
                    next_step="Run chainpos verify on this node before anything else.",
                    money_moved="",
                    exit_code=EXIT_REFUSED,
                )
            trusted = step.trusted
        return tuple(
            LightBlock(height, block.header.encode(), block.commit.encode(), block.validators.encode())
            for height, block in sorted(blocks.items())
        )

    def _light(self, height: int, blocks: dict[int, UntrustedBlock]) -> UntrustedBlock:
        if height not in blocks:
            found = require_block(self._source, height)
            following = self._source.found(height + 1)
            # The commit that the chain itself carries: every node has the same.
            commit = found.commit if following is None else following.block.last_commit
            validators = self._source.validators(height)
            if validators is None:
                raise _not_yet(height)
            blocks[height] = UntrustedBlock(found.block.header, commit, validators)
        return blocks[height]

    def _places(self, story: Timeline) -> list[tuple[int, int]]:
        """The subject first: the payment itself, else the first that was refused, cancelled or sent.

        All that the story tells, which a timeline bounds: one left out would be told and not proved.
        """
        moments = [moment for moment in story.moments if moment.source == LEDGER and moment.index >= 0]
        order = {"paid": 0, "refused": 1, "cancelled": 2}
        first = sorted(moments, key=lambda moment: (order.get(moment.stage, 9), moment.height, moment.index))
        return list(dict.fromkeys((moment.height, moment.index) for moment in (*first[:1], *moments)))

    def _transaction(self, height: int, index: int, role: str) -> ProvedTransaction:
        found = require_block(self._source, height)
        self._heights[height] = self._heights[height + 1] = None
        result = found.results[index]
        kept = result if role == SUBJECT else msgspec.structs.replace(result, events=())
        return ProvedTransaction(
            role,
            height,
            index,
            found.block.txs[index],
            tx_proof(found.block.txs, index).encode(),
            kept,
            result_proof(found.results, index).encode(),
        )

    def _proved(self, keys: list[bytes], height: int) -> tuple[ProvedRecord, ...] | None:
        proved = self._source.proofs(keys, height)
        if proved is None:
            return None
        self._heights[height + 1] = None
        return _records(keys, proved)

    def _witnessed(
        self, height: int, index: int
    ) -> tuple[Trace, tuple[ProvedRecord, ...], tuple[StatedRecord, ...]]:  # fmt: skip
        """The subject's trace with every record that it rests on, so that anybody can run it again."""
        found = require_block(self._source, height)
        state = past_state(self._source, found)
        run = Run(state, found)
        run.before(index)
        changed = {change.key: change.after for change in run.journal.changes()}
        trace = run.observed(found.block.txs[index], index)
        read = sorted(run.looked_at())
        witness = self._proved([key for key in read if key not in changed], height - 1)
        if witness is None:
            told = {key: changed[key] if key in changed else state.value(key) for key in read}
            return trace, (), tuple(StatedRecord(key_text(key), key, value) for key, value in told.items())
        forgotten = self._proved([each.key for each in witness if _may_be_forgotten(each, found)], height) or ()
        told = {key: changed[key] for key in read if key in changed}
        stated = tuple(StatedRecord(key_text(key), key, value) for key, value in told.items())
        return trace, (*witness, *forgotten), stated


def _records(keys: list[bytes], proved: Proofs) -> tuple[ProvedRecord, ...]:
    return tuple(
        ProvedRecord(key_text(key), key, proved.height, value, proof)
        for key, (value, proof) in zip(keys, proved.records, strict=True)
    )


def _may_be_forgotten(record: ProvedRecord, found: Found) -> bool:
    table = next((table for table in TABLES if record.key.startswith(table.prefix)), None)
    if record.value is None or table is None or table.expires is None:
        return False
    return table.expires(table.decode(record.value)) < found.block.header.time_ns // SECOND_NS


def _redacted(story: Timeline, as_of: int) -> Timeline:
    """Without the book's own words, and without what came after the height; told as whoever opens it can prove it."""
    moments = tuple(
        msgspec.structs.replace(moment, detail="") if moment.source in (BOOK, OUTBOX) else moment
        for moment in story.moments
        if moment.height <= as_of
    )
    # Nothing paid by now was nothing paid then.
    absences = tuple(
        absence.unpaid(as_of, each.detail) if each.kind == absence.UNPAID else each
        for each in story.absences
        if each.kind not in (absence.REJECTED, absence.CANCELLED) or each.height <= as_of
    )
    return msgspec.structs.replace(story, moments=moments, absences=absences, height=as_of, money=money_told(moments))


def _not_yet(height: int) -> UserFacingError:
    return UserFacingError(
        f"Nothing can be proved as of height {height} yet: the next header commits to it.",
        next_step="Wait for the next block, or name an earlier height with --as-of.",
        money_moved="",
        exit_code=EXIT_REFUSED,
    )

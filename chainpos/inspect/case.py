"""What a case file holds: values alone, and the bytes they are written as.

It refuses, in reading, whatever has a field that is not named here.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.chain.results import TxResult
from chainpos.core.chain.verifier import TrustOptions
from chainpos.core.values.timestamps import DAY_S, SECOND_NS
from chainpos.inspect.steps import Trace
from chainpos.inspect.timeline import Timeline

CASE_VERSION: Final = 2
# A case is judged as of its own last header: evidence does not age.
CASE_OPTIONS: Final = TrustOptions(100 * 365 * DAY_S * SECOND_NS)
SUBJECT: Final = "subject"
LEFT_OUT: Final = (
    "other people's transactions in the same blocks",
    "the words of the shop's book beyond its stages",
    "keys, PINs and passwords, which inspection never reads",
)
UNPROVED: Final = (
    "proofs of the records that the trace rests on: the node was asked over RPC, and proves its newest state alone"
)


class LightBlock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A header with its commit and validators, encoded by core.chain."""

    height: int
    header: bytes
    commit: bytes
    validators: bytes


class ProvedTransaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A transaction with the proof that its block has it, and that the next header commits to its result."""

    role: str
    height: int
    index: int
    wire: bytes
    inclusion: bytes
    result: TxResult
    result_proof: bytes


class ProvedRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record after a block, or that there is none; the next header commits to it."""

    name: str
    key: bytes
    height: int
    value: bytes | None
    proof: bytes


class StatedRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record as the subject found it, told and not proved: as the block's earlier transactions left it, to which no

    header commits; or as a node told it that proves no older state.
    """

    name: str
    key: bytes
    value: bytes | None


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of a case but its headers. `as_of` is the height whose state it tells last."""

    version: int
    chain_id: str
    genesis_sha256: bytes
    as_of: int
    reference: str
    left_out: tuple[str, ...]
    timeline: Timeline
    trace: Trace | None
    transactions: tuple[ProvedTransaction, ...]
    records: tuple[ProvedRecord, ...]
    witness: tuple[ProvedRecord, ...]
    stated: tuple[StatedRecord, ...]


def encode_json(value: object) -> bytes:
    """JSON with its keys in order, so that the same value is the same bytes."""
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=1) + b"\n"

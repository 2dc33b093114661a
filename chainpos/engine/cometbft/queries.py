"""Records as `abci_query` gives them, with proofs that CometBFT's own light proxy verifies; and the alarms.

It refuses, by the codes of the embedded node, paths that are not a record's and heights that it has no state of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from chainpos.core.state.commitment import bucket_name, bucket_of
from chainpos.core.state.state import State
from chainpos.engine.cometbft.messages import Proof, ProofStep, QueryRequest, QueryResponse
from chainpos.errors import MalformedBytes
from chainpos.rpc.backend import AlarmReport
from chainpos.store.application import Point

# What is wrong with the application, as JSON: CometBFT's own RPC has no place to tell it in.
ALARMS_PATH: Final = "/alarms"
MAX_ALARMS: Final = 20
CODESPACE: Final = "chainpos/query"
UNKNOWN_PATH: Final = 1
UNKNOWN_HEIGHT: Final = 2
NO_PROOF_AT_HEIGHT: Final = 3


class History(Protocol):
    """Records as they were."""

    def record_at(self, key: bytes, height: int) -> bytes | None:
        """The record's bytes after block `height`, or None."""


def provable_height(point: Point, initial_height: int) -> int:
    """The latest height whose state a proof can be given for, and whose next header there is already, if any.

    A block that changed nothing leaves the state of the height before it, to which its own header commits.
    """
    return point.height if point.changed or point.height <= initial_height else point.height - 1


def answer_query(
    state: State, history: History, point: Point, initial_height: int, request: QueryRequest
) -> QueryResponse:
    """The record at `/store/BUCKET/key`, where BUCKET is the one that the key (`data`) belongs to."""
    key = request.data
    if not key or request.path != f"/store/{bucket_name(bucket_of(key)).decode()}/key":
        return _refused(UNKNOWN_PATH, point.height, "there is no such path for this key")
    provable = provable_height(point, initial_height)
    height = request.height or provable
    if not initial_height - 1 <= height <= point.height:
        return _refused(UNKNOWN_HEIGHT, point.height, "there is no state of this height")
    if height not in (point.height, provable):
        if request.prove:
            return _refused(NO_PROOF_AT_HEIGHT, point.height, "proofs are given of the latest state only")
        return QueryResponse(key=key, value=history.record_at(key, height) or b"", height=height)
    proof = None
    if request.prove:
        proof = Proof(tuple(ProofStep(op.type, op.key, op.data) for op in state.prove(key).ops()))
    return QueryResponse(key=key, value=state.value(key) or b"", proof=proof, height=height)


def encode_alarms(alarms: Sequence[AlarmReport]) -> bytes:
    """What is told at ALARMS_PATH."""
    return msgspec.json.encode(alarms)


def decode_alarms(data: bytes) -> tuple[AlarmReport, ...]:
    """The inverse of `encode_alarms`, of the first MAX_ALARMS. Raises MalformedBytes."""
    try:
        return tuple(msgspec.json.decode(data, type=list[AlarmReport])[:MAX_ALARMS])
    except msgspec.DecodeError as error:
        raise MalformedBytes("not a list of alarms") from error


def _refused(code: int, height: int, log: str) -> QueryResponse:
    return QueryResponse(code=code, log=log, height=height, codespace=CODESPACE)

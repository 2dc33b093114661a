"""Results of transactions: what of them the next header commits to, its proofs, and their form in the store.

Only code, data and gas are hashed; log, info and events are not, and no rule may read them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chainpos.core.chain import merkle
from chainpos.core.chain.merkle import MerkleProof
from chainpos.core.chain.protobuf import put_bytes, put_uint
from chainpos.errors import MalformedBytes


# A block's results are tens of thousands of these. None can be part of a cycle, so the collector need not walk them.
class EventAttribute(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One key and value of an event; `index` says whether a search may find it."""

    key: str
    value: str
    index: bool = True


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that a transaction did, for whoever listens."""

    type: str
    attributes: tuple[EventAttribute, ...] = ()


class TxResult(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One transaction's outcome; code 0 is success. `code` is a uint32, gas an int64."""

    code: int = 0
    data: bytes = b""
    log: str = ""
    info: str = ""
    gas_wanted: int = 0
    gas_used: int = 0
    events: tuple[Event, ...] = ()
    codespace: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether the transaction took effect."""
        return self.code == 0

    def leaf(self) -> bytes:
        """What is hashed. Source: CometBFT types/results.go `deterministicExecTxResult`."""
        return (
            put_uint(1, self.code) + put_bytes(2, self.data) + put_uint(5, self.gas_wanted) + put_uint(6, self.gas_used)
        )


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[TxResult, ...])


def results_hash(results: Sequence[TxResult]) -> bytes:
    """The next header's last_results_hash: 32 bytes. Source: CometBFT types/results.go `ABCIResults.Hash`."""
    return merkle.root([result.leaf() for result in results])


def result_proof(results: Sequence[TxResult], index: int) -> MerkleProof:
    """That `results[index].leaf()` is in `results_hash(results)`. Raises IndexError."""
    return merkle.proof([result.leaf() for result in results], index)


def verify_result(expected_hash: bytes, result: TxResult, proof: MerkleProof) -> bool:
    """Whether `proof` shows that the block committed to the hashed part of `result`."""
    return merkle.verify(expected_hash, result.leaf(), proof)


def encode_results(results: Sequence[TxResult]) -> bytes:
    """All of the results, prose and events too, as MessagePack for the store."""
    return _encoder.encode(tuple(results))


def decode_results(data: bytes) -> tuple[TxResult, ...]:
    """The inverse of `encode_results`. Raises MalformedBytes."""
    try:
        found = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBytes("not a list of results") from error
    if _encoder.encode(found) != data:
        raise MalformedBytes("results not in canonical form")
    return found

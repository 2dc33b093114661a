"""Headers and block IDs on their own."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import pytest

from chainpos.core.chain.header import BlockId, Header, PartSetHeader, block_id_fault, header_fault
from chainpos.core.values.timestamps import parse_rfc3339
from chainpos.errors import MalformedBytes


def hashed(text: str) -> bytes:
    return sha256(text.encode()).digest()


# CometBFT types/block_test.go TestHeaderHash
COMETBFTS = Header(
    version_block=1,
    version_app=2,
    chain_id="chainId",
    height=3,
    time_ns=parse_rfc3339("2019-10-13T16:14:44Z"),
    last_block_id=BlockId(bytes(32), PartSetHeader(6, bytes(32))),
    last_commit_hash=hashed("last_commit_hash"),
    data_hash=hashed("data_hash"),
    validators_hash=hashed("validators_hash"),
    next_validators_hash=hashed("next_validators_hash"),
    consensus_hash=hashed("consensus_hash"),
    app_hash=hashed("app_hash"),
    last_results_hash=hashed("last_results_hash"),
    evidence_hash=hashed("evidence_hash"),
    proposer_address=hashed("proposer_address")[:20],
)
SOUND = msgspec.structs.replace(COMETBFTS, version_block=11)


def changed(**fields: Any) -> Header:
    return msgspec.structs.replace(SOUND, **fields)


def test_a_header_hashes_as_in_cometbfts_own_test() -> None:
    assert COMETBFTS.hash().hex().upper() == "F740121F553B5418C3EFBD343C2DBFE9E007BB67B0D020A0741374BAB65242A4"


def test_a_header_without_a_validators_hash_has_no_hash() -> None:
    assert changed(validators_hash=b"").hash() == b""


def test_every_field_of_a_header_is_in_its_hash() -> None:
    hashes = {SOUND.hash()}
    for name in SOUND.__struct_fields__:
        value = getattr(SOUND, name)
        if isinstance(value, bytes):
            other: object = value[::-1]
        elif isinstance(value, BlockId):
            other = BlockId(bytes(32), PartSetHeader(7, bytes(32)))
        else:
            other = value + ("x" if isinstance(value, str) else 1)
        hashes.add(changed(**{name: other}).hash())
    assert len(hashes) == 1 + len(SOUND.__struct_fields__)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, ""),
        ({"version_block": 10}, "wrong_block_version"),
        ({"chain_id": "x" * 51}, "malformed_chain_id"),
        ({"chain_id": "链" * 17}, "malformed_chain_id"),
        ({"height": 0}, "malformed_height"),
        ({"height": -1}, "malformed_height"),
        ({"data_hash": b"short"}, "malformed_hash"),
        ({"validators_hash": b"short"}, "malformed_hash"),
        ({"last_results_hash": bytes(33)}, "malformed_hash"),
        ({"app_hash": bytes(8)}, ""),
        ({"proposer_address": b""}, "malformed_proposer"),
        ({"last_block_id": BlockId(b"short")}, "malformed_block_id"),
        ({"last_block_id": BlockId(b"", PartSetHeader(1, b"short"))}, "malformed_block_id"),
        ({"last_block_id": BlockId()}, ""),
    ],
)
def test_what_is_wrong_with_a_header_is_named(fields: dict[str, Any], code: str) -> None:
    assert header_fault(changed(**fields)) == code


def test_block_ids_are_zero_complete_or_something_between() -> None:
    zero, whole = BlockId(), BlockId(bytes(32), PartSetHeader(1, bytes(32)))
    between = BlockId(bytes(32))
    assert (zero.is_zero, zero.is_complete) == (True, False)
    assert (whole.is_zero, whole.is_complete) == (False, True)
    assert (between.is_zero, between.is_complete) == (False, False)
    assert block_id_fault(between) == ""
    assert BlockId.decode(whole.encode()) == whole
    # An empty block ID still says that it has parts: the field is not nullable in gogoproto.
    assert zero.encode().hex() == "1200"


def test_a_header_with_a_field_more_or_a_field_less_is_refused() -> None:
    encoded = SOUND.encode()
    for bent in (encoded + b"\x78\x01", encoded[2:], encoded[:-1], b""):
        with pytest.raises(MalformedBytes):
            Header.decode(bent)


def test_a_header_whose_hash_is_longer_than_a_hash_is_refused() -> None:
    with pytest.raises(MalformedBytes):
        Header.decode(changed(data_hash=bytes(33)).encode())
    with pytest.raises(MalformedBytes):
        Header.decode(changed(app_hash=bytes(129)).encode())

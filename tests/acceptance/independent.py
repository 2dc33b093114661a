"""A verifier that shares nothing with chainpos but the format: its own protobuf, Merkle trees, and another Ed25519.

It is fed with the JSON that a node answers, and believes none of it. Sources: the public CometBFT specification
(spec/core/data_structures.md, spec/core/encoding.md) and crypto/merkle/proof_value.go for `simple:v` operations.
"""

from __future__ import annotations

import base64
import calendar
import hashlib
import re
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Json = dict[str, Any]


class Wrong(Exception):
    """What the node said does not hold."""


def require(holds: bool, what: str) -> None:
    if not holds:
        raise Wrong(what)


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


# Protocol buffers, as far as they are needed.


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def of_varint(field: int, number: int) -> bytes:
    return varint(field << 3) + varint(number) if number else b""


def of_bytes(field: int, content: bytes, *, always: bool = False) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content if content or always else b""


def of_fixed(field: int, number: int) -> bytes:
    return varint(field << 3 | 1) + number.to_bytes(8, "little", signed=True) if number else b""


def timestamp(text: str) -> bytes:
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", text)
    if match is None:
        raise Wrong(f"{text!r} is no time")
    seconds = calendar.timegm((*(int(part) for part in match.groups()[:6]), 0, 0, 0))
    return of_varint(1, seconds) + of_varint(2, int((match[7] or "0").ljust(9, "0")))


def fields(content: bytes) -> list[tuple[int, int | bytes]]:
    found: list[tuple[int, int | bytes]] = []
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = content[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(content):
        tag = number()
        if tag & 7 == 0:
            found.append((tag >> 3, number()))
        elif tag & 7 == 2:
            length = number()
            found.append((tag >> 3, content[at : at + length]))
            at += length
        else:
            raise Wrong("a field of another kind")
    return found


# Merkle trees of RFC 6962.


def leaf(content: bytes) -> bytes:
    return sha256(b"\x00" + content)


def inner(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def split(total: int) -> int:
    return 1 << (total - 1).bit_length() - 1


def root(items: list[bytes]) -> bytes:
    if not items:
        return sha256(b"")
    if len(items) == 1:
        return leaf(items[0])
    at = split(len(items))
    return inner(root(items[:at]), root(items[at:]))


def climb(index: int, total: int, below: bytes, aunts: list[bytes]) -> bytes:
    """The root that a leaf's hash and its aunts, lowest first, lead to."""
    require(0 <= index < total, "the place is outside the tree")
    if total == 1:
        require(not aunts, "there are aunts too many")
        return below
    require(bool(aunts), "an aunt is missing")
    at, aunt = split(total), aunts[-1]
    if index < at:
        return inner(climb(index, at, below, aunts[:-1]), aunt)
    return inner(aunt, climb(index - at, total - at, below, aunts[:-1]))


# Headers and commits.


def block_id(said: Json) -> bytes:
    parts = of_varint(1, said["parts"]["total"]) + of_bytes(2, bytes.fromhex(said["parts"]["hash"]))
    return of_bytes(1, bytes.fromhex(said["hash"])) + of_bytes(2, parts, always=True)


def header_hash(header: Json) -> bytes:
    version = header["version"]
    hashes = (
        "last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash", "app_hash",
        "last_results_hash", "evidence_hash", "proposer_address",
    )  # fmt: skip
    return root([
        of_varint(1, int(version["block"])) + of_varint(2, int(version.get("app", 0))),
        of_bytes(1, header["chain_id"].encode()),
        of_varint(1, int(header["height"])),
        timestamp(header["time"]),
        block_id(header["last_block_id"]),
        *(of_bytes(1, bytes.fromhex(header[name])) for name in hashes),
    ])  # fmt: skip


def verify_header(signed: Json, validators: list[Json], chain_id: str) -> Json:
    """The header, if more than two thirds of these validators' power signed it."""
    header, commit = signed["header"], signed["commit"]
    require(header["chain_id"] == chain_id, "another chain")
    require(commit["height"] == header["height"], "a commit of another height")
    require(bytes.fromhex(commit["block_id"]["hash"]) == header_hash(header), "a commit of another header")
    members = [
        of_bytes(1, of_bytes(1, base64.b64decode(each["pub_key"]["value"]))) + of_varint(2, int(each["voting_power"]))
        for each in validators
    ]
    require(root(members) == bytes.fromhex(header["validators_hash"]), "other validators")
    require(len(commit["signatures"]) == len(validators), "another number of votes")
    total = sum(int(each["voting_power"]) for each in validators)
    voted = 0
    for vote, validator in zip(commit["signatures"], validators, strict=True):
        if vote["block_id_flag"] != 2:
            continue
        key = base64.b64decode(validator["pub_key"]["value"])
        require(bytes.fromhex(vote["validator_address"]) == sha256(key)[:20], "somebody else's vote")
        canonical = (
            of_varint(1, 2)
            + of_fixed(2, int(commit["height"]))
            + of_fixed(3, commit["round"])
            + of_bytes(4, block_id(commit["block_id"]))
            + of_bytes(5, timestamp(vote["timestamp"]), always=True)
            + of_bytes(6, chain_id.encode())
        )
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(
                base64.b64decode(vote["signature"]), varint(len(canonical)) + canonical
            )
        except InvalidSignature as error:
            raise Wrong("a forged vote") from error
        voted += int(validator["voting_power"])
    require(voted * 3 > total * 2, "not enough votes")
    return dict(header)


# What the header commits to.


def verify_transaction(said: Json, header: Json) -> bytes:
    """The transaction that `tx(prove=true)` answered, if the header of its height has it."""
    wire = base64.b64decode(said["tx"])
    require(said["height"] == header["height"], "a header of another height")
    require(bytes.fromhex(said["hash"]) == sha256(wire), "another transaction")
    proof = said["proof"]["proof"]
    require(base64.b64decode(said["proof"]["data"]) == wire, "a proof of another transaction")
    below = leaf(sha256(wire))
    require(base64.b64decode(proof["leaf_hash"]) == below, "another leaf")
    aunts = [base64.b64decode(each) for each in proof["aunts"]]
    found = climb(int(proof["index"]), int(proof["total"]), below, aunts)
    require(found == bytes.fromhex(header["data_hash"]), "not in this block")
    return wire


def verify_record(said: Json, key: bytes, next_header: Json) -> bytes:
    """The value of `key` that `abci_query(prove=true)` answered, if the next height's header commits to it."""
    response = said["response"]
    require(int(response["height"]) + 1 == int(next_header["height"]), "a header of another height")
    require(base64.b64decode(response["key"]) == key, "another key")
    value = base64.b64decode(response["value"])
    steps = [key, sha256(key)[:2].hex().encode()]
    operations = response["proofOps"]["ops"]
    require(len(operations) == len(steps), "another number of steps")
    carried = value
    for operation, name in zip(operations, steps, strict=True):
        require(operation["type"] == "simple:v", "a step of another kind")
        require(base64.b64decode(operation["key"]) == name, "a step on another way")
        carried = _step(base64.b64decode(operation["data"]), name, carried)
    require(carried == bytes.fromhex(next_header["app_hash"]), "not what the validators signed")
    return value


def _step(data: bytes, name: bytes, value: bytes) -> bytes:
    outer = dict(fields(data))
    require(outer[1] == name, "a proof of another name")
    inside = outer[2]
    if not isinstance(inside, bytes):
        raise Wrong("no proof")
    below = leaf(varint(len(name)) + name + varint(32) + sha256(value))
    total = index = 0
    aunts: list[bytes] = []
    for number, content in fields(inside):
        if number == 1 and isinstance(content, int):
            total = content
        elif number == 2 and isinstance(content, int):
            index = content
        elif number == 3:
            require(content == below, "another leaf")
        elif isinstance(content, bytes):
            aunts.append(content)
    return climb(index, total, below, aunts)

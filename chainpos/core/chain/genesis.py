"""The genesis document: how a chain begins, read from and written as CometBFT's genesis.json.

It refuses what CometBFT refuses and, since a typing error there would be a fork, every field it does not know. The
application's part, `app_state`, is kept as the JSON bytes that it came in.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final

import msgspec

from chainpos.core.chain.header import MAX_CHAIN_ID_BYTES
from chainpos.core.chain.params import ConsensusParams, params_fault
from chainpos.core.chain.protobuf import MAX_INT64, MIN_INT64
from chainpos.core.chain.validators import InvalidValidators, Validator, ValidatorSet, make_validator_set
from chainpos.core.values.hashes import PUBLIC_KEY_BYTES, address_of
from chainpos.core.values.timestamps import MalformedTime, format_rfc3339, parse_rfc3339
from chainpos.errors import MalformedBytes

MAX_GENESIS_BYTES: Final = 100_000_000
_KEY_TYPE: Final = "tendermint/PubKeyEd25519"
_MAX_NAME_CHARACTERS: Final = 100

# Go's JSON writes 64-bit numbers as text.
_Int = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,19}$")]
_UInt = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}$")]


class GenesisValidator(msgspec.Struct, frozen=True):
    """A validator of the first block: public key (32 bytes), power above zero, and a name for people."""

    public_key: bytes
    power: int
    name: str = ""


class GenesisDoc(msgspec.Struct, frozen=True):
    """`genesis_time_ns` is the first block's time; `app_state` is JSON, for the application alone."""

    chain_id: str
    genesis_time_ns: int
    initial_height: int
    params: ConsensusParams
    validators: tuple[GenesisValidator, ...]
    app_hash: bytes = b""
    app_state: bytes = b"{}"

    def validator_set(self) -> ValidatorSet:
        """The first block's validators. Raises InvalidValidators."""
        return make_validator_set(Validator(row.public_key, row.power) for row in self.validators)


class _Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    max_bytes: _Int
    max_gas: _Int


class _Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    max_age_num_blocks: _Int
    max_age_duration: _Int
    max_bytes: _Int


class _ValidatorParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pub_key_types: tuple[str, ...]


class _Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    app: _UInt = "0"


class _Abci(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    vote_extensions_enable_height: _Int = "0"


class _Authority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    # Newer CometBFT writes it; here it must be empty.
    authority: Annotated[str, msgspec.Meta(max_length=0)] = ""


class _Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    block: _Block
    evidence: _Evidence
    validator: _ValidatorParams
    version: _Version
    abci: _Abci = _Abci()
    authority: _Authority | None = None


class _PubKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str
    value: str


class _GenesisValidator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pub_key: _PubKey
    power: _Int
    address: str = ""
    name: Annotated[str, msgspec.Meta(max_length=_MAX_NAME_CHARACTERS)] = ""


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    genesis_time: str
    chain_id: str
    consensus_params: _Params
    initial_height: _Int = "1"
    validators: tuple[_GenesisValidator, ...] = ()
    app_hash: str = ""
    app_state: msgspec.Raw = msgspec.Raw(b"{}")


def load_genesis(data: bytes) -> GenesisDoc:
    """The document in a genesis.json. Raises MalformedBytes. Source: CometBFT types/genesis.go `GenesisDocFromJSON`."""
    if len(data) > MAX_GENESIS_BYTES:
        raise MalformedBytes("the genesis file is too large")
    try:
        read = msgspec.json.decode(data, type=_Document)
        doc = GenesisDoc(
            chain_id=read.chain_id,
            genesis_time_ns=parse_rfc3339(read.genesis_time),
            initial_height=_int64(read.initial_height) or 1,
            params=_params(read.consensus_params),
            validators=tuple(_validator(row) for row in read.validators),
            app_hash=bytes.fromhex(read.app_hash),
            app_state=bytes(read.app_state),
        )
    except (msgspec.DecodeError, MalformedTime, ValueError, RecursionError) as error:
        raise MalformedBytes(f"not a genesis file: {error}") from error
    _check(doc)
    return doc


def _check(doc: GenesisDoc) -> None:
    if not 0 < len(doc.chain_id.encode()) <= MAX_CHAIN_ID_BYTES or doc.initial_height < 1:
        raise MalformedBytes("the genesis file's chain ID or initial height is out of range")
    if doc.genesis_time_ns < 0:
        raise MalformedBytes("the genesis time is before 1970")
    if fault := params_fault(doc.params):
        raise MalformedBytes(f"the genesis file's parameters: {fault}")
    try:
        doc.validator_set()
    except InvalidValidators as error:
        raise MalformedBytes(f"the genesis file's validators: {error}") from error


def _int64(text: str) -> int:
    value = int(text)
    if not MIN_INT64 <= value <= MAX_INT64:
        raise MalformedBytes(f"{text} does not fit in 64 bits")
    return value


def _uint64(text: str) -> int:
    value = int(text)
    if value >= 2**64:
        raise MalformedBytes(f"{text} does not fit in 64 bits")
    return value


def _params(read: _Params) -> ConsensusParams:
    return ConsensusParams(
        max_bytes=_int64(read.block.max_bytes),
        max_gas=_int64(read.block.max_gas),
        evidence_max_age_blocks=_int64(read.evidence.max_age_num_blocks),
        evidence_max_age_ns=_int64(read.evidence.max_age_duration),
        evidence_max_bytes=_int64(read.evidence.max_bytes),
        pub_key_types=read.validator.pub_key_types,
        app_version=_uint64(read.version.app),
        vote_extensions_enable_height=_int64(read.abci.vote_extensions_enable_height),
    )


def _validator(row: _GenesisValidator) -> GenesisValidator:
    if row.pub_key.type != _KEY_TYPE:
        raise MalformedBytes(f"a validator's key is of type {row.pub_key.type[:40]!r}")
    try:
        public_key = base64.b64decode(row.pub_key.value, validate=True)
    except binascii.Error as error:
        raise MalformedBytes("a validator's key is not base64") from error
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise MalformedBytes("a validator's key is not 32 bytes long")
    if row.address and bytes.fromhex(row.address) != address_of(public_key):
        raise MalformedBytes("a validator's address is not that of its key")
    return GenesisValidator(public_key, _int64(row.power), row.name)


def dump_genesis(doc: GenesisDoc) -> bytes:
    """The document as genesis.json, which `load_genesis` and CometBFT read. Raises MalformedBytes if they would not."""
    params = doc.params
    document = _Document(
        genesis_time=format_rfc3339(doc.genesis_time_ns),
        chain_id=doc.chain_id,
        initial_height=str(doc.initial_height),
        consensus_params=_Params(
            _Block(str(params.max_bytes), str(params.max_gas)),
            _Evidence(
                str(params.evidence_max_age_blocks), str(params.evidence_max_age_ns), str(params.evidence_max_bytes)
            ),
            _ValidatorParams(params.pub_key_types),
            _Version(str(params.app_version)),
            _Abci(str(params.vote_extensions_enable_height)),
        ),
        validators=tuple(
            _GenesisValidator(
                pub_key=_PubKey(_KEY_TYPE, base64.b64encode(row.public_key).decode()),
                power=str(row.power),
                address=address_of(row.public_key).hex().upper(),
                name=row.name,
            )
            for row in doc.validators
        ),
        app_hash=doc.app_hash.hex().upper(),
        app_state=msgspec.Raw(doc.app_state),
    )
    written = msgspec.json.encode(document)
    if load_genesis(written) != doc:
        raise MalformedBytes("the genesis file would not read back as it is")
    return written

"""What a node says of itself and of its application, in CometBFT's JSON: status, peers, parameters, queries."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.chain.header import BLOCK_PROTOCOL
from chainpos.core.chain.params import ConsensusParams
from chainpos.core.values.hashes import address_of
from chainpos.errors import MalformedBytes
from chainpos.rpc.backend import (
    Application,
    ChainPoint,
    Network,
    NodeStatus,
    PeerStatus,
    ProofOperation,
    QueryAnswer,
)
from chainpos.rpc.shapes.blocks import KEY_TYPE, PublicKeyJson
from chainpos.rpc.shapes.scalars import (
    ZERO,
    UInt32,
    hex_text,
    nil_if_empty,
    read_app_hash,
    read_count,
    read_hash,
    read_int64,
    read_time,
    read_uint64,
    text_or_zero,
    time_text,
)

# CometBFT version/version.go P2PProtocol. There is no p2p here; clients require a number.
_P2P_PROTOCOL: Final = "8"
# The channels of a p2p connection, hex. Clients require one; 0 is the exchange of addresses.
_CHANNELS: Final = "00"
_MAX_PROOF_OPERATIONS: Final = 16


class ProtocolVersionJson(msgspec.Struct):
    """ProtocolVersion."""

    p2p: str
    block: str
    app: str


class OtherJson(msgspec.Struct):
    """DefaultNodeInfoOther."""

    tx_index: str = ""
    rpc_address: str = ""


class NodeInfoJson(msgspec.Struct):
    """DefaultNodeInfo."""

    protocol_version: ProtocolVersionJson
    id: str
    listen_addr: str
    network: str
    version: str
    channels: str
    moniker: str
    other: OtherJson


class SyncInfoJson(msgspec.Struct):
    """SyncInfo."""

    latest_block_hash: str
    latest_app_hash: str
    latest_block_height: str
    latest_block_time: str
    earliest_block_hash: str
    earliest_app_hash: str
    earliest_block_height: str
    earliest_block_time: str
    catching_up: bool


class ValidatorInfoJson(msgspec.Struct):
    """ValidatorInfo."""

    address: str
    pub_key: PublicKeyJson
    voting_power: str


class StatusJson(msgspec.Struct):
    """ResultStatus."""

    node_info: NodeInfoJson
    sync_info: SyncInfoJson
    validator_info: ValidatorInfoJson


class PeerJson(msgspec.Struct):
    """Peer, without the figures of a p2p connection."""

    node_info: NodeInfoJson
    is_outbound: bool
    remote_ip: str


class NetworkJson(msgspec.Struct):
    """ResultNetInfo."""

    listening: bool
    listeners: tuple[str, ...]
    n_peers: str
    peers: tuple[PeerJson, ...]


class BlockParamsJson(msgspec.Struct):
    """BlockParams."""

    max_bytes: str = "0"
    max_gas: str = "0"


class EvidenceParamsJson(msgspec.Struct):
    """EvidenceParams; the duration is in nanoseconds."""

    max_age_num_blocks: str = "0"
    max_age_duration: str = "0"
    max_bytes: str = "0"


class KeyTypesJson(msgspec.Struct):
    """ValidatorParams."""

    pub_key_types: tuple[str, ...] = ()


class AppVersionJson(msgspec.Struct):
    """VersionParams."""

    app: str = "0"


class AbciParamsJson(msgspec.Struct):
    """ABCIParams."""

    vote_extensions_enable_height: str = "0"


class ConsensusParamsJson(msgspec.Struct):
    """ConsensusParams."""

    block: BlockParamsJson
    evidence: EvidenceParamsJson
    validator: KeyTypesJson
    version: AppVersionJson = msgspec.field(default_factory=AppVersionJson)
    abci: AbciParamsJson = msgspec.field(default_factory=AbciParamsJson)


class ConsensusParamsAnswerJson(msgspec.Struct):
    """ResultConsensusParams."""

    block_height: str
    consensus_params: ConsensusParamsJson


class GenesisJson(msgspec.Struct):
    """ResultGenesis, the document as it is."""

    genesis: msgspec.Raw


class ProofOperationJson(msgspec.Struct):
    """ProofOp."""

    type: str
    key: bytes | None
    data: bytes | None


class ProofOperationsJson(msgspec.Struct):
    """ProofOps."""

    ops: tuple[ProofOperationJson, ...]


class QueryResponseJson(msgspec.Struct):
    """ResponseQuery; its proof is spelled `proofOps`."""

    code: UInt32
    log: str
    info: str
    index: str
    key: bytes | None
    value: bytes | None
    proof_ops: ProofOperationsJson | None = msgspec.field(name="proofOps")
    height: str
    codespace: str


class QueryAnswerJson(msgspec.Struct):
    """ResultABCIQuery."""

    response: QueryResponseJson


class ApplicationJson(msgspec.Struct, omit_defaults=True):
    """ResponseInfo; zero values are left out."""

    data: str = ""
    version: str = ""
    app_version: str = ZERO
    last_block_height: str = ZERO
    last_block_app_hash: bytes | None = None


class ApplicationAnswerJson(msgspec.Struct):
    """ResultABCIInfo."""

    response: ApplicationJson


def _node_info_json(value: NodeStatus) -> NodeInfoJson:
    return NodeInfoJson(
        protocol_version=ProtocolVersionJson(_P2P_PROTOCOL, str(BLOCK_PROTOCOL), str(value.app_version)),
        id=value.node_id,
        listen_addr=value.listen_address,
        network=value.network,
        version=value.version,
        channels=_CHANNELS,
        moniker=value.moniker,
        other=OtherJson("on", value.rpc_address),
    )


def status_json(value: NodeStatus) -> StatusJson:
    """Who a node is and how far it is."""
    latest, earliest = value.latest, value.earliest
    return StatusJson(
        node_info=_node_info_json(value),
        sync_info=SyncInfoJson(
            latest_block_hash=hex_text(latest.hash),
            latest_app_hash=hex_text(latest.app_hash),
            latest_block_height=str(latest.height),
            latest_block_time=time_text(latest.time_ns),
            earliest_block_hash=hex_text(earliest.hash),
            earliest_app_hash=hex_text(earliest.app_hash),
            earliest_block_height=str(earliest.height),
            earliest_block_time=time_text(earliest.time_ns),
            catching_up=value.catching_up,
        ),
        validator_info=ValidatorInfoJson(
            hex_text(address_of(value.public_key)), PublicKeyJson(KEY_TYPE, value.public_key), str(value.voting_power)
        ),
    )


def read_status(shape: StatusJson) -> NodeStatus:
    """The inverse of `status_json`. Raises MalformedBytes."""
    sync, validator = shape.sync_info, shape.validator_info
    if len(validator.pub_key.value) != 32:
        raise MalformedBytes("not an Ed25519 public key")
    return msgspec.structs.replace(
        _read_node(shape.node_info),
        public_key=validator.pub_key.value,
        latest=_read_point(
            sync.latest_block_height, sync.latest_block_hash, sync.latest_app_hash, sync.latest_block_time
        ),
        earliest=_read_point(
            sync.earliest_block_height, sync.earliest_block_hash, sync.earliest_app_hash, sync.earliest_block_time
        ),
        catching_up=sync.catching_up,
        voting_power=read_count(validator.voting_power),
    )


def _read_node(node: NodeInfoJson) -> NodeStatus:
    return NodeStatus(
        node_id=node.id,
        network=node.network,
        moniker=node.moniker,
        public_key=b"",
        version=node.version,
        listen_address=node.listen_addr,
        rpc_address=node.other.rpc_address,
        app_version=read_uint64(node.protocol_version.app),
    )


def read_network(shape: NetworkJson) -> Network:
    """The inverse of `network_json`. Raises MalformedBytes."""
    peers = tuple(PeerStatus(_read_node(each.node_info), each.remote_ip, each.is_outbound) for each in shape.peers)
    return Network(shape.listening, shape.listeners, peers)


def _read_point(height: str, block_hash: str, app_hash: str, time: str) -> ChainPoint:
    return ChainPoint(read_count(height), read_hash(block_hash), read_app_hash(app_hash), read_time(time))


def network_json(value: Network) -> NetworkJson:
    """Whom a node is connected to."""
    peers = tuple(PeerJson(_node_info_json(each.node), each.is_outbound, each.remote_ip) for each in value.peers)
    return NetworkJson(value.listening, value.listeners, str(len(peers)), peers)


def consensus_params_json(value: ConsensusParams) -> ConsensusParamsJson:
    """Consensus parameters."""
    return ConsensusParamsJson(
        BlockParamsJson(str(value.max_bytes), str(value.max_gas)),
        EvidenceParamsJson(
            str(value.evidence_max_age_blocks), str(value.evidence_max_age_ns), str(value.evidence_max_bytes)
        ),
        KeyTypesJson(value.pub_key_types),
        AppVersionJson(str(value.app_version)),
        AbciParamsJson(str(value.vote_extensions_enable_height)),
    )


def read_consensus_params(shape: ConsensusParamsJson) -> ConsensusParams:
    """The inverse of `consensus_params_json`. Raises MalformedBytes."""
    return ConsensusParams(
        max_bytes=read_int64(shape.block.max_bytes),
        max_gas=read_int64(shape.block.max_gas),
        evidence_max_age_blocks=read_int64(shape.evidence.max_age_num_blocks),
        evidence_max_age_ns=read_int64(shape.evidence.max_age_duration),
        evidence_max_bytes=read_int64(shape.evidence.max_bytes),
        pub_key_types=shape.validator.pub_key_types,
        app_version=read_uint64(shape.version.app),
        vote_extensions_enable_height=read_int64(shape.abci.vote_extensions_enable_height),
    )


def query_json(value: QueryAnswer) -> QueryAnswerJson:
    """An answer of `abci_query`."""
    proof = None
    if value.proof is not None:
        proof = ProofOperationsJson(tuple(ProofOperationJson(one.type, one.key, one.data) for one in value.proof))
    return QueryAnswerJson(
        QueryResponseJson(
            code=value.code,
            log=value.log,
            info=value.info,
            index=str(value.index),
            key=nil_if_empty(value.key),
            value=nil_if_empty(value.value),
            proof_ops=proof,
            height=str(value.height),
            codespace=value.codespace,
        )
    )


def read_query(answer: QueryAnswerJson) -> QueryAnswer:
    """The inverse of `query_json`. Raises MalformedBytes. The proof is not verified."""
    shape = answer.response
    proof: tuple[ProofOperation, ...] | None = None
    if shape.proof_ops is not None:
        if len(shape.proof_ops.ops) > _MAX_PROOF_OPERATIONS:
            raise MalformedBytes("a proof of too many operations")
        proof = tuple(ProofOperation(one.type, one.key or b"", one.data or b"") for one in shape.proof_ops.ops)
    return QueryAnswer(
        height=read_int64(shape.height),
        key=shape.key or b"",
        value=shape.value or b"",
        proof=proof,
        code=shape.code,
        log=shape.log,
        info=shape.info,
        index=read_int64(shape.index),
        codespace=shape.codespace,
    )


def application_json(value: Application) -> ApplicationAnswerJson:
    """An answer of `abci_info`."""
    return ApplicationAnswerJson(
        ApplicationJson(
            value.name,
            value.version,
            text_or_zero(value.app_version),
            text_or_zero(value.height),
            nil_if_empty(value.app_hash),
        )
    )


def read_application(answer: ApplicationAnswerJson) -> Application:
    """The inverse of `application_json`. Raises MalformedBytes."""
    shape = answer.response
    return Application(
        shape.data,
        shape.version,
        read_uint64(shape.app_version),
        read_count(shape.last_block_height),
        shape.last_block_app_hash or b"",
    )

"""A peer follows a node behind TLS, and nobody whose certificate it does not trust."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chainpos.errors import UserFacingError
from chainpos.node.config import NodeSettings, check_settings
from chainpos.rpc.client import Disconnected, RpcClient, websocket_url
from tests.node.conftest import Nodes, issue_tx, until


def certificate(folder: Path) -> Path:
    """A file with a certificate for 127.0.0.1, signed by itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    alternatives = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "tls.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


async def in_front_of(rpc: str, path: Path) -> tuple[asyncio.Server, str]:
    """What ends TLS and passes all else on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    host, port = rpc.rsplit(":", 1)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        tasks = [
            asyncio.create_task(pass_on(reader, inner_writer)),
            asyncio.create_task(pass_on(inner_reader, writer)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for end in (writer, inner_writer):
            end.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    return server, f"wss://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_peer_follows_over_tls_and_only_a_certificate_that_it_trusts(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validator = await nodes.validator()
    path = certificate(tmp_path)
    server, address = await in_front_of(validator.rpc, path)
    with pytest.raises(Disconnected):
        await RpcClient.connect(websocket_url(address))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    ours = await nodes.client(await nodes.peer(address))
    client = await nodes.client(validator)
    assert (await client.broadcast_tx_sync(issue_tx(1))).code == 0

    async def has_it() -> bool:
        report = await ours.report()
        return report.height == (await client.report()).height > 2 and report.upstreams[0].connected

    await until(has_it)
    server.close()


def test_an_address_behind_tls_is_still_an_address() -> None:
    check_settings(NodeSettings(mode="peer", moniker="p", upstreams=("wss://a.example:443", "a.example:26657")))
    for wrong in ("wss://a.example", "https://a.example:443", "wss://wss://a.example:443", "wss://a.example:443/path"):
        with pytest.raises(UserFacingError):
            check_settings(NodeSettings(mode="peer", moniker="p", upstreams=(wrong,)))
    with pytest.raises(UserFacingError):
        check_settings(NodeSettings(mode="peer", moniker="p", listen="wss://127.0.0.1:1"))

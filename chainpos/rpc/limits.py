"""What one RPC server lets its clients take: numbers only. Every one bounds something that a stranger controls."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes are in bytes, times in seconds. The defaults are CometBFT's where no reason is given for another."""

    max_connections: int = 500
    # One address has many clients behind a router, and all of a demonstration's on loopback.
    max_connections_per_address: int = 300
    max_head_bytes: int = 16 * 1024
    # A POST body, and a WebSocket message. CometBFT takes 1 MB; a batch of our largest transactions is 60 kB, and what
    # is half received waits in memory, for each connection.
    max_body_bytes: int = 256 * 1024
    max_batch: int = 10
    max_uri_arguments: int = 20
    # From a request's first byte to its last.
    request_timeout_s: float = 10.0
    # Between two requests on one HTTP connection.
    idle_timeout_s: float = 30.0
    # Without a byte from a WebSocket client, pongs included. CometBFT rpc/jsonrpc/server/ws_handler.go.
    read_timeout_s: float = 30.0
    ping_period_s: float = 27.0
    write_timeout_s: float = 10.0
    # Over that of broadcast_tx_commit, which has its own.
    answer_timeout_s: float = 15.0
    # A client that asks faster is not refused but read more slowly; all connections of an address are one client.
    requests_per_second: float = 2_000.0
    burst: int = 2_000
    # Calls that wait for more than the store, for one WebSocket; and each kind of calls, for the server.
    max_waiting_each: int = 8
    max_reads: int = 16
    # A search that finds nothing may keep one core busy for seconds.
    max_searches: int = 2
    max_broadcasts: int = 256
    max_watches: int = 64
    # What may wait in the send buffers of all connections; beyond, the connection with the most is cut.
    max_buffered_bytes: int = 128 * 1024 * 1024
    write_high_water_bytes: int = 1024 * 1024

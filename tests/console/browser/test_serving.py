"""The console behind HTTP: what a stranger, a foreign page and a guesser get, and what the right token opens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chainpos.console.browser import serving
from chainpos.console.browser.serving import BrowserConsole
from chainpos.errors import UserFacingError
from tests.console.browser.conftest import TOKEN, command
from tests.node.conftest import until

PATIENCE_S = 60.0


async def fetch(address: str, path: str = "/", *lines: str) -> tuple[int, dict[str, str], str]:
    """One HTTP answer: status, headers, body."""
    place = address.removeprefix("http://").strip("/")
    reader, writer = await asyncio.open_connection(*place.split(":"))
    headers = lines or (f"Host: {place}",)
    request = "\r\n".join((f"GET {path} HTTP/1.1", *headers, "", ""))
    writer.write(request.encode())
    async with asyncio.timeout(PATIENCE_S):
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    first, *rest = head.split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in rest), body


@asynccontextmanager
async def knocked(address: str, *, origin: str | None = None, token: str = TOKEN) -> AsyncIterator[ClientConnection]:
    url = address.replace("http://", "ws://") + "session"
    told = address.strip("/") if origin is None else origin
    async with connect(url, origin=told or None, compression=None) as socket:  # type: ignore[arg-type]
        await socket.send(json.dumps({"login": token, "columns": 100, "rows": 30}))
        yield socket


async def hear(socket: ClientConnection, *words: str) -> str:
    """What is drawn until all the words are there."""
    drawn = ""
    async with asyncio.timeout(PATIENCE_S):
        while not all(word in drawn for word in words):
            said = await socket.recv()
            drawn += said if isinstance(said, str) else said.decode("utf-8", "replace")
    return drawn


async def test_pages_come_with_a_strict_policy_and_say_nothing_of_the_token(empty: str) -> None:
    for path, kind in (("/", "text/html"), ("/style.css", "text/css"), ("/terminal.js", "text/javascript")):
        status, headers, body = await fetch(empty, path)
        assert (status, headers["Content-Type"].split(";")[0]) == (200, kind)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
        assert "unsafe" not in policy
        assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")
        assert "Set-Cookie" not in headers
        assert TOKEN not in body
    assert (await fetch(empty, "/../serving.py"))[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "evil.example:80\r\nHost: 127.0.0.1"])
async def test_another_host_name_is_refused(empty: str, host: str) -> None:
    assert (await fetch(empty, "/", f"Host: {host}"))[0] in {400, 421}


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1", "https://127.0.0.1:1"])
async def test_a_page_of_another_origin_gets_no_socket(empty: str, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with knocked(empty, origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_a_wrong_token_opens_nothing_and_makes_the_next_guess_wait() -> None:
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    console = BrowserConsole(["true"], TOKEN, pause=pause)
    async with console.serving("127.0.0.1", 0) as served:
        await _guess(served)
        assert waited == [0.5, 1.0]
        async with knocked(served) as socket:
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        assert waited == [0.5, 1.0, 2.0], "the right one waits too, once"


async def _guess(served: str) -> None:
    for guess in ("", TOKEN[:-1], TOKEN + "x"):
        async with knocked(served, token=guess) as socket:
            assert "not the token" in str(await socket.recv())
            with pytest.raises(ConnectionClosed):
                await socket.recv()


@pytest.mark.parametrize("said", ["nonsense", "[]", '{"login": 1}', '{"login": "x", "columns": 1, "rows": 1, "y": 2}'])
async def test_who_says_nonsense_is_let_go(empty: str, said: str) -> None:
    url = empty.replace("http://", "ws://") + "session"
    async with connect(url, origin=empty.strip("/"), compression=None) as socket:  # type: ignore[arg-type]
        await socket.send(said)
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_strangers_are_bounded(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MAX_STRANGERS", 1)
    url = empty.replace("http://", "ws://") + "session"
    async with connect(url, origin=empty.strip("/"), compression=None):  # type: ignore[arg-type]

        async def refused() -> bool:
            try:
                async with knocked(empty):
                    return False
            except InvalidStatus as error:
                return error.response.status_code == 503

        await until(refused)


@pytest.mark.slow
async def test_the_right_token_opens_the_operators_screen_once_and_its_process_ends_with_it(served: str) -> None:
    async with knocked(served) as socket:
        await hear(socket, "READ-ONLY", "ALARMS")
        assert len(_children()) == 1
        async with knocked(served) as second:
            assert "sessions are taken" in str(await second.recv())
        await socket.send(json.dumps({"keys": "5"}))
        await hear(socket, "Info and graver")
        await socket.send(json.dumps({"columns": 61, "rows": 21}))
        await socket.send(json.dumps({"keys": "1"}))
        await hear(socket, "\x1b[21;")
    await until(_no_children)


def _children() -> list[psutil.Process]:
    # What another test killed and did not wait for is still listed, without a command line.
    living = [each for each in psutil.Process().children() if each.status() != psutil.STATUS_ZOMBIE]
    return [each for each in living if "--in-browser" in each.cmdline()]


async def _no_children() -> bool:
    return not _children()


async def test_a_session_without_keys_ends_by_itself(tmp_path: Path) -> None:
    console = BrowserConsole(["sleep", "600"], TOKEN, idle_s=0.2)
    async with console.serving("127.0.0.1", 0) as address, knocked(address) as socket:
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(PATIENCE_S):
                await socket.recv()


async def _refused(make: Callable[[], BrowserConsole], host: str = "127.0.0.1") -> str:
    with pytest.raises(UserFacingError) as refused:
        async with make().serving(host, 0):
            pass
    return refused.value.what


async def test_it_listens_beyond_this_machine_only_with_a_certificate_and_takes_no_short_token() -> None:
    assert "clear text" in await _refused(lambda: BrowserConsole(command(), TOKEN), "192.0.2.1")
    assert "16 characters" in await _refused(lambda: BrowserConsole(command(), "short"))

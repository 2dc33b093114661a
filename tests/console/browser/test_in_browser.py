"""The console in a real browser: log in, key, read what is drawn; a hostile page gets nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from chainpos.rpc.http_get import http_get
from tests.console.browser.conftest import TOKEN

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FOUND = next((path for name in NAMES if (path := shutil.which(name))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(FOUND is None, reason="there is no Chromium: apt-get install chromium, or put one on the PATH"),
]
PATIENCE_S = 60.0
HOSTILE = """<!DOCTYPE html><meta charset="utf-8"><title>hostile</title><script>
window.told = {};
for (const path of ["session"]) {
  const socket = new WebSocket("ADDRESS".replace("http", "ws") + path);
  socket.onopen = () => { window.told.socket = "opened"; socket.send('{"login":"TOKEN","columns":80,"rows":24}'); };
  socket.onerror = () => { window.told.socket = window.told.socket || "refused"; };
}
fetch("ADDRESS").then(() => { window.told.fetch = "read"; }, () => { window.told.fetch = "refused"; });
const frame = document.createElement("iframe"); frame.src = "ADDRESS";
frame.onload = () => { try { window.told.frame = frame.contentDocument ? "read" : "refused"; } catch { window.told.frame = "refused"; } };
document.documentElement.append(frame);
</script>"""  # noqa: E501 - a page, not code of ours


class Tab:
    """One tab of the browser, by the DevTools protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._next = 0
        self.problems: list[str] = []

    async def ask(self, method: str, **parameters: Any) -> Any:
        self._next += 1
        await self._socket.send(json.dumps({"id": self._next, "method": method, "params": parameters}))
        while True:
            async with asyncio.timeout(PATIENCE_S):
                told = json.loads(await self._socket.recv())
            if told.get("method") == "Log.entryAdded":
                self.problems.append(told["params"]["entry"]["text"])
            if told.get("method") == "Runtime.exceptionThrown":
                self.problems.append(json.dumps(told["params"])[:300])
            if told.get("id") == self._next:
                assert "error" not in told, told
                return told["result"]

    async def value(self, script: str) -> Any:
        return (await self.ask("Runtime.evaluate", expression=script, returnByValue=True))["result"].get("value")

    async def until(self, script: str, *words: str) -> str:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = str(await self.value(script))
                if all(word in found for word in words):
                    return found
                await asyncio.sleep(0.1)

    async def go(self, url: str) -> None:
        await self.ask("Page.navigate", url=url)
        await self.until("document.readyState", "complete")

    async def press(self, key: str, code: int) -> None:
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            more = text if kind == "keyDown" else {}
            await self.ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **more)


@pytest.fixture
def debugging(tmp_path: Path) -> Iterator[str]:
    """The HOST:PORT of a browser's DevTools. What it writes to stderr goes nowhere: a full pipe would stop it."""
    assert FOUND is not None
    profile = tmp_path / "profile"
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    flags += ["--remote-debugging-port=0", "--window-size=1000,620", f"--user-data-dir={profile}"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([FOUND, *flags, "about:blank"], stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not (profile / "DevToolsActivePort").exists():
            assert process.poll() is None, "the browser did not start"
            assert time.monotonic() < deadline, "the browser did not say where it can be asked"
            time.sleep(0.1)
        yield f"127.0.0.1:{(profile / 'DevToolsActivePort').read_text(encoding='ascii').split()[0]}"
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait(10)


@pytest.fixture
async def tab(debugging: str) -> AsyncIterator[Tab]:
    answer = await http_get(f"http://{debugging}/json/list", 1_000_000, PATIENCE_S)
    target = next(str(each["id"]) for each in json.loads(answer.body) if each["type"] == "page")
    async with connect(f"ws://{debugging}/devtools/page/{target}", max_size=None, compression=None) as socket:
        made = Tab(socket)
        for domain in ("Page", "Runtime", "Log"):
            await made.ask(f"{domain}.enable")
        yield made


async def log_in(tab: Tab, address: str, token: str) -> None:
    await tab.go(address)
    await tab.value(f"document.getElementById('token').value = {json.dumps(token)}")
    await tab.value("document.getElementById('login').requestSubmit()")


SCREEN = "document.getElementById('screen').innerText"


async def test_a_person_logs_in_keys_and_reads_and_the_page_breaks_no_policy(tab: Tab, served: str) -> None:
    await log_in(tab, served, "wrong" * 5)
    await tab.until("document.getElementById('said').textContent", "not the token")
    await log_in(tab, served, TOKEN)
    await tab.until(SCREEN, "READ-ONLY", "ALARMS", "THIS NODE", "● ONLINE")
    await tab.press("2", 50)
    await tab.until(SCREEN, "WHO SIGNED THE TIP")
    await tab.press("F8", 119)
    await tab.until(SCREEN, "只读", "最新区块")
    rows = await tab.value("[...document.querySelectorAll('.row')].map(row => row.getBoundingClientRect().width)")
    assert max(rows) <= await tab.value("window.innerWidth"), "Chinese is as wide as its cells"
    assert tab.problems == []
    await tab.ask("Page.navigate", url="about:blank")


async def test_a_page_of_another_origin_gets_no_socket_no_content_and_no_frame(tab: Tab, served: str) -> None:
    page = HOSTILE.replace("ADDRESS", served).replace("TOKEN", TOKEN).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as hostile:
        Thread(target=hostile.serve_forever, daemon=True).start()
        try:
            await tab.go(f"http://127.0.0.1:{hostile.server_port}/")
            told = await tab.until("JSON.stringify(window.told)", "socket", "fetch", "frame")
        finally:
            hostile.shutdown()
    assert json.loads(told) == {"socket": "refused", "fetch": "refused", "frame": "refused"}

"""What is read of the chain: a search that takes long holds up nobody who follows."""

from __future__ import annotations

import asyncio
import threading
from contextlib import closing
from pathlib import Path

from chainpos.node.chain_view import ChainView
from chainpos.node.executor import Executor, Urgency
from chainpos.node.home import Home
from chainpos.rpc.query import parse_query
from chainpos.store.chain import ChainReader
from tests.node.conftest import validator_home


async def test_a_long_search_does_not_hold_up_a_read(tmp_path: Path) -> None:
    validator_home(tmp_path / "home")
    database, goes_on = Home(tmp_path / "home").database, threading.Event()
    reading, searching = Executor("reader"), Executor("searches")
    try:
        with closing(ChainReader.open(database)) as reader, closing(ChainReader.open(database)) as searched:
            view = ChainView(reader, reading, searched, searching, reader.tip())
            busy = asyncio.create_task(searching.run(Urgency.READ, goes_on.wait))
            search = asyncio.create_task(view.find(parse_query("tx.height > 0"), 10))
            async with asyncio.timeout(60):
                assert await view.metas(1, 20) == []
            assert not search.done()
            goes_on.set()
            assert await search == []
            await busy
    finally:
        goes_on.set()
        await searching.close()
        await reading.close()

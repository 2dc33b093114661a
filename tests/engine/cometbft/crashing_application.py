"""The application as a process that dies, as by a power cut, at one step of a block with transactions.

Run as `python crashing_application.py HOME ADDRESS STEP HEIGHT`: the first such block from that height on.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from chainpos.engine.cometbft import messages as abci
from chainpos.engine.cometbft.application import Application
from chainpos.engine.cometbft.server import AbciServer
from chainpos.node.clock import SystemClock
from chainpos.node.home import Home
from chainpos.store import application as store

STEPS = (
    "before finalize",
    "after finalize",
    "before commit",
    "inside the transaction",
    "after the transaction",
    "after commit",
)


def die(*_: object) -> NoReturn:
    os._exit(9)


class Crashing:
    """Passes everything on, until the step comes."""

    def __init__(self, application: Application, step: str, height: int) -> None:
        self._application = application
        self._step = step
        self._height = height
        self._is_due = False
        self._is_dying = False

    def answer(self, request: Any) -> Any:
        if self._is_dying:
            # The answer before this request was sent; this request never arrives.
            die()
        if isinstance(request, abci.FinalizeBlockRequest):
            self._is_due = request.height >= self._height and len(request.txs) > 0
            if self._is_due:
                return self._dying_around("finalize", request)
        if isinstance(request, abci.CommitRequest) and self._is_due:
            return self._commit(request)
        return self._application.answer(request)

    def _dying_around(self, name: str, request: Any) -> Any:
        if self._step == f"before {name}":
            self._application.answer(request)
            die()
        self._is_dying = self._step == f"after {name}"
        return self._application.answer(request)

    def _commit(self, request: Any) -> Any:
        if self._step == "inside the transaction":
            setattr(store, "_sealed_point", die)  # noqa: B010 - its own signature does not matter any more
        if self._step == "after the transaction":
            self._application.answer(request)
            die()
        if self._step == "before commit":
            die()
        return self._dying_around("commit", request)


async def main(home: Path, address: str, step: str, height: int) -> None:
    application = Application.open(Home(home).application, SystemClock())
    async with AbciServer(Crashing(application, step, height), address) as server:
        await server.failed()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))

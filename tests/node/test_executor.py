"""The ledger's thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from chainpos.node import executor as executor_module
from chainpos.node.executor import Executor, ExecutorBusy, Urgency


@pytest.fixture
async def executor() -> AsyncIterator[Executor]:
    made = Executor()
    yield made
    await made.close()


class Gate:
    """Holds the thread until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def wait(self) -> None:
        self.entered.set()
        self.opened.wait(10)


async def test_it_returns_what_the_work_returns_from_another_thread(executor: Executor) -> None:
    assert await executor.run(Urgency.READ, threading.get_ident) != threading.get_ident()


async def test_it_raises_what_the_work_raises(executor: Executor) -> None:
    def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await executor.run(Urgency.READ, work)
    assert await executor.run(Urgency.READ, lambda: 1) == 1


async def test_blocks_go_before_reads_and_reads_before_checks(executor: Executor) -> None:
    gate, order = Gate(), list[str]()
    tasks = [asyncio.ensure_future(executor.run(Urgency.READ, gate.wait))]
    await asyncio.to_thread(gate.entered.wait)
    for urgency, name in (
        (Urgency.CHECK, "check 1"),
        (Urgency.CHECK, "check 2"),
        (Urgency.READ, "read"),
        (Urgency.BLOCK, "block"),
    ):
        tasks.append(asyncio.ensure_future(executor.run(urgency, lambda name=name: order.append(name))))  # type: ignore[misc]
        await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(*tasks)
    assert order == ["block", "read", "check 1", "check 2"]


async def test_work_that_nobody_waits_for_any_more_is_not_begun(executor: Executor) -> None:
    gate, ran = Gate(), list[int]()
    first = asyncio.ensure_future(executor.run(Urgency.READ, gate.wait))
    await asyncio.to_thread(gate.entered.wait)
    second = asyncio.ensure_future(executor.run(Urgency.READ, lambda: ran.append(1)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    gate.opened.set()
    await first
    await executor.run(Urgency.READ, lambda: None)
    assert ran == []


async def test_a_full_queue_refuses_all_but_blocks(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_module, "MAX_QUEUED", 1)
    gate = Gate()
    tasks = [asyncio.ensure_future(executor.run(Urgency.READ, gate.wait))]
    await asyncio.to_thread(gate.entered.wait)
    tasks.append(asyncio.ensure_future(executor.run(Urgency.CHECK, lambda: None)))
    await asyncio.sleep(0)
    with pytest.raises(ExecutorBusy):
        await executor.run(Urgency.CHECK, lambda: None)
    tasks.append(asyncio.ensure_future(executor.run(Urgency.BLOCK, lambda: None)))
    await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(*tasks)


async def test_after_closing_nothing_more_is_taken() -> None:
    executor = Executor()
    await executor.close()
    await executor.close()
    with pytest.raises(ExecutorBusy):
        await executor.run(Urgency.BLOCK, lambda: None)

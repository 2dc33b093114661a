"""The file between till and customer's display: whole or not at all, no secret in it; either side may begin anew."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from chainpos.errors import StoreError
from chainpos.till.display import OTHER_CODE_AFTER_S, SILENT_S, DisplayFile, DisplayView, display_view, keep_told
from chainpos.till.views import CounterView, EmvcoView, SaleState
from tests.console.prepared_figures import cny
from tests.console.prepared_till import SHOP, PreparedTill, network_of, sale_of


@pytest.fixture
def till() -> PreparedTill:
    return PreparedTill()


def counter(**more: object) -> CounterView:
    return msgspec.structs.replace(CounterView(shop=SHOP, network=network_of()), **more)


async def test_the_display_reads_what_the_till_wrote_with_bill_and_code(till: PreparedTill, tmp_path: Path) -> None:
    await till.bills.add("tea", "2")
    await till.bills.show_code()
    file = DisplayFile(tmp_path / "display.json")
    file.write(display_view(till.counter()))
    told = DisplayFile(file.path).read(time.time())
    assert told is not None
    assert told.bill == till.view.bill
    assert told.sale is not None
    assert told.sale.qr is not None
    assert till.view.sale is not None
    assert told.sale.qr == till.view.sale.qr
    await till.stop()


def test_no_payer_no_other_sale_and_no_staff_reach_the_display(tmp_path: Path) -> None:
    paid, before = sale_of("N001", 1_250, SaleState.PAID), sale_of("OLD9", 77, SaleState.PAID)
    file = DisplayFile(tmp_path / "display.json")
    file.write(display_view(counter(sale=paid, recent=(paid, before))))
    content = file.path.read_text(encoding="utf-8")
    for secret in (paid.payer, paid.tx_hash, before.reference):
        assert secret not in content
    assert file.path.stat().st_mode & 0o077 == 0


def test_a_silent_till_and_no_till_are_no_view(tmp_path: Path) -> None:
    file = DisplayFile(tmp_path / "display.json")
    assert file.read(time.time()) is None
    file.write(display_view(counter()))
    assert file.read(time.time()) == display_view(counter())
    assert file.read(time.time() + SILENT_S + 1) is None
    file.remove()
    assert file.read(time.time()) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": "x"}', b'{"sale": 5}', b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    file = DisplayFile(tmp_path / "display.json")
    file.path.write_bytes(content)
    with pytest.raises(StoreError):
        file.read(time.time())


async def test_a_change_reaches_the_file_and_a_quiet_till_keeps_it_fresh(tmp_path: Path) -> None:
    file, views = DisplayFile(tmp_path / "display.json"), asyncio.Queue[CounterView]()

    async def changes() -> AsyncIterator[CounterView]:
        while True:
            yield await views.get()

    async def told(where: DisplayView | None) -> None:
        async with asyncio.timeout(90):
            while file.read(time.time()) != where:  # noqa: ASYNC110 - as the display does
                await asyncio.sleep(0.01)

    task = asyncio.create_task(keep_told(file, changes))
    first = counter(sale=sale_of("N001", 5))
    views.put_nowait(first)
    await told(display_view(first))
    os.utime(file.path, (1, 1))
    await told(display_view(first))
    # Somebody took it away: it comes back.
    file.path.unlink()
    await told(display_view(first))
    second = counter(sale=sale_of("N002", 7))
    views.put_nowait(second)
    await told(display_view(second))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not file.path.exists()
    assert cny(7) == second.sale.amount  # type: ignore[union-attr]


class Told(DisplayFile):
    """Remembers all that it was told."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.views: list[DisplayView] = []

    def write(self, view: DisplayView) -> None:
        self.views.append(view)
        super().write(view)


async def test_the_links_code_is_told_at_once_and_the_other_one_once_the_counter_has_drawn(tmp_path: Path) -> None:
    file, sale, asked = Told(tmp_path / "display.json"), sale_of("N001", 5), list[float]()
    assert sale.qr is not None
    other = EmvcoView(sale.qr)

    async def changes() -> AsyncIterator[CounterView]:
        yield counter(sale=sale)
        await asyncio.Event().wait()

    def emvco(reference: str) -> EmvcoView:
        assert reference == "N001"
        asked.append(time.monotonic())
        return other

    begun = time.monotonic()
    task = asyncio.create_task(keep_told(file, changes, emvco))
    async with asyncio.timeout(90):
        while not file.views or file.views[-1].emvco != other:  # noqa: ASYNC110 - a thread writes
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert file.views[0] == display_view(counter(sale=sale))
    assert asked[0] - begun >= OTHER_CODE_AFTER_S


async def test_a_folder_that_cannot_be_written_stops_no_till(tmp_path: Path) -> None:
    file = DisplayFile(tmp_path / "gone" / "display.json")

    async def changes() -> AsyncIterator[CounterView]:
        yield counter()
        await asyncio.Event().wait()

    task = asyncio.create_task(keep_told(file, changes))
    await asyncio.sleep(0.1)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

"""What the customer's display is told: one small file beside the book, replaced whole whenever the counter changes.

Either side may end and begin again at any time. It holds what the customer sees anyway: no key, no other customer's
sale, no payer. Who follows it refuses a file that it cannot read, and one whose till has been silent for too long.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import msgspec

from chainpos.errors import StoreError
from chainpos.till.bill_views import BillView
from chainpos.till.views import CounterView, EmvcoView, SaleView

FILE_NAME: Final = "display.json"
BEAT_S: Final = 1.0
SILENT_S: Final = 5.0
LOOK_S: Final = 0.1
OTHER_CODE_AFTER_S: Final = 0.5
MAX_BYTES: Final = 4_000_000
NO_EMVCO: Final = EmvcoView()
_MODE: Final = 0o600


class DisplayView(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in front of the customer. `version` is 1."""

    version: int = 1
    name_en: str = ""
    name_zh: str = ""
    currency: str = ""
    demo: bool = False
    sale: SaleView | None = None
    bill: BillView | None = None
    emvco: EmvcoView = NO_EMVCO


def display_view(counter: CounterView, emvco: EmvcoView = NO_EMVCO) -> DisplayView:
    """The counter as its customer may see it, with the other code of a sale that waits."""
    sale = counter.sale
    if sale is not None:
        sale = msgspec.structs.replace(sale, payer="", tx_hash="", fee=None, money_state="")
    shop = counter.shop
    return DisplayView(
        name_en=shop.name_en,
        name_zh=shop.name_zh,
        currency=shop.currency,
        demo=shop.demo,
        sale=sale,
        bill=counter.bill,
        emvco=emvco,
    )


class DisplayFile:
    """The file at `path`, from both sides."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written = b""

    def write(self, view: DisplayView) -> None:
        """Replace the file where something changed, else say that the till is alive. Raises OSError."""
        content = msgspec.json.encode(view)
        if content == self._written and self.path.exists():
            os.utime(self.path)
            return
        # Not synced: it tells what is now, and after a power cut nothing is.
        part = self.path.with_name(self.path.name + ".part")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        part.replace(self.path)
        self._written = content

    def remove(self) -> None:
        """The till ends: nothing is in front of the customer any more."""
        self.path.unlink(missing_ok=True)
        self._written = b""

    def read(self, now_s: float) -> DisplayView | None:
        """What it says, or None where no till has said anything for a while. Raises StoreError."""
        try:
            with self.path.open("rb") as file:
                told_s = os.fstat(file.fileno()).st_mtime
                content = file.read(MAX_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"the display's file {self.path} cannot be read: {error.strerror}") from error
        if abs(now_s - told_s) > SILENT_S:
            return None
        try:
            view = msgspec.json.decode(content, type=DisplayView)
        except (msgspec.DecodeError, ValueError) as error:
            raise StoreError(f"the display's file {self.path} is of another chainpos") from error
        return view


def _none(_: str) -> EmvcoView:
    return NO_EMVCO


def _tell(file: DisplayFile, view: CounterView, emvco: Callable[[str], EmvcoView], reference: str) -> None:
    file.write(display_view(view, emvco(reference)))


async def keep_told(
    file: DisplayFile,
    changes: Callable[[], AsyncIterator[CounterView]],
    emvco: Callable[[str], EmvcoView] = _none,
) -> None:
    """Tell the display of every change, and each second that the till is alive. A full disk stops no sale.

    `emvco` is asked for the other code of a sale that waits, by its reference, in a thread, and not at once: drawing it
    takes the interpreter from the counter, which draws the link's code meanwhile.
    """
    newest: list[CounterView] = []
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def follow() -> None:
        async for view in changes():
            newest[:] = [view]
            told.set()

    async def write() -> None:
        waits, since, pause_s = "", 0.0, BEAT_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await told.wait()
            told.clear()
            if not newest:
                continue
            view = newest[0]
            reference = view.sale.reference if view.sale is not None and view.sale.qr is not None else ""
            if reference != waits:
                waits, since = reference, loop.time()
            soon = bool(waits) and loop.time() - since < OTHER_CODE_AFTER_S
            pause_s = OTHER_CODE_AFTER_S if soon else BEAT_S
            other = emvco if waits and not soon else _none
            # A full disk: the display then says that nobody is here, which is true of it.
            with contextlib.suppress(OSError):
                await asyncio.to_thread(_tell, file, view, other, waits)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(follow(), name="display follows")
            group.create_task(write(), name="display is told")
    finally:
        file.remove()

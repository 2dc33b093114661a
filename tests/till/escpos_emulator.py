"""A receipt printer in memory: a small, strict reader of ESC/POS, by Epson's reference, and a TCP port before it.

It knows the few commands that a receipt needs and stops at any other byte that is no text, so that nothing from outside
can hide in a job.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import zxingcpp
from PIL import Image


class NotEscPos(AssertionError):
    """A byte that no receipt should send."""


@dataclass
class Sheet:
    """What came out: lines of text as printed, pictures, and how often the paper was cut."""

    lines: list[str] = field(default_factory=list)
    pictures: list[Image.Image] = field(default_factory=list)
    cuts: int = 0
    answers: bytes = b""

    @property
    def codes(self) -> list[str]:
        """What the printed QR codes say, read as black on white, as a camera would."""
        found = []
        for picture in self.pictures:
            read = zxingcpp.read_barcodes(picture.convert("L"), try_invert=False)
            found += [code.text for code in read]
        return found


def printed(job: bytes, *, dots: int = 576, paper: bool = True) -> Sheet:
    """Run a job. Raises NotEscPos."""
    sheet, at, line, chinese = Sheet(), 0, b"", False
    while at < len(job):
        byte = job[at]
        if byte == 0x0A:
            sheet.lines.append(line.decode("gb18030"))
            line, at = b"", at + 1
        elif 0x20 <= byte < 0x7F:
            line, at = line + job[at : at + 1], at + 1
        elif 0x81 <= byte <= 0xFE and chinese:
            second = job[at + 1]
            if not (0x40 <= second <= 0xFE and second != 0x7F):
                raise NotEscPos(f"half a Chinese character at {at}: {job[at : at + 4].hex()}")
            line, at = line + job[at : at + 2], at + 2
        else:
            at, chinese = _command(job, at, sheet, dots, paper=paper, chinese=chinese)
    if line:
        raise NotEscPos("a line that was not ended")
    return sheet


def _command(job: bytes, at: int, sheet: Sheet, dots: int, *, paper: bool, chinese: bool) -> tuple[int, bool]:
    head, length = job[at : at + 2], 0
    if head == b"\x1b@":
        return at + 2, False
    if head == b"\x1c&":
        return at + 2, True
    if head in (b"\x1bd", b"\x1ba"):
        length = 3
    elif head == b"\x1dV":
        sheet.cuts += 1
        length = 3 if job[at + 2] in (0, 1, 48, 49) else 4
    elif head == b"\x1dr":
        sheet.answers += b"\x00" if paper else b"\x0c"
        length = 3
    elif head == b"\x1dv" and job[at + 2] == 0x30:
        wide, high = int.from_bytes(job[at + 4 : at + 6], "little"), int.from_bytes(job[at + 6 : at + 8], "little")
        raster = job[at + 8 : at + 8 + wide * high]
        if len(raster) != wide * high or wide * 8 > dots + 7:
            raise NotEscPos("a picture that does not fit the paper")
        ink = Image.frombytes("1", (wide * 8, high), raster)
        sheet.pictures.append(ink.point(lambda dot: not dot))
        length = 8 + wide * high
    else:
        raise NotEscPos(f"byte {job[at]:#04x} at {at}: {job[at : at + 8].hex()}")
    return at + length, chinese


class PrinterPort:
    """The printer on a TCP port. Take its paper out, open it, make it mute, or pull its plug (`close`)."""

    def __init__(self) -> None:
        self.paper, self.cover_open, self.mute = True, False, False
        self.runs_out = False  # while the next job is being printed
        self.sheets: list[Sheet] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> str:
        """Listen; the address as a till names it."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return f"tcp:127.0.0.1:{self.port}"

    async def close(self) -> None:
        """Nobody answers any more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        job = b""
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65_536):
                while chunk.startswith(b"\x10\x04"):
                    if not self.mute:
                        writer.write(bytes([self._status(chunk[2])]))
                    chunk = chunk[3:]
                job += chunk
                if job.endswith(b"\x1dr\x01"):
                    if self.runs_out:
                        self.paper = False
                    sheet = printed(job, paper=self.paper)
                    if not self.mute:
                        writer.write(sheet.answers)
                    self.sheets.append(sheet)
                    job = b""
        writer.close()

    def _status(self, asked: int) -> int:
        if asked == 4:
            return 0x12 if self.paper else 0x72
        return 0x12 | (0x04 if self.cover_open else 0)

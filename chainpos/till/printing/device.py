"""The shop's printer: where it is, how it is sent a job, and what keeps it from printing.

It refuses to call a job printed that the printer did not take: out of paper, unreachable and switched off are told
apart, and so is whether any of the job may have come out.
"""

from __future__ import annotations

import errno
import socket
import stat
from pathlib import Path
from typing import Any, Final, NamedTuple

from chainpos.till.printing.commands import ANSWER_WHEN_PRINTED, escpos, write

CONNECT_S: Final = 3.0
PRINT_S: Final = 20.0
_ASK_S: Final = 1.0
# Status bits, Epson's ESC/POS reference: DLE EOT 4 and GS r 1.
_ASK_PAPER, _ASK_OFFLINE = b"\x10\x04\x04", b"\x10\x04\x02"
_PAPER_END, _COVER_OPEN, _ERROR = 0x60, 0x04, 0x40
_SENSOR_END: Final = 0x0C
_ANSWER_BYTES: Final = 16


class PrinterProblem(Exception):
    """The job was not printed. `kind` is "unreachable", "no_paper", "cover_open", "error" or "no_driver".

    `begun`: some of it may be on paper, or may come by itself once the printer is mended.
    """

    def __init__(self, kind: str, detail: str = "", *, begun: bool = False) -> None:
        super().__init__(detail or kind)
        self.kind = kind
        self.begun = begun


class Sent(NamedTuple):
    """A job that the printer took. `answered`: it said that it has printed it; many cheap ones never answer."""

    answered: bool


def send(address: str, job: bytes) -> Sent:
    """Print a job, and wait until the printer has it. It blocks: run it in a thread. Raises PrinterProblem.

    `address` is tcp:HOST:PORT, usb:VENDOR:PRODUCT in hexadecimal, or file:PATH of a device or a file.
    """
    kind, _, rest = address.partition(":")
    first, _, last = rest.rpartition(":")
    if kind == "tcp":
        return _send_tcp(first, int(last), job)
    if kind == "usb":
        return _send_usb(int(first, 16), int(last, 16), job)
    if kind == "file":
        return _send_file(Path(rest), job)
    raise PrinterProblem("unreachable", "no printer is set")


def _send_tcp(host: str, port: int, job: bytes) -> Sent:
    begun = False
    try:
        # Not through the library: it leaves a socket open where nobody listens.
        with socket.create_connection((host, port), timeout=CONNECT_S) as line:
            _require_ready(line)
            begun = True
            line.settimeout(PRINT_S)
            line.sendall(job + ANSWER_WHEN_PRINTED)
            return Sent(_finished(line))
    except (OSError, UnicodeError, OverflowError) as error:
        # A name that nobody can ask for, or a port that there is none of: a typing error must not stop the till.
        raise PrinterProblem("unreachable", f"{host}:{port}", begun=begun) from error


def _require_ready(line: socket.socket) -> None:
    """Raises PrinterProblem where the printer says that it cannot. One that says nothing is believed to be able."""
    line.settimeout(_ASK_S)
    paper = _asked(line, _ASK_PAPER)
    if paper is not None and paper & _PAPER_END:
        raise PrinterProblem("no_paper")
    offline = _asked(line, _ASK_OFFLINE) if paper is not None else None
    if offline is not None and offline & _COVER_OPEN:
        raise PrinterProblem("cover_open")
    if offline is not None and offline & _ERROR:
        raise PrinterProblem("error")


def _asked(line: socket.socket, question: bytes) -> int | None:
    line.sendall(question)
    try:
        answer = line.recv(_ANSWER_BYTES)
    except TimeoutError:
        return None
    if not answer:
        raise ConnectionResetError("the printer closed the connection")
    return answer[-1]


def _finished(line: socket.socket) -> bool:
    try:
        answer = line.recv(_ANSWER_BYTES)
    except TimeoutError:
        return False
    if not answer:
        return False
    if answer[-1] & _SENSOR_END:
        raise PrinterProblem("no_paper", begun=True)
    return True


def _send_usb(vendor: int, product: int, job: bytes) -> Sent:
    library = escpos()
    if not library.printer.Usb.is_usable():
        raise PrinterProblem("no_driver", "pyusb")
    begun = False
    printer: Any = None
    try:
        printer = library.printer.Usb(vendor, product, timeout=int(PRINT_S * 1000))
        printer.open()
        begun = True
        write(printer, job)
    except (library.exceptions.Error, OSError, ValueError) as error:
        # pyusb's errors are OSErrors; without libusb it raises a ValueError.
        raise PrinterProblem("unreachable", f"usb {vendor:04x}:{product:04x}", begun=begun) from error
    finally:
        if printer is not None:
            printer.close()
    return Sent(answered=False)


def _send_file(path: Path, job: bytes) -> Sent:
    begun = False
    try:
        # A file collects jobs; a device has no end to go to.
        is_file = not path.exists() or stat.S_ISREG(path.stat().st_mode)
        with path.open("ab" if is_file else "wb", buffering=0) as device:
            begun = bool(device.write(job[:1]))
            rest = memoryview(job)[1:]
            while rest:
                rest = rest[device.write(rest) or 0 :]
    except OSError as error:
        # Linux's own printer driver says "no space" when the paper is out.
        kind = "no_paper" if error.errno == errno.ENOSPC else "unreachable"
        raise PrinterProblem(kind, str(path), begun=begun) from error
    return Sent(answered=False)

"""Bytes as a few texts that QR codes carry and a scanner types, in any order: what is too much for one code.

Each text names the whole it belongs to and its place in it, and has a checksum of its own. It refuses texts that were
cut short or misread, that belong to another whole, and wholes that grow without bound when unpacked.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import Final, NamedTuple

from chainpos.core.values.hashes import sha256

MARK: Final = "CPF1"
MAX_FRAMES: Final = 99
MAX_CONTENT_BYTES: Final = 64_000
# Characters beside the payload: the mark, the whole's name, place and count, the checksum.
OVERHEAD: Final = 16
MIN_FRAME_CHARACTERS: Final = 40
# A frame that a terminal of 80x24 can show (QR version 4-M), and one for paper and larger screens (version 15-M).
SMALL_FRAME: Final = 90
PAPER_FRAME: Final = 600
# Alphanumeric characters of QR versions at error correction M, the largest first.
_ROOM: Final = ((15, 600), (13, 483), (10, 311), (8, 221), (6, 154))
_QUIET: Final = 8
_NAME_BYTES: Final = 5
_FRAME = re.compile(r"CPF1([A-Z2-7]{4})([0-9]{2})([0-9]{2})([A-Z2-7]+)([A-Z2-7]{4})", re.ASCII)
_FULL_WIDTH: Final = str.maketrans({chr(0xFEE0 + point): chr(point) for point in range(0x21, 0x7F)})


class RefusedFrame(ValueError):
    """A text that is no frame, or not of this whole. `reason` is "no_frame", "truncated", "other" or "malformed"."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Frame(NamedTuple):
    """One of `of` parts, the `at`th from 1, of the whole called `name`."""

    name: str
    at: int
    of: int
    payload: str


def to_frames(content: bytes, frame_characters: int = PAPER_FRAME) -> tuple[str, ...]:
    """The content as texts of at most so many characters, A-Z and 2-9. Raises ValueError where it needs too many."""
    if frame_characters < MIN_FRAME_CHARACTERS or not 0 < len(content) <= MAX_CONTENT_BYTES:
        raise ValueError("no frames can carry that")
    packed = zlib.compress(content, 9)
    symbols = _symbols(packed)
    room = frame_characters - OVERHEAD
    count = -(-len(symbols) // room)
    if count > MAX_FRAMES:
        raise ValueError(f"that would need {count} codes")
    # Parts of one length: the last code is as easy to scan as the first.
    length = -(-len(symbols) // count)
    parts = [symbols[start : start + length] for start in range(0, len(symbols), length)]
    name = _check(symbols)
    return tuple(_sealed(f"{MARK}{name}{at:02}{len(parts):02}{part}") for at, part in enumerate(parts, start=1))


def frame_for(columns: int, rows: int) -> int:
    """The longest frame that a terminal of so many columns and rows can show as half blocks, SMALL_FRAME at least."""
    for version, room in _ROOM:
        side = 17 + 4 * version + _QUIET
        if side <= columns and (side + 1) // 2 <= rows:
            return room
    return SMALL_FRAME


def looks_like_frame(text: str) -> bool:
    """Whether what was scanned is meant as a frame, whole or not."""
    return _normalised(text).startswith(MARK)


def parse_frame(text: str) -> Frame:
    """The frame that was scanned. Raises RefusedFrame."""
    scanned = _normalised(text)
    if not scanned.startswith(MARK):
        raise RefusedFrame("no_frame", "this is no part of a proof")
    match = _FRAME.fullmatch(scanned)
    if match is None or _check(scanned[:-4]) != match.group(5):
        raise RefusedFrame("truncated", "the code was cut short or misread")
    at, count = int(match.group(2)), int(match.group(3))
    if not 1 <= at <= count:
        raise RefusedFrame("malformed", "the code says a place that there is not")
    return Frame(match.group(1), at, count, match.group(4))


class Collected:
    """The frames of one whole so far."""

    def __init__(self) -> None:
        self._frames: dict[int, Frame] = {}

    @property
    def have(self) -> int:
        """How many different frames came."""
        return len(self._frames)

    @property
    def of(self) -> int:
        """How many there are; 0 before the first."""
        return next(iter(self._frames.values())).of if self._frames else 0

    @property
    def is_whole(self) -> bool:
        """Whether all are there."""
        return 0 < self.of == self.have

    def add(self, frame: Frame) -> None:
        """Take a frame; one of another whole begins anew, one that came before changes nothing."""
        first = next(iter(self._frames.values()), frame)
        if (frame.name, frame.of) != (first.name, first.of):
            self._frames.clear()
        self._frames[frame.at] = frame

    def content(self) -> bytes:
        """The whole. Raises RefusedFrame where it is not all there or does not fit together."""
        if not self.is_whole:
            raise RefusedFrame("truncated", f"{self.have} of {self.of} codes were scanned")
        symbols = "".join(self._frames[at].payload for at in range(1, self.of + 1))
        if _check(symbols) != self._frames[1].name:
            raise RefusedFrame("malformed", "the codes do not belong together")
        return _unpacked(symbols)


def _unpacked(symbols: str) -> bytes:
    try:
        packed = base64.b32decode(symbols + "=" * (-len(symbols) % 8))
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(packed, MAX_CONTENT_BYTES)
    except (binascii.Error, zlib.error) as error:
        raise RefusedFrame("malformed", "the codes cannot be unpacked") from error
    if not unpacking.eof or unpacking.unused_data:
        raise RefusedFrame("malformed", "the codes hold too much, or too little")
    return content


def _symbols(content: bytes) -> str:
    return base64.b32encode(content).decode().rstrip("=")


def _check(text: str) -> str:
    return _symbols(sha256(text.encode())[:_NAME_BYTES])[:4]


def _sealed(text: str) -> str:
    return text + _check(text)


def _normalised(text: str) -> str:
    narrow = text[: 2 * 4_296].translate(_FULL_WIDTH).strip()
    return narrow.upper() if narrow.isascii() else narrow

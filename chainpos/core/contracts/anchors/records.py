"""The hashes as recorded, where each till's series stands, and how many it recorded today. None is ever replaced."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.state.tables import Table

DAILY_LIMIT: Final = 24
SEQUENCE_BYTES: Final = 8


class Anchor(msgspec.Struct, frozen=True, array_like=True):
    """Key: the till, the sequence, the kind. `time_s` is the block's."""

    merchant: str
    digest: bytes
    height: int
    time_s: int


class Series(msgspec.Struct, frozen=True, array_like=True):
    """Key: the till and the kind. `sequence` is the last one recorded, `anchors` how many there are."""

    sequence: int
    anchors: int


class Day(msgspec.Struct, frozen=True, array_like=True):
    """Key: the till. How many it recorded on its last day with any, by the network's clock."""

    day: int
    anchors: int


def anchor_key(till_key: bytes, kind: str, sequence: int) -> bytes:
    """The record's key: 32 bytes, 8 bytes, the kind."""
    return till_key + sequence.to_bytes(SEQUENCE_BYTES, "big") + kind.encode()


def series_key(till_key: bytes, kind: str) -> bytes:
    """The record's key: 32 bytes, the kind."""
    return till_key + kind.encode()


ANCHORS: Final = Table("anchors", b"aa", Anchor, chosen_keys=True)
SERIES: Final = Table("anchors.series", b"as", Series, chosen_keys=True)
DAYS: Final = Table("anchors.days", b"ad", Day)

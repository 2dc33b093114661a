"""Which test holds which promise of the screens; `python -m tests.house.ux_table` writes it into tests/README.md.

A promise is a number in a test's name (`test_ux7_…`); test_ux_table.py sees to it that the table is true and whole.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
README: Final = TESTS / "README.md"
BEGIN, END = "<!-- ux table: begin -->", "<!-- ux table: end -->"
SHOWN_FILES: Final = 6
PROMISES: Final = {
    1: "the amount due is the largest thing",
    2: "two keys from digits to the code",
    3: "the code fits and decodes everywhere",
    4: "a countdown; what is expired is not shown",
    5: "WAITING, SEEN and PAID cannot be taken for one another",
    6: "PAID stays, the bell rings once, the next sale can begin",
    7: "a scan is caught under any focus",
    8: "failures say what happened; the link is always visible",
    9: "undo before the code, cancel or refund after; PIN and amount",
    10: "carts: search, quantities, discounts, tips, tax, holding",
    11: "the sales of the shift: found, refunded, printed again",
    12: "shifts: float, X, a Z that reconciles and is anchored",
    13: "staff by PIN, growing delays, absent rights",
    14: "locking; the sale in hand is resumed",
    15: "where the shop's money is",
    16: "live keys, palette in both languages, a keymap file",
    17: "everything by keyboard, what matters by mouse",
    18: "two languages, switched at once",
    19: "every size without overflow",
    20: "poor terminals; contrast",
    21: "amounts grouped, in minor units",
    22: "nothing blocks a key",
    23: "a crash restores the terminal and loses no sale",
    24: "no animations",
    25: "long lists scroll",
    26: "long work shows its progress",
    27: "plots where one would rather look",
    28: "the operator's overview",
    29: "from blocks to traces; search with typed absence",
    30: "a payment's timeline",
    31: "replay, step by step, and what-if",
    32: "case files",
    33: "a divergence down to the record",
    34: "looking without touching",
    35: "a command line for programs too",
    36: "chainpos doctor",
}


def held_by() -> dict[int, dict[str, int]]:
    """By number: how many tests of each file hold it."""
    found: dict[int, dict[str, int]] = {number: {} for number in PROMISES}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in re.findall(r"def test_((?:ux\d+_)+)", path.read_text(encoding="utf-8")):
            for number in map(int, re.findall(r"\d+", name)):
                files = found.setdefault(number, {})
                files[str(path.relative_to(TESTS))] = files.get(str(path.relative_to(TESTS)), 0) + 1
    return found


def table() -> str:
    """The table, in Markdown; a file's number of tests in brackets."""
    rows = ["| | promise | held by |", "|---|---|---|"]
    for number, files in sorted(held_by().items()):
        most = sorted(files.items(), key=lambda each: (-each[1], each[0]))
        names = ", ".join(f"`{name}` ({count})" for name, count in most[:SHOWN_FILES])
        more = f" and {len(most) - SHOWN_FILES} more files" if len(most) > SHOWN_FILES else ""
        rows.append(f"| {number} | {PROMISES[number]} | {names}{more} |")
    return "\n".join(rows)


def with_table(text: str) -> str:
    """The README with the table of now."""
    head, rest = text.split(BEGIN, maxsplit=1)
    return f"{head}{BEGIN}\n{table()}\n{END}{rest.split(END, maxsplit=1)[1]}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")

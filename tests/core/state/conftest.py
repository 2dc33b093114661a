"""Tables, keys and a state that the tests of this room share."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from chainpos.core.state.journal import Change
from chainpos.core.state.state import State
from chainpos.core.state.tables import Table

# "gk" and each of these numbers: keys that were ground until they fell into one bucket.
GROUND_BUCKET = 0xBEEF
GROUND_KEYS = [
    b"gk%d" % number
    for number in (
        224364, 266154, 348776, 357467, 398070, 417374, 429602, 720177, 1009012, 1050253, 1134807, 1155038, 1183289,
        1195808, 1295192, 1305238, 1437454, 1467584, 1471101, 1472637, 1493336, 1584685, 1890166, 1893902, 1912254,
        1933255, 2018454, 2027908, 2097239, 2120192, 2219205, 2251235, 2584886, 2598734, 2627383, 2688584, 2725134,
        2741560, 2898221, 2904182,
    )
]  # fmt: skip


class Account(msgspec.Struct, frozen=True, array_like=True):
    """A record of the tests."""

    owner: str
    minor: int = 0


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """A record that may be forgotten from `until_s` on."""

    until_s: int


ACCOUNTS: Table[Account] = Table("accounts", b"ac", Account, chosen_keys=True)
MARKS: Table[Mark] = Table("marks", b"mk", Mark, expires=lambda mark: mark.until_s)


def changes_of(state: State, after: Mapping[bytes, bytes | None]) -> list[Change]:
    """The changes that take `state` to `after` where it differs, as a journal would list them."""
    rows = [Change(key, state.value(key), after[key]) for key in sorted(after)]
    return [change for change in rows if change.before != change.after]


def advance(state: State, after: Mapping[bytes, bytes | None]) -> None:
    """Stage and commit one block's changes."""
    state.commit(state.stage(changes_of(state, after)))


@pytest.fixture
def records() -> dict[bytes, bytes]:
    """A few hundred records; one bucket has forty of them."""
    spread = {b"ac" + number.to_bytes(3, "big"): b"value %d" % number for number in range(300)}
    return spread | {key: b"ground " + key for key in GROUND_KEYS}


@pytest.fixture
def state(records: dict[bytes, bytes]) -> State:
    return State((ACCOUNTS, MARKS), records)

"""Tables: one prefix, one shape, and nothing else read as it."""

from __future__ import annotations

import pytest

from chainpos.core.state.tables import Table
from chainpos.errors import MalformedBytes
from tests.core.state.conftest import ACCOUNTS, MARKS, Account, Mark


def test_a_record_survives_the_way_to_bytes_and_back() -> None:
    assert ACCOUNTS.decode(ACCOUNTS.encode(Account("ann", 7))) == Account("ann", 7)
    assert ACCOUNTS.full_key(b"1") == b"ac1"
    assert MARKS.expires is not None
    assert MARKS.expires(Mark(9)) == 9


@pytest.mark.parametrize("prefix", [b"", b"a", b"abc"])
def test_a_prefix_has_two_bytes(prefix: bytes) -> None:
    with pytest.raises(ValueError, match="2 bytes"):
        Table("odd", prefix, Account)


@pytest.mark.parametrize("value", [b"", b"\x91", b"\xc3", b"\x92\x01\x02", b"\x92\xa1a\xa1b", b"\x92\xa1a\x01\x01"])
def test_bytes_of_another_shape_are_refused_with_the_tables_name(value: bytes) -> None:
    with pytest.raises(MalformedBytes, match="accounts"):
        ACCOUNTS.decode(value)

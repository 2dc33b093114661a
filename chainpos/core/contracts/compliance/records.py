"""What is frozen, by whose order and until when."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.state.tables import Table


class Freeze(msgspec.Struct, frozen=True, array_like=True):
    """A freeze, in force before the second `until_s` of block time; it stays on record when it has run out.

    `ordered_by` is the 32-byte key of the regulator who signed it.
    """

    legal_reference: str
    from_s: int
    until_s: int
    ordered_by: bytes


# By subject: `account_subject` or `merchant_subject` in ports.
FREEZES: Final = Table("freezes", b"cf", Freeze)

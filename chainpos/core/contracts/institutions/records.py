"""Banks and wallet companies, and the bounded list of their names that settlement walks over."""

from __future__ import annotations

from typing import Final

import msgspec

from chainpos.core.state.tables import Table

# Every netting looks at every pair of institutions.
MAX_INSTITUTIONS: Final = 64
KINDS: Final = ("bank", "wallet")
ACTIVE: Final = 1
SUSPENDED: Final = 2


class DebitCap(msgspec.Struct, frozen=True, array_like=True):
    """How much an institution may owe all others together in one currency, in minor units."""

    currency: str
    cap_minor: int


class Institution(msgspec.Struct, frozen=True, array_like=True):
    """`kind` is "bank" or "wallet"; `key` the 32-byte public key that acts for it; `status` ACTIVE or SUSPENDED."""

    name_en: str
    name_zh: str
    kind: str
    key: bytes
    status: int
    debit_caps: tuple[DebitCap, ...]


class Directory(msgspec.Struct, frozen=True, array_like=True):
    """The institutions' names, ascending; at most MAX_INSTITUTIONS."""

    institutions: tuple[str, ...] = ()


INSTITUTIONS: Final = Table("institutions", b"in", Institution)
DIRECTORY: Final = Table("institution_directory", b"id", Directory)
DIRECTORY_KEY: Final = b""


# The record's key in INSTITUTIONS.
institution_key: Final = str.encode

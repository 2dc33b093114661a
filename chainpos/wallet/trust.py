"""The newest header that a wallet believes, kept between its runs, so that it need not begin at genesis each time.

It refuses a file of another chain or form by leaving it aside: what was lost is only time. The file is as trustworthy
as the genesis beside it, which whoever can write here could change as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.header import Header
from chainpos.core.chain.validators import Validator, ValidatorSet
from chainpos.core.chain.verifier import TrustedState
from chainpos.errors import MalformedBytes
from chainpos.store.durable import write_durably

MAX_FILE_BYTES: Final = 1_000_000


class _Member(msgspec.Struct, frozen=True, array_like=True):
    public_key: bytes
    power: int
    priority: int


class _File(msgspec.Struct, frozen=True):
    """`validators` are those of the header's own height. Bytes are base64."""

    header: bytes
    validators: tuple[_Member, ...]


def save_trust(path: Path, trusted: TrustedState) -> None:
    """Write what is believed; nothing where that is only the genesis."""
    if trusted.header is None or trusted.validators is None:
        return
    members = tuple(_Member(row.public_key, row.power, row.priority) for row in trusted.validators.validators)
    write_durably(path, msgspec.json.encode(_File(trusted.header.encode(), members)))


def load_trust(path: Path, chain_id: str) -> TrustedState | None:
    """What was believed, or None where there is nothing that can be used."""
    if not path.exists() or path.stat().st_size > MAX_FILE_BYTES:
        return None
    try:
        read = msgspec.json.decode(path.read_bytes(), type=_File)
        header = Header.decode(read.header)
    except (msgspec.DecodeError, UnicodeDecodeError, MalformedBytes):
        return None
    validators = ValidatorSet(tuple(Validator(row.public_key, row.power, row.priority) for row in read.validators))
    if header.chain_id != chain_id or validators.hash() != header.validators_hash:
        return None
    return TrustedState(chain_id, header.height, header.time_ns, header, validators, header.next_validators_hash)

"""The till's own key, in a file that only its owner may read: a counter must start with nobody there to type.

It refuses files that others may read. What the key may do is limited by the ledger: a till takes payments and returns
them within its daily limit, and can be revoked; it never holds the shop's money.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from chainpos.errors import UserFacingError
from chainpos.store.durable import is_private, private_folder, write_durably
from chainpos.wallet.keys import Key

MAX_FILE_BYTES: Final = 1024
_Seed = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["chainpos-till-key"]
    version: Literal[1]
    demo: bool
    seed: _Seed


def save_till_key(path: Path, key: Key) -> None:
    """Write the key to a new file, mode 0600, durable when this returns. Raises UserFacingError where one is."""
    content = msgspec.json.encode(_File("chainpos-till-key", 1, key.demo, key.seed().hex()))
    private_folder(path.parent)
    try:
        write_durably(path, content + b"\n", replace=False)
    except FileExistsError as error:
        raise UserFacingError(
            f"There is already a till key at {path}.", next_step="Keep it, or choose another folder."
        ) from error


def load_till_key(path: Path) -> Key:
    """The key in the file. Raises UserFacingError."""
    try:
        if not is_private(path):
            raise UserFacingError(
                f"Others on this machine can read the till's key {path}.",
                next_step=f"Run `chmod 600 {path}`; if it may have been copied, revoke the till and enrol a new key.",
            )
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _unusable(path)
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError as error:
        raise UserFacingError(
            f"There is no till key at {path}.", next_step="Check the path, or make a new key."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unusable(path) from error
    return Key(bytes.fromhex(file.seed), demo=file.demo)


def _unusable(path: Path) -> UserFacingError:
    return UserFacingError(f"{path} is not a till's key file.", next_step="Restore it, or enrol a new key.")

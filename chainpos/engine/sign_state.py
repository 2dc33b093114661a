"""What the validator's key has signed so far, written to disk before any signature leaves.

It refuses to sign twice at one height and round for different blocks, to go back in height or round, and to share a
key with another process of this machine.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from chainpos.core.chain.commit import COMMIT, CommitSig, vote_sign_bytes
from chainpos.core.chain.header import BlockId
from chainpos.engine.keys import SigningKey
from chainpos.errors import EXIT_CORRUPT, ChainposError, UserFacingError
from chainpos.store.durable import write_durably
from chainpos.store.locking import FileLock

# CometBFT privval/file.go: propose 1, prevote 2, precommit 3.
STEP_NONE: Final = 0
STEP_PRECOMMIT: Final = 3
_MAX_FILE_BYTES: Final = 8192


class SigningRefused(ChainposError):
    """The key must not sign this: it signed something else there, or something later."""


class SignState(msgspec.Struct, frozen=True):
    """The last thing that was signed."""

    height: int = 0
    round: int = 0
    step: int = STEP_NONE
    signature: bytes = b""
    sign_bytes: bytes = b""


class _StateFile(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """CometBFT's `FilePVLastSignState`: the height as text, the signature in base64, the signed bytes in hex."""

    height: str
    round: int
    step: int
    signature: bytes = b""
    signbytes: str = ""


def save_sign_state(path: Path, state: SignState) -> None:
    """Write `priv_validator_state.json` durably."""
    content = _StateFile(str(state.height), state.round, state.step, state.signature, state.sign_bytes.hex().upper())
    write_durably(path, msgspec.json.format(msgspec.json.encode(content), indent=2))


def load_sign_state(path: Path) -> SignState:
    """The state in a `priv_validator_state.json`. Raises UserFacingError: a lost state must never start from zero."""
    try:
        with path.open("rb") as file:
            found = msgspec.json.decode(file.read(_MAX_FILE_BYTES), type=_StateFile)
        state = SignState(int(found.height), found.round, found.step, found.signature, bytes.fromhex(found.signbytes))
    except (OSError, ValueError) as error:
        raise UserFacingError(
            f"What this validator has signed cannot be read from {path}.",
            next_step="Restore the file from this machine; starting without it could sign two blocks at one height.",
            exit_code=EXIT_CORRUPT,
        ) from error
    if min(state.height, state.round, state.step) < 0 or state.step > STEP_PRECOMMIT:
        raise UserFacingError(
            f"{path} does not hold a possible sign state.",
            next_step="Restore the file from this machine.",
            exit_code=EXIT_CORRUPT,
        )
    return state


class Signer:
    """The validator's key together with its sign state; only precommits are signed. Holds its locks until `close`."""

    def __init__(self, key: SigningKey, state_path: Path, *, lock_folder: Path | None = None) -> None:
        """Raises StoreError where another process uses the key, UserFacingError where the state cannot be read.

        UserFacingError also where somebody else could take the lock away.

        One lock lies beside the state, the other in a folder of this machine's user and is named by the key's
        address: so a copy of the home folder is caught too, as long as it runs on the same machine.
        """
        self.key = key
        self._path = state_path
        folder = lock_folder or _machine_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_own(folder)
        self._locks = [
            FileLock(state_path.with_suffix(".lock")),
            FileLock(folder / f"validator-{key.address.hex()}.lock"),
        ]
        try:
            for lock in self._locks:
                lock.acquire(f"the validator key {key.address.hex().upper()} is in use by another process")
            self.state = load_sign_state(state_path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the locks back."""
        for lock in self._locks:
            lock.release()

    def next_round(self, height: int) -> int:
        """The first round at `height` in which nothing was signed.

        After a crash between signing and appending, that is one more than the signed one: the earlier signature
        never left this process, because blocks are shown to others only after they are appended.
        """
        return self.state.round + 1 if self.state.height == height and self.state.step > STEP_NONE else 0

    def sign_precommit(self, chain_id: str, height: int, round_: int, block_id: BlockId, time_ns: int) -> CommitSig:
        """The vote, durable in the sign state before it is returned. Raises SigningRefused.

        Asked again for exactly the same vote, it returns the same signature without writing.
        Source: CometBFT privval/file.go `CheckHRS`, `signVote`.
        """
        sign_bytes = vote_sign_bytes(chain_id, height, round_, block_id, time_ns)
        if self._signed_before(height, round_, sign_bytes):
            return CommitSig(COMMIT, self.key.address, time_ns, self.state.signature)
        signature = self.key.sign(sign_bytes)
        state = SignState(height, round_, STEP_PRECOMMIT, signature, sign_bytes)
        save_sign_state(self._path, state)
        self.state = state
        return CommitSig(COMMIT, self.key.address, time_ns, signature)

    def _signed_before(self, height: int, round_: int, sign_bytes: bytes) -> bool:
        last = self.state
        asked, signed = (height, round_, STEP_PRECOMMIT), (last.height, last.round, last.step)
        if asked < signed:
            raise SigningRefused(f"asked to sign {asked}, but {signed} is signed already")
        if asked > signed:
            return False
        if sign_bytes != last.sign_bytes or not last.signature:
            raise SigningRefused(f"another vote is signed at height {height}, round {round_}")
        return True


def _require_own(folder: Path) -> None:
    """The temporary folder is everybody's: whoever made this one there could take its locks away."""
    if sys.platform == "win32":
        return
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise UserFacingError(
            f"The folder {folder}, which keeps a key from being used twice, is not this user's own.",
            next_step="Find out who made it, remove it, and start again.",
            exit_code=EXIT_CORRUPT,
        )


def _machine_folder() -> Path:
    # On Windows the temporary folder is the user's own already.
    user = "" if sys.platform == "win32" else f"-{os.getuid()}"
    return Path(tempfile.gettempdir()) / f"chainpos-locks{user}"

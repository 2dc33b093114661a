"""One encrypted key in one JSON file: scrypt for the passphrase, ChaCha20-Poly1305 for the key.

It refuses files that others may read, parameters below the floor (somebody weakened the file) or above the ceiling
(somebody wants the memory), unknown fields, and a wrong passphrase, which it cannot tell from a changed file.
"""

from __future__ import annotations

import secrets
import unicodedata
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from chainpos.errors import UserFacingError
from chainpos.store.durable import PRIVATE_MODE, is_private, private_folder, write_durably
from chainpos.wallet.keys import SEED_BYTES, Key

# 128 MiB and about half a second: what a person waits for once, and a guesser each time.
SCRYPT_N: Final = 2**17
SCRYPT_R: Final = 8
SCRYPT_P: Final = 1
# A gigabyte: more than that is not a stronger file but an attack on whoever opens it.
MAX_N: Final = 2**20
MAX_P: Final = 4
SALT_BYTES: Final = 32
NONCE_BYTES: Final = 12
MAX_FILE_BYTES: Final = 4096
MIN_PASSPHRASE_CHARACTERS: Final = 8
_DOMAIN: Final = b"chainpos/keystore/1\x00"

_Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{2,256}$")]


class _Kdf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Literal["scrypt"]
    n: int
    r: int
    p: int
    salt: _Hex


class _Cipher(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Literal["chacha20-poly1305"]
    nonce: _Hex
    ciphertext: _Hex


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal["chainpos-keystore"]
    version: Literal[1]
    demo: bool
    public_key: _Hex
    kdf: _Kdf
    cipher: _Cipher


class KeystoreHead(msgspec.Struct, frozen=True):
    """What a keystore says without its passphrase; not to be believed before `open_keystore` has opened it."""

    public_key: bytes
    demo: bool


def create_keystore(path: Path, key: Key, passphrase: str) -> None:
    """Encrypt `key` into a new file at `path`, mode 0600, durable when this returns.

    Raises UserFacingError for a passphrase under 8 characters and where a file is already there.
    """
    if len(passphrase) < MIN_PASSPHRASE_CHARACTERS:
        raise UserFacingError(
            f"The passphrase has fewer than {MIN_PASSPHRASE_CHARACTERS} characters.",
            next_step="Choose a longer one: four words that you can remember will do.",
        )
    kdf = _Kdf("scrypt", SCRYPT_N, SCRYPT_R, SCRYPT_P, secrets.token_bytes(SALT_BYTES).hex())
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = _aead(kdf, passphrase).encrypt(nonce, key.seed(), _header(kdf, key.public_key, demo=key.demo))
    cipher = _Cipher("chacha20-poly1305", nonce.hex(), sealed.hex())
    file = _File("chainpos-keystore", 1, key.demo, key.public_key.hex(), kdf, cipher)
    private_folder(path.parent)
    try:
        write_durably(path, msgspec.json.format(msgspec.json.encode(file)) + b"\n", mode=PRIVATE_MODE, replace=False)
    except FileExistsError as error:
        raise UserFacingError(
            f"There is already a key at {path}.", next_step="Keep it, or choose another folder with --home."
        ) from error


def read_head(path: Path) -> KeystoreHead:
    """The public half of a keystore, unverified. Raises UserFacingError."""
    file = _read(path)
    return KeystoreHead(bytes.fromhex(file.public_key), file.demo)


def open_keystore(path: Path, passphrase: str) -> Key:
    """The key in the file at `path`. Takes about half a second and 128 MiB. Raises UserFacingError."""
    file = _read(path)
    kdf = file.kdf
    header = _header(kdf, bytes.fromhex(file.public_key), demo=file.demo)
    try:
        seed = _aead(kdf, passphrase).decrypt(
            bytes.fromhex(file.cipher.nonce), bytes.fromhex(file.cipher.ciphertext), header
        )
    except InvalidTag as error:
        raise UserFacingError(
            "The passphrase is wrong, or the key file was changed.",
            next_step="Type the passphrase again; if it is surely right, restore the file from its copy.",
        ) from error
    key = Key(seed, demo=file.demo)
    if key.public_key.hex() != file.public_key:
        raise _damaged(path, "its two halves do not belong together")
    return key


def _read(path: Path) -> _File:
    try:
        if not is_private(path):
            raise UserFacingError(
                f"Others on this machine can read {path}.",
                next_step=f"Run `chmod 600 {path}`, and think about whether it was copied.",
            )
        if path.stat().st_size > MAX_FILE_BYTES:
            raise _damaged(path, "it is too large")
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError as error:
        raise UserFacingError(
            f"There is no key at {path}.", next_step="Make one with `chainpos wallet new`, or name its folder."
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, "it is not in the form of one") from error
    _require_bounded(path, file)
    return file


def _require_bounded(path: Path, file: _File) -> None:
    kdf = file.kdf
    if kdf.n < SCRYPT_N or kdf.r < SCRYPT_R or kdf.p < SCRYPT_P:
        raise _damaged(path, "its protection is weaker than chainpos ever writes")
    # The order of the bounds matters: nothing is computed from a number before it is known to be small.
    if kdf.n > MAX_N or kdf.r > SCRYPT_R or kdf.p > MAX_P or kdf.n & (kdf.n - 1):
        raise _damaged(path, "opening it would take an unreasonable amount of memory or time")
    lengths = (len(kdf.salt), len(file.cipher.nonce), len(file.cipher.ciphertext), len(file.public_key))
    if lengths != (2 * SALT_BYTES, 2 * NONCE_BYTES, 2 * (SEED_BYTES + 16), 2 * 32):
        raise _damaged(path, "a field has the wrong length")


def _aead(kdf: _Kdf, passphrase: str) -> ChaCha20Poly1305:
    # The same words typed on another keyboard may come composed differently.
    secret = unicodedata.normalize("NFKC", passphrase).encode(errors="surrogatepass")
    derived = Scrypt(salt=bytes.fromhex(kdf.salt), length=32, n=kdf.n, r=kdf.r, p=kdf.p).derive(secret)
    return ChaCha20Poly1305(derived)


def _header(kdf: _Kdf, public_key: bytes, *, demo: bool) -> bytes:
    # Bound to the ciphertext: the demo mark cannot be struck off, nor a parameter changed, without the passphrase.
    return _DOMAIN + msgspec.msgpack.encode((kdf.n, kdf.r, kdf.p, kdf.salt, public_key, demo))


def _damaged(path: Path, why: str) -> UserFacingError:
    return UserFacingError(
        f"The key file {path} cannot be used: {why}.", next_step="Restore it from its copy; do not edit it."
    )

"""The container of a case file: a zip that any program opens, and of which there is exactly one for the same parts.

It refuses every byte that this writer would not have written, and names the part where the first wrong one lies.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Final

from chainpos.core.values.hashes import sha256
from chainpos.errors import ChainposError

MAX_CASE_BYTES: Final = 64 * 1024 * 1024
MAX_PARTS: Final = 32
MANIFEST: Final = "manifest.txt"
PARTS: Final = ("case.html", "case.json", "headers.json")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o100644 << 16
_UNIX: Final = 3


class CaseDamaged(ChainposError):
    """The file is not as it was written. `part` names where."""

    def __init__(self, part: str, what: str) -> None:
        super().__init__(f"{part}: {what}")
        self.part = part
        self.what = what


def pack(parts: Mapping[str, bytes]) -> bytes:
    """The container's bytes; a manifest with each part's SHA-256 is added, first. Nothing is compressed."""
    named = {MANIFEST: _manifest(parts), **{name: parts[name] for name in sorted(parts)}}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in named.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr, entry.create_system = _READABLE, _UNIX
            archive.writestr(entry, content)
    return buffer.getvalue()


def unpack(packed: bytes) -> dict[str, bytes]:
    """The parts without the manifest. Raises CaseDamaged."""
    if len(packed) > MAX_CASE_BYTES:
        raise CaseDamaged("file", f"{len(packed)} bytes are more than a case file has")
    named = _read(packed)
    manifest = named.pop(MANIFEST, None)
    if manifest is None:
        raise CaseDamaged(MANIFEST, "it is missing")
    for line in manifest.decode("ascii", "replace").splitlines():
        digest, _, name = line.partition("  ")
        if name in named and sha256(named[name]).hex() != digest:
            raise CaseDamaged(name, "it is not what the manifest says")
    if manifest != _manifest(named):
        raise CaseDamaged(MANIFEST, "it does not list the parts that there are")
    again = pack(named)
    if again != packed:
        raise CaseDamaged("container", f"byte {_first_difference(again, packed)} is not as it was written")
    return named


def _read(packed: bytes) -> dict[str, bytes]:
    named: dict[str, bytes] = {}
    name = "container"
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_PARTS or sum(entry.file_size for entry in entries) > MAX_CASE_BYTES:
                raise CaseDamaged("container", "it says that it holds more than a case file does")
            for entry in entries:
                # Stored, and nothing else: what unpacks to gigabytes is never unpacked.
                if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits:
                    raise CaseDamaged("container", "a part is packed in another way")
                name = _part_name(entry.filename)
                named[entry.filename] = archive.read(entry)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OSError, RuntimeError, zlib.error) as error:
        raise CaseDamaged(name, "it cannot be read") from error
    return named


def _part_name(name: str) -> str:
    """The part's name where it is one: a damaged name is the container's."""
    return name if name in (*PARTS, MANIFEST) else "container"


def _manifest(parts: Mapping[str, bytes]) -> bytes:
    return "".join(f"{sha256(parts[name]).hex()}  {name}\n" for name in sorted(parts)).encode()


def _first_difference(ours: bytes, theirs: bytes) -> int:
    for at, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one != other:
            return at
    return min(len(ours), len(theirs))

"""What a wallet signed and how it ended: lines that are only ever added, each durable before the next step.

A payment is written before it is sent, so that a wallet that died in between knows what to ask the ledger. It refuses
lines that are not its own; a last line that was cut short by a power cut was never acted upon, and is left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from chainpos.errors import UserFacingError
from chainpos.store.durable import append_durably

MAX_HISTORY_BYTES: Final = 100_000_000
_Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]*\Z")]
State = Literal["sent", "paid", "refused", "never_reached"]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One payment. Times in unix ns and s; `wire` is the signed transaction, so that it can be sent again as it is.

    `state` "sent" is not known yet; "refused" has a `code`; "never_reached" means that it expired outside the ledger.
    """

    tx_hash: _Hex
    wire: _Hex
    at_ns: int
    expires_s: int
    request_id: _Hex
    merchant: str
    name: str
    reference: str
    amount_minor: int
    tip_minor: int
    currency: str
    state: State = "sent"
    height: int = 0
    code: int = 0


class _Ended(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tx_hash: _Hex
    state: State
    height: int
    code: int


class History:
    """The file and what is known from it."""

    def __init__(self, path: Path) -> None:
        """Read the history at `path`, if there is one. Raises UserFacingError where it is damaged."""
        self.path = path
        self._entries: dict[str, Entry] = {}
        if path.exists():
            self._load()

    def entries(self) -> tuple[Entry, ...]:
        """All payments, newest first."""
        return tuple(sorted(self._entries.values(), key=lambda entry: entry.at_ns, reverse=True))

    def unknown(self) -> tuple[Entry, ...]:
        """Payments whose end is not known, oldest first."""
        return tuple(entry for entry in reversed(self.entries()) if entry.state == "sent")

    def add(self, entry: Entry) -> None:
        """Write a signed payment before it is sent."""
        append_durably(self.path, msgspec.json.encode(entry))
        self._entries[entry.tx_hash] = entry

    def end(self, tx_hash: str, state: State, *, height: int = 0, code: int = 0) -> None:
        """Write how a payment ended; the first ending stands."""
        entry = self._entries[tx_hash]
        if entry.state != "sent" or state == "sent":
            return
        append_durably(self.path, msgspec.json.encode(_Ended(tx_hash, state, height, code)))
        self._entries[tx_hash] = msgspec.structs.replace(entry, state=state, height=height, code=code)

    def _load(self) -> None:
        if self.path.stat().st_size > MAX_HISTORY_BYTES:
            raise self._damaged("it is too large")
        content = self.path.read_bytes()
        lines = content.split(b"\n")
        if lines[-1]:
            # The wallet died within its last line: what it was about never went out. Cut off, so that the next line
            # does not continue it.
            with self.path.open("r+b") as file:
                file.truncate(len(content) - len(lines[-1]))
        for number, line in enumerate(lines[:-1], start=1):
            try:
                self._take(line)
            except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
                raise self._damaged(f"line {number} is not in its form") from error

    def _take(self, line: bytes) -> None:
        if b'"wire"' in line:
            entry = msgspec.json.decode(line, type=Entry)
            self._entries[entry.tx_hash] = entry
            return
        ended = msgspec.json.decode(line, type=_Ended)
        self._entries[ended.tx_hash] = msgspec.structs.replace(
            self._entries[ended.tx_hash], state=ended.state, height=ended.height, code=ended.code
        )

    def _damaged(self, why: str) -> UserFacingError:
        return UserFacingError(
            f"The history {self.path} cannot be read: {why}.",
            next_step="Restore it, or move it away: the ledger still has every payment.",
        )

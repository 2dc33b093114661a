"""A process that watches a trial network's processes, and starts again what died.

It refuses to go on for ever with one that dies again and again: five times in ten minutes, later each time. What was
ended by `network down` is not started again. It ends when there is nothing left to watch.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from chainpos.errors import ChainposError
from chainpos.pilot.trial import APPLICATION, COMETBFT, Started, Trial, began, end
from chainpos.store.durable import write_durably

NOTE: Final = "keeper.json"
LOOK_EVERY_S: Final = 0.5
MAX_RESTARTS: Final = 5
WINDOW_S: Final = 600.0
FIRST_WAIT_S: Final = 1.0
_KEEPER: Final = "keeper"


class Restarts(msgspec.Struct):
    """How often one process was started again, and when last (Unix ns)."""

    node: str
    role: str
    count: int = 0
    last_ns: int = 0
    given_up: bool = False


class Note(msgspec.Struct):
    """The keeper's own process, and what it did."""

    keeper: Started
    restarts: list[Restarts] = []


class Patience:
    """When a process that died may be started again; `None` is never. Times are seconds of a steady clock."""

    def __init__(self) -> None:
        self._moments: dict[tuple[str, str], list[float]] = {}

    def due_s(self, process: tuple[str, str], now_s: float) -> float | None:
        """From when on: at once, then after 1, 2, 4 and 8 seconds; after five times, not within ten minutes."""
        recent = [moment for moment in self._moments.get(process, []) if moment > now_s - WINDOW_S]
        self._moments[process] = recent
        if len(recent) >= MAX_RESTARTS:
            return None
        return recent[-1] + FIRST_WAIT_S * (1 << (len(recent) - 1)) if recent else now_s

    def restarted(self, process: tuple[str, str], now_s: float) -> None:
        """It was started again."""
        self._moments.setdefault(process, []).append(now_s)


class Keeper:
    """Looks at one network, again and again."""

    def __init__(self, trial: Trial, me: Started) -> None:
        self._trial = trial
        self._patience = Patience()
        self._note = Note(me)

    def look(self, now_s: float) -> bool:
        """Start again what died and is due; whether there is anything left to watch. Raises ChainposError."""
        with self._trial.alone():
            noted = self._trial.noted()
            running = self._trial.running()
        dead = [each for each in noted if each not in running]
        # CometBFT halts without its application, which comes first.
        for each in sorted(dead, key=lambda each: (each.role != APPLICATION, each.node)):
            self._mend(each, now_s)
        return bool(noted)

    def _mend(self, dead: Started, now_s: float) -> None:
        process = (dead.node, dead.role)
        due_s = self._patience.due_s(process, now_s)
        found = self._restarts(dead)
        if due_s is None:
            if not found.given_up:
                found.given_up = True
                self._write()
        elif due_s <= now_s and self._trial.again(dead):
            self._patience.restarted(process, now_s)
            found.count, found.last_ns, found.given_up = found.count + 1, time.time_ns(), False
            self._write()

    def _restarts(self, dead: Started) -> Restarts:
        for each in self._note.restarts:
            if (each.node, each.role) == (dead.node, dead.role):
                return each
        made = Restarts(dead.node, dead.role)
        self._note.restarts.append(made)
        return made

    def _write(self) -> None:
        _write(self._trial, self._note)


def start_keeper(trial: Trial) -> None:
    """Start the network's keeper, where it does not run."""
    note = _note(trial)
    if note is not None and began(note.keeper.pid) == note.keeper.began:
        return
    with trial.log(_KEEPER, "restarts").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "chainpos.pilot.keeper", str(trial.folder)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    _write(trial, Note(Started(_KEEPER, COMETBFT, process.pid, began(process.pid) or "")))


def end_keeper(trial: Trial) -> None:
    """End the network's keeper, where it runs."""
    note = _note(trial)
    if note is not None:
        end([note.keeper])


def kept(trial: Trial) -> dict[str, Any]:
    """The keeper's process, or None, and what it started again, for `network status`."""
    note = _note(trial)
    if note is None:
        return {"keeper_pid": None, "restarts": []}
    runs = began(note.keeper.pid) == note.keeper.began
    restarts = [msgspec.to_builtins(each) for each in note.restarts if each.count or each.given_up]
    return {"keeper_pid": note.keeper.pid if runs else None, "restarts": restarts}


def _write(trial: Trial, note: Note) -> None:
    write_durably(trial.folder / NOTE, msgspec.json.format(msgspec.json.encode(note), indent=2))


def _note(trial: Trial) -> Note | None:
    try:
        return msgspec.json.decode((trial.folder / NOTE).read_bytes(), type=Note)
    except (OSError, msgspec.DecodeError):
        return None


def main(arguments: list[str]) -> None:
    """`python -m chainpos.pilot.keeper FOLDER`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    trial = Trial(Path(arguments[0]))
    keeper = Keeper(trial, Started(_KEEPER, COMETBFT, os.getpid(), began(os.getpid()) or ""))
    while True:
        try:
            if not keeper.look(time.monotonic()):
                return
        except (ChainposError, OSError) as error:
            sys.stderr.write(f"{error}\n")
            if not trial.folder.is_dir():
                return
        time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    main(sys.argv[1:])

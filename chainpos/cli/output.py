"""How every command answers: results on stdout, everything else on stderr, failures in one sentence.

It refuses to prompt where no terminal is.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from chainpos.core.values.text import clean, replaced
from chainpos.errors import (
    EXIT_CORRUPT,
    EXIT_REFUSED,
    EXIT_USAGE,
    ChainposError,
    StateMismatch,
    StoreError,
    StoreInUse,
    UserFacingError,
)

MAX_LINE: Final = 4_000
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object on stdout.")]


def print_json(answer: Any) -> None:
    """One JSON object on stdout. What could drive the terminal is written as JSON's escapes: the same to a program."""
    written = replaced(json.dumps(answer, ensure_ascii=False), lambda character: json.dumps(character)[1:-1])
    sys.stdout.write(written + "\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    """A line of the answer. Much of it came from other machines: what could drive the terminal is taken out."""
    sys.stdout.write(clean(text, max_characters=MAX_LINE) + "\n")


def note(text: str) -> None:
    """Something on the way: stderr, cleaned as an answer is."""
    sys.stderr.write(clean(text, max_characters=MAX_LINE) + "\n")
    sys.stderr.flush()


def progress(text: str) -> None:
    """A line that replaces itself, on a terminal; nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()


def end_progress() -> None:
    """Leave the last progress line as it is and go on below."""
    if sys.stderr.isatty():
        sys.stderr.write("\n")


def draw_qr(modules: tuple[tuple[bool, ...], ...]) -> None:
    """A QR code on a terminal, dark on light with its quiet zone, two rows of modules a line."""
    side = len(modules) + 8
    padded = [[False] * side for _ in range(side + side % 2)]
    for row, line in enumerate(modules):
        padded[row + 4][4 : 4 + len(line)] = line
    for upper, lower in zip(padded[::2], padded[1::2], strict=True):
        cells = "".join(" ▀▄█"[top + 2 * bottom] for top, bottom in zip(upper, lower, strict=True))
        sys.stdout.write(f"\x1b[30;107m{cells}\x1b[0m\n")


def ask(question: str, *, secret: bool = False, or_nothing: bool = False) -> str:
    """A person's answer, empty too where `or_nothing`. Raises UserFacingError where there is no terminal to ask on."""
    if not sys.stdin.isatty():
        raise UserFacingError(
            f"This needs an answer ({question.strip().rstrip(':?')}), and there is no terminal to ask on.",
            next_step="Give it by an option; --help lists them.",
            exit_code=EXIT_USAGE,
        )
    answer: str = typer.prompt(
        question, hide_input=secret, err=True, prompt_suffix=" ", default="" if or_nothing else None, show_default=False
    )
    return answer


def used_wrongly(what: str, next_step: str) -> UserFacingError:
    """What was asked for makes no sense, in a sentence; what to do instead, in another."""
    return UserFacingError(what, next_step=next_step, money_moved="", exit_code=EXIT_USAGE)


def read_file(path: Path, limit: int = -1) -> bytes:
    """What is in a file that somebody named, one byte more than `limit` at the most. Raises UserFacingError."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1 if limit >= 0 else -1)
    except OSError as error:
        raise used_wrongly(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error


def write_new(path: Path, content: bytes) -> None:
    """A file that was not there before. Raises UserFacingError."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise used_wrongly(f"There is something at {path} already.", "Name another file.") from error
    except OSError as error:
        raise used_wrongly(f"{path} cannot be written: {error.strerror}.", "Name another file.") from error


@contextlib.contextmanager
def told_plainly() -> Iterator[None]:
    """Turns every failure that chainpos foresees into one sentence on stderr and an exit code."""
    try:
        yield
    except UserFacingError as error:
        note(error.sentence())
        raise SystemExit(error.exit_code) from error
    except StoreInUse as error:
        note(f"{_sentence(error)} No money moved by this command. End that process first, or name another folder.")
        raise SystemExit(EXIT_USAGE) from error
    except (StateMismatch, StoreError) as error:
        keep = "Keep the folder as it is, and run: chainpos verify --home DIR"
        note(f"{_sentence(error)} No money moved by this command. {keep}")
        raise SystemExit(EXIT_CORRUPT) from error
    except ChainposError as error:
        note(f"{_sentence(error)} No money moved by this command.")
        raise SystemExit(EXIT_REFUSED) from error
    except OSError as error:
        # A disk can fill up at any moment, also after a payment was sent: only the ledger knows then.
        where = f" ({error.filename})" if error.filename else ""
        note(
            f"The system refused: {error.strerror or error}{where}. If a payment was under way, "
            "`chainpos wallet history` and the till's own sales say how it ended; otherwise no money moved. "
            "Check the folder, its disk and who may write there, then try again."
        )
        raise SystemExit(EXIT_USAGE) from error


def require_terminal(instead: str) -> None:
    """Raises UserFacingError where there is no terminal for a screen and its keys; `instead` says what to do then."""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise UserFacingError(
            "A screen with keys needs a terminal, and here is none.",
            next_step=instead,
            exit_code=EXIT_USAGE,
        )


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."

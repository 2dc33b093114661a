"""Telling a scanner's burst from a person's keys, whatever has the focus. Pure: it is told when keys come.

A keyboard-wedge scanner types a code with under 50 ms between keys and ends with Enter. The first key of anything goes
through at once, so that a person never waits, but for a capital that would do what its small letter does; what follows
within 50 ms is held until a pause or Enter shows what it was. A burst that ends with Enter and is long enough is a
code: its Enter never reaches a button. A long burst that just stops is a code that lost its end: it is refused, because
half a code must not become an amount. A scan may also come in pieces. What was let through of it less than `STUTTER_S`
ago is still known when its Enter comes; and where nobody looked for keys in time, because the machine was held up,
there was no pause.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

GAP_S: Final = 0.05
# So many keys so close together are no person's: what a busy machine hands over late is still the same scan.
STUTTER_S: Final = 0.3
SHORTEST_CODE: Final = 8
# A till cannot key so many digits, and a script that types an amount is no scanner.
SHORTEST_CODE_OF_DIGITS: Final = 12
LONGEST_CODE: Final = 4_096
# What a customer's code and a part of a proof begin with.
MARKS: Final = ("CPC1", "CPF1")

Key = TypeVar("Key")


def normalised(text: str) -> str:
    """What an IME typed in full width, as the keys meant it: "１２．５" is "12.5"."""
    return unicodedata.normalize("NFKC", text).replace("。", ".").replace("、", ",")


def is_short_bar_code(text: str) -> bool:
    """Whether these are the eight digits of a small article's bar code, check digit and all.

    Source: GS1 General Specifications 7.9, EAN-8.
    """
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return False
    weighted = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(text))
    return weighted % 10 == 0


@dataclass(frozen=True)
class Verdict(Generic[Key]):
    """What a key led to: keys to deliver now, or a whole code, or the notice of a broken one.

    `first` is the beginning of a code that was delivered before it could be told from a person's: its first key, or
    more where it came in pieces.
    """

    deliver: tuple[Key, ...] = ()
    code: str = ""
    broken: bool = False
    first: str = ""


@dataclass
class Burst(Generic[Key]):
    """The keys of the present burst. `first` of them was delivered already, the rest are held."""

    text: str = ""
    held: list[Key] = field(default_factory=list)
    last_s: float = float("-inf")
    keep_if_broken: bool = False
    # It began where no scan is taken, as an answer to a question does: what comes after it is another matter.
    apart: bool = False
    # Nobody looked for keys in time since the last one, so it is not known that none came.
    held_up: bool = False
    # What was delivered just before this burst, and may have been the beginning of the same code.
    before: str = ""
    # Whether a first key waits too, as one does that scanners type and people only with Caps Lock.
    first_waits: bool = False
    first_held: bool = False

    @property
    def waiting(self) -> bool:
        """Whether keys are held, so that a pause must be looked out for."""
        return bool(self.held)

    @property
    def by_itself(self) -> bool:
        """Whether it is over with its pause, however late that is looked at: a person's words, or an answer."""
        return self.keep_if_broken or self.apart

    @property
    def gap_s(self) -> float:
        """How long after the last key this burst is over."""
        return STUTTER_S if len(self.text) >= SHORTEST_CODE else GAP_S

    def key(self, key: Key, character: str, now_s: float) -> Verdict[Key]:
        """A printable key. It is delivered at once if it begins something, else held."""
        quick, recent = self._is_quick(now_s), now_s - self.last_s < STUTTER_S
        self.last_s, self.held_up = now_s, False
        if not quick or not self.text:
            released = self._release()
            self.text, self.before = character, self.before if recent else ""
            if self.first_waits:
                self.held, self.first_held = [key], True
                return released
            return replace(released, deliver=(*released.deliver, key))
        if len(self.text) < LONGEST_CODE:
            self.text += character
            self.held.append(key)
        return Verdict()

    def enter(self, key: Key, now_s: float) -> Verdict[Key]:
        """Enter: the end of a code, or just Enter after the keys before it."""
        if self.text and self._is_quick(now_s):
            # Digits may be an amount that a person keyed just before, another key may have done something.
            whole = _only_digits(self.before) or _begins_a_code(normalised(self.text))
            befores = ("", self.before) if whole else (self.before, "")
            for before in befores:
                code, first = normalised(before + self.text), before + self._let_through
                if _is_code(code):
                    self._clear()
                    return Verdict(code=code, first=first)
        return self.other(key)

    def other(self, key: Key) -> Verdict[Key]:
        """An arrow or a function key: no part of a code."""
        released = self._release()
        self.before = ""
        return replace(released, deliver=(*released.deliver, key))

    def pause(self) -> Verdict[Key]:
        """No key came for `gap_s`."""
        return self._release()

    @property
    def _let_through(self) -> str:
        return "" if self.first_held else self.text[:1]

    def _is_quick(self, now_s: float) -> bool:
        return self.held_up or now_s - self.last_s < self.gap_s

    def _release(self) -> Verdict[Key]:
        broken = _is_code(normalised(self.text)) and not self.keep_if_broken
        deliver, first = (() if broken else tuple(self.held)), self._let_through
        # A person's words in a field are no beginning of anything.
        before = "" if broken or self.by_itself else (self.before + self.text)[-LONGEST_CODE:]
        self._clear()
        self.before = before
        return Verdict(deliver=deliver, broken=broken, first=first)

    def _clear(self) -> None:
        self.text, self.before, self.held_up, self.first_held = "", "", False, False
        self.held = []


def _is_code(plain: str) -> bool:
    if is_short_bar_code(plain):
        return True
    return len(plain) >= (SHORTEST_CODE_OF_DIGITS if _only_digits(plain) else SHORTEST_CODE)


def _begins_a_code(plain: str) -> bool:
    """Whether nothing is missing before it: an article's digits, a customer's code, a part of a proof."""
    return (_only_digits(plain) and _is_code(plain)) or plain.upper().startswith(MARKS)


def _only_digits(text: str) -> bool:
    return normalised(text).replace(".", "").replace(",", "").isdigit()

"""What fields, records, messages, events and the inspector's own sentences are called, in both languages.

It refuses nothing: what has no word keeps its own name, as anything from a newer network does.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from chainpos.core.contracts.registry import ALL_CODES

_FOLDER: Final = Path(__file__).parent
_LONGEST: Final = 1_000
# The names within a record inside a record, as fields.py writes it: "(currency=CNY, cap_minor=10.00 CNY)".
_INNER: Final = re.compile(r"([(\s])([a-z][a-z0-9_]*)=")
# Fields of which a value is one of few, or a yes or no. Others' values are names and texts, which are nobody's words.
_NAMED: Final = frozenset((
    "instrument", "settlement_mode", "result", "kind", "role", "source", "state", "status", "money_state",
))  # fmt: skip
_YES_NO: Final = frozenset(("yes", "no", "none"))
_STANDING: Final = re.compile(r"([a-z]+) \((\d+)\)")
_FIRST: Final = re.compile(r"([a-z_]+\.[a-z_]+)(:?) ?")


class Words:
    """The words of one language, "en" or "zh"."""

    def __init__(self, language: str, sections: dict[str, dict[str, str]]) -> None:
        self.language = language
        self._sections = sections
        self._kinds = sections.get("kind", {})
        self._told = [(_pattern(english), meant) for english, meant in sections.get("told", {}).items()]
        self._codes = {code.name: code.what_zh.rstrip("。") for code in ALL_CODES} if language == "zh" else {}

    def has(self, section: str, name: str) -> bool:
        """Whether there is a word of its own."""
        return name in self._section(section)

    def field(self, name: str) -> str:
        """A field by its name or its dotted path: "request.amount_minor", "limits.0.daily_minor"."""
        known = self._section("field")
        return " · ".join(known.get(part, part) for part in name.split("."))

    def record(self, name: str) -> str:
        """A record as fields.key_text names it: the table's word, then the key."""
        table, space, key = name.partition(" ")
        key = self.account(key) if table == "accounts" else key
        return f"{self._section('record').get(table, table)}{space}{key}"

    def account(self, account: str) -> str:
        """An account as postings name it: "merchant/XM13/icbc" is the shop's deposit there."""
        kind, slash, rest = account.partition("/")
        return f"{self._section('account').get(kind, kind)}{slash}{rest}"

    def kind(self, kind: str) -> str:
        """A message's or a proposed change's kind."""
        return self._kinds.get(kind, kind)

    def event(self, kind: str) -> str:
        """An event's kind."""
        return self._section("event").get(kind, kind)

    def check(self, codes: str) -> str:
        """A check by the codes that hang on it, as "already_paid" or "unpaid or expired"."""
        return " / ".join(self._codes.get(name, name) for name in codes.split(" or "))

    def outcome(self, name: str) -> str:
        """How a run ended: "accepted", or a code's name."""
        return self._codes.get(name, self._one(name))

    def stage(self, stage: str) -> str:
        """A stage of a payment's timeline."""
        return self._section("stage").get(stage, stage)

    def step(self, kind: str) -> str:
        """A kind of step in a trace."""
        return self._section("step").get(kind, kind)

    def value(self, name: str, text: str) -> str:
        """The value of a field, where it is one of few, or a record within a record; any other as it is."""
        last = name.rpartition(".")[2]
        if text in ("", "[]"):
            return "—"
        if text.startswith(("(", "[(")):
            inner = text.removeprefix("[").removesuffix("]").replace("); (", "; ")
            return _INNER.sub(lambda found: f"{found[1]}{self.field(found[2])} ", inner).strip("()")
        if last == "signed":
            return self.told(text)
        if standing := _STANDING.fullmatch(text):
            return f"{self._one(standing[1])} ({standing[2]})"
        if last == "result":
            number, _, code = text.partition(" ")
            return f"{number} {self.check(code)}" if code else self._one(text)
        if last == "kind":
            return self._kinds.get(text) or self._one(text)
        return self._one(text) if last in _NAMED or text in _YES_NO else text

    def _section(self, section: str) -> dict[str, str]:
        return self._sections.get(section, {})

    def _one(self, text: str) -> str:
        return self._section("value").get(text, text)

    def change(self, told: str) -> str:
        """What was changed for a what-if, as changing.py tells it: "message request.amount_minor: 9.00 → 9.90"."""
        head, colon, rest = told.partition(": ")
        place, space, path = head.rpartition(" ")
        if not colon or not space:
            return self.told(told)
        named = self.field(place) if place == "message" else self.record(place)
        return f"{named} · {self.field(path)}: {self.told(rest)}"

    def told(self, sentence: str) -> str:
        """A sentence of the inspector, which speaks English: a moment's detail, its evidence, a check of a case."""
        for pattern, meant in self._told:
            if found := pattern.fullmatch(sentence[:_LONGEST]):
                said = self.record if sentence.startswith("record ") else self._one
                return meant.format(*(said(value) for value in found.groups()))
        first = _FIRST.match(sentence)
        if first is not None and first[1] in self._kinds:
            rest = sentence[first.end() :]
            return f"{self.kind(first[1])}{first[2]} {self._codes.get(rest, self._one(rest))}"
        return self._one(sentence)


@cache
def words_in(language: str) -> Words:
    """The words of a language: "en" or "zh"."""
    text = (_FOLDER / f"words_{language}.toml").read_text(encoding="utf-8")
    sections: dict[str, Any] = tomllib.loads(text)
    return Words(language, sections)


def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile("(.*?)".join(re.escape(part) for part in sentence.split("{}")), re.DOTALL)

"""Texts in the languages of the counter, each from its own catalogue file. It refuses catalogues that do not match."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Final

from chainpos.console.resources import LANGUAGES_FOLDER

LANGUAGES: Final = ("en", "zh")
LONGEST_TOLD: Final = 1_000
# Before a key: its text for one thing. English has such texts, Chinese needs none.
SINGULAR: Final = "one."


class UnknownText(KeyError):
    """A key that no catalogue has: our own mistake, which a test finds."""


class Texts:
    """The texts of one language, by dotted key, with named places to fill: `texts("counter.left", time="4:32")`."""

    def __init__(self, language: str, entries: dict[str, str], told: dict[str, str]) -> None:
        self.language = language
        self.entries = entries
        self._told = told

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of `key`; for a `count` of one its singular, where the language has one. Raises UnknownText."""
        if (count := values.get("count")) is not None:
            if count in (1, "1"):
                key = SINGULAR + key if SINGULAR + key in self.entries else key
            elif isinstance(count, int):
                values["count"] = f"{count:,}"
        try:
            return self.entries[key].format_map(values)
        except KeyError as error:
            raise UnknownText(f"{self.language}: {key} ({error})") from error

    def known(self, key: str, default: str) -> str:
        """The text of a key made from a code that came over the wire, or `default` if that code has none."""
        return self.entries.get(key, default)

    def told(self, sentence: str) -> str:
        """A sentence of the till, which speaks English, in this language; itself if the catalogue lacks it."""
        for told, meant in self._told.items():
            # Most are told never: a pattern is made of one that begins as the sentence does, no sooner.
            begins = sentence.startswith(told.partition("{}")[0])
            if begins and (found := _pattern(told).fullmatch(sentence[:LONGEST_TOLD])):
                return meant.format(*(self.told(value) for value in found.groups()))
        return sentence

    def either(self, en: str, zh: str) -> str:
        """The one of two texts that is in this language; names from the ledger may lack one."""
        return (zh or en) if self.language == "zh" else (en or zh)


def flatten(prefix: str, table: dict[str, object]) -> dict[str, str]:
    """Texts by dotted key. Raises TypeError for what is neither a text nor a table of them."""
    entries: dict[str, str] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            entries |= flatten(f"{prefix}{name}.", value)
        elif isinstance(value, str):
            entries[prefix + name] = value
        else:
            raise TypeError(f"{prefix}{name} is not a text")
    return entries


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile("(.*?)".join(re.escape(part) for part in sentence.split("{}")), re.DOTALL)


def places(text: str) -> frozenset[str]:
    """The names of the places that a text leaves to be filled."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


@cache
def load_texts(language: str) -> Texts:
    """The catalogue of a language of LANGUAGES."""
    entries: dict[str, str] = {}
    for path in (LANGUAGES_FOLDER / f"{language}.toml", *sorted(LANGUAGES_FOLDER.glob(f"*_{language}.toml"))):
        if not path.name.startswith("told_"):
            entries |= _read(path)
    told = LANGUAGES_FOLDER / f"told_{language}.toml"
    return Texts(language, entries, _read(told) if told.exists() else {})


def _read(path: Path) -> dict[str, str]:
    return flatten("", tomllib.loads(path.read_text(encoding="utf-8")))

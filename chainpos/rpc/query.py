"""CometBFT's event query language: conditions joined by AND, parsed once and matched against an event's attributes.

It refuses text over 512 bytes, operators and values that do not go together, and anything after the last condition.
Source: CometBFT libs/pubsub/query/query.go, syntax/parser.go and syntax/scanner.go.
"""

from __future__ import annotations

import operator as comparing
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

import msgspec

from chainpos.core.values.timestamps import DAY_S, SECOND_NS, MalformedTime, civil_date, day_of_date, parse_rfc3339
from chainpos.errors import ChainposError

MAX_QUERY_BYTES: Final = 512
# A longer attribute is no number; without a bound a hostile event could make comparing it dear.
MAX_NUMBER_CHARACTERS: Final = 100

Operator = Literal["=", "<", "<=", ">", ">=", "CONTAINS", "EXISTS"]
Kind = Literal["none", "string", "number", "time", "date"]
Attributes = Mapping[str, Sequence[str]]

_TOKEN_NAMES: Final = {
    "tag": "tag",
    "string": "string",
    "number": "number",
    "time": "timestamp",
    "date": "datestamp",
    "AND": "AND operator",
    "CONTAINS": "CONTAINS operator",
    "EXISTS": "EXISTS operator",
    "=": "= operator",
    "<": "< operator",
    "<=": "<= operator",
    ">": "> operator",
    ">=": ">= operator",
}
_OPERATORS: Final = ("<=", ">=", "<", ">", "=", "CONTAINS", "EXISTS")
_ORDERED: Final = ("number", "time", "date")
_OPERANDS: Final[dict[str, tuple[str, ...]]] = {
    "<": _ORDERED,
    "<=": _ORDERED,
    ">": _ORDERED,
    ">=": _ORDERED,
    "=": (*_ORDERED, "string"),
    "CONTAINS": ("string",),
}
_BLANK = re.compile(r"\s*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?")
_TAG = re.compile(r"[^\W.\-][\w.\-]*")
_TIME_TEXT = re.compile(r"[-T:+Z0-9]*")
_DATE_TEXT = re.compile(r"[-0-9]*")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
# "8atom" counts as 8: CometBFT compares the digits that an attribute begins with.
_LEADING_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class MalformedQuery(ChainposError):
    """A query that cannot be parsed; the text says at which byte, in CometBFT's words."""


class Condition(msgspec.Struct, frozen=True):
    """One comparison: `key` is "type.attribute", `text` the value as written, without quotes or DATE and TIME."""

    key: str
    operator: Operator
    kind: Kind
    text: str

    def __str__(self) -> str:
        value = {"none": "", "string": f" '{self.text}'", "time": f" TIME {self.text}", "date": f" DATE {self.text}"}
        return f"{self.key} {self.operator}{value.get(self.kind, f' {self.text}')}"

    def accepts(self, value: str) -> bool:
        """Whether one attribute value satisfies the comparison."""
        if self.operator == "EXISTS":
            return True
        if self.operator == "CONTAINS":
            return self.text in value
        if self.kind == "string":
            return value == self.text
        found, wanted = _comparable(self.kind, value), _comparable(self.kind, self.text)
        if found is None or wanted is None:
            return False
        return _COMPARISONS[self.operator](found, wanted)


class Query(msgspec.Struct, frozen=True):
    """Conditions that must all hold. `str()` is the normal form by which two queries are the same."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return " AND ".join(str(condition) for condition in self.conditions)

    def matches(self, attributes: Attributes) -> bool:
        """Whether an event with these attributes ("type.attribute" to its values) satisfies every condition."""
        return bool(attributes) and all(_condition_holds(condition, attributes) for condition in self.conditions)

    def required_value(self, key: str) -> str | None:
        """The text that the query demands of `key` by equality, if it does: what lets a publisher skip it early."""
        for condition in self.conditions:
            if condition.key == key and condition.operator == "=" and condition.kind == "string":
                return condition.text
        return None


def parse_query(text: str) -> Query:
    """The query that `text` says. Raises MalformedQuery."""
    if len(text.encode("utf-8", "replace")) > MAX_QUERY_BYTES:
        raise MalformedQuery("maximum query length exceeded")
    scanner = _Scanner(text)
    conditions = [_parse_condition(scanner)]
    while (token := scanner.next()) is not None:
        if token.kind != "AND":
            raise MalformedQuery(f"offset {token.offset}: got {_TOKEN_NAMES[token.kind]}, want AND operator")
        conditions.append(_parse_condition(scanner))
    return Query(tuple(conditions))


def attributes_of(events: Iterable[tuple[str, Iterable[tuple[str, str]]]]) -> dict[str, list[str]]:
    """Attributes by "type.attribute" from (type, (key, value) pairs). Events and keys without a name are left out."""
    found: dict[str, list[str]] = {}
    for kind, pairs in events:
        if not kind:
            continue
        for key, value in pairs:
            if key:
                found.setdefault(f"{kind}.{key}", []).append(value)
    return found


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


class _Scanner:
    """Tokens of a query. Offsets count bytes, as CometBFT's do."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def offset(self, at: int) -> int:
        return len(self._text[:at].encode("utf-8", "replace"))

    def next(self) -> _Token | None:
        """The next token, or None at the end. Raises MalformedQuery."""
        start = self._at = self._run(_BLANK, self._at)
        if start == len(self._text):
            return None
        for scan in (self._number, self._tag, self._string, self._comparison):
            token = scan(start)
            if token is not None:
                return token
        raise MalformedQuery(f"invalid input {self._text[start]} at offset {self.offset(start + 1)}")

    def _run(self, pattern: re.Pattern[str], at: int) -> int:
        match = pattern.match(self._text, at)
        return match.end() if match else at

    def _take(self, kind: str, start: int, end: int) -> _Token:
        self._at = end
        return _Token(kind, self._text[start:end], self.offset(start))

    def _number(self, start: int) -> _Token | None:
        end = self._run(_NUMBER, start)
        return self._take("number", start, end) if end > start else None

    def _tag(self, start: int) -> _Token | None:
        end = self._run(_TAG, start)
        if end == start:
            return None
        word = self._text[start:end]
        if word in ("AND", "CONTAINS", "EXISTS"):
            return self._take(word, start, end)
        if word in ("TIME", "DATE") and self._text[end : end + 1] == " ":
            return self._moment(word, start, end + 1)
        return self._take("tag", start, end)

    def _moment(self, word: str, start: int, at: int) -> _Token:
        end = self._run(_TIME_TEXT if word == "TIME" else _DATE_TEXT, at)
        kind: Kind = "time" if word == "TIME" else "date"
        text = self._text[at:end]
        moment = _comparable(kind, text)
        if moment is None or not 1900 <= int(text[:4]) <= 2999:
            raise MalformedQuery(f"offset {self.offset(start)}: invalid {word} value")
        self._at = end
        return _Token(kind, text, self.offset(start))

    def _string(self, start: int) -> _Token | None:
        if self._text[start] != "'":
            return None
        end = self._text.find("'", start + 1)
        if end < 0:
            raise MalformedQuery(f"offset {self.offset(start)}: the string is not closed")
        self._at = end + 1
        return _Token("string", self._text[start + 1 : end], self.offset(start))

    def _comparison(self, start: int) -> _Token | None:
        if self._text[start] not in "<>=":
            return None
        wide = self._text[start] != "=" and self._text[start + 1 : start + 2] == "="
        end = start + 2 if wide else start + 1
        return self._take(self._text[start:end], start, end)


def _parse_condition(scanner: _Scanner) -> Condition:
    key = _require(scanner, ("tag",))
    operator = _require(scanner, _OPERATORS)
    if operator.kind == "EXISTS":
        return Condition(key.text, "EXISTS", "none", "")
    operand = _require(scanner, _OPERANDS[operator.kind])
    # Both were just required to be members of these literals.
    return msgspec.convert(
        {"key": key.text, "operator": operator.kind, "kind": operand.kind, "text": operand.text}, Condition
    )


def _require(scanner: _Scanner, kinds: tuple[str, ...]) -> _Token:
    token = scanner.next()
    if token is None:
        raise MalformedQuery(f"offset {scanner.offset(MAX_QUERY_BYTES)}: EOF")
    if token.kind in kinds:
        return token
    names = [_TOKEN_NAMES[kind] for kind in kinds]
    wanted = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
    raise MalformedQuery(f"offset {token.offset}: got {_TOKEN_NAMES[token.kind]}, wanted {wanted}")


def _condition_holds(condition: Condition, attributes: Attributes) -> bool:
    values = attributes.get(condition.key)
    # A key without a dot has no event type, and no condition reaches it.
    if values is not None and "." in condition.key and any(condition.accepts(value) for value in values):
        return True
    # A key that names an event's type alone is compared with the empty text, so that `EXISTS` finds the type.
    prefix = condition.key + "."
    named = any(key.startswith(prefix) and "." not in key[len(prefix) :] for key in attributes)
    return named and condition.accepts("")


_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": comparing.eq,
    "<": comparing.lt,
    "<=": comparing.le,
    ">": comparing.gt,
    ">=": comparing.ge,
}


def _comparable(kind: Kind, text: str) -> Decimal | int | None:
    """A number, or nanoseconds since 1970, or None when `text` is not one of its kind."""
    if kind == "number":
        match = _LEADING_NUMBER.match(text[: MAX_NUMBER_CHARACTERS + 1])
        return Decimal(match.group()) if match and len(match.group()) <= MAX_NUMBER_CHARACTERS else None
    if kind == "time":
        try:
            return parse_rfc3339(text)
        except MalformedTime:
            return None
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups())
    number = day_of_date(year, month, day)
    return number * DAY_S * SECOND_NS if civil_date(number) == (year, month, day) else None

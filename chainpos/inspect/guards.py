"""Where rules say no, read from their own source: which line asks what, and which code it refuses with.

So a trace can name each check with its condition although a rule is plain Python. It refuses nothing: a line that it
does not understand is no check.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msgspec

from chainpos.core import contracts, execution
from chainpos.core.values.text import clean
from chainpos.errors import Code

CONTRACTS: Final = str(Path(next(iter(contracts.__path__))).resolve())
EXECUTION: Final = str(Path(execution.__file__).resolve())
_ROOT: Final = str(Path(CONTRACTS).parent)
# What execution does around a rule; the rest of it is bookkeeping.
EXECUTION_STEPS: Final = frozenset(("read_transaction", "_run", "_remember"))
# Not messages and records: what they read is remembered between runs, and a trace must be the same every time.
_RULES: Final = frozenset(("rules.py", "port.py"))
_LADDERS: Final = frozenset(("require", "found", "require_text"))
_MAX_CONDITION: Final = 160


class Guard(msgspec.Struct, frozen=True):
    """An `if` whose body refuses: the lines of its test and its body, the condition as written, the codes' names."""

    test_low: int
    test_high: int
    body_low: int
    body_high: int
    condition: str
    codes: tuple[tuple[str, ...], ...]

    def refuses(self, line: int) -> bool:
        """Whether the line belongs to its body."""
        return self.body_low <= line <= self.body_high


class Rung(msgspec.Struct, frozen=True):
    """A call such as `ctx.require(condition, CODE)`: its first line, what must hold, and the code."""

    line: int
    condition: str
    code: tuple[str, ...]


class SourceFile(msgspec.Struct, frozen=True):
    """What is known of one file: its guards by the first line of their test, and its rungs by line."""

    guards: Mapping[int, Guard]
    rungs: Mapping[int, Rung]


@lru_cache(maxsize=256)
def is_observed(filename: str) -> bool:
    """Whether the file holds rules, or what execution does around them."""
    if filename == EXECUTION:
        return True
    return filename.startswith(CONTRACTS) and Path(filename).name in _RULES


@lru_cache(maxsize=256)
def short_name(filename: str) -> str:
    """The file's path within core, for people."""
    return filename[len(_ROOT) + 1 :].replace("\\", "/") if filename.startswith(_ROOT) else Path(filename).name


_PARSING: Final = Lock()


@lru_cache(maxsize=256)
def source_file(filename: str) -> SourceFile:
    """The checks of one file. Empty where its source is not there, as in a frozen program."""
    try:
        # CPython up to 3.12 counts its depth for all threads together, and gives up where two parse at once.
        with _PARSING:
            tree = ast.parse(Path(filename).read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return SourceFile({}, {})
    guards: dict[int, Guard] = {}
    rungs: dict[int, Rung] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and (refusals := _refusals_in(node.body)):
            guards[node.test.lineno] = Guard(
                node.test.lineno,
                node.test.end_lineno or node.test.lineno,
                node.body[0].lineno,
                node.body[-1].end_lineno or node.body[-1].lineno,
                _shown(node.test),
                refusals,
            )
        elif isinstance(node, ast.Call) and _called(node) in _LADDERS and node.args:
            code = _dotted(node.args[1]) if len(node.args) > 1 else ()
            rung = Rung(node.lineno, _shown(node.args[0]), code)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                rungs.setdefault(line, rung)
    return SourceFile(guards, rungs)


def resolved(guard: Guard, names: Mapping[str, Any]) -> tuple[Code, ...]:
    """The codes that expressions such as `codes.ALREADY_PAID` name in a module."""
    found = []
    for dotted in guard.codes:
        value: Any = names.get(dotted[0])
        for part in dotted[1:]:
            value = getattr(value, part, None)
        if isinstance(value, Code):
            found.append(value)
    return tuple(found)


def _refusals_in(body: list[ast.stmt]) -> tuple[tuple[str, ...], ...]:
    assigned: dict[str, ast.expr] = {}
    for statement in body:
        if not isinstance(statement, ast.Raise | ast.Return | ast.Assign):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and _called(node) == "Rejected" and node.args:
                code = node.args[0]
                # One code or the other, chosen the line before.
                chosen = assigned.get(code.id, code) if isinstance(code, ast.Name) else code
                parts = (chosen.body, chosen.orelse) if isinstance(chosen, ast.IfExp) else (chosen,)
                return tuple(dotted for part in parts if (dotted := _dotted(part)))
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            assigned[statement.targets[0].id] = statement.value
    return ()


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _dotted(node: ast.expr) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return (*inner, node.attr) if inner else ()
    return ()


def _shown(node: ast.expr) -> str:
    return clean(ast.unparse(node), max_characters=_MAX_CONDITION)

"""House rules as tests: what a reader may rely on in every file. Source of the habit: TigerBeetle's src/tidy.zig."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "chainpos"
CORE = PACKAGE / "core"
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
CAPABILITY_FILES = {
    "README.md", "__init__.py", "codes.py", "events.py", "genesis.py", "invariants.py", "messages.py", "port.py",
    "records.py", "rules.py",
}  # fmt: skip
# What a capability computes without the ledger may have a file of its own.
MORE_FILES = {
    "balances": {"supply.py"}, "compliance": {"preview.py", "watching.py"}, "merchants": {"recovery.py"},
    "settlement": {"clearing.py", "netting.py"},
}  # fmt: skip
# What governance may decide of it, where there is anything.
OPTIONAL_FILES = {"changes.py"}
BANNED_IN_CORE = {
    "asyncio", "datetime", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "shutil", "socket",
    "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "unicodedata", "urllib", "uuid",
}  # fmt: skip
MAY_BE_ASYNC = {"sync", "rpc", "engine", "node", "till", "console", "wallet", "inspect", "pilot", "cli"}
WORDS_THAT_EXPLAIN_NOTHING = {"util", "utils", "helper", "helpers", "manager", "common", "misc", "base", "data", "info"}
TOP_LEVEL = {"pyproject.toml", "README.md", "chainpos", "tests", "themes", "sample_data"}


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "generated" not in path.parts)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def core_nodes() -> Iterator[tuple[Path, ast.AST]]:
    for path in sources(CORE):
        for node in ast.walk(tree(path)):
            yield path, node


def test_core_has_no_float_and_no_true_division() -> None:
    found = [
        where(path, node)
        for path, node in core_nodes()
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div))
        or (isinstance(node, ast.Name) and node.id in {"float", "Decimal"})
    ]
    assert found == []


def is_a_set(node: ast.AST) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"set", "frozenset"}


def test_core_never_walks_over_a_set() -> None:
    found = []
    for path, node in core_nodes():
        walked = [node.iter] if isinstance(node, ast.For | ast.comprehension) else []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"list", "tuple", "iter"}:
            walked += node.args
        found += [where(path, node) for each in walked if is_a_set(each)]
    assert found == []


def test_core_has_no_hash_builtin_no_async_and_no_assert() -> None:
    found = [
        where(path, node)
        for path, node in core_nodes()
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith | ast.Assert)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"hash", "id"})
    ]
    assert found == []


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module]
    return []


def test_core_imports_no_clock_no_entropy_and_no_outside_world() -> None:
    found = [
        where(path, node)
        for path, node in core_nodes()
        for name in imported(node)
        if name.split(".", maxsplit=1)[0] in BANNED_IN_CORE
    ]
    assert found == []


def test_what_core_really_imports_has_no_event_loop_and_no_database() -> None:
    code = "import sys, chainpos.core.execution, chainpos.core.checkout; print(*sorted(sys.modules))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    )
    assert loaded & {"asyncio", "apsw", "sqlite3", "websockets", "textual", "h11", "typer"} == set()


def broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (
        isinstance(handler.type, ast.Name) and handler.type.id in {"Exception", "BaseException"}
    )


def test_core_catches_nothing_broadly() -> None:
    found = [where(p, n) for p, n in core_nodes() if isinstance(n, ast.ExceptHandler) and broad(n)]
    assert found == []


def test_the_package_checks_nothing_by_assert() -> None:
    found = [where(p, n) for p in sources(PACKAGE) for n in ast.walk(tree(p)) if isinstance(n, ast.Assert)]
    assert found == []


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """A function's lines without its docstring, which is read and not executed: a worked day's is its ledger."""
    first = node.body[0]
    told = 0
    if ast.get_docstring(node) is not None:
        told = (first.end_lineno or first.lineno) - first.lineno + 1
    return (node.end_lineno or node.lineno) - node.lineno + 1 - told


@pytest.mark.parametrize("folder", ["chainpos", "tests"])
def test_no_file_and_no_function_outgrows_a_mind(folder: str) -> None:
    found = []
    for path in sources(ROOT / folder):
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > MAX_FILE_LINES:
            found.append(f"{path.relative_to(ROOT)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = code_lines(node)
                if length > MAX_FUNCTION_LINES:
                    found.append(f"{where(path, node)} {node.name}: {length} lines")
    assert found == []


def test_every_capability_has_the_same_files() -> None:
    contracts = CORE / "contracts"
    folders = [path for path in contracts.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert folders
    found = {
        folder.name: ({path.name for path in folder.iterdir() if path.is_file()} - OPTIONAL_FILES)
        ^ (CAPABILITY_FILES | MORE_FILES.get(folder.name, set()))
        for folder in folders
    }
    assert {name: odd for name, odd in found.items() if odd} == {}


def test_only_rooms_that_wait_for_something_are_async() -> None:
    found = [
        where(path, node)
        for path in sources(PACKAGE)
        if len(path.relative_to(PACKAGE).parts) > 1 and path.relative_to(PACKAGE).parts[0] not in MAY_BE_ASYNC
        for node in ast.walk(tree(path))
        if isinstance(node, ast.AsyncFunctionDef)
    ]
    assert found == []


def test_every_room_says_what_it_is() -> None:
    rooms = [PACKAGE / name for name in (
        "core/chain", "core/state", "core/contracts", "core/checkout", "store", "rpc", "sync", "engine", "node",
        "wallet", "till", "inspect", "console", "pilot", "cli",
    )]  # fmt: skip
    assert [str(room.relative_to(PACKAGE)) for room in rooms if not (room / "README.md").is_file()] == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources(PACKAGE)
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(path))
    ]
    assert silent == []


def test_no_name_explains_nothing() -> None:
    found = [
        str(path.relative_to(ROOT))
        for folder in (PACKAGE, ROOT / "tests")
        for path in sources(folder)
        if set(path.stem.lower().split("_")) & WORDS_THAT_EXPLAIN_NOTHING
    ]
    assert found == []


def test_the_top_level_holds_nothing_else() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: what is committed cannot be told from what is not")
    tops = {line.split("/", maxsplit=1)[0] for line in listed.stdout.splitlines()}
    assert {name for name in tops if not name.startswith(".")} - TOP_LEVEL == set()

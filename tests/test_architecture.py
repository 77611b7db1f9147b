"""Rules of the code that no linter checks."""

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import clearline
from clearline.events.event_types import EventType
from clearline.platform.database import migrate

SOURCE = Path(clearline.__file__).parent
TESTS = Path(__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
TEST_FILES = sorted(TESTS.rglob("*.py"))
ALL_FILES = [*FILES, *TEST_FILES]
FRONTEND = sorted(path for path in (TESTS.parent / "frontend" / "src").rglob("*.*") if path.is_file())
FOLDERS = sorted({path.parent for path in [*ALL_FILES, *FRONTEND]})
CAPABILITIES = sorted(
    {path.parent for path in FILES if re.search(r"(^|_)(domain|store|usecases|worker)$", path.stem)}
    - {SOURCE / "platform" / "database"}
)
"""Folders that hold rules, tables or use cases of one thing."""
STORE = [path for path in FILES if path.stem.endswith("store") or path.parent.name == "database"]
READS = {"fetch", "fetchrow", "fetchval"}
WRITES = re.compile(
    r"\binsert\s+into\b|\bdelete\s+from\b|(?<!\bfor )(?<!\bfor no key )\bupdate\b|\btruncate\b|\bmerge\s+into\b",
    re.IGNORECASE,
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE) if path.is_relative_to(SOURCE) else path.relative_to(TESTS.parent))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(parsed(path)))


def text_of(node: ast.expr, module: ModuleType) -> str:
    """Return the text of a statement as far as it is in the code; all texts when it is chosen from a table."""
    match node:
        case ast.Constant():
            return str(node.value)
        case ast.JoinedStr():
            return "".join(text_of(part, module) for part in node.values)
        case ast.Name():
            return str(getattr(module, node.id))
        case ast.Subscript(value=ast.Name(id=name)):
            return " ".join(map(str, getattr(module, name).values()))
        case ast.FormattedValue(value=value) | ast.Call(func=ast.Attribute(value=value, attr="format")):
            return text_of(value, module)
        case ast.Call(func=ast.Name(id=name)):
            return strings_of(getattr(module, name), module)
    raise AssertionError(f"line {node.lineno}: a statement must be a constant: {ast.unparse(node)}")


def strings_of(function: Callable[..., str], module: ModuleType) -> str:
    """Return all strings of a function that builds a statement, and of the names of its module that it uses."""
    nodes = list(ast.walk(ast.parse(inspect.getsource(function))))
    names = {node.id for node in nodes if isinstance(node, ast.Name)} & vars(module).keys()
    constants = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return " ".join(str(value) for value in [*constants, *(getattr(module, name) for name in sorted(names))])


def module_of(path: Path) -> ModuleType:
    return importlib.import_module(".".join(["clearline", *path.relative_to(SOURCE).with_suffix("").parts]))


def reads_in(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each statement with which the module reads."""
    for node in nodes_of(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READS:
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "tx":
                yield node.lineno, text_of(node.args[0], module_of(path))


def public(tree: ast.Module) -> Iterator[Function | ast.ClassDef]:
    """Yield public functions and classes, and the public methods of public classes."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                waiting += node.body


def faults(paths: Collection[Path], faults_of: Callable[[Path], list[Any]]) -> dict[str, list[Any]]:
    """Return the faults of each path that has any. A test for each path would take ten times as long."""
    assert paths
    return {name_of(path): found for path in paths if (found := faults_of(path))}


def test_no_file_has_more_than_400_lines() -> None:
    assert faults([*ALL_FILES, *FRONTEND], lambda path: path.read_text(encoding="utf-8").splitlines()[400:]) == {}


def test_no_function_has_more_than_60_lines() -> None:
    def long_functions(path: Path) -> list[str]:
        functions = [node for node in nodes_of(path) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        return [function.name for function in functions if (function.end_lineno or 0) - function.lineno + 1 > 60]

    assert faults(ALL_FILES, long_functions) == {}


def test_no_folder_has_more_than_15_files() -> None:
    def files(folder: Path) -> list[Path]:
        return [path for path in folder.glob("*.*") if path in counted]

    counted = {path for path in [*ALL_FILES, *FRONTEND] if path.name != "__init__.py"}
    assert faults(FOLDERS, lambda folder: files(folder)[15:]) == {}


def test_no_test_patches_our_modules_by_their_names() -> None:
    """A rename does not change a name in a string, and no type checker sees the replacement."""

    def patches(path: Path) -> list[str]:
        calls = [
            ast.unparse(node)
            for node in nodes_of(path)
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("patch.setattr", "patch.delattr"))
        ]
        return [call for call in calls if re.search(r"attr\(f?'clearline\b", call)]

    assert faults(TEST_FILES, patches) == {}


def test_only_the_clock_reads_the_time_of_day() -> None:
    def reading(path: Path) -> list[str]:
        calls = [ast.unparse(node.func) for node in nodes_of(path) if isinstance(node, ast.Call)]
        return [call for call in calls if re.search(r"\b(datetime|date)\.(now|utcnow|today)$|\btime\.time$", call)]

    assert faults(FILES, reading) == {"clock.py": ["datetime.now"]}


def test_everything_public_has_a_docstring() -> None:
    def without(path: Path) -> list[str]:
        return [node.name for node in public(parsed(path)) if not ast.get_docstring(node)]

    assert faults(FILES, without) == {}


def test_a_statement_that_reads_does_not_write() -> None:
    def writing(path: Path) -> list[int]:
        return [line for line, statement in reads_in(path) if WRITES.search(statement)]

    assert faults(STORE, writing) == {}


def test_the_search_for_statements_finds_them() -> None:
    assert sum(len(list(reads_in(path))) for path in STORE) >= 15
    assert WRITES.search("with deleted as (delete from note) select 1")
    assert not WRITES.search("select updated_at from ticket for update")


def test_no_test_imports_another_test() -> None:
    """Shared code of tests is in tests/builders, so that changing a test cannot break another one."""

    def imported(path: Path) -> list[str]:
        names = [
            f"{node.module}.{alias.name}"
            for node in nodes_of(path)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        ]
        return [name for name in names if re.match(r"tests\.(.*\.)?(test_|conftest\b)", name)]

    assert faults(TEST_FILES, imported) == {}


def test_the_design_lists_every_capability_and_no_other() -> None:
    page = (TESTS.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", page.partition("\n## Capabilities\n")[2], flags=re.MULTILINE)[0]
    listed = re.findall(r"^\| `src/clearline/([a-z_/]+)/` \|", section, flags=re.MULTILINE)
    packages = [path.parent.relative_to(SOURCE) for path in FILES if path.name == "__init__.py"]
    shown = {path.as_posix() for path in packages if len(path.parts) in {1, 2} and path.parts[:1] != ("cli",)} | {"cli"}
    assert sorted(listed) == sorted(shown)


@cache
def tables() -> set[str]:
    """Return every table that a migration creates."""
    migrations = (SOURCE / "platform" / "database" / "migrations").glob("*.sql")
    return {
        name for path in migrations for name in re.findall(r"(?i)\bcreate table ([a-z_]+)", path.read_text("utf-8"))
    }


def tables_named_in(path: Path) -> set[str]:
    """Return the tables that the statements of a store name."""
    texts = [node.value for node in nodes_of(path) if isinstance(node, ast.Constant)]
    statements = " ".join(text for text in texts if isinstance(text, str))
    return {*re.findall(r"(?i)\b(?:from|join|into|update)\s+([a-z_]+)", statements)} & tables()


@pytest.mark.parametrize("folder", CAPABILITIES, ids=name_of)
def test_a_capability_names_its_purpose_its_tables_and_its_events(folder: Path) -> None:
    docstring = ast.get_docstring(parsed(folder / "__init__.py"))
    assert docstring is not None
    _summary, tables_line, events_line = docstring.splitlines()
    named = set().union(*map(tables_named_in, folder.glob("*store.py")))
    assert tables_line.startswith("Tables: ")
    assert {*re.findall(r"\w+", tables_line)} & tables() == named
    assert events_line.startswith("Events: ")
    assert {*re.findall(r"[a-z_]+\.[a-z_]+", events_line)} <= {*EventType}


def numbers_of_seconds(path: Path) -> Iterator[int]:
    """Yield the lines with a timeout that is a bare number."""
    for node in nodes_of(path):
        if not isinstance(node, ast.Call) or ast.unparse(node.func).endswith(("SMTP", "Counted", "fetchval")):
            continue
        timeouts = [keyword.value for keyword in node.keywords if keyword.arg == "timeout"]
        if ast.unparse(node.func) in {"asyncio.timeout", "asyncio.wait_for"}:
            timeouts += node.args[-1:]
        if any(isinstance(timeout, ast.Constant) and isinstance(timeout.value, int | float) for timeout in timeouts):
            yield node.lineno


def test_every_timeout_of_a_test_is_stretched_to_the_load_of_the_machine() -> None:
    assert faults(TEST_FILES, lambda path: list(numbers_of_seconds(path))) == {}


FIRST_COMPATIBLE = 73
"""The first migration that says which servers work with what it leaves behind. Those before are breaking."""
COMPATIBLE = re.compile(r"^-- Compatible: (?:yes|no|since \d{4})(?:, because [^\n]+)?$", re.MULTILINE)


def test_every_migration_says_whether_older_servers_work_with_it() -> None:
    """With ``-- Compatible: yes``, ``no`` or ``since NNNN``; see CONTRIBUTING.md."""
    silent = [
        migration.label
        for migration in migrate.known()
        if migration.number >= FIRST_COMPATIBLE and not COMPATIBLE.search(migration.sql)
    ]
    assert silent == []

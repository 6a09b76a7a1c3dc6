"""The floors of the house, read from the imports: a file imports only from floors below its own."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OURS = "agentsview_assets"
FOLDERS = (OURS, "resources", "schemas")
"""The last two are parts of the package that lie beside it; links in it lead there."""

# Module or package -> floor; the longest name that fits decides.
FLOORS = {
    "agentsview_assets.schemas": 0,
    "agentsview_assets.rules": 1,
    "agentsview_assets.resources": 2,
    "agentsview_assets.documents": 3,
    "agentsview_assets.assets": 4,
    "agentsview_assets.partitions": 4,
    "agentsview_assets.checks": 4,
    "agentsview_assets.automation": 5,
    "agentsview_assets.connections": 4,
    "agentsview_assets.outcome": 4,
    "agentsview_assets.planning": 4,
    "agentsview_assets.repricing": 5,
    "agentsview_assets.running": 5,
    "agentsview_assets.build": 5,
    "agentsview_assets.component": 5,
    "agentsview_assets.definitions": 5,
    "agentsview_assets.keeping_out": 4,
    "agentsview_assets.giving_up": 5,
    "agentsview_assets.materializing": 5,
    "agentsview_assets.cli": 5,
    "agentsview_assets.ui": 5,
    "agentsview_assets.web": 5,
    "agentsview_assets.worker": 5,
    "agentsview_assets.__main__": 5,
    "agentsview_assets.interrupted": 5,
}

# What every floor may use: it imports nothing of ours but itself.
COMMON = (
    "agentsview_assets",
    "agentsview_assets.addresses",
    "agentsview_assets.archive_urls",
    "agentsview_assets.errors",
    "agentsview_assets.files",
    "agentsview_assets.queues",
    "agentsview_assets.settings",
    "agentsview_assets.warehouse_urls",
)

# Recipes kept beside the data that they make; nobody imports them.
RECIPES = "agentsview_assets/data"

ORCHESTRATION = {"dagster", "dagster_duckdb", "dagster_postgres", "dagster_webserver"}
FRAMES = {"pandas", "pandera", "pyarrow"}
OUTSIDE = {"socket", "subprocess", "urllib.request", "http", "requests", "adbc_driver_sqlite", "os"}
DATABASES = {"sqlite3", "duckdb"}
MOST_LINES, MOST_LINES_OF_A_CLASS = 350, 150


def _modules() -> list[Path]:
    found = [path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py")]
    return sorted(path for path in found if RECIPES not in path.as_posix())


def _name(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    inside = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(inside if inside[0] == OURS else (OURS, *inside))


def _fits(module: str, name: str) -> bool:
    return module == name or module.startswith(f"{name}.")


def _floor(module: str) -> int | None:
    fitting = [name for name in FLOORS if _fits(module, name)]
    return FLOORS[max(fitting, key=len)] if fitting else None


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path: Path, *, at_run_time: bool = False) -> Iterator[str]:
    """Every module imported anywhere in a file.

    Args:
        path: The file.
        at_run_time: Leave out what only type checkers import.
    """
    pending: list[ast.AST] = [_tree(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield from _imported_from(node.module, [alias.name for alias in node.names])
        elif at_run_time and isinstance(node, ast.If) and _is_for_types_only(node):
            pending.extend(node.orelse)
        else:
            pending.extend(ast.iter_child_nodes(node))


def _imported_from(module: str, names: list[str]) -> Iterator[str]:
    """`from package import module` imports the module, `from module import name` the module."""
    folder = REPOSITORY.joinpath(*module.split("."))
    for name in names:
        inner = folder / name
        is_module = inner.with_suffix(".py").exists() or (inner / "__init__.py").exists()
        yield f"{module}.{name}" if is_module else module


def _is_for_types_only(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _calls(path: Path) -> set[str]:
    """The last name of every function and method called in a file."""
    nodes = ast.walk(_tree(path))
    return {_called(node) for node in nodes if isinstance(node, ast.Call)}


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _is_ours(module: str) -> bool:
    return _fits(module, OURS)


def _tops(path: Path, *, at_run_time: bool = False) -> set[str]:
    return {name.partition(".")[0] for name in _imports(path, at_run_time=at_run_time)}


def _of(*packages: str) -> list[Path]:
    return [p for p in _modules() if any(_fits(_name(p), package) for package in packages)]


def _offenders(paths: list[Path], is_wrong: Callable[[Path], object]) -> dict[str, object]:
    """What is wrong, by the module in which it was found."""
    assert paths
    found = {_name(path): is_wrong(path) for path in paths}
    return {name: wrong for name, wrong in found.items() if wrong}


def _lowest_floors() -> list[Path]:
    return _of("agentsview_assets.schemas", "agentsview_assets.rules")


def test_every_file_stands_on_a_floor():
    assert not _offenders(
        _modules(), lambda path: _name(path) not in COMMON and _floor(_name(path)) is None
    )


def test_a_file_imports_only_from_its_own_floor_and_those_below():
    assert not _offenders(_modules(), _from_above)


def _from_above(path: Path) -> list[str]:
    own = _floor(_name(path))
    ours = [module for module in _imports(path) if _is_ours(module) and module not in COMMON]
    return ours if own is None else [module for module in ours if (_floor(module) or 0) > own]


def test_the_two_lowest_floors_reach_nothing_outside():
    reading = {"open", "read_text", "write_text", "read_bytes", "write_bytes"}
    paths = _lowest_floors()
    assert not _offenders(paths, lambda path: {*_imports(path)} & OUTSIDE)
    assert not _offenders(paths, lambda path: _calls(path) & reading)


def test_a_database_of_theirs_is_private_and_in_memory():
    users = [p for p in _lowest_floors() if _tops(p, at_run_time=True) & DATABASES]
    assert not _offenders(users, lambda path: not _opened(path))
    assert not _offenders(
        users, lambda path: [found for found in _opened(path) if found not in ([], [":memory:"])]
    )


def _opened(path: Path) -> list[list[object]]:
    return [
        [ast.literal_eval(argument) for argument in call.args]
        for call in ast.walk(_tree(path))
        if isinstance(call, ast.Call) and _called(call) == "connect"
    ]


def test_rules_know_no_frames_of_pandas():
    paths = _of("agentsview_assets.rules")
    assert not _offenders(paths, lambda path: _tops(path) & {"pandas", "pandera"})


def test_below_the_assets_only_resources_know_dagster():
    paths = [p for p in _modules() if (_floor(_name(p)) or 0) < 4]
    paths = [p for p in paths if not _fits(_name(p), "agentsview_assets.resources")]
    assert not _offenders(paths, lambda path: _tops(path) & ORCHESTRATION)


def test_documents_import_what_starts_fast():
    paths = _of("agentsview_assets.documents")
    assert not _offenders(
        paths, lambda path: _tops(path, at_run_time=True) & (ORCHESTRATION | FRAMES)
    )


def test_the_command_line_imports_what_is_heavy_only_inside_functions():
    heavy = ORCHESTRATION | FRAMES | {"duckdb", f"{OURS}.resources", f"{OURS}.schemas"}
    assert not _offenders(
        _of("agentsview_assets.cli"),
        lambda path: [n for n in _at_import(path) if any(_fits(n, name) for name in heavy)],
    )


def _at_import(path: Path) -> list[str]:
    """What a file imports outside of its functions, what is for types left out."""
    body = _tree(path).body
    names = [a.name for node in body if isinstance(node, ast.Import) for a in node.names]
    names += [str(node.module) for node in body if isinstance(node, ast.ImportFrom)]
    return names


def test_what_everybody_uses_uses_the_standard_library_alone():
    paths = [REPOSITORY.joinpath(*name.split(".")).with_suffix(".py") for name in COMMON[1:]]
    foreign = {"click", "duckdb", "yaml", "pydantic", "sqlalchemy"} | ORCHESTRATION | FRAMES
    assert not _offenders(paths, lambda path: _tops(path) & foreign)


def test_nothing_that_is_shipped_imports_the_tests():
    foreign = {"tests", "benchmarks", "pytest", "hypothesis"}
    assert not _offenders(_modules(), lambda path: _tops(path) & foreign)


def test_files_and_classes_are_read_in_one_go():
    assert not _offenders(_modules(), _too_long)


def _too_long(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").count("\n")
    classes = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.ClassDef)]
    long = [c.name for c in classes if (c.end_lineno or 0) - c.lineno >= MOST_LINES_OF_A_CLASS]
    return [*long, *([f"{lines} lines"] if lines > MOST_LINES else [])]


def test_no_name_of_a_floor_is_left_over():
    optional = {"agentsview_assets.checks", "agentsview_assets.automation"}
    names = {_name(path) for path in _modules()}
    unused = {f for f in FLOORS if not any(_fits(name, f) for name in names)}
    assert unused <= optional

"""The floors of the house, read from the imports: a file imports only from floors below its own."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("agentsview_assets", "resources", "schemas")

# Module or package -> floor; the longest name that fits decides.
FLOORS = {
    "schemas": 0,
    "agentsview_assets.transforms": 1,
    "resources": 2,
    "agentsview_assets.documents": 3,
    "agentsview_assets.assets": 4,
    "agentsview_assets.partitions": 4,
    "agentsview_assets.checks": 4,
    "agentsview_assets.automation": 5,
    "agentsview_assets.connections": 4,
    "agentsview_assets.planning": 4,
    "agentsview_assets.repricing": 5,
    "agentsview_assets.running": 5,
    "agentsview_assets.build": 5,
    "agentsview_assets.definitions": 5,
    "agentsview_assets.keeping_out": 5,
    "agentsview_assets.giving_up": 5,
    "agentsview_assets.materializing": 5,
    "agentsview_assets.cli": 5,
    "agentsview_assets.ui": 5,
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
    "agentsview_assets.settings",
    "agentsview_assets.warehouse_urls",
)

# Recipes kept beside the data that they make; nobody imports them.
RECIPES = "agentsview_assets/data"

ORCHESTRATION = {"dagster", "dagster_duckdb", "dagster_postgres", "dagster_webserver"}
FRAMES = {"pandas", "pandera", "pyarrow"}
OUTSIDE = {"socket", "subprocess", "urllib.request", "http", "requests", "adbc_driver_sqlite", "os"}
DATABASES = {"sqlite3", "duckdb"}


def _modules() -> list[Path]:
    found = [path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py")]
    return sorted(path for path in found if RECIPES not in path.as_posix())


def _name(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _fits(module: str, name: str) -> bool:
    return module == name or module.startswith(f"{name}.")


def _floor(module: str) -> int | None:
    fitting = [name for name in FLOORS if _fits(module, name)]
    return FLOORS[max(fitting, key=len)] if fitting else None


def _imports(path: Path, *, at_run_time: bool = False) -> Iterator[str]:
    """Every module imported anywhere in a file.

    Args:
        path: The file.
        at_run_time: Leave out what only type checkers import.
    """
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
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
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {_called(node) for node in nodes if isinstance(node, ast.Call)}


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


def _tops(path: Path, *, at_run_time: bool = False) -> set[str]:
    return {name.partition(".")[0] for name in _imports(path, at_run_time=at_run_time)}


def _of(*packages: str) -> list[Path]:
    return [p for p in _modules() if any(_fits(_name(p), package) for package in packages)]


def _ids(path: Path) -> str:
    return _name(path)


@pytest.mark.parametrize("path", _modules(), ids=_ids)
def test_every_file_stands_on_a_floor(path):
    assert _name(path) in COMMON or _floor(_name(path)) is not None


@pytest.mark.parametrize("path", _modules(), ids=_ids)
def test_a_file_imports_only_from_its_own_floor_and_those_below(path):
    own = _floor(_name(path))
    ours = [module for module in _imports(path) if _is_ours(module) and module not in COMMON]
    if own is None:
        assert ours == []
    above = [module for module in ours if own is not None and (_floor(module) or 0) > own]
    assert above == []


@pytest.mark.parametrize("path", _of("schemas", "agentsview_assets.transforms"), ids=_ids)
def test_the_two_lowest_floors_reach_nothing_outside(path):
    assert {*_imports(path)} & OUTSIDE == set()
    assert _calls(path) & {"open", "read_text", "write_text", "read_bytes", "write_bytes"} == set()


@pytest.mark.parametrize("path", _of("schemas", "agentsview_assets.transforms"), ids=_ids)
def test_a_database_of_theirs_is_private_and_in_memory(path):
    if _tops(path, at_run_time=True) & DATABASES:
        opened = [
            [ast.literal_eval(argument) for argument in call.args]
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(call, ast.Call) and _called(call) == "connect"
        ]
        assert opened
        assert all(arguments in ([], [":memory:"]) for arguments in opened)


@pytest.mark.parametrize("path", _of("agentsview_assets.transforms"), ids=_ids)
def test_transforms_know_no_frames_of_pandas(path):
    assert _tops(path) & {"pandas", "pandera"} == set()


@pytest.mark.parametrize(
    "path",
    [p for p in _modules() if (_floor(_name(p)) or 0) < 4 and not _fits(_name(p), "resources")],
    ids=_ids,
)
def test_below_the_assets_only_resources_know_dagster(path):
    assert _tops(path) & ORCHESTRATION == set()


@pytest.mark.parametrize("path", _of("agentsview_assets.documents"), ids=_ids)
def test_documents_import_what_starts_fast(path):
    assert _tops(path, at_run_time=True) & (ORCHESTRATION | FRAMES) == set()


@pytest.mark.parametrize("path", _of("agentsview_assets.cli"), ids=_ids)
def test_the_command_line_imports_what_is_heavy_only_inside_functions(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    heavy = ORCHESTRATION | FRAMES | {"duckdb", "resources", "schemas"}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
            assert {str(name).partition(".")[0] for name in names} & heavy == set()


@pytest.mark.parametrize("name", COMMON[1:])
def test_what_everybody_uses_uses_the_standard_library_alone(name):
    path = REPOSITORY.joinpath(*name.split(".")).with_suffix(".py")
    foreign = {"click", "duckdb", "yaml", "pydantic", "sqlalchemy"} | ORCHESTRATION | FRAMES
    assert _tops(path) & foreign == set()


@pytest.mark.parametrize("path", _modules(), ids=_ids)
def test_nothing_that_is_shipped_imports_the_tests(path):
    assert _tops(path) & {"tests", "benchmarks", "pytest", "hypothesis"} == set()


def test_no_name_of_a_floor_is_left_over():
    optional = {"agentsview_assets.checks", "agentsview_assets.automation"}
    names = {_name(path) for path in _modules()}
    unused = {f for f in FLOORS if not any(_fits(name, f) for name in names)}
    assert unused <= optional

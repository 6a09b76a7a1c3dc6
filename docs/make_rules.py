"""Write rules/rule_digests.py, a digest of the rules that make each table: `make docs`.

What belongs here: which rules make which table, and what of their code counts. What does not: what
becomes of a digest (`rules.versions`).

The digest of a table is over its contract and over all that its rules name in `rules`, one
definition at a time: a changed clamp moves the tables that it clamps for, and no other. Comments,
docstrings, annotations, layout and the comments in SQL do not count.
"""

# ruff: noqa: INP001 - a folder of documents with the recipes of some of them, not a package

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from agentsview_assets.schemas import CONTRACTS, HISTORIES, TableContract

PACKAGE = Path(__file__).parents[1] / "agentsview_assets"
PAGE = PACKAGE / "rules" / "rule_digests.py"
_RULES = "agentsview_assets.rules"

_CREDENTIALS = ("secrets.clean", "secrets.clean_identifier")
_TEXTS = (*_CREDENTIALS, "text.storable")
_TIMES = ("timestamps.parse_rfc3339", "julian.julian_day", "julian.utc_date")
_MESSAGES = ("landing.MESSAGE_TIMES", "landing.TIMED_MESSAGES", "landing.ODD_MESSAGE_TIMES")
_PRICES = ("rates.price_tables", "pricing.PricingTable")
ROOTS: Mapping[str, tuple[str, ...]] = {
    "sessions": (
        *_TEXTS, *_TIMES, *_MESSAGES, "landing.MESSAGE_TOTALS", "landing.ANSWER_TIMES",
        "landing.SESSIONS",
        "worktrees.worktrees_of", "slices.SESSIONS",
    ),
    "usage_rows": (
        *_TEXTS, *_TIMES, *_MESSAGES, "landing.MESSAGE_TOKENS", "landing.ODD_MESSAGE_USAGE",
        "landing.STARTS", "landing.MESSAGE_USAGE", "event_order.ORDERED_EVENTS",
        "landing.EVENT_USAGE", "landing.CURSOR_USAGE",
        "token_usage.parse_token_usage", "token_usage.clamp_message_tokens", "slices.USAGE_ROWS",
    ),
    "activity_intervals": (
        *_TEXTS, *_TIMES, *_MESSAGES, "landing.STARTS", "landing.INTERVALS",
        "slices.ACTIVITY_INTERVALS",
    ),
    "project_observations": (
        *_TEXTS, "remotes.presentable_remote", "paths.file_directory",
        "disk_evidence.RecordingDisk", "identity_rows.identity_rows",
    ),
    "machines": (*_TEXTS, "machines.machines"),
    "model_pricing": _TEXTS,
    "archive_sessions": (
        "entries.ENTRIES", "entries.LEDGER_ROWS", "entries.ROW_DIGEST", "entries.CONTENT_DIGESTS",
        "entries.EXPECTED_DAYS",
    ),
    "duplicates": ("duplicates.OWN_VERDICTS", "duplicates.ALL_VERDICTS"),
    "session_copies": ("duplicates.COPIES",),
    "project_identities": ("identity_rows.identity_rows",),
    "effective_pricing": _PRICES,
    "model_rates": (*_PRICES, "rates.model_rates"),
    "daily_usage": ("reports.daily_usage",),
    "activity_buckets": ("reports.activity_buckets",),
    "session_model_usage": ("reports.session_model_usage",),
    "session_summaries": ("reports.session_summaries",),
}  # fmt: skip
"""The rules of each table, as names in `rules`; what they name in turn is found."""
LEDGER = ("sessions", "usage_rows", "activity_intervals", "archive_sessions")
"""Tables by whose rules sessions land: when one of them changes, every session is read again."""

_HEAD = '"""Digests of the rules of this release, by table; written by `docs/make_rules.py`."""'
_NOT_CODE = {"annotation", "returns", "type_comment", "type_params", "kind", "ctx", "lineno"}


class Symbol(NamedTuple):
    """A definition at the top of a module."""

    module: str
    name: str


class Rules:
    """The definitions of the folder of rules, and what each of them names.

    Attributes:
        folder: Its Python files, of which no two have the same name.
    """

    def __init__(self, folder: Path = PACKAGE / "rules") -> None:
        self.folder = folder

    @cached_property
    def _modules(self) -> dict[str, ast.Module]:
        return {
            path.stem: ast.parse(path.read_text(encoding="utf-8"))
            for path in sorted(self.folder.rglob("*.py"))
            if path.stem != "__init__"
        }

    @cached_property
    def definitions(self) -> dict[Symbol, list[ast.stmt]]:
        """What each name at the top of a module is; a name may be given in several statements."""
        found: dict[Symbol, list[ast.stmt]] = {}
        for module, tree in self._modules.items():
            for statement in tree.body:
                for name in _names_given(statement):
                    found.setdefault(Symbol(module, name), []).append(statement)
        return found

    @cached_property
    def _imports(self) -> dict[str, dict[str, Symbol]]:
        """By module, what each imported name is; modules are symbols without a name."""
        return {
            module: dict(_imported(tree, self._modules)) for module, tree in self._modules.items()
        }

    def reached(self, roots: tuple[str, ...]) -> set[Symbol]:
        """All definitions that some of them name, directly or not.

        Raises:
            KeyError: A root is not defined.
        """
        pending = [Symbol(*root.split(".")) for root in roots]
        for root in pending:
            self.definitions[root]
        found: set[Symbol] = set()
        while pending:
            symbol = pending.pop()
            if symbol in found:
                continue
            found.add(symbol)
            pending += [
                named
                for statement in self.definitions[symbol]
                for named in self._named(symbol.module, statement)
                if named in self.definitions
            ]
        return found

    def _named(self, module: str, statement: ast.stmt) -> Iterator[Symbol]:
        imports = self._imports[module]
        for node in _code_of(statement):
            if isinstance(node, ast.Name):
                yield imports.get(node.id, Symbol(module, node.id))
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                owner = imports.get(node.value.id)
                if owner is not None and not owner.name:
                    yield Symbol(owner.module, node.attr)

    def texts(self, roots: tuple[str, ...]) -> list[str]:
        """The code that some rules consist of."""
        symbols = self.reached(roots)
        return sorted({_text(s) for symbol in symbols for s in self.definitions[symbol]})


def _names_given(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, ast.AnnAssign):
        return [statement.target.id] if isinstance(statement.target, ast.Name) else []
    if isinstance(statement, ast.Assign):
        targets = [node for target in statement.targets for node in ast.walk(target)]
        return [node.id for node in targets if isinstance(node, ast.Name)]
    return []


def _imported(tree: ast.Module, modules: Mapping[str, object]) -> Iterator[tuple[str, Symbol]]:
    for statement in tree.body:
        if not isinstance(statement, ast.ImportFrom) or statement.module is None:
            continue
        if not f"{statement.module}.".startswith(f"{_RULES}."):
            continue
        for alias in statement.names:
            name = alias.asname or alias.name
            module = statement.module.rsplit(".", 1)[1]
            if module in modules:
                yield name, Symbol(module, alias.name)
            elif alias.name in modules:
                yield name, Symbol(alias.name, "")


def _is_docstring(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    """What of a node counts: not how it is annotated, documented or laid out."""
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            value = [item for item in value if not _is_docstring(item)]
        # Releases of Python differ in which empty fields they have.
        if name not in _NOT_CODE and value is not None and value != []:
            yield name, value


def _code_of(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for _, value in _fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code_of(child)


def _text(value: object) -> str:
    if isinstance(value, ast.AST):
        inner = ",".join(f"{name}={_text(v)}" for name, v in _fields(value))
        return f"{type(value).__name__}({inner})"
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    return repr(_plain(value)) if isinstance(value, str) else repr(value)


def _plain(text: str) -> str:
    """A text of several lines without the comments of SQL, and with single spaces."""
    if "\n" not in text:
        return text
    return " ".join(re.sub(r"(?m)^\s*-- .*$", "", text).split())


def _contract(contract: TableContract) -> list[str]:
    """What a contract promises, without its words."""
    promised = (
        (c.name, c.kind, c.nullable, c.unit, c.closed, c.pattern, c.least) for c in contract.columns
    )
    shape = (contract.name, contract.key, contract.partition_column)
    if contract.shared_by is not None:
        shape = (*shape, contract.shared_by)
    return [repr(shape), *map(repr, promised)]


def _digest(texts: list[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def digests(rules: Rules) -> dict[str, str]:
    """The digest of each table's rules, of those by which sessions land, and of credentials."""
    tables = {
        name: _digest(_contract(CONTRACTS[name]) + rules.texts(roots))
        for name, roots in ROOTS.items()
    }
    return {
        **tables,
        "landing": _digest([tables[name] for name in LEDGER]),
        "credentials": _digest(rules.texts(_CREDENTIALS)),
    }


def render(before: str) -> str:
    """The page: digests, and a generation that rises whenever one of them changes.

    Args:
        before: The page as it is.
    """
    missing = set(CONTRACTS) - set(HISTORIES) - set(ROOTS)
    if missing:
        raise KeyError(f"no rules are named for {', '.join(sorted(missing))}")
    found = digests(Rules())
    known = re.search(r"(?m)^GENERATION = (\d+)$", before)
    listed = "".join(f'    "{name}": "{digest}",\n' for name, digest in found.items())
    table = f"DIGESTS = {{\n{listed}}}\n"
    generation = (int(known[1]) if known else 0) + (0 if table in before else 1)
    return f"{_HEAD}\n\nGENERATION = {generation}\n{table}"


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    PAGE.write_text(render(page), encoding="utf-8")

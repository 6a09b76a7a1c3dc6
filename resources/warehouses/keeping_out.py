"""Credentials in a warehouse's tables: finding them, and taking them out where they are.

Nothing lands with a credential in it. Rows that an earlier version wrote, or another program, may
hold some all the same, and their archive may be out of reach: they are mended in place.

What belongs here: which texts of which tables, and the statements that change them. What does not:
what a credential looks like, and the bytes that stay behind in a file (`warehouses.rewriting`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE
from agentsview_assets.resources.warehouses.sql_store import SqlStore
from agentsview_assets.rules.credentials.in_remotes import without_credentials
from agentsview_assets.rules.credentials.secrets import SUSPECT, clean, clean_identifier
from agentsview_assets.rules.identities import identity_key
from agentsview_assets.rules.remotes import presentable_remote
from agentsview_assets.schemas import STORED, Column, TableContract
from agentsview_assets.warehouse_urls import Kind

_MATCHES: dict[Kind, str] = {
    "duckdb": "regexp_matches({}, ?, 'i')",
    "postgresql": "{} ~* ?",
}
"""Conditions that a text is a suspect; SQLite has none, and its texts are looked at here."""
_FEW = 20_000
"""Suspects of a table up to which they are told apart here."""
_SMALL = 5_000
"""Rows of a table up to which its texts are looked at here, together with those of others."""
_Place = tuple[str, str]
"""A table and a column."""
_IDENTIFIERS = frozenset(
    {"session_id", "parent_session_id", "dedup_key", "row_id", "archive_id",
     "counting_archive_id", "counting_row_id", "canonical_archive_id"}
)  # fmt: skip
_RULES: dict[str, Callable[[str], str]] = {
    "git_remote": presentable_remote,
    "normalized_remote": lambda name: clean(without_credentials(name)),
    **dict.fromkeys(_IDENTIFIERS, clean_identifier),
}
_REMOTES = frozenset({"git_remote", "normalized_remote"})
_IDENTITY_OF = {"normalized_remote": "git_remote", "root_path": "root_path"}


class Find(NamedTuple):
    """A column that holds credentials.

    Attributes:
        contract: Its table.
        column: Its name.
        texts: The texts without their credentials, by the texts as they are.
    """

    contract: TableContract
    column: str
    texts: dict[str, str]


class Asks(Protocol):
    """Runs a query with `?` placeholders."""

    def __call__(self, sql: str, parameters: Sequence[object] = (), /) -> list[tuple[Any, ...]]:
        """Fetches all its rows."""


class Rows(NamedTuple):
    """Rows of a table, as SQL of a FROM clause, and how many there are."""

    sql: str
    number: int


def find_credentials(
    ask: Asks, kind: Kind, relations: Mapping[str, Rows] | None = None
) -> Iterator[Find]:
    """Looks for credentials in every text column of every table.

    Args:
        ask: Asks the warehouse.
        kind: What it is.
        relations: Tables to look through, with the rows of them to look at; all rows of all
            tables if not given.
    """
    suspects: dict[_Place, Collection[str]] = {}
    few: dict[_Place, set[str]] = {}
    for contract in STORED.values():
        names = [column.name for column in text_columns(contract)]
        if not names or (relations is not None and contract.name not in relations):
            continue
        rows, count = relations[contract.name] if relations else _all_rows(ask, contract)
        if count <= _SMALL:
            few |= {
                (contract.name, n): t for n, t in zip(names, _texts(ask, rows, names), strict=True)
            }
        else:
            suspects |= {(contract.name, n): t for n, t in _suspects(ask, kind, rows, names)}
    # Reading the pattern takes longer than matching it: small tables are done with one reading.
    told = {place: texts for place, texts in few.items() if place[1] not in _REMOTES}
    suspects |= few | dict(zip(told, _matching([*told.values()]), strict=True))
    for contract in STORED.values():
        for column in text_columns(contract):
            rule = _RULES.get(column.name, clean)
            found = sorted(suspects.get((contract.name, column.name), ()))
            changed = {text: new for text in found if (new := rule(text)) != text}
            if changed:
                yield Find(contract, column.name, changed)


def _all_rows(ask: Asks, contract: TableContract) -> Rows:
    return Rows(contract.name, int(ask(f"SELECT COUNT(*) FROM {contract.name}")[0][0]))


Fingerprints = Mapping[str, str]
"""A number for all texts of a table's rows, by day ('' where it has none)."""


class Texts(NamedTuple):
    """What can be said of a table's texts without looking at each.

    Attributes:
        fingerprints: Tell whether they are those of before.
        rows: How many rows there are, by day.
        longest: The characters of the longest text, by column.
    """

    fingerprints: Fingerprints
    rows: Mapping[str, int]
    longest: Mapping[str, int]


def texts_of(ask: Asks, contract: TableContract) -> Texts:
    """Describes the texts of a table in DuckDB, which can tell a text's hash fast."""
    names = [column.name for column in text_columns(contract)]
    if not names:
        return Texts({}, {}, {})
    day = f"CAST({contract.partition_column} AS VARCHAR)" if contract.partition_column else "''"
    lengths = ", ".join(f"MAX(LENGTH({name}))" for name in names)
    found = ask(
        f"SELECT {day}, CAST(SUM(CAST(hash({', '.join(names)}) AS HUGEINT)) AS VARCHAR), "
        f"COUNT(*), {lengths} FROM {contract.name} GROUP BY 1"
    )
    longest = [[int(n or 0) for n in lengths] for _, _, _, *lengths in found]
    return Texts(
        {str(place): str(number) for place, number, *_ in found},
        {str(place): int(count) for place, _, count, *_ in found},
        dict(zip(names, map(max, zip(*longest, strict=True)), strict=True)) if longest else {},
    )


def others(now: Mapping[str, Texts], before: Mapping[str, Fingerprints]) -> dict[str, Rows]:
    """The tables of which some texts are not what they were, with the rows of those days."""
    found = {}
    for name, texts in now.items():
        known, column = before.get(name, {}), STORED[name].partition_column
        days = sorted(day for day, number in texts.fingerprints.items() if known.get(day) != number)
        listed = ", ".join(f"DATE '{day}'" for day in days)
        if days:
            sql = f"(SELECT * FROM {name} WHERE {column} IN ({listed}))" if column else name
            found[name] = Rows(sql, sum(texts.rows[day] for day in days))
    return found


def text_columns(contract: TableContract) -> list[Column]:
    """The columns whose texts come from outside, rather than from a closed list."""
    return [c for c in contract.columns if c.kind == "text" and not (c.closed or c.pattern)]


def _texts(ask: Asks, table: str, columns: list[str]) -> list[set[str]]:
    """All texts of each column."""
    rows = ask(f"SELECT DISTINCT {', '.join(columns)} FROM {table}")
    return [{row[place] for row in rows} - {None} for place in range(len(columns))]


def _suspects(
    ask: Asks, kind: Kind, table: str, columns: list[str]
) -> Iterator[tuple[str, list[str]]]:
    """The texts of each column that are worth a closer look."""
    remotes = [name for name in columns if name in _REMOTES]  # few, and of many forms
    others = [name for name in columns if name not in _REMOTES]
    for column in remotes:
        yield column, [text for (text,) in ask(_distinct(table, column))]
    if kind not in _MATCHES:
        yield from _suspects_here(ask, table, others)
        return
    if not others:
        return
    matches = _MATCHES[kind]
    row = f"concat_ws(chr(10), {', '.join(others)})"
    found = ask(
        f"SELECT {', '.join(others)} FROM {table} WHERE {matches.format(row)} LIMIT {_FEW + 1}",
        [SUSPECT],
    )
    if len(found) <= _FEW:
        texts = [{values[place] for values in found} - {None} for place in range(len(others))]
        yield from zip(others, _matching(texts), strict=True)
        return
    for column in others:
        suspects = f"{_distinct(table, column)} AND {matches.format(column)}"
        yield column, [text for (text,) in ask(suspects, [SUSPECT])]


def _suspects_here(ask: Asks, table: str, columns: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The same, looked for in this process."""
    texts = [{text for (text,) in ask(_distinct(table, column))} for column in columns]
    yield from zip(columns, _matching(texts), strict=True)


def _matching(groups: list[set[str]]) -> list[list[str]]:
    """Those texts of each group that match, with one reading of the pattern for all of them."""
    import pyarrow as pa  # noqa: PLC0415 - a report that asks nothing of this starts without
    import pyarrow.compute as pc  # noqa: PLC0415 - likewise

    texts = pa.array(sorted(set().union(*groups)), pa.string())
    found = texts.filter(pc.match_substring_regex(texts, SUSPECT, ignore_case=True))
    suspects = set(found.to_pylist())
    return [sorted(group & suspects) for group in groups]


def _distinct(table: str, column: str) -> str:
    return f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL"


def take_out(store: SqlStore) -> int:
    """Takes all credentials out of a warehouse's rows, in one transaction.

    Returns:
        How many texts were changed.
    """
    finds = list(find_credentials(store.ask, store.kind))
    if finds:
        with store.transaction():
            for find in finds:
                for text, new in find.texts.items():
                    _replace(store, find, text, new)
    return sum(len(find.texts) for find in finds)


def _replace(store: SqlStore, find: Find, text: str, new: str) -> None:
    table, column = find.contract.name, find.column
    collides = column in find.contract.key and _collides(store, find, text, new)
    if collides and column == "git_remote":
        # The same repository, seen twice at one place: one of the rows says it all.
        store.execute(f"DELETE FROM {table} WHERE {column} = ?", [text])
        store.execute(
            f"UPDATE {PARTITIONS_TABLE} SET row_count = (SELECT COUNT(*) FROM {table} "
            f"WHERE {table}.archive_id = {PARTITIONS_TABLE}.archive_id) WHERE asset = ?",
            [table],
        )
        return
    if collides:
        # Rows that differed in a credential alone stay two rows until they are made again.
        new = f"{new}{clean_identifier(text).removeprefix(clean(text))}"
    store.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", [new, text])
    if table == "project_identities" and column in _IDENTITY_OF:
        key = identity_key(_IDENTITY_OF[column], new)
        store.execute(f"UPDATE {table} SET key = ? WHERE {column} = ?", [key, new])


def _collides(store: SqlStore, find: Find, text: str, new: str) -> bool:
    others = [name for name in find.contract.key if name != find.column]
    same = "".join(f" AND there.{name} = here.{name}" for name in others)
    table, column = find.contract.name, find.column
    return bool(
        store.look(
            f"SELECT COUNT(*) FROM {table} here JOIN {table} there ON there.{column} = ?{same} "
            f"WHERE here.{column} = ?",
            [new, text],
        )[0][0]
    )

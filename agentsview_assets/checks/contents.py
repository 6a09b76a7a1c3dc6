"""Whether tables hold what their contracts promise, and nothing that they must not hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from agentsview_assets.checks.verdict import Verdict, table
from resources.warehouse import PARTITIONS_TABLE, Reader
from schemas import CONTRACTS, HISTORIES, Column, TableContract

CREDENTIAL = re.compile(r"://[^/\s@]*:[^/\s@]+@")
"""A user and a password in front of the host of a URL."""
LONGEST = 10_000
"""Characters beyond which a label, name or path is taken for content."""
_FREE_TEXT = frozenset({"title"})
"""May be as long as it likes: a session's first message may be its title."""


def contract_holds(contract: TableContract) -> Callable[[Reader], Verdict]:
    """The check of one table against its contract."""

    def ask(reader: Reader) -> Verdict:
        rules = dict(_rules(contract))
        sums = "".join(f", SUM(CASE WHEN {broken} THEN 1 ELSE 0 END)" for broken in rules.values())
        rows, *counts = reader.rows(f"SELECT COUNT(*){sums} FROM {contract.name}")[0]
        broken = [(rule, int(n)) for rule, n in zip(rules, counts, strict=True) if n]
        broken += _repeated_keys(reader, contract)
        broken += _miscounted(reader, contract)
        numbers: dict[str, Any] = {"rows": int(rows), "rules": len(rules) + 2}
        if not broken:
            words = f"{int(rows):,} rows keep all {len(rules) + 2} rules of the contract"
            return Verdict(passed=True, words=words, numbers=numbers)
        return Verdict(
            passed=False,
            words="; ".join(f"{rule}: {count:,}" for rule, count in broken),
            numbers=numbers | {"broken": table(("rule", "rows"), broken)},
            is_wrong=True,
        )

    return ask


def _rules(contract: TableContract) -> Iterator[tuple[str, str]]:
    """Each rule of the contract that SQL can tell, with the condition of breaking it."""
    for column in contract.columns:
        if not column.nullable:
            yield f"{column.name} is never null", f"{column.name} IS NULL"
        for check in contract.schema.columns[column.name].checks:
            if check.name == "isin":
                allowed = sorted(check.statistics["allowed_values"])
                values = ", ".join("'" + value.replace("'", "''") + "'" for value in allowed)
                yield f"{column.name} is one of {values}", f"{column.name} NOT IN ({values})"
            elif check.name == "greater_than_or_equal_to":
                least = check.statistics["min_value"]
                yield f"{column.name} is at least {least:g}", f"{column.name} < {least}"


def _repeated_keys(reader: Reader, contract: TableContract) -> list[tuple[str, int]]:
    key = ", ".join(contract.key)
    found = reader.rows(
        f"SELECT COUNT(*) FROM (SELECT 1 AS one FROM {contract.name} GROUP BY {key} "
        "HAVING COUNT(*) > 1) AS repeated"
    )
    return [(f"({key}) is unique", int(found[0][0]))] if found[0][0] else []


def _miscounted(reader: Reader, contract: TableContract) -> list[tuple[str, int]]:
    """Partitions that hold another number of rows than was noted when they were written."""
    if contract.name in HISTORIES:
        return []
    column = contract.partition_column
    day = f"CAST({column} AS VARCHAR(10))" if column else "''"
    group = f" GROUP BY {column}" if column else ""
    held = dict(reader.rows(f"SELECT {day}, COUNT(*) FROM {contract.name}{group}"))
    noted = dict(
        reader.rows(
            f"SELECT partition_date, row_count FROM {PARTITIONS_TABLE} WHERE asset = ?",
            [contract.name],
        )
    )
    if not column and not noted:
        return []
    days = [day for day in held.keys() | noted.keys() if held.get(day, 0) != noted.get(day, 0)]
    return [("as many rows as were written", len(days))] if days else []


def content_free(reader: Reader) -> Verdict:
    """No column but the declared ones, no credential, nothing as long as a message."""
    found: list[tuple[str, str, int]] = []
    columns, longest = 0, 0
    for contract in CONTRACTS.values():
        texts = [c for c in contract.columns if c.kind == "text" and not _is_closed(contract, c)]
        columns += len(texts)
        lengths = _lengths(reader, contract, texts)
        longest = max(longest, *(n for name, n in lengths.items() if name not in _FREE_TEXT), 0)
        found += [
            (contract.name, f"{name} holds a text of", n)
            for name, n in lengths.items()
            if n > LONGEST and name not in _FREE_TEXT
        ]
        found += [
            (contract.name, f"{column.name} holds credentials", n)
            for column in texts
            if (n := _credentials(reader, contract, column))
        ]
    numbers: dict[str, Any] = {"text_columns": columns, "longest_label": longest}
    if found:
        first = f"{found[0][0]}.{found[0][1]} ({found[0][2]:,})"
        numbers["found"] = table(("table", "what", "how much"), found)
        return Verdict(passed=False, words=f"{len(found)} finds, the first: {first}",
                       numbers=numbers, is_wrong=True)  # fmt: skip
    return Verdict(
        passed=True,
        words=f"{columns} text columns hold no credential; apart from titles the longest text has "
        f"{longest:,} characters, so that no message is among them",
        numbers=numbers,
    )


def _is_closed(contract: TableContract, column: Column) -> bool:
    names = {check.name for check in contract.schema.columns[column.name].checks}
    return bool(names & {"isin", "str_matches"})


def _lengths(reader: Reader, contract: TableContract, texts: list[Column]) -> dict[str, int]:
    if not texts:
        return {}
    sums = ", ".join(f"MAX(LENGTH({column.name}))" for column in texts)
    found = reader.rows(f"SELECT {sums} FROM {contract.name}")[0]
    return {column.name: int(n or 0) for column, n in zip(texts, found, strict=True)}


def _credentials(reader: Reader, contract: TableContract, column: Column) -> int:
    suspects = reader.rows(
        f"SELECT DISTINCT {column.name} FROM {contract.name} WHERE {column.name} LIKE '%://%:%@%'"
    )
    return sum(CREDENTIAL.search(text) is not None for (text,) in suspects)

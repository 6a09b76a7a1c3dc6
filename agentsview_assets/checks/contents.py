"""Whether tables hold what their contracts promise, and nothing that they must not hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from agentsview_assets.checks.verdict import Verdict, table
from agentsview_assets.resources.warehouses.keeping_out import (
    Fingerprints,
    Texts,
    find_credentials,
    others,
    text_columns,
    texts_of,
)
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE, RULES_TABLE, Reader
from agentsview_assets.rules.credentials.secrets import LOOKED_FOR, clean
from agentsview_assets.rules.staleness import Slice
from agentsview_assets.rules.versions import rules
from agentsview_assets.schemas import (
    CONTRACTS,
    HISTORIES,
    MADE_BY_KEY,
    STORED,
    Column,
    TableContract,
)

LOOKED_THROUGH = "looked_through"
"""Rule of a warehouse: what its texts were when `content_free` last found no credential."""
LONGEST = 10_000
"""Characters beyond which a label, name or path is taken for content."""
_TAKE_OUT = (
    "`agentsview-assets materialize` takes them out of the warehouse; in the archive they "
    "stay, and should be made invalid where they are used"
)
_SHORTEN = "rename it in agentsview, or see which program wrote it"
_FREE_TEXT = frozenset({"title", "days"})
"""May be as long as they like: a first message may be a title, a session may touch many days."""


def contract_holds(contract: TableContract) -> Callable[[Reader], Verdict]:
    """The check of one table against its contract."""

    def ask(reader: Reader) -> Verdict:
        rules = dict(_rules(contract))
        slices = _slices(reader, contract, list(rules.values()))
        rows = sum(count for count, *_ in slices.values())
        counts = [sum(found) for found in zip(*slices.values(), strict=True)][1:]
        broken = [(rule, n) for rule, n in zip(rules, counts, strict=False) if n]
        broken += _repeated_keys(reader, contract)
        broken += _miscounted(
            reader, contract, {place: found[0] for place, found in slices.items()}
        )
        numbers: dict[str, Any] = {"rows": rows, "rules": len(rules) + 2}
        if not broken:
            words = f"{rows:,} rows keep all {len(rules) + 2} rules of the contract"
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
        if column.closed is not None:
            allowed = sorted(column.closed)
            values = ", ".join("'" + value.replace("'", "''") + "'" for value in allowed)
            yield f"{column.name} is one of {values}", f"{column.name} NOT IN ({values})"
        if column.least is not None:
            yield f"{column.name} is at least {column.least:g}", f"{column.name} < {column.least}"


def _repeated_keys(reader: Reader, contract: TableContract) -> list[tuple[str, int]]:
    key = ", ".join(contract.key)
    found = reader.rows(
        f"SELECT COUNT(*) FROM (SELECT 1 AS one FROM {contract.relation} GROUP BY {key} "
        "HAVING COUNT(*) > 1) AS repeated"
    )
    return [(f"({key}) is unique", int(found[0][0]))] if found[0][0] else []


def _slices(
    reader: Reader, contract: TableContract, rules: list[str]
) -> dict[Slice, tuple[int, ...]]:
    """The rows of every slice, and how many of them break each rule."""
    column = contract.partition_column
    day = f"CAST({column} AS VARCHAR(10))" if column else "''"
    sums = "".join(f", SUM(CASE WHEN {broken} THEN 1 ELSE 0 END)" for broken in rules)
    found = reader.rows(
        f"SELECT archive_id, {day}, COUNT(*){sums} FROM {contract.relation} GROUP BY 1, 2"
    )
    return {(archive, day): tuple(map(int, counts)) for archive, day, *counts in found}


def _miscounted(
    reader: Reader, contract: TableContract, held: Mapping[Slice, int]
) -> list[tuple[str, int]]:
    """Slices that hold another number of rows than was recorded when they were written."""
    if contract.name in (*HISTORIES, *MADE_BY_KEY):
        return []
    recorded = {
        (archive, day): int(count)
        for archive, day, count in reader.rows(
            f"SELECT archive_id, partition_date, row_count FROM {PARTITIONS_TABLE} WHERE asset = ?",
            [contract.name],
        )
    }
    if not contract.partition_column and not recorded:
        return []
    places = held.keys() | recorded.keys()
    wrong = [place for place in places if held.get(place, 0) != recorded.get(place, 0)]
    return [("as many rows as were written", len(wrong))] if wrong else []


def content_free(reader: Reader) -> Verdict:
    """No column but the declared ones, no credential, nothing as long as a message."""
    columns, longest = 0, 0
    found: list[tuple[str, str, str, str]] = []
    # Telling whether texts are those of before is fast in DuckDB alone.
    now = _texts(reader) if reader.kind == "duckdb" else None
    for contract in STORED.values():
        texts = text_columns(contract)
        columns += len(texts)
        lengths = now[contract.name].longest if now else _lengths(reader, contract, texts)
        longest = max(longest, *(n for name, n in lengths.items() if name not in _FREE_TEXT), 0)
        found += [
            (f"{contract.name}.{name}", f"a text of {n:,} characters",
             _owner(reader, contract, f"LENGTH({name}) = ?", [n]), _SHORTEN)
            for name, n in lengths.items()
            if n > LONGEST and name not in _FREE_TEXT
        ]  # fmt: skip
    unseen = None if now is None else others(now, _clean_before(reader))
    for find in find_credentials(reader.rows, reader.kind, unseen):
        owner = _owner(reader, find.contract, f"{find.column} = ?", [next(iter(find.texts))])
        what = f"credentials in {len(find.texts):,} texts"
        found.append((f"{find.contract.name}.{find.column}", what, owner, _TAKE_OUT))
    numbers: dict[str, Any] = {
        "text_columns": columns,
        "longest_label": longest,
        "looked_for": LOOKED_FOR,
    }
    if found:
        first = f"{found[0][0]} holds {found[0][1]} ({found[0][2]}): {found[0][3]}"
        numbers["found"] = table(("table", "what", "where", "what to do"), found)
        return Verdict(
            passed=False,
            words=f"{len(found)} finds, the first: {first}",
            numbers=numbers,
            # Whoever materializes next takes out what was found.
            rules={"credentials": None, LOOKED_THROUGH: None},
        )
    return Verdict(
        passed=True,
        words=f"{columns} text columns hold no credential ({LOOKED_FOR}); apart from titles the "
        f"longest text has {longest:,} characters, so that no message is among them",
        numbers=numbers,
        rules={} if now is None else {LOOKED_THROUGH: _recorded(now)},
    )


def _texts(reader: Reader) -> dict[str, Texts]:
    return {name: texts_of(reader.rows, contract) for name, contract in STORED.items()}


def _recorded(now: Mapping[str, Texts]) -> str:
    """What is recorded of the texts of a warehouse in which nothing was found."""
    tables = {name: texts.fingerprints for name, texts in now.items()}
    return json.dumps({"rules": rules().digests["credentials"], "tables": tables})


def _clean_before(reader: Reader) -> Mapping[str, Fingerprints]:
    """What the texts of each table were when the rules of today last found nothing."""
    found = reader.rows(f"SELECT value FROM {RULES_TABLE} WHERE name = '{LOOKED_THROUGH}'")
    known = json.loads(found[0][0]) if found else {}
    return known.get("tables", {}) if known.get("rules") == rules().digests["credentials"] else {}


def _owner(reader: Reader, contract: TableContract, where: str, values: list[object]) -> str:
    """Whose the first such row is: a session, or where there is none an archive."""
    whole = CONTRACTS.get(contract.name, contract)
    names = [name for name in ("session_id", "archive_id") if name in whole.column_names]
    if not names:
        return "no archive"
    sql = f"SELECT MIN({names[0]}) FROM {whole.relation} WHERE {where}"
    return f"{names[0].removesuffix('_id')} {clean(str(reader.rows(sql, values)[0][0]))}"


def _lengths(reader: Reader, contract: TableContract, texts: list[Column]) -> dict[str, int]:
    if not texts:
        return {}
    sums = ", ".join(f"MAX(LENGTH({column.name}))" for column in texts)
    found = reader.rows(f"SELECT {sums} FROM {contract.name}")[0]
    return {column.name: int(n or 0) for column, n in zip(texts, found, strict=True)}

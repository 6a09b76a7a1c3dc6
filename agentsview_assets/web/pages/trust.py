"""The page of trust: what is known of the numbers themselves, and of where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from agentsview_assets.documents.common.alarms import alarms, due_checks
from agentsview_assets.documents.common.completeness import completeness
from agentsview_assets.documents.common.sql import Sql
from agentsview_assets.resources.warehouses.counting_once import CountedOnce, counted_once
from agentsview_assets.resources.warehouses.reader import (
    META_TABLE,
    PARTITIONS_TABLE,
    RULES_TABLE,
)
from agentsview_assets.rules.staleness import TABLES
from agentsview_assets.rules.versions import own_rules, rules
from agentsview_assets.schemas.pricing import EFFECTIVE_PRICING
from agentsview_assets.web.pages.dagster_links import asset_url, run_link
from agentsview_assets.web.pages.formats import counted, digest, name
from agentsview_assets.web.pages.page import Ask, Content, Figure, Page
from agentsview_assets.web.pages.table import Column, Row, Table
from agentsview_assets.web.pages.trust_archives import (
    ages_differ,
    archives_chart,
    archives_table,
    copies_table,
    duplicates_table,
    left_out_table,
)

_KINDS: Final = {"duckdb": "DuckDB", "sqlite": "SQLite", "postgresql": "PostgreSQL"}
_WARNED_OF: Final = frozenset({"effective_pricing", "model_rates", "session_model_usage"})
"""What is made from these comes before their checks are asked."""
_FURTHER: Final = {"daily_usage": ("totals_agree",), "duplicates": ("duplicates_removed",)}
_WRITTEN: Final = f"""
SELECT p.asset, SUM(p.row_count), COUNT(DISTINCT p.partition_date),
    CAST(MAX(p.written_at) AS VARCHAR(40))
FROM {PARTITIONS_TABLE} p GROUP BY p.asset
"""
_LAST_RUNS: Final = f"""
SELECT p.asset, MAX(p.run_id) FROM {PARTITIONS_TABLE} p
JOIN (SELECT asset, MAX(written_at) AS last FROM {PARTITIONS_TABLE} GROUP BY asset) l
    ON l.asset = p.asset AND l.last = p.written_at
GROUP BY p.asset
"""
_PRICES: Final = f"""
SELECT archive_id, pricing_digest, source, COUNT(*), CAST(MAX(updated_at) AS VARCHAR(40))
FROM {EFFECTIVE_PRICING.relation} GROUP BY 1, 2, 3 ORDER BY 1, 3
"""


def trust(ask: Ask) -> Content:
    """Fills the page."""
    document = _known(ask)
    once = CountedOnce(*ask.kept(("counted_once",), lambda: counted_once(ask.reader)))
    failed, due = alarms(ask.reader), due_checks(ask.reader)
    is_drawn = ages_differ(document)
    return Content(
        title="Trust",
        lead=_lead(len(failed), len(due), document),
        figures=_figures(ask, len(failed), len(due), once, document),
        charts=[archives_chart(ask, document)] if is_drawn else [],
        tables=[
            *([] if is_drawn else [archives_table(ask, document)]),
            _checks(ask, once),
            duplicates_table(ask),
            *(table for table in (copies_table(ask), left_out_table(ask)) if table.rows),
            _prices(ask),
        ],
        values={"facts": _facts(ask, document), "gaps": document["gaps"], "once": once.words},
        template="trust.html",
        has_window=False,
    )


def _known(ask: Ask) -> dict[str, Any]:
    """The completeness document, worked out once a minute for a state."""
    archive, minute = ask.scope.archive_id, int(ask.now.timestamp() // 60)
    found: dict[str, Any] = ask.kept(
        ("completeness", archive, minute), lambda: completeness(ask.reader, ask.now, archive)
    )
    return found


def _lead(failed: int, due: int, document: dict[str, Any]) -> str:
    if failed:
        return f"{counted(failed, 'check')} found numbers to be wrong"
    if due:
        return f"The checks of {counted(due, 'table')} are to be asked again"
    return "No check found a number to be wrong" if document["archives"] else "Nothing to check yet"


def _figures(
    ask: Ask, failed: int, due: int, once: CountedOnce, document: dict[str, Any]
) -> list[Figure]:
    totals = document["totals"]
    tokens, lacking = totals["tokens"], totals["unpriced_tokens"]
    return [
        Figure(
            "Failed checks",
            f"{failed}",
            f"{failed}",
            "#checks",
            f"{counted(due, 'table')} to be asked again" if due else "none to be asked again",
        ),
        Figure(
            "Counted once",
            f"{once.duplicates:,}",
            f"{once.duplicates}",
            "#duplicates",
            f"repeats left out, of {counted(once.rows, 'row')}",
        ),
        Figure(
            "Days out of date",
            f"{totals['days_out_of_date']:,}",
            f"{totals['days_out_of_date']}",
            "#archives",
            f"of {counted(totals['archives'], 'archive')}",
        ),
        Figure(
            "Rows left out",
            f"{totals['rows_left_out']:,}",
            f"{totals['rows_left_out']}",
            "#left_out" if totals["rows_left_out"] else None,
            "because they cannot be read",
        ),
        Figure(
            "Tokens without a price",
            f"{lacking / tokens:.1%}".replace("%", " %") if tokens else "–",
            f"{lacking}",
            ask.address.there("/models"),
            f"{lacking:,} of {tokens:,}",
        ),
    ]


def _checks(ask: Ask, once: CountedOnce) -> Table:
    """Every table with blocking checks, and what these found last."""
    written = {
        table: (int(count), int(days), at) for table, count, days, at in ask.reader.rows(_WRITTEN)
    }
    last_run = dict(ask.reader.rows(_LAST_RUNS))
    failed, due = alarms(ask.reader), dict(due_checks(ask.reader))
    others = _other_rules(ask)
    rows: list[Sequence[Any]] = []
    for table in dict.fromkeys([*(alarm.asset for alarm in failed), *due, *TABLES, "duplicates"]):
        count, days, at = written.get(table, (None, None, None))
        rest = [count, days if days and days > 1 else None, at]
        names = ", ".join(blocking_checks(table))
        found = [alarm for alarm in failed if alarm.asset == table]
        rows += [
            [table, alarm.check, "wrong", alarm.words, *rest, alarm.run_id or None]
            for alarm in found
        ]
        run = due.get(table) or last_run.get(table)
        if found:
            continue
        if table in due:
            words = "Written since its checks were asked last"
            rows.append([table, names, "due", words, *rest, run])
        elif table == "duplicates":
            verdict = "wrong" if once.wrong else "well"
            rows.append([table, names, verdict, once.words, *rest, run])
        elif count is None:
            rows.append([table, names, "not made", "Nothing was written yet", *rest, run])
        else:
            verdict = "well" if names else "not recorded"
            words = "No row breaks it" if names else "Its check warns and holds nothing up"
            if table in others:
                words += f"; {counted(others[table], 'slice')} by rules of another release"
            rows.append([table, names or None, verdict, words, *rest, run])

    def checks_of(row: Row) -> str | None:
        url = asset_url(ask.serving, row[0])
        return f"{url}?view=checks" if url else None

    return Table(
        name="checks",
        caption="Checks",
        columns=[
            Column("table", "Table", link=checks_of),
            Column("checks", "Checks", "name"),
            Column("verdict", "Verdict"),
            Column("words", "Found", "name"),
            Column("rows", "Rows", "whole"),
            Column("days", "Days", "whole"),
            Column("written_at", "Written", "moment"),
            Column("run_id", "Run", "id", link=run_link(ask, 7)),
        ],
        rows=rows,
        note="These are asked after every run. What they found to be wrong stays recorded until "
        "they find it well; the Dagster UI has them, and those that only warn, over time.",
    )


def blocking_checks(table: str) -> tuple[str, ...]:
    """The checks of a table that hold up what is made from it; `checks` has their words."""
    own = () if table in _WARNED_OF else ("contract",)
    return (*own, *_FURTHER.get(table, ()))


def _other_rules(ask: Ask) -> dict[str, int]:
    """How many slices of a table other rules than those of this release made."""
    found: dict[str, int] = {}
    current = rules().digests
    for asset, version, count in ask.reader.rows(
        f"SELECT asset, rules_version, COUNT(*) FROM {PARTITIONS_TABLE} GROUP BY 1, 2"
    ):
        if current.get(asset) not in (None, own_rules(version)):
            found[asset] = found.get(asset, 0) + int(count)
    return found


def _prices(ask: Ask) -> Table:
    return Table(
        name="price_table",
        caption="Price tables in force",
        sql=Sql(_PRICES),
        columns=[
            Column("archive_id", "Archive", "id"),
            Column("pricing_digest", "Digest", "digest"),
            Column("source", "Origin"),
            Column("prices", "Prices", "whole"),
            Column("updated_at", "Newest price", "moment"),
        ],
        rows=[list(row) for row in ask.reader.rows(_PRICES)],
        asset="effective_pricing",
    )


def _facts(ask: Ask, document: dict[str, Any]) -> list[tuple[str, str]]:
    recorded = dict(ask.reader.rows(f"SELECT name, value FROM {RULES_TABLE}"))
    [(version,)] = ask.reader.rows(f"SELECT MAX(schema_version) FROM {META_TABLE}")
    unsettled = document["undecided_keys"]
    digests = sorted({found["rules_digest"] or "" for found in document["archives"]} - {""})
    facts = [
        ("Kind", _KINDS.get(ask.reader.kind, ask.reader.kind)),
        ("Revision", f"{document['revision']:,}"),
        ("Shape of its tables", f"version {version}"),
        ("Holds days from", name(document["start_date"] or "")),
        ("Titles from first messages", name(recorded.get("titles", ""))),
        ("Rules that made it", ", ".join(map(digest, digests))),
        ("Generation of rules", name(recorded.get("rules_generation", ""))),
        ("Not decided yet", counted(unsettled, "key") if unsettled else ""),
    ]
    nothing = name("")
    return [(title, text) for title, text in facts if text not in ("", nothing)]


PAGE = Page("/trust", trust, nav="Trust")

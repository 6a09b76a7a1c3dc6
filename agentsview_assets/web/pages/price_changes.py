"""The table of price changes: the rates of a model before and since, and what that moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from agentsview_assets.documents.common.lookups import of_archive, resolve_archives
from agentsview_assets.documents.common.sql import Sql, all_of, one_of
from agentsview_assets.web.pages.address import path_part
from agentsview_assets.web.pages.dagster_links import run_link
from agentsview_assets.web.pages.instants import bounds_of
from agentsview_assets.web.pages.page import Ask
from agentsview_assets.web.pages.table import Column, Table

_RATES: Final = {
    "input_usd_per_mtok": "Input",
    "output_usd_per_mtok": "Output",
    "cache_write_usd_per_mtok": "Cache writes",
    "cache_read_usd_per_mtok": "Cache reads",
}
_MOST: Final = 1000
_BEGUN: Final = "CAST(valid_from AS VARCHAR(40))"
_IN_ORDER: Final = "OVER (PARTITION BY archive_id, model ORDER BY valid_from)"


def price_changes_table(ask: Ask) -> Table:
    """The changes of a window, the latest first."""
    sql = _query(ask)
    rows = [_row(row) for row in ask.reader.rows(sql.text, sql.params)]
    return Table(
        name="prices",
        caption="Price changes, USD per million tokens",
        columns=[
            Column("since", "Since", "moment"),
            Column(
                "model",
                "Model",
                "name",
                link=lambda row: ask.address.there(f"/models/{path_part(row[1])}"),
            ),
            *(
                column
                for name, title in _RATES.items()
                for column in (
                    Column(f"old_{name}", f"{title} before", "rate"),
                    Column(name, f"{title} since", "rate"),
                )
            ),
            Column("matched_pattern", "Priced as", "name"),
            Column("source", "Origin"),
            Column("moved", "Moved", "usd", unit="USD", about="Of days told before"),
            Column("pricing_digest", "Price table", "digest"),
            Column("run_id", "Run", "id", link=run_link(ask, 13)),
            Column("archive_id", "Archive", "id"),
        ],
        rows=rows,
        sql=sql,
        asset="price_changes",
        note="Without prices before, a model was priced for the first time."
        + (f" The first {_MOST:,}." if len(rows) == _MOST else ""),
    )


def _query(ask: Ask) -> Sql:
    scope, (first, last) = ask.scope, bounds_of(ask)
    owned = all_of(
        [
            Sql(*of_archive(resolve_archives(ask.reader, scope.archive_id))),
            *([one_of("model", scope.names["model"])] if scope.names["model"] else []),
        ]
    )
    within = all_of(
        [
            *([Sql("since >= ?", (first,))] if first else []),
            *([Sql("since < ?", (last,))] if last else []),
        ]
    )
    before = ", ".join(f"LAG({name}) {_IN_ORDER} AS old_{name}" for name in _RATES)
    rates = ", ".join(f"c.old_{name}, c.{name}" for name in _RATES)
    return Sql(
        f"SELECT c.since, c.model, {rates}, c.matched_pattern, c.source,\n"
        "    (SELECT SUM(r.new_cost_usd - r.old_cost_usd) FROM restatements r\n"
        "     WHERE r.reason = 'price' AND r.archive_id = c.archive_id AND r.model = c.model\n"
        "     AND r.new_pricing_digest = c.pricing_digest) AS moved,\n"
        "    c.pricing_digest, c.run_id, c.archive_id, c.old_pattern\n"
        f"FROM (SELECT {_BEGUN} AS since, model, archive_id, matched_pattern, source,\n"
        f"    {', '.join(_RATES)}, pricing_digest, run_id,\n    {before},\n"
        f"    LAG(matched_pattern) {_IN_ORDER} AS old_pattern\n"
        f"    FROM price_changes WHERE {owned.text}) c\n"
        f"WHERE {within.text}\n"
        f"ORDER BY c.since DESC, {ask.reader.binary_order('c.model')}, "
        f"{ask.reader.binary_order('c.archive_id')}\nLIMIT {_MOST}",
        owned.params + within.params,
    )


def _row(row: Sequence[Any]) -> list[Any]:
    """A change; rates that stand for none are not shown as prices of nothing."""
    since, model, *rates = row[:10]
    pattern, source, moved, price_table, run, archive, old_pattern = row[10:]
    money = None if moved is None else float(moved)
    if pattern is None:
        rates[1::2] = [None] * len(_RATES)
    if old_pattern is None:
        rates[0::2] = [None] * len(_RATES)
    return [since, model, *rates, pattern, source, money, price_table, run or None, archive]

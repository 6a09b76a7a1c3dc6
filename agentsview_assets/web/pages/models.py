"""Pages of models: all of them with their prices, and one each."""

from __future__ import annotations

from typing import Any

from agentsview_assets.documents.common.sql import Sql
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.web.pages.address import name_of, path_part, word
from agentsview_assets.web.pages.breakdown import breakdown_table, costs_chart
from agentsview_assets.web.pages.daily import day_charts, dimension_of
from agentsview_assets.web.pages.emptiness import emptiness
from agentsview_assets.web.pages.figures import tokens_of, usage_beside, usage_of, with_machines
from agentsview_assets.web.pages.formats import Kind, name
from agentsview_assets.web.pages.overview import head_figures
from agentsview_assets.web.pages.page import Ask, Content, NotThereError, Page
from agentsview_assets.web.pages.table import Column, Table
from agentsview_assets.web.pages.tops import top_sessions_table

_RATES = (
    ("input_cost_per_mtok", "input_usd_per_mtok", "Input"),
    ("output_cost_per_mtok", "output_usd_per_mtok", "Output"),
    ("cache_write_cost_per_mtok", "cache_write_usd_per_mtok", "Cache writes"),
    ("cache_read_cost_per_mtok", "cache_read_usd_per_mtok", "Cache reads"),
)
_RATE: Kind = "rate"
_UNPRICED = "Tokens with neither a price nor a reported cost: they are in no cost"
_HISTORY = """
SELECT CAST(valid_from AS VARCHAR(40)), CAST(valid_to AS VARCHAR(40)), matched_pattern, source,
       input_usd_per_mtok, output_usd_per_mtok, cache_write_usd_per_mtok, cache_read_usd_per_mtok,
       pricing_digest, archive_id
FROM price_changes WHERE model = ? ORDER BY valid_from DESC, archive_id
"""


def models(ask: Ask) -> Content:
    """Fills the page of all models."""
    document = usage_of(ask)
    table = _priced(ask, document)
    return Content(
        title="Models",
        lead=ask.scope.words,
        charts=[costs_chart(document, "model", table)],
        values={"empty": emptiness(ask, document)},
    )


def _priced(ask: Ask, document: dict[str, Any]) -> Table:
    prices, unpriced = document["pricing"]["models"], document["unpriced"]

    def page(row: Any) -> str:
        return ask.address.there(f"/models/{path_part(row[0])}")

    def rows_of(row: Any) -> str:
        return ask.address.there("/rows", in_model=word(row[0]))

    all_rows = ask.address.there("/rows")
    return Table(
        name="by_model",
        caption="By model, with its prices per million tokens",
        columns=[
            Column("model", "Model", "name", link=page),
            Column("cost", "Cost", "usd", rows_of, all_rows, "USD"),
            Column("tokens", "Tokens", "tokens", rows_of, all_rows),
            Column("unpriced_tokens", "Unpriced", "tokens", rows_of, all_rows, about=_UNPRICED),
            *(Column(column, title, _RATE) for _, column, title in _RATES),
            Column("matched_pattern", "Priced as", "name"),
            Column("cost_source", "Cost is"),
        ],
        rows=[
            _priced_row(entry, prices[entry["model"]], unpriced.get(entry["model"], 0))
            for entry in document["modelTotals"]
        ],
        total=[
            "All",
            document["totals"]["totalCost"],
            tokens_of(document["totals"]),
            sum(unpriced.values()),
        ],
        asset="model_rates",
    )


def _priced_row(entry: dict[str, Any], price: dict[str, Any], unpriced: int) -> list[Any]:
    is_priced = price["matched_pattern"] is not None
    return [
        entry["model"],
        entry["cost"],
        tokens_of(entry),
        unpriced,
        *(price[key] if is_priced else None for key, _, _ in _RATES),
        price["matched_pattern"],
        price["cost_source"],
    ]


def model(ask: Ask) -> Content:
    """Fills the page of one model.

    Raises:
        NotThereError: No usage was ever of it.
    """
    found = name_of(ask.path["name"])
    if not ask.reader.rows("SELECT 1 FROM daily_usage WHERE model = ? LIMIT 1", [found]):
        raise NotThereError(f"No usage is of a model {name(found)}.")
    document, before = usage_beside(ask, model=found)
    by = dimension_of(ask)
    if by == "machine":
        document = with_machines(ask, document, model=found)
    return Content(
        title=name(found),
        lead=f"Model · {ask.scope.words}",
        crumbs=[("Models", ask.address.there("/models"))],
        figures=head_figures(ask, document, before, model=found),
        charts=day_charts(ask, document, before, by, model=found),
        tables=[
            _history(ask, found),
            breakdown_table(ask, document, "project", model=found),
            breakdown_table(ask, document, "agent", model=found),
            top_sessions_table(ask, model=found),
        ],
        values={"empty": emptiness(ask, document), "by": by, "without": "model"},
        template="overview.html",
    )


def _history(ask: Ask, found: str) -> Table:
    rows = sorted(
        ask.reader.rows(_HISTORY, [found]),
        key=lambda row: (row[0], utf8_bytes(row[-1])),
        reverse=True,
    )
    return Table(
        name="prices",
        caption="Prices, USD per million tokens",
        columns=[
            Column("valid_from", "From", "moment", about="When this warehouse first used them"),
            Column("valid_to", "To", "moment"),
            Column("matched_pattern", "Priced as", "name"),
            Column("source", "Origin"),
            *(Column(column, title, _RATE) for _, column, title in _RATES),
            Column("pricing_digest", "Price table", "digest"),
            Column("archive_id", "Archive", "id"),
        ],
        rows=rows,
        note="No price was ever found." if rows and rows[0][2] is None else "",
        sql=Sql(_HISTORY, (found,)),
        asset="price_changes",
    )


PAGES = (Page("/models", models, nav="Models"), Page("/models/{name}", model))

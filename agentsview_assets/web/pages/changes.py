"""The page of changes: what published figures became, why, and which prices moved them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from agentsview_assets.documents.common.lookups import of_archive, resolve_archives
from agentsview_assets.documents.common.sql import Sql, all_of, one_of
from agentsview_assets.rules.money import added_up
from agentsview_assets.web.pages.address import path_part, word
from agentsview_assets.web.pages.charts import Chart, Series, all_days, stacked_days
from agentsview_assets.web.pages.dagster_links import run_link
from agentsview_assets.web.pages.formats import counted, day, shown, usd
from agentsview_assets.web.pages.keyset import Order, leaf, text_key
from agentsview_assets.web.pages.page import Ask, Content, Figure, Page
from agentsview_assets.web.pages.price_changes import price_changes_table
from agentsview_assets.web.pages.table import Column, Row, Table

PER_PAGE: Final = 100
REASONS: Final = {
    "price": "Other prices",
    "content": "Late or edited content",
    "removal": "Removed content",
    "rule": "A changed rule",
    "duplicate": "Another duplicate counts",
    "upgrade": "An upgrade",
}
"""Why figures were restated; the order of their colours."""
_DAY: Final = "CAST(partition_date AS VARCHAR(10))"
_TIME: Final = "CAST(restated_at AS VARCHAR(40))"
_MOVED: Final = "new_cost_usd - old_cost_usd"
_SHOWN: Final = (
    f"{_DAY}, reason, project, model, old_cost_usd, new_cost_usd, old_tokens, tokens, "
    f"old_pricing_digest, new_pricing_digest, {_TIME}, run_id, archive_id"
)


def changes(ask: Ask) -> Content:
    """Fills the page."""
    test = _test(ask)
    query = _sums_query(ask, test)
    sums = _sums(ask, query)
    moved = added_up([entry["moved"] for entry in sums])
    return Content(
        title="Changes",
        lead=f"Days of {ask.scope.words[:1].lower()}{ask.scope.words[1:]}",
        figures=_figures(sums, moved),
        charts=[_chart(ask, sums, query)] if sums else [],
        tables=[
            *([_by_reason(sums, query), _restated(ask, test)] if sums else []),
            price_changes_table(ask),
        ],
        values={"is_steady": not sums},
        template="changes.html",
    )


def _test(ask: Ask) -> Sql:
    """The restatements that an address asks for; their days are those of UTC."""
    scope, (first, last) = ask.scope, ask.scope.window
    return all_of(
        [
            Sql(*of_archive(resolve_archives(ask.reader, scope.archive_id))),
            *([Sql(f"{_DAY} >= ?", (first,))] if first else []),
            *([Sql(f"{_DAY} <= ?", (last,))] if last else []),
            *(
                one_of(dimension, scope.names[dimension])
                for dimension in ("project", "model")
                if scope.names[dimension]
            ),
        ]
    )


def _sums_query(ask: Ask, test: Sql) -> Sql:
    """The query of what every reason moved on every day."""
    exact, whole = ask.reader.exact_sum, ask.reader.whole_sum
    return Sql(
        f"SELECT {_DAY} AS a_day, reason, COUNT(*), {exact(_MOVED)},\n"
        f"{whole('tokens')}, {whole('old_tokens')}\nFROM restatements\n"
        f"WHERE {test.text}\nGROUP BY 1, 2 ORDER BY 1, 2",
        test.params,
    )


def _sums(ask: Ask, query: Sql) -> list[dict[str, Any]]:
    """What every reason moved on every day."""

    def make() -> list[dict[str, Any]]:
        return [
            {
                "day": found,
                "reason": reason,
                "count": int(count),
                "moved": float(moved),
                "tokens": int(now) - int(before),
            }
            for found, reason, count, moved, now, before in ask.reader.rows(*query)
        ]

    found: list[dict[str, Any]] = ask.kept(("restated", query), make)
    return found


def _figures(sums: Sequence[dict[str, Any]], moved: float) -> list[Figure]:
    count = sum(entry["count"] for entry in sums)
    days = len({entry["day"] for entry in sums})
    tokens = sum(entry["tokens"] for entry in sums)
    priced = added_up([entry["moved"] for entry in sums if entry["reason"] == "price"])
    return [
        Figure("Cost moved by", signed_usd(moved), repr(moved), note="of figures told before"),
        Figure("By prices alone", signed_usd(priced), repr(priced)),
        Figure("Figures restated", f"{count:,}", f"{count}", note=f"on {counted(days, 'day')}"),
        Figure("Tokens moved by", f"{tokens:+,}".replace("-", "−") if tokens else "0", f"{tokens}"),
    ]


def signed_usd(value: float) -> str:
    """Money with its sign."""
    return f"+{usd(value)}" if value > 0 else usd(value)


def _chart(ask: Ask, sums: Sequence[dict[str, Any]], query: Sql) -> Chart:
    reasons = [reason for reason in REASONS if any(e["reason"] == reason for e in sums)]
    orders = {reason: list(REASONS).index(reason) for reason in reasons}
    days = sorted({entry["day"] for entry in sums})
    moved = {(entry["day"], entry["reason"]): entry["moved"] for entry in sums}
    counts = {found: sum(e["count"] for e in sums if e["day"] == found) for found in days}
    rows = [
        [
            found,
            added_up([e["moved"] for e in sums if e["day"] == found]),
            *(moved.get((found, reason)) for reason in reasons),
            counts[found],
        ]
        for found in days
    ]
    values = [
        {
            "day": entry["day"],
            "date": day(entry["day"]),
            "name": REASONS[entry["reason"]],
            "order": orders[entry["reason"]],
            "place": orders[entry["reason"]],
            "value": entry["moved"],
            "text": signed_usd(entry["moved"]),
        }
        for entry in sums
        if entry["moved"]
    ]
    window = ask.scope.window

    def of_day(row: Row) -> str:
        return ask.address.here(span=None, from_=row[0], to=row[0], page=None)

    return Chart(
        name="moved",
        title="Cost moved by day",
        spec=stacked_days(values, "usd", all_days(days, *window)),
        table=Table(
            name="moved_by_day",
            caption="Cost moved by day and reason",
            columns=[
                Column("day", "Day", "day", link=of_day),
                Column("moved", "Moved", "usd", unit="USD", link=of_day),
                *(Column(r, REASONS[r], "usd", swatch=orders[r], unit="USD") for r in reasons),
                Column("count", "Figures", "whole", link=of_day),
            ],
            rows=rows,
            total=[
                "All days",
                added_up([entry["moved"] for entry in sums]),
                *(added_up([e["moved"] for e in sums if e["reason"] == r]) for r in reasons),
                sum(counts.values()),
            ],
            asset="restatements",
            sql=query,
        ),
        legend=[Series(REASONS[reason], orders[reason]) for reason in reasons],
        note="What the days of UTC cost now beside what was told of them before.",
    )


def _by_reason(sums: Sequence[dict[str, Any]], query: Sql) -> Table:
    rows = []
    for reason, words in REASONS.items():
        held = [entry for entry in sums if entry["reason"] == reason]
        if held:
            rows.append(
                [
                    words,
                    added_up([entry["moved"] for entry in held]),
                    sum(entry["tokens"] for entry in held),
                    sum(entry["count"] for entry in held),
                    len({entry["day"] for entry in held}),
                ]
            )
    return Table(
        name="by_reason",
        caption="By reason",
        columns=[
            Column("reason", "Reason"),
            Column("moved", "Cost moved", "usd", unit="USD"),
            Column("tokens", "Tokens moved", "tokens"),
            Column("count", "Figures", "whole"),
            Column("days", "Days", "whole"),
        ],
        rows=rows,
        asset="restatements",
        sql=query,
    )


def _restated(ask: Ask, test: Sql) -> Table:
    keys = [
        text_key(ask.reader, _TIME, is_down=True),
        *(
            text_key(ask.reader, column)
            for column in ("archive_id", _DAY, "project", "model", "reason")
        ),
    ]
    order = Order("restated", keys, [str] * len(keys))
    query = Sql(
        f"SELECT {{keys}}, {_SHOWN} FROM restatements WHERE {test.text} AND {{place}} "
        "ORDER BY {order} LIMIT {limit}",
        test.params,
    )
    page = leaf(ask.reader, query, order, ask.address.value("page"), PER_PAGE)
    there, here = ask.address.there, ask.address.here

    def rows_of(row: Row) -> str:
        return there(
            "/rows",
            span=None,
            from_=row[1],
            to=row[1],
            timezone="UTC",
            in_project=word(row[3]),
            in_model=word(row[4]),
        )

    return Table(
        name="restated",
        caption="Figures restated, the latest first",
        columns=[
            Column("restated_at", "Restated", "moment"),
            Column("day", "Day", "day", link=rows_of),
            Column("reason", "Why"),
            Column("project", "Project", "name", link=lambda r: _page(ask, "projects", r[3])),
            Column("model", "Model", "name", link=lambda r: _page(ask, "models", r[4])),
            Column("old_cost_usd", "Before", "usd", unit="USD"),
            Column("new_cost_usd", "Since", "usd", unit="USD", link=rows_of),
            Column("moved", "Moved", "usd", unit="USD"),
            Column("old_tokens", "Tokens before", "tokens"),
            Column("tokens", "Tokens since", "tokens", link=rows_of),
            Column("old_pricing_digest", "Prices before", "digest"),
            Column("new_pricing_digest", "Prices since", "digest"),
            Column("run_id", "Run", "id", link=run_link(ask, 12)),
            Column("archive_id", "Archive", "id"),
        ],
        rows=[_row(row) for row in page.rows],
        is_sorted=True,
        sorts=frozenset(),
        before_href=here(page=page.before) if page.before else "",
        next_href=here(page=page.after) if page.after else "",
        sql=Sql(
            f"SELECT {_SHOWN}\nFROM restatements\nWHERE {test.text}\nORDER BY {_TIME} DESC",
            test.params,
        ),
        asset="restatements",
    )


def _page(ask: Ask, path: str, found: str) -> str:
    return ask.address.there(f"/{path}/{path_part(found)}")


def _row(row: Sequence[Any]) -> list[Any]:
    found, reason, project, model, before, since, *rest = row
    old_tokens, tokens, old_digest, new_digest, restated_at, run, archive = rest
    return [
        restated_at,
        found,
        REASONS.get(reason, shown(reason, "name")),
        *(project, model, before, since, since - before, old_tokens, tokens),
        *(old_digest, new_digest, run or None, archive),
    ]


PAGE = Page("/changes", changes, nav="Changes")

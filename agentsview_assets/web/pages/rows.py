"""The rows behind a number: the same query that the number is the sum of, page by page.

What belongs here: narrowing that query by day and names. What does not: which rows count, which
the documents decide.
"""

from __future__ import annotations

from typing import Any, Final

from agentsview_assets.documents.common.sql import Sql, all_of, marks
from agentsview_assets.documents.usage.buckets import IS_REPORTED, Amounts, priced, sums
from agentsview_assets.documents.usage.query import CountedRows
from agentsview_assets.rules.pricing import PricingTable
from agentsview_assets.web.pages.address import name_of, path_part
from agentsview_assets.web.pages.figures import scoped
from agentsview_assets.web.pages.formats import day, name, short, usd
from agentsview_assets.web.pages.narrowing import within_tests, within_words
from agentsview_assets.web.pages.page import Ask, Content, Figure, Page
from agentsview_assets.web.pages.paging import limit, turns
from agentsview_assets.web.pages.scope import NAMED
from agentsview_assets.web.pages.table import Column, Table

_WITHIN: Final = (*NAMED, "session_id")
_SHOWN: Final = (
    "timestamp_text, session_id, source, project, agent, machine, model, input_tokens, "
    "output_tokens, cache_creation_tokens, cache_read_tokens, billable_output_tokens, "
    "reported_cost_usd, archive_id, row_id"
)
_CENTURY: Final = 4 * 10**12
"""Beyond every local clock: rows without one come last."""


def rows_page(ask: Ask) -> Content:
    """Fills the page."""
    scope = scoped(ask)
    prices, counted = ask.prices, CountedRows(ask.reader, scope)
    narrowed = _narrowed(ask, counted)
    behind = Sql(
        f"FROM ({counted.sql.text}) AS counted\nWHERE {narrowed.text}",
        counted.sql.params + narrowed.params,
    )
    count, amounts = _sums(ask, behind, prices)
    return Content(
        title="Rows",
        lead=f"{_words(ask)} · {ask.scope.words}",
        crumbs=[("Overview", ask.address.there("/"))],
        figures=[
            Figure("Rows", f"{count:,}", f"{count}"),
            Figure("Cost", usd(amounts.cost), repr(amounts.cost)),
            Figure("Tokens", short(amounts.tokens), f"{amounts.tokens}"),
        ],
        tables=[
            _table(ask, behind, prices, **turns(ask, count)),
        ],
    )


def _narrowed(ask: Ask, counted: CountedRows) -> Sql:
    """The tests that an address asks for beyond window and filters."""
    tests = within_tests(ask, _WITHIN)
    tests += [
        Sql(f"{column} NOT IN ({marks(names)})", names)
        for column in NAMED
        if (names := _names(ask, f"but_{column}"))
    ]
    if ask.address.value("in_day"):
        tests.append(counted.on_date(name_of(ask.address.value("in_day"))))
    return all_of(tests)


def _names(ask: Ask, parameter: str) -> tuple[str, ...]:
    return tuple(map(name_of, ask.address.values(parameter)))


def _sums(ask: Ask, behind: Sql, prices: PricingTable) -> tuple[int, Amounts]:
    """How many rows there are, and what they come to, priced as documents price them."""
    count, total = 0, Amounts()
    for rows, model, reported, *values in ask.reader.rows(
        f"SELECT COUNT(*), model, {IS_REPORTED} AS reported, {sums(ask.reader)} {behind.text} "
        "GROUP BY 2, 3 ORDER BY 2, 3",
        behind.params,
    ):
        count += int(rows)
        total.add(priced(prices, model, reported, values).amounts)
    return count, total


def _table(ask: Ask, behind: Sql, prices: PricingTable, **turns: str) -> Table:
    sql = Sql(
        f"SELECT {_SHOWN}\n{behind.text}\n"
        f"ORDER BY COALESCE(local_seconds, {_CENTURY}), archive_id, row_id\n"
        f"{limit(ask)}",
        behind.params,
    )
    link = ask.address.there
    columns = [
        Column("time", "Time", "text", about="As the archive has it"),
        Column("session", "Session", "id", link=lambda r: link(f"/sessions/{path_part(r[1])}")),
        Column("source", "Source", "name"),
        Column("project", "Project", "name", link=lambda r: link(f"/projects/{path_part(r[3])}")),
        Column("agent", "Agent", "name"),
        Column("machine", "Machine", "name"),
        Column("model", "Model", "name", link=lambda r: link(f"/models/{path_part(r[6])}")),
        Column("cost", "Cost", "usd", unit="USD"),
        Column("input_tokens", "Input", "tokens"),
        Column("output_tokens", "Output", "tokens"),
        Column("cache_creation_tokens", "Cache writes", "tokens"),
        Column("cache_read_tokens", "Cache reads", "tokens"),
        Column("archive", "Archive", "id"),
        Column("row", "Row", "id"),
    ]
    return Table(
        name="rows",
        caption="Rows that count",
        columns=columns,
        rows=[_row(prices, row) for row in ask.reader.rows(sql.text, sql.params)],
        is_sorted=True,
        sorts=frozenset(),
        sql=sql,
        asset="usage_rows",
        **turns,
    )


def _row(prices: PricingTable, row: tuple[Any, ...]) -> list[Any]:
    *head, uncached, output, created, read, billable, usd_reported, archive_id, row_id = row
    values = (uncached, output, created, read, billable, usd_reported or 0.0)
    is_priced = usd_reported is not None or prices.price(head[6]) is not None
    found = priced(prices, head[6], usd_reported is not None, values)
    cost = found.amounts.cost if is_priced else None
    return [*head, cost, uncached, output, created, read, archive_id, row_id]


def _words(ask: Ask) -> str:
    """What the rows have in common."""
    found = [day(name_of(ask.address.value("in_day")))] if ask.address.value("in_day") else []
    found += within_words(ask, _WITHIN)
    found += [
        f"no {column} of {', '.join(map(name, names))}"
        for column in NAMED
        if (names := _names(ask, f"but_{column}"))
    ]
    return ", ".join(found) or "All rows that count"


PAGE = Page("/rows", rows_page)

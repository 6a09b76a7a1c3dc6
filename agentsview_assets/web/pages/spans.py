"""The spans behind agent minutes: when sessions were active, page by page.

What belongs here: narrowing the spans of an activity report by time and names. What does not: which
of them take part, which the document decides.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from agentsview_assets.documents.activity.clock import NANOSECONDS
from agentsview_assets.documents.activity.scope import ActivityScope
from agentsview_assets.documents.activity.spans import SpanQuery
from agentsview_assets.documents.activity.sweep import minutes
from agentsview_assets.documents.common.sql import Sql, all_of
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.timestamps import parse_rfc3339
from agentsview_assets.web.pages.activity_report import Asked, asked, chosen
from agentsview_assets.web.pages.address import path_part
from agentsview_assets.web.pages.formats import hours, name
from agentsview_assets.web.pages.narrowing import within_tests, within_words
from agentsview_assets.web.pages.page import Ask, Content, Figure, Page
from agentsview_assets.web.pages.paging import limit, turns
from agentsview_assets.web.pages.table import Column, Table
from agentsview_assets.web.pages.week_hours import hours_words, of_hours

_WITHIN: Final = ("project", "agent", "model", "session_id")
_BY: Final = {"people": "NOT is_automated", "programs": "is_automated"}
_LABELS: Final = "session_id, title, project, agent, model, is_automated, archive_id, ordinal"


def spans_page(ask: Ask) -> Content:
    """Fills the page."""
    found = asked(ask)
    behind = _behind(ask, found)
    [(count, worked)] = ask.reader.rows(
        f"SELECT COUNT(*), {ask.reader.whole_sum('ends - begins')} FROM ({behind.text}) AS spans",
        behind.params,
    )
    total = minutes(int(worked))
    return Content(
        title="Spans",
        lead=f"{_words(ask)} · {ask.scope.words}",
        crumbs=[("Activity", ask.address.there("/activity"))],
        figures=[
            Figure("Spans", f"{count:,}", f"{count}"),
            Figure("Agents worked", hours(total), repr(total)),
        ],
        tables=[
            _table(
                ask,
                Sql(
                    f"SELECT begins, ends - begins AS worked, {_LABELS}\nFROM ({behind.text}) "
                    f"AS spans\nORDER BY begins, archive_id, session_id, ordinal\n"
                    f"{limit(ask)}",
                    behind.params,
                ),
                origin=found.span.start_ns // NANOSECONDS,
                **turns(ask, count),
            )
        ],
    )


def _behind(ask: Ask, found: Asked) -> Sql:
    """The parts of spans that lie within the time asked for, in nanoseconds since its start."""
    scope = ActivityScope(ask.archive, found.span, chosen(ask))
    spans = SpanQuery(ask.reader, scope).spans_one_by_one()
    first = max(_instant(ask, "since") or found.span.start_ns, found.span.start_ns)
    last = min(_instant(ask, "until") or found.span.effective_end_ns, found.span.effective_end_ns)
    begin, end = scope.moment(first), scope.moment(last)
    tests = [
        Sql(f"moment < {end} AND moment + duration_ns > {begin}"),
        *within_tests(ask, _WITHIN),
        *([Sql(_BY[by])] if (by := _started_by(ask)) else []),
    ]
    where = all_of(tests)
    within = Sql(
        f"SELECT {_LABELS},\n"
        f"CASE WHEN moment < {begin} THEN {begin} ELSE moment END AS begins,\n"
        f"CASE WHEN moment + duration_ns > {end} THEN {end} ELSE moment + duration_ns END AS ends\n"
        f"FROM ({spans.text}) AS near\nWHERE {where.text}",
        spans.params + where.params,
    )
    return of_hours(ask, scope, within, _LABELS)


def _instant(ask: Ask, parameter: str) -> int | None:
    """A moment of the address, in nanoseconds since 1970."""
    text = ask.address.value(parameter)
    if not text:
        return None
    moment = parse_rfc3339(text)
    if moment is None:
        raise UsageError(f"{parameter}: expected a time such as 2026-11-05T14:00:00Z")
    return moment.epoch_seconds * NANOSECONDS + moment.nanosecond


def _started_by(ask: Ask) -> str:
    by = ask.address.value("of")
    if by and by not in _BY:
        raise UsageError(f"of: expected one of {', '.join(_BY)}")
    return by


def _table(ask: Ask, sql: Sql, *, origin: int, **turns: str) -> Table:
    link = ask.address.there

    def row(begins: int, worked: int, *labels: Any) -> list[Any]:
        session, title, project, agent, model, is_automated, archive, _ = labels
        second = datetime.fromtimestamp(origin + begins // NANOSECONDS, UTC)
        by = "program" if is_automated else "person"
        head = [f"{second:%Y-%m-%d %H:%M:%S}", minutes(worked), title or session]
        return [*head, project, agent, model, by, archive, session]

    return Table(
        name="spans",
        caption="Spans of activity",
        columns=[
            Column("start", "Start", "moment"),
            Column("agent_minutes", "Agent minutes", "minutes"),
            Column(
                "title", "Session", "name", link=lambda r: link(f"/sessions/{path_part(r[-1])}")
            ),
            Column(
                "project", "Project", "name", link=lambda r: link(f"/projects/{path_part(r[3])}")
            ),
            Column("agent", "Agent", "name"),
            Column("model", "Model", "name", link=lambda r: link(f"/models/{path_part(r[5])}")),
            Column("started_by", "Started by", "text"),
            Column("archive", "Archive", "id"),
            Column("id", "Id", "id"),
        ],
        rows=[row(*found) for found in ask.reader.rows(sql.text, sql.params)],
        is_sorted=True,
        sorts=frozenset(),
        sql=sql,
        asset="activity_intervals",
        note="From one message of a session to the next one, five minutes at most.",
        **turns,
    )


def _words(ask: Ask) -> str:
    """What the spans have in common."""
    found = within_words(ask, _WITHIN)
    found += [words] if (words := hours_words(ask)) else []
    found += [f"started by {by}"] if (by := _started_by(ask)) else []
    since, until = (name(ask.address.value(end)) for end in ("since", "until"))
    found += [f"from {since} to {until}"] if ask.address.value("since") else []
    return ", ".join(found) or "All spans of activity"


PAGE = Page("/spans", spans_page)

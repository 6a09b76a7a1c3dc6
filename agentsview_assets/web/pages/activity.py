"""The page of activity: who worked when, how many at once, and by hours and weekdays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from agentsview_assets.web.pages.activity_charts import WEEKDAYS, over_time, week
from agentsview_assets.web.pages.activity_report import (
    LONGEST_DAYS,
    MOST_SESSIONS,
    Asked,
    asked,
    is_one_day,
    most_buckets,
    report,
)
from agentsview_assets.web.pages.address import path_part, word
from agentsview_assets.web.pages.charts import Chart, Series
from agentsview_assets.web.pages.formats import day, days, percent, usd
from agentsview_assets.web.pages.page import Ask, Content, Figure, Page
from agentsview_assets.web.pages.table import Column, Link, Row, Table

_SIZES: Final = {
    "5m": (300, "5 minutes"),
    "15m": (900, "15 minutes"),
    "1h": (3600, "Hours"),
    "1d": (86_400, "Days"),
    "1w": (604_800, "Weeks"),
}
_MOST_BARS: Final = 750
_PERSON, _PROGRAM = 0, 1


def activity(ask: Ask) -> Content:
    """Fills the page."""
    found = asked(ask)
    document = report(ask, found)
    return Content(
        title="Activity",
        lead=_lead(ask, found),
        figures=_figures(ask, document),
        charts=[
            _minutes_chart(ask, found, document),
            _agents_chart(ask, found, document),
            _week_chart(ask, document),
        ],
        tables=[
            *(_breakdown(ask, document, by) for by in ("project", "agent", "model")),
            _sessions(ask, document),
        ],
        values={
            "sizes": _sizes(found),
            "size": found.bucket,
            "notes": _notes(ask, found),
        },
        template="activity.html",
    )


def _lead(ask: Ask, found: Asked) -> str:
    if not found.is_cut and None not in ask.scope.window:
        return ask.scope.words
    first, last = found.window
    return days(first or "", last or "")


def _notes(ask: Ask, found: Asked) -> list[str]:
    notes = []
    if found.is_cut:
        notes.append(f"Activity is told of {LONGEST_DAYS} days at most: these are the last ones.")
    if ask.scope.names["model"]:
        notes.append("Sessions are not chosen by their models here.")
    return notes


def _sizes(found: Asked) -> dict[str, str]:
    fitting = {
        key: words
        for key, (seconds, words) in _SIZES.items()
        if 1 < most_buckets(found, seconds) <= _MOST_BARS
    }
    return {"": "Fitting", **fitting}


def _figures(ask: Ask, document: dict[str, Any]) -> list[Figure]:
    totals, peak = document["totals"], document["peak"]
    worked = totals["agent_minutes"]
    part = totals["automated_agent_minutes"] / worked if worked else 0.0
    at = f"first {clock_words(local(ask, peak['at']))}" if peak["at"] else ""
    return [
        Figure(
            "Agents worked",
            _hours(worked),
            repr(worked),
            note=f"{percent(part)} of it for programs",
        ),
        Figure(
            "Something ran",
            _hours(totals["active_minutes"]),
            repr(totals["active_minutes"]),
            note=f"nothing for {_hours(totals['idle_minutes'])}",
        ),
        Figure("Most at once", f"{peak['agents']:,}", f"{peak['agents']}", note=at),
        Figure(
            "Sessions",
            f"{totals['sessions']:,}",
            f"{totals['sessions']}",
            note=f"{totals['interactive_sessions']:,} of people, "
            f"{totals['automated_sessions']:,} of programs",
        ),
        Figure("Cost", usd(totals["cost"]), repr(totals["cost"])),
    ]


def _hours(minutes: float) -> str:
    return f"{minutes / 60:,.1f} h" if minutes >= 60 else f"{minutes:,.1f} min"  # noqa: PLR2004


def local(ask: Ask, text: str) -> datetime:
    """A moment of a document by the clock of the page's zone, as if that were UTC."""
    found = datetime.fromisoformat(text)
    offset = found.astimezone(ask.scope.zone.tzinfo).utcoffset() or timedelta()
    return (found + offset).replace(tzinfo=UTC)


def clock_words(moment: datetime) -> str:
    """A moment by a local clock, in words."""
    return f"{day(moment.date().isoformat())}, {moment:%H:%M}"


def _when(ask: Ask, bucket: dict[str, Any], unit: str) -> str:
    begin, end = local(ask, bucket["start"]), local(ask, bucket["end"])
    if unit in ("minute", "hour"):
        return f"{clock_words(begin)} – {end:%H:%M}"
    last = max(begin, end - timedelta(days=1))
    return days(begin.date().isoformat(), last.date().isoformat())


def _minutes_chart(ask: Ask, found: Asked, document: dict[str, Any]) -> Chart:
    values = [
        {**place, "from": 0, "to": bucket["agent_minutes"], "order": 0, "name": "Agents worked"}
        | {"text": f"{bucket['agent_minutes']:,.1f} min"}
        for place, bucket in _places(ask, document)
        if bucket["agent_minutes"]
    ]
    return _chart(ask, found, document, "worked", "Minutes of agents", "minutes", values, [])


def _agents_chart(ask: Ask, found: Asked, document: dict[str, Any]) -> Chart:
    values = []
    for place, bucket in _places(ask, document):
        people, programs = bucket["interactive_at_peak"], bucket["automated_at_peak"]
        for order, foot, count, words in (
            (_PERSON, 0, people, "of people"),
            (_PROGRAM, people, programs, "of programs"),
        ):
            if count:
                bar = {"from": foot, "to": foot + count, "order": order, "name": words}
                values.append({**place, **bar, "text": f"{count:,} at the peak"})
    legend = [Series("Of people", _PERSON), Series("Of programs", _PROGRAM)]
    return _chart(ask, found, document, "at_once", "Most agents at once", "whole", values, legend)


def _places(ask: Ask, document: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Where the bar of each bucket stands."""
    return [
        (
            {
                "start": f"{local(ask, bucket['start']):%Y-%m-%dT%H:%M:%SZ}",
                "end": f"{local(ask, bucket['end']):%Y-%m-%dT%H:%M:%SZ}",
                "when": _when(ask, bucket, document["bucket_unit"]),
            },
            bucket,
        )
        for bucket in document["buckets"][: document["elapsed_bucket_count"]]
    ]


def _chart(  # noqa: PLR0913 - both charts differ in all of it
    ask: Ask,
    found: Asked,
    document: dict[str, Any],
    chart_name: str,
    title: str,
    kind: str,
    values: list[dict[str, Any]],
    legend: list[Series],
) -> Chart:
    return Chart(
        name=chart_name,
        title=f"{title} by {document['bucket_unit']}",
        spec=over_time(
            values,
            kind,
            is_one_day=is_one_day(found),
            bounds=[f"{local(ask, document[key]):%Y-%m-%dT%H:%M:%SZ}" for key in _BOUNDS],
            count=len(document["buckets"]),
        ),
        table=_buckets(ask, document, chart_name, title),
        legend=legend,
    )


_BOUNDS: Final = ("range_start", "range_end")


def _buckets(ask: Ask, document: dict[str, Any], table_name: str, title: str) -> Table:
    unit = document["bucket_unit"]
    buckets = document["buckets"][: document["elapsed_bucket_count"]]
    totals, peak = document["totals"], document["peak"]

    def rows_of(row: Row) -> str:
        first = row[0][:10]
        end = datetime.fromisoformat(row[1])
        last = max((end - timedelta(seconds=1)).date().isoformat(), first)
        return ask.address.there("/rows", span=None, from_=first, to=last)

    return Table(
        name=f"{table_name}_by_time",
        caption=f"{title} by {unit}",
        columns=[
            Column("start", "From", "text"),
            Column("end", "To", "text"),
            Column("agent_minutes", "Agent minutes", "minutes", link=rows_of),
            Column("max_agents", "Most at once", "whole", link=rows_of),
            Column("interactive_at_peak", "Of people", "whole", swatch=_PERSON),
            Column("automated_at_peak", "Of programs", "whole", swatch=_PROGRAM),
            Column("output_tokens", "Output", "tokens", link=rows_of),
            Column("cost", "Cost", "usd", unit="USD", link=rows_of),
        ],
        rows=[
            [
                f"{local(ask, bucket['start']):%Y-%m-%d %H:%M}",
                f"{local(ask, bucket['end']):%Y-%m-%d %H:%M}",
                *(bucket[key] for key in _SHOWN),
            ]
            for bucket in buckets
        ],
        total=[
            "All",
            None,
            totals["agent_minutes"],
            peak["agents"],
            None,
            None,
            totals["output_tokens"],
            totals["cost"],
        ],
        asset="activity_intervals",
        note=f"Clock of {ask.scope.zone.name}.",
    )


_SHOWN: Final = (
    *("agent_minutes", "max_agents", "interactive_at_peak", "automated_at_peak"),
    *("output_tokens", "cost"),
)


def _week_chart(ask: Ask, document: dict[str, Any]) -> Chart:
    heat: list[list[float]] = document["heat"]
    most = max(max(hours) for hours in heat)
    values = [
        {
            "weekday": weekday,
            "hour": hour,
            "part": (worked / most) ** 0.5 if most else 0.0,
            "when": f"{weekday}, {hour:02}:00 – {hour + 1:02}:00",
            "text": f"{worked:,.1f} min",
        }
        for weekday, hours in zip(WEEKDAYS, heat, strict=True)
        for hour, worked in enumerate(hours)
    ]
    table = Table(
        name="week",
        caption="Minutes of agents by weekday and hour",
        columns=[
            Column("weekday", "Weekday", "text"),
            Column("all", "All", "minutes"),
            *(Column(f"hour_{hour:02}", f"{hour:02}", "minutes") for hour in range(24)),
        ],
        rows=[
            [weekday, sum(hours), *(worked or None for worked in hours)]
            for weekday, hours in zip(WEEKDAYS, heat, strict=True)
        ]
        if most
        else [],
        total=[
            "All",
            sum(map(sum, heat)),
            *(sum(hours[hour] for hours in heat) for hour in range(24)),
        ],
        asset="activity_intervals",
    )
    return Chart(
        name="heat",
        title="Hours of the week",
        spec=week(values),
        table=table,
        note=f"Minutes of agents by weekday and hour of {ask.scope.zone.name}; the darker, the "
        "more.",
    )


def _breakdown(ask: Ask, document: dict[str, Any], by: str) -> Table:
    worked = document["totals"]["agent_minutes"]

    def rows_of(row: Row) -> str:
        return ask.address.there("/rows", **{f"in_{by}": word(row[0])})

    return Table(
        name=f"by_{by}",
        caption=f"By {by}",
        columns=[
            Column(by, by.capitalize(), "name", link=_page_of(ask, by)),
            Column("agent_minutes", "Agent minutes", "minutes", link=rows_of),
            Column("share", "Share", "share"),
            Column("interactive_agent_minutes", "Of people", "minutes"),
            Column("automated_agent_minutes", "Of programs", "minutes"),
            Column("cost", "Cost", "usd", unit="USD", link=rows_of),
            Column("interactive_cost", "Of people", "usd", unit="USD"),
            Column("automated_cost", "Of programs", "usd", unit="USD"),
        ],
        rows=[
            [
                entry["key"],
                entry["agent_minutes"],
                entry["agent_minutes"] / worked if worked else None,
                entry["interactive_agent_minutes"],
                entry["automated_agent_minutes"],
                entry["cost"],
                entry["interactive_cost"],
                entry["automated_cost"],
            ]
            for entry in document[f"by_{by}"]
        ],
        asset="activity_intervals",
    )


def _page_of(ask: Ask, by: str) -> Link:
    if by == "agent":
        return lambda row: ask.address.here(agent=word(row[0]))
    return lambda row: ask.address.there(f"/{by}s/{path_part(row[0])}")


def _sessions(ask: Ask, document: dict[str, Any]) -> Table:
    entries = document["by_session"]
    return Table(
        name="by_session",
        caption="Sessions most active",
        columns=[
            Column(
                "title",
                "Session",
                "name",
                link=lambda row: ask.address.there(f"/sessions/{path_part(row[-1])}"),
            ),
            Column("project", "Project", "name"),
            Column("agent", "Agent", "name"),
            Column("model", "Model", "name"),
            Column("agent_minutes", "Agent minutes", "minutes"),
            Column("first_active", "First active", "moment"),
            Column("last_active", "Last active", "moment"),
            Column("cost", "Cost", "usd", unit="USD"),
            Column("id", "Id", "id"),
        ],
        rows=[
            [
                entry["title"],
                entry["project"],
                entry["agent"],
                entry["primary_model"] or None,
                entry["agent_minutes"],
                entry["first_active"],
                entry["last_active"],
                entry["cost"],
                entry["session_id"],
            ]
            for entry in entries
        ],
        asset="activity_intervals",
        note=f"The first {MOST_SESSIONS}." if len(entries) == MOST_SESSIONS else "",
    )


PAGE = Page("/activity", activity, nav="Activity")

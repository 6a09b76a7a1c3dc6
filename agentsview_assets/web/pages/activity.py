"""The page of activity: who worked when, how many at once, and by hours and weekdays."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from agentsview_assets.web.pages.activity_charts import WEEKDAYS, Axis, over_time, week
from agentsview_assets.web.pages.activity_report import (
    LONGEST_DAYS,
    Asked,
    asked,
    most_buckets,
    report,
)
from agentsview_assets.web.pages.activity_tables import (
    PERSON,
    PROGRAM,
    breakdown_table,
    buckets_table,
    local,
    sessions_table,
)
from agentsview_assets.web.pages.charts import Chart, Series, colour
from agentsview_assets.web.pages.formats import day, days, hours, percent, usd
from agentsview_assets.web.pages.page import Ask, Content, Figure, Page
from agentsview_assets.web.pages.table import Column, Table

_SIZES: Final = {
    "5m": (300, "5 minutes"),
    "15m": (900, "15 minutes"),
    "1h": (3600, "Hours"),
    "1d": (86_400, "Days"),
    "1w": (604_800, "Weeks"),
}
_MOST_BARS: Final = 750
_FITTING: Final = "auto"


def activity(ask: Ask) -> Content:
    """Fills the page."""
    found = asked(ask)
    document = report(ask, found)
    return Content(
        title="Activity",
        lead=_lead(ask, found),
        figures=_figures(ask, document),
        charts=[
            _minutes_chart(ask, document),
            _agents_chart(ask, document),
            _week_chart(ask, document),
        ],
        tables=[
            *(breakdown_table(ask, document, by) for by in ("project", "agent", "model")),
            sessions_table(ask, document),
        ],
        values={
            "sizes": _sizes(found),
            "size": found.bucket or _FITTING,
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
    return {_FITTING: "Fitting", **fitting}


def _figures(ask: Ask, document: dict[str, Any]) -> list[Figure]:
    totals, peak = document["totals"], document["peak"]
    worked = totals["agent_minutes"]
    part = totals["automated_agent_minutes"] / worked if worked else 0.0
    at = f"first {clock_words(local(ask, peak['at']))}" if peak["at"] else ""
    return [
        Figure(
            "Agents worked",
            hours(worked),
            repr(worked),
            ask.address.there("/spans"),
            note=f"{percent(part)} of it for programs",
        ),
        Figure(
            "Something ran",
            hours(totals["active_minutes"]),
            repr(totals["active_minutes"]),
            note=f"nothing for {hours(totals['idle_minutes'])}",
        ),
        Figure("Most at once", f"{peak['agents']:,}", f"{peak['agents']}", note=at),
        Figure(
            "Sessions",
            f"{totals['sessions']:,}",
            f"{totals['sessions']}",
            ask.address.there("/sessions"),
            note=f"{totals['interactive_sessions']:,} of people, "
            f"{totals['automated_sessions']:,} of programs",
        ),
        Figure("Cost", usd(totals["cost"]), repr(totals["cost"]), ask.address.there("/rows")),
    ]


def clock_words(moment: datetime) -> str:
    """A moment by a local clock, in words."""
    return f"{day(moment.date().isoformat())}, {moment:%H:%M}"


def _when(ask: Ask, bucket: dict[str, Any], unit: str) -> str:
    begin, end = local(ask, bucket["start"]), local(ask, bucket["end"])
    if unit in ("minute", "hour"):
        return f"{clock_words(begin)} – {end:%H:%M}"
    last = max(begin, end - timedelta(days=1))
    return days(begin.date().isoformat(), last.date().isoformat())


def _minutes_chart(ask: Ask, document: dict[str, Any]) -> Chart:
    values = [
        {**place, "from": 0, "to": bucket["agent_minutes"], "order": 0, "name": "Agents worked"}
        | {"text": f"{bucket['agent_minutes']:,.1f} min"}
        for place, bucket in _places(ask, document)
        if bucket["agent_minutes"]
    ]
    title = f"Minutes of agents by {_unit(document)}"
    return Chart(
        "worked",
        title,
        over_time(values, "minutes", _axis(ask, document), ["var(--accent)"]),
        buckets_table(ask, document, "worked", title),
    )


def _agents_chart(ask: Ask, document: dict[str, Any]) -> Chart:
    values = []
    for place, bucket in _places(ask, document):
        people, programs = bucket["interactive_at_peak"], bucket["automated_at_peak"]
        for order, foot, count, words in (
            (PERSON, 0, people, "of people"),
            (PROGRAM, people, programs, "of programs"),
        ):
            if count:
                bar = {"from": foot, "to": foot + count, "order": order, "name": words}
                values.append({**place, **bar, "text": f"{count:,} at the peak"})
    title = f"Most agents at once by {_unit(document)}"
    colours = [colour(PERSON), colour(PROGRAM)]
    return Chart(
        "at_once",
        title,
        over_time(values, "whole", _axis(ask, document), colours),
        buckets_table(ask, document, "at_once", title),
        legend=[Series("Of people", PERSON), Series("Of programs", PROGRAM)],
    )


def _places(ask: Ask, document: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Where the bar of each bucket stands."""
    return [
        (
            {
                "start": _seconds(ask, bucket["start"]),
                "end": _seconds(ask, bucket["end"]),
                "when": _when(ask, bucket, document["bucket_unit"]),
            },
            bucket,
        )
        for bucket in document["buckets"][: document["elapsed_bucket_count"]]
    ]


def _unit(document: dict[str, Any]) -> str:
    """How long a bucket is, in words."""
    unit, seconds = document["bucket_unit"], document["bucket_seconds"]
    return f"{seconds // 60} minutes" if unit == "minute" else str(unit)


def _axis(ask: Ask, document: dict[str, Any]) -> Axis:
    start, end = (_seconds(ask, document[key]) for key in ("range_start", "range_end"))
    return Axis(start, end, len(document["buckets"]))


def _seconds(ask: Ask, text: str) -> int:
    return int(local(ask, text).timestamp())


def _week_chart(ask: Ask, document: dict[str, Any]) -> Chart:
    heat: list[list[float]] = document["heat"]
    most = max(map(max, heat))
    values = [
        {
            "weekday": weekday,
            "hour": hour,
            "part": (worked / most) ** 0.5 if most else 0.0,
            "when": f"{weekday}, {hour:02}:00 – {hour + 1:02}:00",
            "text": f"{worked:,.1f} min",
        }
        for weekday, of_day in zip(WEEKDAYS, heat, strict=True)
        for hour, worked in enumerate(of_day)
    ]
    table = Table(
        name="week",
        caption="Minutes of agents by weekday and hour",
        columns=[
            Column("weekday", "Weekday", "text"),
            Column(
                "all",
                "All",
                "minutes",
                ask.address.leading("/spans", "weekday"),
                ask.address.there("/spans"),
            ),
            *(
                Column(
                    f"hour_{hour:02}",
                    f"{hour:02}",
                    "minutes",
                    ask.address.leading("/spans", "weekday", hour=hour),
                    ask.address.there("/spans", hour=hour),
                )
                for hour in range(24)
            ),
        ],
        rows=[
            [weekday, sum(of_day), *(worked or None for worked in of_day)]
            for weekday, of_day in zip(WEEKDAYS, heat, strict=True)
        ]
        if most
        else [],
        total=[
            "All",
            sum(map(sum, heat)),
            *(sum(of_day[hour] for of_day in heat) for hour in range(24)),
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


PAGE = Page("/activity", activity, nav="Activity")

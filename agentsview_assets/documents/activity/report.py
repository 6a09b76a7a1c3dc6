"""The v1 `activity report` document: who was active when, how much at once, and at what cost.

What belongs here: money, totals and the shape of the document. What does not: which rows count
(`activity_query`), arithmetic over time (`activity_sweep`), and how the document is printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.documents.activity.clock import NANOSECONDS, UtcClock
from agentsview_assets.documents.activity.intervals import IntervalList
from agentsview_assets.documents.activity.layout import Layout
from agentsview_assets.documents.activity.query import UsageQuery
from agentsview_assets.documents.activity.range import (
    RangeRequest,
    ReportRange,
    resolve_range,
)
from agentsview_assets.documents.activity.scope import ActivityFilter, ActivityScope
from agentsview_assets.documents.activity.sessions import (
    Session,
    SessionList,
    breakdowns,
)
from agentsview_assets.documents.activity.spans import SpanQuery
from agentsview_assets.documents.activity.sweep import (
    Concurrency,
    Gathered,
    Spans,
    gather,
    minutes,
    sweep,
)
from agentsview_assets.documents.activity.usage import ActivityUsage
from agentsview_assets.documents.common.lookups import load_prices, project_map, resolve_archives
from agentsview_assets.documents.common.pricing_block import pricing_block
from agentsview_assets.rules.integers import int64
from agentsview_assets.rules.timestamps import Instant, format_utc_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentsview_assets.documents.common.window import Zone
    from agentsview_assets.resources.warehouses.reader import Reader

SCHEMA_VERSION = 1


class ActivityReport(NamedTuple):
    """A report in three parts, because the last two may be too large to be held as a document.

    Attributes:
        head: All members but the last two, in the contract's order.
        by_session: The next member.
        intervals: The last member.
    """

    head: dict[str, Any]
    by_session: SessionList
    intervals: IntervalList

    def document(self) -> dict[str, Any]:
        """Return the whole document."""
        lists = {"by_session": list(self.by_session), "intervals": list(self.intervals)}
        return {**self.head, **lists}

    def json_chunks(self, *, indent: int | None = 2) -> Iterator[str]:
        """Yield the document as JSON text, piece by piece.

        Args:
            indent: Spaces a level, and `<`, `>` and `&` escaped, as agentsview's command writes.
                None puts everything on one line and leaves those three alone, as its server does.

        Raises:
            ValueError: A figure is not finite; nothing has been yielded then.
        """
        layout = Layout(indent, escape_html=indent is not None)
        end = f"{layout.line(0)}}}"
        yield layout.encode(self.head).removesuffix(end)
        for name, part in (("by_session", self.by_session), ("intervals", self.intervals)):
            yield f',{layout.line(1)}"{name}"{layout.colon}'
            yield from part.json_chunks(layout)
        yield f"{end}\n"


def activity_report(  # noqa: PLR0913 - what a report can be asked for, all by name
    reader: Reader,
    *,
    zone: Zone,
    now: Instant,
    preset: str = "",
    date: str = "",
    from_: str = "",
    to: str = "",
    bucket: str = "",
    project: str = "",
    agents: str = "",
    machines: str = "",
    offline: bool = False,
    archive_id: str | None = None,
) -> dict[str, Any]:
    """Return the document, its keys in the contract's order.

    Args:
        reader: The warehouse.
        zone: Zone of days, weeks and months.
        now: The present: nothing after it counts.
        preset: `day`, `week`, `month` or `custom`; empty means `day`.
        date: `YYYY-MM-DD` that the day, week or month holds; empty means today.
        from_: Start of a custom range, RFC 3339.
        to: Its end, excluded.
        bucket: `5m`, `15m`, `1h`, `1d` or `1w`; empty chooses by the length of the range.
        project: Exact project label; empty for all.
        agents: Comma-separated agent names; empty for all.
        machines: Comma-separated machine labels; empty for all.
        offline: Prefer the embedded prices to the archive's own.
        archive_id: Archive of the report; None takes all of the warehouse.

    Raises:
        UsageError: The range cannot be understood, or asks for too much.
        WarehouseError: The warehouse cannot be read, or its archive is absent.
    """
    span = resolve_range(RangeRequest(preset, date, from_, to, bucket), zone, now)
    return build_report(
        reader,
        span,
        zone=zone,
        chosen=ActivityFilter(project, agents, machines),
        offline=offline,
        archive_id=archive_id,
    ).document()


def build_report(  # noqa: PLR0913 - likewise
    reader: Reader,
    span: ReportRange,
    *,
    zone: Zone,
    chosen: ActivityFilter,
    offline: bool,
    archive_id: str | None,
) -> ActivityReport:
    """Return the report of a range that is settled already; see `activity_report`."""
    archive = resolve_archives(reader, archive_id)
    scope = ActivityScope(archive, span, chosen)
    query = SpanQuery(reader, scope)
    edges = scope.edges
    sessions = [Session(*columns) for columns in query.sessions()]
    by_id = {session.session_id: session for session in sessions}
    prices = load_prices(reader, archive, offline=offline)
    # Before the spans, which stay in memory: these queries are the largest.
    usage = ActivityUsage(UsageQuery(reader, scope), prices, by_id, edges[:-1])
    worked = _work(query, sessions, edges, scope.moment(span.effective_end_ns))
    spans = Spans(worked.keys)
    concurrency = sweep(spans, [session.is_automated for session in sessions], edges)
    clock = UtcClock(scope.origin)
    head = {
        "schema_version": SCHEMA_VERSION,
        "pricing": pricing_block(prices, usage.models),
        "projects": project_map(
            reader, archive, {session.project for session in sessions}, with_empty=True
        ),
        "timezone": zone.name,
        **_range_entry(span),
        "buckets": _bucket_entries(span, concurrency, worked.bucket_minutes, usage),
        "peak": {
            "agents": concurrency.peak,
            "at": None if concurrency.peak_at is None else clock.text(concurrency.peak_at),
        },
        "totals": {
            **_time_totals(span, concurrency.active_ns),
            **_session_totals(sessions, worked, usage),
        },
        **breakdowns(sessions),
    }
    return ActivityReport(
        head, SessionList(sessions, clock), IntervalList(spans, list(by_id), clock)
    )


def _work(
    query: SpanQuery, sessions: Sequence[Session], edges: Sequence[int], until: int
) -> Gathered:
    """Give the sessions, ids ascending, their activity, and return what it adds up to."""
    worked = gather(
        query.spans((session.session_id, session.message_count) for session in sessions),
        [(session.session_id, session.is_automated) for session in sessions],
        (edges[0], until),
        edges,
    )
    for number, activity in worked.by_session.items():
        sessions[number].activity = activity
    return worked


def _range_entry(span: ReportRange) -> dict[str, Any]:
    effective_end = _text(span.effective_end_ns)
    return {
        "range_start": _text(span.start_ns),
        "range_end": _text(span.end_ns),
        "bucket_unit": span.unit,
        "bucket_seconds": span.bucket_seconds,
        "bucket_count": len(span.edges) - 1,
        "partial": span.partial,
        "as_of": effective_end if span.partial else None,
        "effective_end": effective_end,
        "elapsed_bucket_count": span.elapsed_bucket_count,
    }


def _bucket_entries(
    span: ReportRange, concurrency: Concurrency, worked: Sequence[float], usage: ActivityUsage
) -> list[dict[str, Any]]:
    texts = [_text(edge) for edge in span.edges]
    return [
        {
            "start": texts[at],
            "end": texts[at + 1],
            "max_agents": agents,
            "agent_minutes": worked[at],
            "output_tokens": int64(usage.bucket_tokens[at]),
            "cost": usage.bucket_costs[at],
            "automated_at_peak": automated,
            "interactive_at_peak": agents - automated,
        }
        for at, (agents, automated) in enumerate(concurrency.bucket_peaks)
    ]


def _time_totals(span: ReportRange, active_ns: int) -> dict[str, float]:
    active = minutes(active_ns)
    elapsed = minutes(span.effective_end_ns - span.start_ns)
    return {"active_minutes": active, "idle_minutes": max(elapsed - active, 0.0)}


def _session_totals(
    sessions: Sequence[Session],
    worked: Gathered,
    usage: ActivityUsage,
) -> dict[str, Any]:
    automated = sum(session.is_automated for session in sessions)
    return {
        "agent_minutes": worked.minutes,
        "sessions": len(sessions),
        "untimed_sessions": len(sessions) - len(worked.by_session),
        "distinct_projects": len({session.project for session in sessions}),
        "distinct_models": len(set().union(*(session.weighted_models() for session in sessions))),
        "output_tokens": int64(usage.output_tokens),
        "cost": usage.cost,
        "automated_agent_minutes": worked.parts[1],
        "interactive_agent_minutes": worked.parts[0],
        "automated_cost": usage.costs[1],
        "interactive_cost": usage.costs[0],
        "automated_sessions": automated,
        "interactive_sessions": len(sessions) - automated,
    }


def _text(epoch_ns: int) -> str:
    return format_utc_seconds(Instant(epoch_ns // NANOSECONDS, 0))

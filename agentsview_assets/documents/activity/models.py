"""The shape of the activity report."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from agentsview_assets.documents.common.model_parts import Doc, Pricing, Project, UtcTime


class Bucket(TypedDict):
    """A piece of the range."""

    start: UtcTime
    end: Annotated[str, Doc("UTC, excluded")]
    max_agents: Annotated[int, Doc("Most spans of activity at one moment")]
    agent_minutes: Annotated[float, Doc("Minutes of all spans in it")]
    output_tokens: int
    cost: Annotated[float, Doc("USD")]
    automated_at_peak: Annotated[int, Doc("Of max_agents, those of automated sessions")]
    interactive_at_peak: Annotated[int, Doc("The others")]


class Peak(TypedDict):
    """When most ran at once."""

    agents: int
    at: Annotated[str | None, Doc("The first such moment, UTC; null without activity")]


class ActivityTotals(TypedDict):
    """Sums over the range."""

    active_minutes: Annotated[float, Doc("Minutes in which anything ran")]
    idle_minutes: Annotated[float, Doc("Minutes in which nothing ran, up to effective_end")]
    agent_minutes: Annotated[float, Doc("Minutes of all spans, side by side ones added up")]
    sessions: int
    untimed_sessions: Annotated[int, Doc("Sessions without any span in the range")]
    distinct_projects: int
    distinct_models: int
    output_tokens: int
    cost: Annotated[float, Doc("USD")]
    automated_agent_minutes: float
    interactive_agent_minutes: float
    automated_cost: Annotated[float, Doc("USD")]
    interactive_cost: Annotated[float, Doc("USD")]
    automated_sessions: int
    interactive_sessions: int


class ActivityBreakdown(TypedDict):
    """A project's, model's or agent's part."""

    key: Annotated[str, Doc("Its name")]
    agent_minutes: float
    cost: Annotated[float, Doc("USD")]
    automated_agent_minutes: float
    interactive_agent_minutes: float
    automated_cost: Annotated[float, Doc("USD")]
    interactive_cost: Annotated[float, Doc("USD")]


class ActivitySession(TypedDict):
    """A session of the range."""

    session_id: str
    title: Annotated[str, Doc("The first of its names that is not empty")]
    project: str
    agent: str
    primary_model: Annotated[str, Doc("Model with most minutes or, without any, most cost; or ''")]
    models: Annotated[list[str] | None, Doc("All of them, sorted; null when none is known")]
    agent_minutes: Annotated[float | None, Doc("Minutes of its spans; null when untimed")]
    cost: Annotated[float, Doc("USD")]
    output_tokens: int
    first_active: Annotated[str | None, Doc("Start of its first span, UTC; null when untimed")]
    last_active: Annotated[str | None, Doc("End of its last span, UTC; null when untimed")]
    timing_quality: Literal["timed", "untimed"]
    is_automated: Annotated[bool, Doc("Whether a program started it")]


class Interval(TypedDict):
    """A span of activity of a session."""

    session_id: str
    start: UtcTime
    end: UtcTime


class ActivityReport(TypedDict):
    """Who was active when, how many at once, and at what cost."""

    schema_version: Literal[1]
    pricing: Pricing
    projects: Annotated[dict[str, Project], Doc("By project label")]
    timezone: Annotated[str, Doc("Zone of days, weeks and months")]
    range_start: UtcTime
    range_end: Annotated[str, Doc("UTC, excluded")]
    bucket_unit: Literal["minute", "hour", "day", "week"]
    bucket_seconds: Annotated[int, Doc("Nominal length of a bucket")]
    bucket_count: Annotated[int, Doc("Length of buckets")]
    partial: Annotated[bool, Doc("Whether the range ends in the future")]
    as_of: Annotated[str | None, Doc("The present, UTC; null unless partial")]
    effective_end: Annotated[str, Doc("UTC; nothing after it counts")]
    elapsed_bucket_count: Annotated[int, Doc("Buckets that have begun")]
    buckets: list[Bucket]
    peak: Peak
    totals: ActivityTotals
    by_project: Annotated[list[ActivityBreakdown], Doc("Most minutes first")]
    by_model: Annotated[list[ActivityBreakdown], Doc("Most minutes first")]
    by_agent: Annotated[list[ActivityBreakdown], Doc("Most minutes first")]
    by_session: Annotated[list[ActivitySession], Doc("Most minutes first, untimed ones last")]
    intervals: Annotated[list[Interval], Doc("By start, end and session")]

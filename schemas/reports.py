"""Contracts of the report tables: flat, for people and business intelligence tools."""

from __future__ import annotations

from agentsview_assets.schemas.contract import TableContract
from agentsview_assets.schemas.fields import (
    SHA256_KEY,
    Instant,
    NullableInt,
    TableModel,
    count,
    day,
    flag,
    instant,
    real,
    text,
)
from agentsview_assets.schemas.observations import ARCHIVE_ID, PARTITION_DATE
from agentsview_assets.schemas.pricing import DIGEST


class DailyUsage(TableModel):
    """Tokens and cost of one UTC day, project, agent and model; duplicates do not count."""

    archive_id: str = text(ARCHIVE_ID)
    partition_date: str = day(PARTITION_DATE)
    usage_date_text: str = text("UTC date, or the first characters of a text that is not a time")
    project: str = text("Project label; empty when unknown")
    agent: str = text("Coding agent")
    model: str = text("Model name as reported")
    usage_row_count: int = count("Rows counted", "rows")
    duplicate_row_count: int = count("Rows left out as duplicates", "rows")
    reported_row_count: int = count("Counted rows whose cost the source reported", "rows")
    input_tokens: int = count("Uncached input tokens", "tokens")
    output_tokens: int = count("Output tokens", "tokens")
    cache_creation_tokens: int = count("Cache write tokens", "tokens")
    cache_read_tokens: int = count("Cache read tokens", "tokens")
    reasoning_tokens: int = count("Reasoning tokens", "tokens", signed=True)
    priced_input_tokens: int = count("Input tokens of rows without a reported cost", "tokens")
    priced_output_tokens: int = count(
        "Billable output tokens of rows without a reported cost", "tokens", signed=True
    )
    priced_cache_creation_tokens: int = count(
        "Cache write tokens of rows without a reported cost", "tokens"
    )
    priced_cache_read_tokens: int = count(
        "Cache read tokens of rows without a reported cost", "tokens"
    )
    unpriced_tokens: int = count(
        "Tokens of the four counters for which there is neither a price nor a reported cost",
        "tokens",
    )
    reported_cost_usd: float = real("Cost that sources reported", "USD")
    computed_cost_usd: float = real("Cost computed from tokens and rates", "USD")
    cost_usd: float = real("Reported plus computed cost", "USD")
    cache_savings_usd: float = real("What caching saved against uncached input", "USD")
    pricing_digest: str = text(DIGEST, pattern=SHA256_KEY)


class ActivityBuckets(TableModel):
    """Five minutes of activity on the UTC clock."""

    archive_id: str = text(ARCHIVE_ID)
    partition_date: str = day(PARTITION_DATE)
    bucket_start: Instant = instant("Start of the five minutes")
    max_agents: int = count("Most spans alive at once", "agents")
    automated_at_peak: int = count("Automated ones among them", "agents")
    interactive_at_peak: int = count("Interactive ones among them", "agents")
    session_count: int = count("Sessions active", "sessions")
    active_minutes: float = real("Minutes in which anything was active", "minutes", signed=False)
    agent_minutes: float = real("Minutes of activity, summed over agents", "minutes", signed=False)
    automated_agent_minutes: float = real("Automated part of them", "minutes", signed=False)
    interactive_agent_minutes: float = real("Interactive part of them", "minutes", signed=False)
    input_tokens: int = count("Uncached input tokens", "tokens")
    output_tokens: int = count("Output tokens", "tokens")
    cache_creation_tokens: int = count("Cache write tokens", "tokens")
    cache_read_tokens: int = count("Cache read tokens", "tokens")
    unpriced_tokens: int = count("Tokens without a price or a reported cost", "tokens")
    cost_usd: float = real("Reported plus computed cost", "USD")
    pricing_digest: str = text(DIGEST, pattern=SHA256_KEY)


class SessionSummaries(TableModel):
    """A session as the v1 export tells it, with its own usage and cost."""

    archive_id: str = text(ARCHIVE_ID)
    partition_date: str = day(PARTITION_DATE)
    session_id: str = text("Identifier of the session in its archive")
    project: str = text("Project label; empty when unknown")
    machine: str = text("Machine label")
    agent: str = text("Coding agent")
    cwd: str = text("Working directory last seen")
    git_branch: str = text("Branch last seen")
    started_at: Instant = instant("Start", nullable=True)
    ended_at: Instant = instant("End", nullable=True)
    last_activity_text: str = text("Time text of the last activity")
    duration_seconds: NullableInt = count(
        "Whole seconds from start to end, or to the last activity; null if a time cannot be read",
        "seconds",
        nullable=True,
    )
    message_count: int = count("Messages, as stored", "messages", signed=True)
    user_message_count: int = count("Messages of the user", "messages", signed=True)
    assistant_message_count: int = count("Assistant messages", "messages")
    classification: str = text("Who drove it", closed=("interactive", "automated"))
    is_deleted: bool = flag("In the trash")
    parent_session_id: str = text("Session that this one continues or serves", nullable=True)
    relationship_type: str = text("subagent, fork, continuation or another word", nullable=True)
    worktree_name: str = text("Name of the linked worktree", nullable=True)
    worktree_root_path: str = text("Root of that worktree", nullable=True)
    model_count: int = count("Models that contributed", "models")
    input_tokens: int = count("Uncached input tokens, once per session", "tokens")
    output_tokens: int = count("Output tokens", "tokens")
    cache_creation_tokens: int = count("Cache write tokens", "tokens")
    cache_read_tokens: int = count("Cache read tokens", "tokens")
    reasoning_tokens: int = count("Reasoning tokens", "tokens", signed=True)
    cost_usd: float = real("Reported plus computed cost", "USD")
    has_cost: bool = flag("Every contributing row had a price or a reported cost")
    unpriced_tokens: int = count("Tokens without a price or a reported cost", "tokens")
    pricing_digest: str = text(DIGEST, pattern=SHA256_KEY)


class SessionModelUsage(TableModel):
    """Tokens and cost of one model in one session; a session's own repeats do not count."""

    archive_id: str = text(ARCHIVE_ID)
    partition_date: str = day(PARTITION_DATE)
    session_id: str = text("Identifier of the session in its archive")
    model: str = text("Model name as reported")
    usage_row_count: int = count("Rows that contributed", "rows")
    reported_row_count: int = count("Those whose cost the source reported", "rows")
    input_tokens: int = count("Uncached input tokens", "tokens")
    output_tokens: int = count("Output tokens", "tokens")
    cache_creation_tokens: int = count("Cache write tokens", "tokens")
    cache_read_tokens: int = count("Cache read tokens", "tokens")
    reasoning_tokens: int = count("Reasoning tokens", "tokens", signed=True)
    priced_input_tokens: int = count("Input tokens of rows without a reported cost", "tokens")
    priced_output_tokens: int = count(
        "Billable output tokens of rows without a reported cost", "tokens", signed=True
    )
    priced_cache_creation_tokens: int = count(
        "Cache write tokens of rows without a reported cost", "tokens"
    )
    priced_cache_read_tokens: int = count(
        "Cache read tokens of rows without a reported cost", "tokens"
    )
    unpriced_tokens: int = count("Tokens without a price or a reported cost", "tokens")
    reported_cost_usd: float = real("Cost that sources reported", "USD")
    computed_cost_usd: float = real("Cost computed from tokens and rates", "USD")
    cost_usd: float = real("Reported plus computed cost", "USD")
    cost_source: str = text("Where the cost comes from", closed=("computed", "reported", "mixed"))
    pricing_digest: str = text(DIGEST, pattern=SHA256_KEY)


DAILY_USAGE = TableContract(
    name="daily_usage",
    group="reports",
    description="Tokens and cost of a UTC day, project, agent and model, duplicates left out.",
    model=DailyUsage,
    key=("archive_id", "partition_date", "usage_date_text", "project", "agent", "model"),
    partition_column="partition_date",
)
ACTIVITY_BUCKETS = TableContract(
    name="activity_buckets",
    group="reports",
    description="Five minutes of the UTC clock: agents at work, agent-minutes, tokens and cost.",
    model=ActivityBuckets,
    key=("archive_id", "partition_date", "bucket_start"),
    partition_column="partition_date",
)
SESSION_SUMMARIES = TableContract(
    name="session_summaries",
    group="reports",
    description="A session with its own tokens and cost, as the v1 session export tells it.",
    model=SessionSummaries,
    key=("archive_id", "session_id"),
    partition_column="partition_date",
)
SESSION_MODEL_USAGE = TableContract(
    name="session_model_usage",
    group="reports",
    description="Tokens and cost of each model in each session.",
    model=SessionModelUsage,
    key=("archive_id", "session_id", "model"),
    partition_column="partition_date",
)

"""Contracts of what was observed in an archive: facts, before any verdict and any price."""

from __future__ import annotations

from agentsview_assets.schemas.contract import TableContract
from agentsview_assets.schemas.fields import (
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

ARCHIVE_ID = "Archive the row was read from: its archive id, or database id where it has none"
PARTITION_DATE = (
    "UTC day of the row, also where it is after today; rows without a usable day or before the "
    "window live in the window's first day"
)


class Sessions(TableModel):
    """A session without its content."""

    archive_id: str = text(ARCHIVE_ID)
    partition_date: str = day(PARTITION_DATE)
    session_id: str = text("Identifier of the session in its archive")
    project: str = text("Project label; empty when unknown")
    machine: str = text("Machine label as the archive keeps it")
    agent: str = text("Coding agent, such as claude, codex or copilot")
    title: str = text(
        "First non-empty of display name, session name, first message, project and id; the first "
        "message is left out when titles are switched off"
    )
    started_at_text: str = text("Start time as stored", nullable=True)
    ended_at_text: str = text("End time as stored", nullable=True)
    created_at_text: str = text("Time at which the archive row was made, as stored")
    started_at: Instant = instant("Start, when the stored text is a time", nullable=True)
    ended_at: Instant = instant("End, when the stored text is a time", nullable=True)
    latest_message_text: str = text(
        "Greatest message time compared as text, where the session has no end", nullable=True
    )
    started_on: str = text("UTC date of the start as SQLite reads it", nullable=True)
    ended_on: str = text("UTC date of the end, or of the latest message", nullable=True)
    last_activity_text: str = text("Time text of the last activity: end, latest message or start")
    last_activity_julian: float = real(
        "Last activity as the julian day that exports sort by", "days", nullable=True
    )
    message_count: int = count("Messages, as stored", "messages", signed=True)
    user_message_count: int = count("Messages of the user, as stored", "messages", signed=True)
    assistant_message_count: int = count(
        "Assistant messages that are not system ones, counted while observing", "messages"
    )
    parent_session_id: str = text("Session that this one continues or serves", nullable=True)
    relationship_type: str = text("subagent, fork, continuation, or empty for a root")
    is_automated: bool = flag("Started by a program rather than a person")
    deleted_at_text: str = text("Time of its removal to the trash, as stored", nullable=True)
    cwd: str = text("Working directory last seen")
    git_branch: str = text("Branch last seen")
    worktree_name: str = text("Name of the linked worktree it ran in", nullable=True)
    worktree_root_path: str = text("Root of that worktree", nullable=True)
    total_output_tokens: int = count(
        "Output tokens by the session's own count", "tokens", signed=True
    )
    peak_context_tokens: int = count("Largest context seen", "tokens", signed=True)
    has_total_output_tokens: bool = flag("The source reported total output tokens")
    has_peak_context_tokens: bool = flag("The source reported context sizes")
    outcome: str = text("Outcome signal")
    health_grade: str = text("Quality grade", nullable=True)
    termination_status: str = text("How it ended", nullable=True)
    tool_failure_signal_count: int = count("Tool failures signalled", "signals", signed=True)
    secret_leak_count: int = count("Secrets found in its text", "findings", signed=True)
    secrets_rules_version: str = text(
        "Version of the rules that looked for secrets in its text", nullable=True
    )
    starred_at_text: str = text("Time at which it was starred, as stored", nullable=True)
    display_name: str = text(
        "Name in usage by session, where it is not the title: an empty display name, unlike none, "
        "hides the session name there",
        nullable=True,
    )
    own_activity_julian: float = real(
        "End, else start, else creation as a julian day: when it was last active by its own row; "
        "null where that text is no time to SQLite",
        "days",
        nullable=True,
    )
    answer_times: str = text(
        "Of agents that record no tokens: the times of assistant messages by model, as JSON",
        nullable=True,
    )


class UsageRows(TableModel):
    """A token-bearing message, usage event or Cursor event: a fact, without a verdict."""

    archive_id: str = text(ARCHIVE_ID)
    partition_date: str = day(PARTITION_DATE)
    row_id: str = text("Identifier of the row, unique in its archive")
    row_kind: str = text(
        "Where the row came from", closed=("message", "usage_event", "cursor_event")
    )
    session_id: str = text("Session that spent the tokens; empty for Cursor events")
    source: str = text("message, cursor, or the usage event's own source")
    ordinal: NullableInt = count(
        "Message ordinal within the session", "ordinal", nullable=True, signed=True
    )
    timestamp_text: str = text("Effective time text as stored, own or session's", nullable=True)
    occurred_at: Instant = instant("Instant of the row, when its text is a time", nullable=True)
    epoch_seconds: NullableInt = count(
        "Instant in whole seconds since 1970-01-01 UTC", "seconds", nullable=True, signed=True
    )
    nanosecond: NullableInt = count("Nanosecond within that second", "nanoseconds", nullable=True)
    project: str = text("Project label of the session; empty when unknown")
    agent: str = text("Coding agent of the session, or cursor")
    machine: str = text("Machine label of the session")
    model: str = text("Model name as reported")
    session_date: str = day(
        "Partition day of the session; null for Cursor events and where its row is left out",
        nullable=True,
    )
    input_tokens: int = count("Uncached input tokens, clamped", "tokens")
    output_tokens: int = count("Output tokens, clamped", "tokens")
    cache_creation_tokens: int = count("Cache write tokens, clamped", "tokens")
    cache_read_tokens: int = count("Cache read tokens, clamped", "tokens")
    reasoning_tokens: int = count("Reasoning tokens; raw for usage events", "tokens", signed=True)
    billable_output_tokens: int = count(
        "Output tokens, or reasoning tokens where there is no output", "tokens", signed=True
    )
    reported_cost_usd: float = real("Cost that the source reported", "USD", nullable=True)
    dedup_key: str = text(
        "Key that rows of the same event share, in one archive or several; null where a row has "
        "none that another one could have",
        nullable=True,
    )
    is_headless: bool = flag(
        "Of Cursor events: no person was there; null for all others, and where the archive does "
        "not tell",
        nullable=True,
    )
    event_key_order: NullableInt = count(
        "Of usage events whose key is `id:` and their number, or begins like that: place, from 0, "
        "by the text of that key among those of one session, time text, ordinal and source; null "
        "for all others",
        "ordinal",
        nullable=True,
    )


class ActivityIntervals(TableModel):
    """A span in which a session was active: from one message to the next, five minutes at most."""

    archive_id: str = text(ARCHIVE_ID)
    partition_date: str = day(PARTITION_DATE)
    session_id: str = text("Session that was active")
    ordinal: int = count("Ordinal of the message that opens the span", "ordinal", signed=True)
    model: str = text("Model at work, or unknown before the first answer")
    is_automated: bool = flag("The session was started by a program")
    started_at: Instant = instant(
        "Start of the span; null outside the years 1 to 9999", nullable=True
    )
    ended_at: Instant = instant("End of the span, exclusive; null as the start is", nullable=True)
    epoch_seconds: int = count("Start in whole seconds since 1970", "seconds", signed=True)
    nanosecond: int = count("Nanosecond within that second", "nanoseconds")
    duration_ns: int = count("Length, 300 s at most", "nanoseconds")


class ProjectObservations(TableModel):
    """Something seen of a project on disk: a root, a remote, a session's place, a mapping rule."""

    archive_id: str = text(ARCHIVE_ID)
    evidence: str = text(
        "Kind of evidence; what the disk of the machine that read the archive said is among it",
        closed=("observation", "session_place", "worktree_mapping", "disk_path", "disk_checkout"),
    )
    project: str = text("Project label")
    machine: str = text("Machine label")
    root_path: str = text("Root, working directory or path prefix, by kind of evidence")
    git_remote: str = text("Remote without credentials; empty when there is none")
    worktree_name: str = text("Name of the worktree")
    worktree_root_path: str = text("Root of the worktree, or the folder of the session's file")
    layout: str = text("Layout of a mapping rule; empty otherwise")


class Machines(TableModel):
    """A machine label of an archive's sessions, and what it stands for."""

    archive_id: str = text(ARCHIVE_ID)
    machine: str = text("Label as sessions carry it")
    kind: str = text(
        "What the label is: the literal local (0.37), a host's name or key, or an installation id "
        "(0.43 and later)",
        closed=("local", "host", "installation"),
    )
    label: str = text("Name for people: the host's, where the archive knows it")
    is_own: bool = flag("It is the machine that keeps the archive, as far as that is known")


SESSIONS = TableContract(
    name="sessions",
    group="observations",
    description="A session without its content: labels, times, counts and flags as stored.",
    model=Sessions,
    key=("archive_id", "session_id"),
    partition_column="partition_date",
)
USAGE_ROWS = TableContract(
    name="usage_rows",
    group="observations",
    description=(
        "A message, usage event or Cursor event that spent tokens: parsed, clamped, placed on its "
        "UTC day. Which of several rows with one key counts is in duplicates."
    ),
    model=UsageRows,
    key=("archive_id", "row_id"),
    partition_column="partition_date",
)
ACTIVITY_INTERVALS = TableContract(
    name="activity_intervals",
    group="observations",
    description="A span in which a session was active, with the model at work.",
    model=ActivityIntervals,
    key=("archive_id", "session_id", "ordinal"),
    partition_column="partition_date",
)
PROJECT_OBSERVATIONS = TableContract(
    name="project_observations",
    group="observations",
    description="What was seen of a project on disk: roots, remotes, worktrees, session places.",
    model=ProjectObservations,
    key=(
        "archive_id",
        "evidence",
        "project",
        "machine",
        "root_path",
        "git_remote",
        "worktree_root_path",
    ),
)
MACHINES = TableContract(
    name="machines",
    group="observations",
    description=(
        "What each archive's machine labels stand for: releases have written three kinds of them."
    ),
    model=Machines,
    key=("archive_id", "machine"),
)

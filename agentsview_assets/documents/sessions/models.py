"""The shapes of the session export: a page, its lines, and the error of a dead cursor."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from agentsview_assets.documents.common.model_parts import (
    CostSource,
    Doc,
    NoPricing,
    Pricing,
    Project,
)


class ExportModelUsage(TypedDict):
    """What a session spent with one model."""

    model: str
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    reasoning_tokens: int
    cost_usd: float
    has_cost: Annotated[bool, Doc("Whether everything that counts has a cost")]
    cost_source: CostSource


class ExportUsage(TypedDict):
    """What a session spent."""

    models: Annotated[list[str], Doc("Sorted")]
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    reasoning_tokens: int
    cost_usd: Annotated[float, Doc("USD; a lower bound unless has_cost")]
    has_cost: Annotated[bool, Doc("Whether everything that counts has a cost")]
    by_model: dict[str, ExportModelUsage]


class Worktree(TypedDict):
    """The linked worktree that a session ran in."""

    name: str | None
    root_path: str | None


class ExportSession(TypedDict):
    """A session, without any of its content."""

    id: str
    project: str
    machine: str
    agent: str
    cwd: NotRequired[Annotated[str, Doc("Folder it ran in; absent when unknown")]]
    git_branch: NotRequired[Annotated[str, Doc("Absent when unknown")]]
    started_at: Annotated[str | None, Doc("As stored")]
    ended_at: Annotated[str | None, Doc("As stored; null while it is open")]
    last_activity_at: Annotated[str, Doc("Its end, else its latest message, else its start")]
    duration_seconds: Annotated[int | None, Doc("Start to end; null when one cannot be read")]
    message_count: int
    user_message_count: int
    assistant_message_count: Annotated[int, Doc("Messages of role assistant, none of the system's")]
    turn_count: Annotated[int, Doc("The same as user_message_count")]
    classification: Literal["interactive", "automated"]
    is_automated: bool
    model_usage: ExportUsage
    parent_session_id: Annotated[str | None, Doc("Session that started it or that it continues")]
    relationship_type: Annotated[str | None, Doc("subagent, fork, continuation, root or another")]
    worktree: Worktree | None
    total_output_tokens: Annotated[int, Doc("As the agent told")]
    peak_context_tokens: Annotated[int, Doc("As the agent told")]
    has_total_output_tokens: Annotated[bool, Doc("Whether it told")]
    has_peak_context_tokens: Annotated[bool, Doc("Whether it told")]


class UsedRow(TypedDict):
    """A prompt, a step or another event that spent tokens."""

    ordinal: Annotated[int, Doc("Place in the list, from 1")]
    message_ordinal: NotRequired[
        Annotated[int, Doc("Message that it belongs to; absent where it belongs to none")]
    ]
    source: Annotated[str, Doc("message, or the event's own source")]
    label: Annotated[str, Doc("Prompt N, Step N, else the source")]
    timestamp: Annotated[str, Doc("As stored; its session's start where it has none; or ''")]
    model: str
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    cost_usd: Annotated[float, Doc("USD; 0 unless has_cost")]
    has_cost: Annotated[bool, Doc("Whether its model has a price, or a cost was reported")]


class SessionUsageDocument(TypedDict):
    """What one session used, as agentsview's server tells it."""

    session_id: str
    agent: str
    project: str
    total_output_tokens: Annotated[int, Doc("As the agent told")]
    peak_context_tokens: Annotated[int, Doc("As the agent told")]
    has_token_data: Annotated[bool, Doc("Whether the agent told either")]
    cost_usd: Annotated[float, Doc("USD; 0 unless has_cost")]
    has_cost: Annotated[bool, Doc("Whether something counts, and all of it has a cost")]
    ai_credits: NotRequired[
        Annotated[float, Doc("Of agents with credits: credits of one cent; absent when 0")]
    ]
    models: Annotated[list[str], Doc("Sorted")]
    unpriced_models: Annotated[list[str], Doc("Those without a price, sorted")]
    breakdown_count: Annotated[int, Doc("Rows that count")]
    breakdown: Annotated[list[UsedRow], Doc("By time text, where asked for; else empty")]
    server_running: Annotated[bool, Doc("Always true")]


class NextCursor(TypedDict):
    """Where the next page begins."""

    next: Annotated[str, Doc("Value for --cursor; '' after the last page")]


class SessionExportPage(TypedDict):
    """Sessions, the latest first: a page of them, or all."""

    schema_version: Literal[1]
    database_id: Annotated[str, Doc("Identity of the archive")]
    cursor: NextCursor
    pricing: Pricing | NoPricing
    projects: Annotated[dict[str, Project], Doc("By project label")]
    sessions: list[ExportSession]


class SessionExportMeta(TypedDict):
    """The first line of the NDJSON form; every line after it is a session."""

    type: Literal["meta"]
    schema_version: Literal[1]
    database_id: Annotated[str, Doc("Identity of the archive")]
    cursor: NextCursor
    pricing: Pricing | NoPricing
    projects: Annotated[dict[str, Project], Doc("By project label")]


class CursorResetError(TypedDict):
    """What an export with a cursor that holds no longer writes to stderr, with exit code 4."""

    error: Literal["cursor_reset"]
    message: str
    database_id: Annotated[str, Doc("Identity of the archive that is there now")]

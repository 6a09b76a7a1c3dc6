"""The shape of the usage documents."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from agentsview_assets.documents.common.model_parts import Doc, Pricing, Project


class ModelBreakdown(TypedDict):
    """A model's part of a day."""

    modelName: str
    inputTokens: int
    outputTokens: int
    cacheCreationTokens: int
    cacheReadTokens: int
    cost: Annotated[float, Doc("USD")]


class ProjectBreakdown(TypedDict):
    """A project's part of a day."""

    project: str
    inputTokens: int
    outputTokens: int
    cacheCreationTokens: int
    cacheReadTokens: int
    cost: Annotated[float, Doc("USD")]


class AgentBreakdown(TypedDict):
    """An agent's part of a day."""

    agent: str
    inputTokens: int
    outputTokens: int
    cacheCreationTokens: int
    cacheReadTokens: int
    cost: Annotated[float, Doc("USD")]


class Day(TypedDict):
    """A day on which something was used."""

    date: Annotated[str, Doc("YYYY-MM-DD in the report's zone")]
    inputTokens: Annotated[int, Doc("Tokens read that came from no cache")]
    outputTokens: Annotated[int, Doc("Tokens written")]
    cacheCreationTokens: Annotated[int, Doc("Input tokens put into the provider's cache")]
    cacheReadTokens: Annotated[int, Doc("Input tokens taken from it")]
    totalCost: Annotated[float, Doc("USD")]
    modelsUsed: Annotated[list[str], Doc("Models, the most expensive first")]
    modelBreakdowns: Annotated[list[ModelBreakdown], Doc("In the same order")]
    projectBreakdowns: Annotated[list[ProjectBreakdown], Doc("Empty unless broken down")]
    agentBreakdowns: Annotated[list[AgentBreakdown], Doc("Empty unless broken down")]


class UsageTotals(TypedDict):
    """Sums over all days."""

    inputTokens: int
    outputTokens: int
    cacheCreationTokens: int
    cacheReadTokens: int
    totalCost: Annotated[float, Doc("USD")]
    copilotAICredits: NotRequired[
        Annotated[float, Doc("AI credits of one cent; absent unless > 0")]
    ]
    cacheSavings: Annotated[float, Doc("USD that the cache saved; may be negative")]


class SessionCounts(TypedDict):
    """How many sessions took part."""

    total: int
    byProject: dict[str, int]
    byAgent: dict[str, int]


class UsageDaily(TypedDict):
    """Tokens and cost of every day."""

    schema_version: Literal[1]
    pricing: Pricing
    projects: Annotated[dict[str, Project], Doc("By project label")]
    daily: Annotated[list[Day], Doc("Oldest first; a day without usage is absent")]
    totals: UsageTotals
    sessionCounts: SessionCounts


StatusLine = Annotated[str, Doc("Cost of today, such as $1.23 today or <$0.01 today (claude)")]
"""The line of `usage statusline`, which is no JSON; the API returns it as a text."""

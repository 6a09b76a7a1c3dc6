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


class ModelTotal(TypedDict):
    """A model's part of all days."""

    model: str
    inputTokens: int
    outputTokens: int
    cacheCreationTokens: int
    cacheReadTokens: int
    cost: Annotated[float, Doc("USD")]


class SessionCountsAskedFor(TypedDict):
    """How many sessions took part, where that was asked for."""

    total: Annotated[int, Doc("0 where it was not asked for")]
    byProject: Annotated[dict[str, int] | None, Doc("null where it was not asked for")]
    byAgent: Annotated[dict[str, int] | None, Doc("null where it was not asked for")]


class CacheStats(TypedDict):
    """What the providers' caches did."""

    cacheReadTokens: int
    cacheCreationTokens: int
    uncachedInputTokens: int
    outputTokens: int
    hitRate: Annotated[float, Doc("Part of the input that came from the cache, 0 to 1")]
    savingsVsUncached: Annotated[float, Doc("USD that the cache saved; may be negative")]


class UnsupportedUsage(TypedDict):
    """Why there are nothing but zeros."""

    kind: Annotated[
        Literal["copilot-no-token-data", "no-token-data"],
        Doc("The agents asked for were at work, but do not record tokens"),
    ]


class _SummaryHead(TypedDict):
    schema_version: Literal[1]
    pricing: Pricing
    projects: Annotated[dict[str, Project], Doc("By project label")]


_SummaryWindow = TypedDict(  # `from` is a word of Python's
    "_SummaryWindow",
    {
        "from": Annotated[str, Doc("First day, YYYY-MM-DD; empty where the window is open")],
        "to": Annotated[str, Doc("Last day, likewise")],
    },
)


class UsageSummary(_SummaryHead, _SummaryWindow):
    """Tokens and cost of a window, by day and by name."""

    totals: UsageTotals
    daily: Annotated[list[Day], Doc("Oldest first; a day without usage is absent")]
    projectTotals: Annotated[list[ProjectBreakdown], Doc("The most expensive first")]
    modelTotals: Annotated[list[ModelTotal], Doc("The most expensive first")]
    agentTotals: Annotated[list[AgentBreakdown], Doc("The most expensive first")]
    sessionCounts: SessionCountsAskedFor
    cacheStats: CacheStats
    unsupportedUsage: NotRequired[UnsupportedUsage]


class TopSession(TypedDict):
    """What a session cost."""

    sessionId: str
    displayName: Annotated[str, Doc("Its name, or what stands for it")]
    agent: str
    project: str
    startedAt: Annotated[str, Doc("Its start as stored; empty where there is none")]
    totalTokens: Annotated[int, Doc("Tokens of all four counters")]
    cost: Annotated[float, Doc("USD")]


TopSessions = Annotated[
    list[TopSession], Doc("Sessions, the most expensive first, of equal ones the least id")
]
"""The sessions that cost most."""


class UsageComparison(TypedDict):
    """What as many days before the window cost."""

    priorFrom: Annotated[str, Doc("First of these days, YYYY-MM-DD")]
    priorTo: Annotated[str, Doc("Last of these days")]
    priorTotalCost: Annotated[float, Doc("USD")]
    deltaPct: Annotated[
        float, Doc("Change as a ratio: 0.5 is half as much again; 0 where there was no cost")
    ]


class PairwiseSide(TypedDict):
    """What one of two models or projects took."""

    totalCost: Annotated[float, Doc("USD")]
    inputTokens: int
    outputTokens: int
    cacheCreationTokens: int
    cacheReadTokens: int
    totalTokens: Annotated[int, Doc("Tokens of all four counters")]
    sessionCount: int
    costPerSession: NotRequired[Annotated[float, Doc("USD; absent without sessions")]]
    tokensPerSession: NotRequired[Annotated[float, Doc("Tokens; absent without sessions")]]


_Ratio = Annotated[float | None, Doc("Difference by the left side's; null where that is 0")]


class PairwiseDeltas(TypedDict):
    """The right side minus the left one."""

    totalCostDelta: Annotated[float, Doc("USD")]
    totalCostDeltaRatio: _Ratio
    inputTokensDelta: int
    inputTokensDeltaRatio: _Ratio
    outputTokensDelta: int
    outputTokensDeltaRatio: _Ratio
    cacheCreationDelta: Annotated[int, Doc("Tokens")]
    cacheCreationDeltaRatio: _Ratio
    cacheReadDelta: Annotated[int, Doc("Tokens")]
    cacheReadDeltaRatio: _Ratio
    totalTokensDelta: int
    totalTokensDeltaRatio: _Ratio
    sessionCountDelta: int
    sessionCountDeltaRatio: _Ratio
    costPerSessionDelta: Annotated[float | None, Doc("USD; null unless both sides have sessions")]
    costPerSessionRatio: _Ratio
    tokensPerSessionDelta: Annotated[
        float | None, Doc("Tokens; null unless both sides have sessions")
    ]
    tokensPerSessionRatio: _Ratio


class PairwiseComparison(TypedDict):
    """Two models or projects side by side."""

    left: PairwiseSide
    right: PairwiseSide
    deltas: PairwiseDeltas

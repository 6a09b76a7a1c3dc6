"""The sessions of an activity report, and the break-downs that are summed over them.

What belongs here: what a session adds to the document's tables. What does not: which rows count,
time, and money of a single row.
"""

from __future__ import annotations

from itertools import islice
from sys import intern
from typing import TYPE_CHECKING, Any

from agentsview_assets.documents.activity.order import descending_order
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.integers import int64

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agentsview_assets.documents.activity.clock import UtcClock
    from agentsview_assets.documents.activity.layout import Layout
    from agentsview_assets.documents.activity.sweep import SessionActivity

_NO_MODEL = ("", "unknown")
_UNTIMED_MINUTES = -1.0
_SESSIONS_PER_CHUNK = 1000


class Session:
    """One session of the report.

    Attributes:
        session_id: Its id.
        title: First of its names that is not empty.
        project: Project label, which may be empty.
        agent: Coding agent.
        is_automated: Whether a program started it.
        message_count: Number of messages, as stored.
        activity: Its spans; None for an untimed session.
        costs: Model -> USD of the rows that count for it.
        cost: USD of all of these rows.
        output_tokens: Output of all of these rows.
    """

    __slots__ = (
        "activity",
        "agent",
        "cost",
        "costs",
        "is_automated",
        "message_count",
        "output_tokens",
        "project",
        "session_id",
        "title",
    )

    def __init__(  # noqa: PLR0913 - the columns of a row
        self,
        session_id: str,
        title: str,
        project: str,
        agent: str,
        is_automated: object,
        message_count: int,
    ) -> None:
        self.session_id = session_id
        self.title = title
        self.project = intern(project)  # one of few, each of which a database sends anew
        self.agent = intern(agent)
        self.is_automated = bool(is_automated)
        self.message_count = message_count
        self.activity: SessionActivity | None = None
        self.costs: dict[str, float] = {}
        self.cost = 0.0
        self.output_tokens = 0

    @property
    def minutes(self) -> float | None:
        """Minutes of activity; None for an untimed session."""
        return None if self.activity is None else self.activity.minutes

    def weighted_models(self) -> dict[str, float]:
        """Return the models by minutes or, where no span names any, by cost."""
        spans = {} if self.activity is None else self.activity.weights
        return _named(spans) or _named(self.costs)


def _named(weights: Mapping[str, float]) -> dict[str, float]:
    return {model: weight for model, weight in weights.items() if model not in _NO_MODEL}


class SessionList:
    """The `by_session` of a document, written out only when it is asked for."""

    def __init__(self, sessions: Sequence[Session], clock: UtcClock) -> None:
        """Put the sessions in order: most minutes first, untimed ones last.

        Args:
            sessions: The sessions, ids ascending.
            clock: Writes their moments.
        """
        self._sessions = sessions
        self._clock = clock
        self._order = descending_order(
            [_UNTIMED_MINUTES if found.minutes is None else found.minutes for found in sessions]
        )

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the entries of the list."""
        return (_entry(self._sessions[at], self._clock) for at in self._order)

    def json_chunks(self, layout: Layout) -> Iterator[str]:
        """Yield the list as JSON text, piece by piece, as a member of the document."""
        entries, comma = iter(self), ""
        yield "["
        while chunk := list(islice(entries, _SESSIONS_PER_CHUNK)):
            yield comma + layout.items(chunk)
            comma = ","
        yield f"{layout.line(1)}]" if len(self) else "]"


def _entry(session: Session, clock: UtcClock) -> dict[str, Any]:
    activity = session.activity
    weights = session.weighted_models()
    models = sorted(weights, key=utf8_bytes)
    # Of equal weights the first name: agentsview takes any.
    primary = max(models, key=lambda model: max(weights[model], 0.0), default="")
    return {
        "session_id": session.session_id,
        "title": session.title,
        "project": session.project,
        "agent": session.agent,
        "primary_model": primary,
        "models": models or None,
        "agent_minutes": None if activity is None else activity.minutes,
        "cost": session.cost,
        "output_tokens": int64(session.output_tokens),
        "first_active": None if activity is None else clock.text(activity.first),
        "last_active": None if activity is None else clock.text(activity.last),
        "timing_quality": "untimed" if activity is None else "timed",
        "is_automated": session.is_automated,
    }


class _Sums:
    """One row of a break-down: interactive part first, automated part second."""

    __slots__ = ("cost", "costs", "minutes", "parts")

    def __init__(self) -> None:
        self.minutes = 0.0
        self.cost = 0.0
        self.parts = [0.0, 0.0]
        self.costs = [0.0, 0.0]

    def add_minutes(self, minutes: float, *, automated: bool) -> None:
        self.minutes += minutes
        self.parts[automated] += minutes

    def add_cost(self, cost: float, *, automated: bool) -> None:
        self.cost += cost
        self.costs[automated] += cost

    def entry(self, key: str) -> dict[str, Any]:
        return {
            "key": key,
            "agent_minutes": self.minutes,
            "cost": self.cost,
            "automated_agent_minutes": self.parts[1],
            "interactive_agent_minutes": self.parts[0],
            "automated_cost": self.costs[1],
            "interactive_cost": self.costs[0],
        }


def breakdowns(sessions: Iterable[Session]) -> dict[str, list[dict[str, Any]]]:
    """Return `by_project`, `by_model` and `by_agent`.

    Args:
        sessions: The sessions, ids ascending: the order in which agentsview adds up.
    """
    projects: dict[str, _Sums] = {}
    models: dict[str, _Sums] = {}
    agents: dict[str, _Sums] = {}
    for session in sessions:
        automated = session.is_automated
        totals = (
            projects.setdefault(session.project, _Sums()),
            agents.setdefault(session.agent, _Sums()),
        )
        if session.activity is not None:
            for sums in totals:
                sums.add_minutes(session.activity.minutes, automated=automated)
            for model, minutes in session.activity.weights.items():
                models.setdefault(model, _Sums()).add_minutes(minutes, automated=automated)
        for sums in totals:
            sums.add_cost(session.cost, automated=automated)
        for model, cost in session.costs.items():
            models.setdefault(model, _Sums()).add_cost(cost, automated=automated)
    models.pop("unknown", None)
    return {
        "by_project": _rows(projects),
        "by_model": _rows(models),
        "by_agent": _rows(agents),
    }


def _rows(sums: Mapping[str, _Sums]) -> list[dict[str, Any]]:
    """Return the rows that have a name and something in them, most minutes first."""
    shown = [(key, row) for key, row in sums.items() if key and (row.minutes or row.cost)]
    shown.sort(key=lambda item: (-item[1].minutes, utf8_bytes(item[0])))
    return [row.entry(key) for key, row in shown]

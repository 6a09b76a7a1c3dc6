"""The sessions of an activity report and their spans, as portable SQL.

What belongs here: which spans take part, and in what order they come. What does not: usage
(`query`), sums over time, documents. Long ranges are read piece by piece, so that memory does not
grow with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentsview_assets.documents.activity.clock import NANOSECONDS
from agentsview_assets.documents.common.counting import NO_COPY
from agentsview_assets.documents.common.lookups import of_archive
from agentsview_assets.documents.common.sql import Sql, all_of
from agentsview_assets.rules.durations import GAP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agentsview_assets.documents.activity.scope import ActivityScope
    from agentsview_assets.resources.warehouses.reader import Reader

_ROWS_PER_PAGE: Final = 40_000


class SpanQuery:
    """The sessions and spans of one report."""

    def __init__(self, reader: Reader, scope: ActivityScope) -> None:
        """Settle which sessions take part; nothing is read yet."""
        self._reader = reader
        self._scope = scope
        self._sessions = scope.sessions(reader)
        self._moment = f"(epoch_seconds - {scope.origin}) * {NANOSECONDS} + nanosecond"

    def sessions(self) -> list[tuple[Any, ...]]:
        """Return the sessions, ids ascending.

        Each is id, title, project, agent, whether it is automated, and its number of messages.
        """
        return self._reader.rows(
            "SELECT session_id, title, project, agent, is_automated, message_count FROM sessions "
            f"WHERE {self._sessions.text} ORDER BY {self._reader.binary_order('session_id')}",
            self._sessions.params,
        )

    def spans(self, sessions: Iterable[tuple[str, int]]) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the spans that may reach into the range, some sessions at a time.

        Args:
            sessions: Id and number of messages of each session, ids ascending.

        Yields:
            Session id, model, opening moment and length in ns, by session id and message ordinal;
            perhaps of sessions that take no part, too.
        """
        order = self._reader.binary_order("session_id")
        tests = [self._near()]
        if any(self._scope.chosen):
            tests.append(self._scope.takes_part(self._reader))
        pages = list(_pages(sessions))
        for page in pages:
            paged = [Sql(f"{order} >= ? AND {order} <= ?", page)] if len(pages) > 1 else []
            where = all_of([*tests, *paged])
            yield self._reader.rows(
                f"SELECT session_id, model, {self._moment}, duration_ns FROM activity_intervals "
                f"WHERE {where.text} ORDER BY {order}, ordinal",
                where.params,
            )

    def spans_one_by_one(self) -> Sql:
        """Return a query of the same spans, each with the labels of its session.

        Its columns are `archive_id`, `session_id`, `ordinal`, `model`, `moment`, `duration_ns`,
        and of the session `title`, `project`, `agent` and `is_automated`.
        """
        near = self._near()
        labels = "title, project, agent, is_automated"
        return Sql(
            f"SELECT spans.*, {labels} FROM (SELECT archive_id, session_id, ordinal, model, "
            f"{self._moment} AS moment, duration_ns FROM activity_intervals WHERE {near.text}) "
            f"AS spans JOIN (SELECT archive_id AS of_archive, session_id AS id, {labels} "
            f"FROM sessions WHERE {self._sessions.text}) AS labels "
            "ON of_archive = archive_id AND id = session_id",
            near.params + self._sessions.params,
        )

    def _near(self) -> Sql:
        """Return the tests on a span that may reach into the range."""
        end = self._scope.range.effective_end_ns // NANOSECONDS
        tests = [
            *([NO_COPY] if self._scope.is_of_all else []),
            f"epoch_seconds >= {self._scope.origin - GAP_SECONDS}",
            f"epoch_seconds <= {end}",
        ]
        return all_of([Sql(*of_archive(self._scope.archive_id)), *map(Sql, tests)])


def _pages(sessions: Iterable[tuple[str, int]]) -> Iterator[tuple[str, str]]:
    """Yield first and last id of sessions that have a fair number of messages together."""
    first = last = ""
    held = 0
    for session_id, messages in sessions:
        if not held:
            first = session_id
        last = session_id
        held += messages
        if held >= _ROWS_PER_PAGE:
            yield first, last
            held = 0
    if held:
        yield first, last

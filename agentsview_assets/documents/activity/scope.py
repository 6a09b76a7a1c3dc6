"""Which sessions an activity report is about, as portable SQL.

Moments, here and in all of the report, are nanoseconds since the whole second in which the range
starts, which keeps them small enough for 64 bits whatever the year.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from agentsview_assets.documents.activity.clock import NANOSECONDS
from agentsview_assets.documents.common.branches import branch_test
from agentsview_assets.documents.common.counting import NO_COPY
from agentsview_assets.documents.common.lookups import ALL_ARCHIVES, of_archive
from agentsview_assets.documents.common.sql import Sql, all_of, comparable, one_of
from agentsview_assets.rules.text import trim
from agentsview_assets.rules.timestamps import Instant, format_utc_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentsview_assets.documents.activity.range import ReportRange
    from agentsview_assets.resources.warehouses.reader import Reader

_PADDING_NS: Final = 14 * 3600 * NANOSECONDS  # what text bounds allow for offsets from UTC
# An empty creation time is earlier than any bound.
_START: Final = "COALESCE(NULLIF(started_at_text, ''), created_at_text)"
_END: Final = f"COALESCE(NULLIF(ended_at_text, ''), NULLIF(latest_message_text, ''), {_START})"


AUTOMATIONS: Final = {
    "all": "1 = 1",
    "interactive": "NOT is_automated",
    "automated": "is_automated",
}
"""Who started a session, by name, and the test on it."""


class ActivityFilter(NamedTuple):
    """Which sessions a report is about; empty for all.

    Attributes:
        project: Exact project label.
        agents: Comma-separated agent names.
        machines: Comma-separated machine labels.
        git_branch: Tokens of branches; see `branch_test`.
        automation: One of `AUTOMATIONS`.
    """

    project: str = ""
    agents: str = ""
    machines: str = ""
    git_branch: str = ""
    automation: str = ""

    def tests(self) -> Iterator[Sql]:
        """Yield the tests on a session."""
        if self.project:
            yield Sql("project = ?", (comparable(self.project),))
        for column, listed in (("agent", self.agents), ("machine", self.machines)):
            names = [name for name in map(trim, listed.split(",")) if name]
            if names:
                yield one_of(column, names)
        if self.git_branch:
            yield branch_test(self.git_branch)
        if self.automation:
            yield Sql(AUTOMATIONS[self.automation])


class ActivityScope(NamedTuple):
    """Which activity a report is about.

    Attributes:
        archive_id: Archive of the sessions, or `ALL_ARCHIVES`.
        range: Span of time.
        chosen: What else sessions are chosen by.
    """

    archive_id: str
    range: ReportRange
    chosen: ActivityFilter = ActivityFilter()

    @property
    def is_of_all(self) -> bool:
        """Whether it is about all archives, in which copies count once."""
        return self.archive_id == ALL_ARCHIVES

    @property
    def origin(self) -> int:
        """The epoch second that moments count from."""
        return self.range.start_ns // NANOSECONDS

    @property
    def edges(self) -> list[int]:
        """Moments at which buckets start, and at which the last one ends."""
        return [self.moment(edge) for edge in self.range.edges]

    def moment(self, epoch_ns: int) -> int:
        """Return nanoseconds since 1970 as a moment of this report."""
        return epoch_ns - self.origin * NANOSECONDS

    def sessions(self, reader: Reader) -> Sql:
        """Return the tests on a session; its bounds are compared as text, cut to seconds."""
        start, end = (
            _utc_text(bound).removesuffix("Z") for bound in (self.range.start_ns, self.range.end_ns)
        )
        return all_of(
            [
                Sql(*of_archive(self.archive_id)),
                *([Sql(NO_COPY)] if self.is_of_all else []),
                Sql("message_count > 0"),
                Sql("deleted_at_text IS NULL"),
                Sql(f"{reader.binary_order(_END)} >= ?", (start,)),
                Sql(f"{reader.binary_order(_START)} < ?", (end,)),
                *self.chosen.tests(),
            ]
        )

    def takes_part(self, reader: Reader) -> Sql:
        """Return the test on a row of a session."""
        sessions = self.sessions(reader)
        return Sql(
            f"session_id IN (SELECT session_id FROM sessions WHERE {sessions.text})",
            sessions.params,
        )

    def usage_texts(self) -> tuple[str, str]:
        """Return the least and the greatest time text of a usage row, both included."""
        bounds = (self.range.start_ns - _PADDING_NS, self.range.end_ns + _PADDING_NS)
        return _utc_text(bounds[0]), _utc_text(bounds[1])


def _utc_text(epoch_ns: int) -> str:
    return format_utc_seconds(Instant(epoch_ns // NANOSECONDS, 0))

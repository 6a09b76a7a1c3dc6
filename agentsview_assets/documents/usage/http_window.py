"""The window and the zone of a usage report that is asked for over HTTP.

What belongs here: rules that differ from the command line's. What does not: reading parameters.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from agentsview_assets.documents.activity.calendar import activity_zone
from agentsview_assets.documents.common.window import DEFAULT_SPAN_DAYS, Window, date_days
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.timestamps import format_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentsview_assets.documents.common.window import Zone

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def http_zone(name: str, environ: Mapping[str, str] | None = None) -> Zone:
    """Find the zone of a report.

    Args:
        name: Its case-sensitive IANA name, `UTC` or `Local`; empty for UTC.
        environ: Environment in which `Local` is looked up; the process's own when None.

    Raises:
        UsageError: There is no such zone.
    """
    return activity_zone(name or "UTC", environ)


def http_window(from_: str, to: str, no_default_range: bool, now: datetime) -> Window:  # noqa: FBT001
    """Settle the window of a report.

    Args:
        from_: First date, `YYYY-MM-DD`; empty when not given.
        to: Last date, likewise.
        no_default_range: Leave an end that is not given open.
        now: The present, with a zone.

    Returns:
        The window. By default the last date is today in UTC, and the first one 30 days before the
        last.

    Raises:
        UsageError: The window is inverted.
    """
    if not no_default_range:
        to = to or format_date((now - _EPOCH) // timedelta(days=1))
        from_ = from_ or format_date(date_days(to) - DEFAULT_SPAN_DAYS)
    if from_ and to and from_ > to:
        message = "from must not be after to"
        raise UsageError(message)
    return Window(from_ or None, to or None)

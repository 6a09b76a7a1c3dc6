"""What a report does not know: days never made or out of date, archives not read lately.

What belongs here: comparing what the runs have noted in the warehouse, by itself; no archive is
opened. What does not: printing it. A warehouse whose runs have noted nothing has nothing to say.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.documents.window import wall_clock_epoch
from agentsview_assets.resources.run_notes import DAILY, PRICES, PROJECTS
from agentsview_assets.resources.warehouse import EXPECTED_TABLE, PARTITIONS_TABLE, READINGS_TABLE
from agentsview_assets.transforms.shown_text import visible
from agentsview_assets.transforms.slices import EARLIEST, LATEST

if TYPE_CHECKING:
    from agentsview_assets.documents.window import Window, Zone
    from agentsview_assets.resources.warehouse import Reader

STALE_AFTER = timedelta(hours=36)
"""A daily schedule that was missed once is noticed."""
_EPOCH, _DAY = date(1970, 1, 1).toordinal(), 86_400
_REMEDY = "run `agentsview-assets materialize`"
_SHOWN = 3


class Reads(NamedTuple):
    """What a report is made of.

    Attributes:
        daily: Tables with days.
        priced: Those of them whose rows hold costs.
        whole: Tables without days, with what they are made of.
    """

    daily: tuple[str, ...]
    priced: tuple[str, ...] = ()
    whole: tuple[tuple[str, str], ...] = (
        ("model_pricing", PRICES),
        ("project_identities", PROJECTS),
    )


USAGE = Reads(("usage_rows",))
ACTIVITY = Reads(("usage_rows", "activity_intervals", "sessions"))
EXPORT = Reads(("sessions", "session_model_usage"), priced=("session_model_usage",))
ALL = Reads(
    tuple(sorted({*USAGE.daily, *ACTIVITY.daily, *EXPORT.daily})), priced=("session_model_usage",)
)

_WRONG_DAYS = """
SELECT e.partition_date AS day, CASE WHEN p.asset IS NULL THEN 1 ELSE 0 END AS is_missing
FROM (SELECT x.*, t.asset AS needed FROM {expected} x CROSS JOIN ({tables}) t) e
LEFT JOIN {partitions} p ON p.asset = e.needed AND p.partition_date = e.partition_date
WHERE e.part = '{daily}' AND e.partition_date BETWEEN ? AND ? AND (p.asset IS NULL
    OR p.input_version <> e.input_version OR ({priced} AND p.rates_version <> e.rates_version))
UNION ALL
SELECT p.partition_date, 0
FROM {partitions} p LEFT JOIN {expected} e
    ON e.part = '{daily}' AND e.partition_date = p.partition_date
WHERE p.asset IN ({names}) AND p.partition_date BETWEEN ? AND ? AND p.input_version <> ''
    AND e.part IS NULL
"""


def gaps(  # noqa: PLR0913 - what a report is asked for
    reader: Reader,
    reads: Reads,
    first: str | None = None,
    last: str | None = None,
    *,
    archive_id: str | None = None,
    now: datetime | None = None,
) -> list[str]:
    """Says what a report lacks, in a line or two; nothing when all is well.

    Args:
        reader: The warehouse.
        reads: What the report is made of.
        first: First UTC day of its window, `YYYY-MM-DD`; None for the first of all.
        last: Last day, likewise.
        archive_id: Archive of the report; None for all.
        now: The present; None for the clock's.
    """
    if not reader.rows(f"SELECT 1 FROM {EXPECTED_TABLE} LIMIT 1"):
        return []
    told = [_days(reader, reads, first or EARLIEST, last or LATEST)]
    told += [_whole(reader, reads), _unread(reader, archive_id, now or datetime.now(UTC))]
    return [line for line in told if line]


def utc_day(seconds: int) -> str | None:
    """The UTC day of an instant since 1970; None beyond what calendars hold."""
    try:
        return date.fromordinal(_EPOCH + seconds // _DAY).isoformat()
    except (ValueError, OverflowError):
        return None


def utc_days(window: Window, zone: Zone) -> tuple[str | None, str | None]:
    """The first and last UTC day that a window of local days reaches into; None for an open end."""
    return _midnight(window.from_date, zone, 0), _midnight(window.to_date, zone, 1)


def _midnight(day: str | None, zone: Zone, days_later: int) -> str | None:
    """The UTC day on which a local day begins, or one before it ends."""
    if day is None:
        return None
    try:
        number = date.fromisoformat(day).toordinal() - _EPOCH + days_later
        return utc_day(wall_clock_epoch(zone.tzinfo, number * _DAY) - days_later)
    except (ValueError, OverflowError):  # beyond what calendars hold
        return None


def _days(reader: Reader, reads: Reads, first: str, last: str) -> str:
    names = ", ".join(f"'{name}'" for name in reads.daily)
    priced = ", ".join(f"'{name}'" for name in reads.priced)
    sql = _WRONG_DAYS.format(
        expected=EXPECTED_TABLE,
        partitions=PARTITIONS_TABLE,
        tables=" UNION ALL ".join(f"SELECT '{name}' AS asset" for name in reads.daily),
        names=names,
        daily=DAILY,
        priced=f"p.asset IN ({priced})" if priced else "1 = 0",
    )
    missing: set[str] = set()
    outdated: set[str] = set()
    for day, is_missing in reader.rows(sql, [first, last, first, last]):
        (missing if is_missing else outdated).add(day)
    outdated -= missing
    told = [_told(missing, "never made"), _told(outdated, "out of date")]
    words = " and ".join(filter(None, told))
    return f"not the whole story: {words}; {_REMEDY}" if words else ""


def _told(days: set[str], what: str) -> str:
    if not days:
        return ""
    first, last = min(days), max(days)
    span = first if first == last else f"{first} to {last}"
    count = f"{len(days):,} days of its window were" if len(days) > 1 else "a day of its window was"
    verb = count if what == "never made" else count.replace("were", "are").replace("was", "is")
    return f"{verb} {what} ({span})"


def _whole(reader: Reader, reads: Reads) -> str:
    noted = dict(
        reader.rows(
            f"SELECT asset, input_version FROM {PARTITIONS_TABLE} WHERE partition_date = ''"
        )
    )
    expected = dict(
        reader.rows(f"SELECT part, input_version FROM {EXPECTED_TABLE} WHERE partition_date = ''")
    )
    words = {PRICES: "prices", PROJECTS: "project identities"}
    late = [
        words[part]
        for table, part in reads.whole
        if part in expected and noted.get(table) != expected[part]
    ]
    return f"its {' and '.join(late)} are out of date; {_REMEDY}" if late else ""


def _unread(reader: Reader, archive_id: str | None, now: datetime) -> str:
    """Archives that nobody reads any more, or that could not be read."""
    told = []
    for archive, identity, reason, read_at, failing in reader.rows(
        "SELECT archive, archive_id, reason, CAST(read_at AS VARCHAR(40)), "
        f"CAST(failing_since AS VARCHAR(40)) FROM {READINGS_TABLE} ORDER BY archive"
    ):
        if archive_id is not None and identity not in ("", archive_id):
            continue
        name = visible(archive)
        if reason:
            told.append(f"{name} could not be read since {_minute(failing)}: {visible(reason)}")
        elif now - moment(read_at) > STALE_AFTER:
            told.append(f"{name} was last read {_minute(read_at)}; {_REMEDY}")
    more = f"; and {len(told) - _SHOWN} more archives" if len(told) > _SHOWN else ""
    return f"archive {'; archive '.join(told[:_SHOWN])}{more}" if told else ""


def moment(text: str) -> datetime:
    """A time as any backend's text of it reads."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _minute(text: str) -> str:
    return f"{moment(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"

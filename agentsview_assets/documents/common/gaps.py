"""What a report does not know: days never made or out of date, archives not read lately.

What belongs here: comparing what the runs have noted in the warehouse, by itself; no archive is
opened. What does not: printing it. A warehouse whose runs have noted nothing has nothing to say.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.documents.common.window import wall_clock_epoch
from agentsview_assets.resources.warehouses.expected import expected_rows
from agentsview_assets.resources.warehouses.reader import (
    EXPECTED_TABLE,
    PARTITIONS_TABLE,
    PENDING_TABLE,
    READINGS_TABLE,
    RULES_TABLE,
)
from agentsview_assets.rules.rates import ModelRate
from agentsview_assets.rules.shown_text import visible
from agentsview_assets.rules.staleness import (
    DAILY,
    PRICES,
    PROJECTS,
    REPORTS,
    VERDICTS,
    expected_of,
    observed_slices,
    with_verdicts,
)
from agentsview_assets.rules.timestamps import SECONDS_PER_DAY
from agentsview_assets.rules.windows import EARLIEST, LATEST, DayWindow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agentsview_assets.documents.common.window import Window, Zone
    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.rules.staleness import ExpectedRow, Slice, Versions

STALE_AFTER = timedelta(hours=36)
"""A daily schedule that was missed once is noticed."""
_EPOCH = date(1970, 1, 1).toordinal()
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
    told = [_days(reader, reads, archive_id, (first or EARLIEST, last or LATEST))]
    told += [_whole(reader, reads, archive_id), _pending(reader)]
    told += [_unread(reader, archive_id, now or datetime.now(UTC))]
    return [line for line in told if line]


def utc_day(seconds: int) -> str | None:
    """The UTC day of an instant since 1970; None beyond what calendars hold."""
    try:
        return date.fromordinal(_EPOCH + seconds // SECONDS_PER_DAY).isoformat()
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
        return utc_day(wall_clock_epoch(zone.tzinfo, number * SECONDS_PER_DAY) - days_later)
    except (ValueError, OverflowError):  # beyond what calendars hold
        return None


class Late(NamedTuple):
    """Slices that a report lacks, or has as they were before.

    Attributes:
        missing: Those never made.
        outdated: Those made of what is no more, or by other prices.
    """

    missing: frozenset[Slice]
    outdated: frozenset[Slice]


def late_slices(
    reader: Reader,
    reads: Reads,
    archive_id: str | None = None,
    bounds: tuple[str, str] = (EARLIEST, LATEST),
) -> Late:
    """Compare what was made for a report with what its archives hold.

    Args:
        reader: The warehouse.
        reads: What the report is made of.
        archive_id: Archive of the report; None for all.
        bounds: First and last UTC day of its window, `YYYY-MM-DD`.
    """
    first, last = bounds
    rows = [
        row
        for row in expected_rows(reader.rows, None if archive_id is None else [archive_id])
        if row.part in (DAILY, VERDICTS, PRICES)
    ]
    recorded = _recorded(reader, reads.daily)
    window = DayWindow(start_date(reader) or EARLIEST, LATEST)
    observed = observed_slices(rows, window)
    inputs = with_verdicts(observed, [row for row in rows if row.part == VERDICTS])
    rates = _rates_expected(reader, rows, window) if reads.priced else {}
    missing: set[Slice] = set()
    outdated: set[Slice] = set()
    for table in reads.daily:
        versions = inputs if table in REPORTS else observed
        for place, version in versions.items():
            if not first <= place[1] <= last:
                continue
            found = recorded[table].get(place)
            is_priced = table in reads.priced
            if found is None:
                missing.add(place)
            elif found[0] != version or (is_priced and found[1] != rates.get(place, "")):
                outdated.add(place)
        outdated |= {
            (archive, day)
            for (archive, day), (version, _) in recorded[table].items()
            if version
            and first <= day <= last
            and (archive, day) not in versions
            and archive in {row.archive_id for row in rows}
        }
    return Late(frozenset(missing), frozenset(outdated))


def _days(reader: Reader, reads: Reads, archive_id: str | None, bounds: tuple[str, str]) -> str:
    """Days of its window that a report lacks, or has as they were before."""
    late = late_slices(reader, reads, archive_id, bounds)
    missing = {day for _, day in late.missing}
    outdated = {day for _, day in late.outdated} - missing
    told = [_told(missing, "never made"), _told(outdated, "out of date")]
    words = " and ".join(filter(None, told))
    return f"not the whole story: {words}; {_REMEDY}" if words else ""


def _recorded(reader: Reader, tables: Iterable[str]) -> dict[str, dict[Slice, Versions]]:
    found: dict[str, dict[Slice, Versions]] = {table: {} for table in tables}
    marks = ", ".join("?" * len(found))
    for table, archive, day, version, rates in reader.rows(
        "SELECT asset, archive_id, partition_date, input_version, rates_version "
        f"FROM {PARTITIONS_TABLE} WHERE asset IN ({marks})",
        list(found),
    ):
        found[table][archive, day] = (version, rates)
    return found


def _rates_expected(
    reader: Reader, rows: Sequence[ExpectedRow], window: DayWindow
) -> Mapping[Slice, str]:
    """The versions of the rates that days are to be priced with."""
    columns = ", ".join(ModelRate._fields)
    rates = [ModelRate(*row) for row in reader.rows(f"SELECT {columns} FROM model_rates")]
    by_model = {(rate.archive_id, rate.model): rate for rate in rates}
    return expected_of(rows, by_model, window).rates


def _pending(reader: Reader) -> str:
    count = undecided(reader)
    if not count:
        return ""
    return f"of {count:,} keys or sessions it is not decided yet which row counts; {_REMEDY}"


def _told(days: set[str], what: str) -> str:
    if not days:
        return ""
    first, last = min(days), max(days)
    span = first if first == last else f"{first} to {last}"
    count = f"{len(days):,} days of its window were" if len(days) > 1 else "a day of its window was"
    verb = count if what == "never made" else count.replace("were", "are").replace("was", "is")
    return f"{verb} {what} ({span})"


def _whole(reader: Reader, reads: Reads, archive_id: str | None) -> str:
    tables = [table for table, _ in reads.whole]
    recorded = _recorded(reader, tables)
    rows = expected_rows(reader.rows, None if archive_id is None else [archive_id])
    words = {PRICES: "prices", PROJECTS: "project identities"}
    late = [
        words[part]
        for table, part in reads.whole
        if any(
            recorded[table].get((row.archive_id, ""), ("", ""))[0] != row.version
            for row in rows
            if row.part == part
        )
    ]
    return f"its {' and '.join(late)} are out of date; {_REMEDY}" if late else ""


def start_date(reader: Reader) -> str | None:
    """The first day of the window that the warehouse was made with; None where nothing was."""
    found = reader.rows(f"SELECT value FROM {RULES_TABLE} WHERE name = 'start_date'")
    return found[0][0] if found else None


def undecided(reader: Reader) -> int:
    """Number of keys and sessions of which it is to be decided anew which row counts."""
    return int(reader.rows(f"SELECT COUNT(DISTINCT name) FROM {PENDING_TABLE}")[0][0])


class LastReading(NamedTuple):
    """How an archive was last read.

    Attributes:
        archive: How it is named: a path, or a URL without a password.
        archive_id: Its identity; empty where it was never read.
        reason: Why it cannot be read; empty where it can.
        read_at: When it was last read; None where it never was.
        failing_since: Since when it cannot be read; None where it can.
    """

    archive: str
    archive_id: str
    reason: str
    read_at: datetime | None
    failing_since: datetime | None


def last_readings(reader: Reader, archive_id: str | None = None) -> list[LastReading]:
    """The last reading of every archive, or of one and of those that were never read."""
    found = reader.rows(
        "SELECT archive, archive_id, reason, CAST(read_at AS VARCHAR(40)), "
        f"CAST(failing_since AS VARCHAR(40)) FROM {READINGS_TABLE} ORDER BY archive"
    )
    return [
        LastReading(archive, identity, reason, *(text and moment(text) for text in times))
        for archive, identity, reason, *times in found
        if archive_id is None or identity in ("", archive_id)
    ]


def _unread(reader: Reader, archive_id: str | None, now: datetime) -> str:
    """Archives that nobody reads any more, or that could not be read."""
    told = []
    for archive, _, reason, read_at, failing in last_readings(reader, archive_id):
        name = visible(archive)
        if reason and failing is not None:
            told.append(f"{name} could not be read since {_minute(failing)}: {visible(reason)}")
        elif read_at is not None and now - read_at > STALE_AFTER:
            told.append(f"{name} was last read {_minute(read_at)}; {_REMEDY}")
    more = f"; and {len(told) - _SHOWN} more archives" if len(told) > _SHOWN else ""
    return f"archive {'; archive '.join(told[:_SHOWN])}{more}" if told else ""


def moment(text: str) -> datetime:
    """A time as any backend's text of it reads."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _minute(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

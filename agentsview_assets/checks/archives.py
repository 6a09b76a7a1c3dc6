"""Whether the archives themselves are read: when each was, and which of their rows cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import dagster as dg

from agentsview_assets.assets.naming import Names
from agentsview_assets.checks.verdict import Check, Verdict, table
from agentsview_assets.documents.common.gaps import moment
from agentsview_assets.resources.archives.held_rows import MOST_NAMED, held_rows
from agentsview_assets.resources.warehouses.known import known_archives, left_out, successions
from agentsview_assets.resources.warehouses.reader import EXPECTED_TABLE, READINGS_TABLE, Reader
from agentsview_assets.rules.shown_text import some_of
from agentsview_assets.rules.staleness import DAILY

_READINGS = f"""
SELECT archive, archive_id, reason, CAST(read_at AS VARCHAR(40)),
    CAST(failing_since AS VARCHAR(40)) FROM {READINGS_TABLE}
"""
_LAST_DAYS = f"""
SELECT archive_id, MAX(partition_date) FROM {EXPECTED_TABLE} WHERE part = '{DAILY}'
GROUP BY archive_id
"""
_HEAD = ("archive", "last read", "last day with anything", "cannot be read since", "why")


class _Heard(NamedTuple):
    """When an archive was last heard from; '' for what is not known, or not so."""

    archive: str
    read_at: str
    last_day: str
    failing_since: str
    reason: str


def archive_checks(unread_days: int) -> list[Check]:
    """The checks of the archives.

    Args:
        unread_days: Days after which an archive that nobody reads is noticed.
    """
    return [
        Check(
            "heard_from",
            "archive",
            "Every archive could be read when it was last looked at, and was looked at within "
            f"{unread_days} days: when each was, and on which day it last holds anything.",
            heard_from(unread_days),
        ),
        Check(
            "nothing_left_out",
            "archive",
            "Every row of the archives could be read; what could not is left out, and named.",
            nothing_left_out,
        ),
    ]


def archive_evaluations(
    names: Names, reader: Reader, unread_days: int
) -> Iterator[dg.AssetCheckEvaluation]:
    """What these checks find now, for whoever has just looked at the archives."""
    for check in archive_checks(unread_days):
        yield check.ask(reader).evaluation(check.name, names.key(check.asset))


def heard_from(unread_days: int) -> Callable[[Reader], Verdict]:
    """The check of when archives were last read."""

    def ask(reader: Reader) -> Verdict:
        heard = _heard(reader)
        since = datetime.now(UTC) - timedelta(days=unread_days)
        failing = [found for found in heard if found.reason]
        readable = [found for found in heard if not found.reason]
        late = [found for found in readable if moment(found.read_at) < since]
        shown = [*failing, *readable]  # those read longest ago come first
        numbers: dict[str, Any] = {
            "archives": len(heard),
            "cannot_be_read": len(failing),
            "not_read_lately": len(late),
            "by_archive": table(_HEAD, shown[:MOST_NAMED]),
        }
        said = [f"{found.archive} cannot be read: {found.reason}" for found in failing]
        said += [f"{found.archive} was last read {found.read_at[:16]}" for found in late]
        if not said:
            words = f"all {len(heard):,} archives could be read, within {unread_days} days"
            return Verdict(passed=True, words=words, numbers=numbers)
        named = some_of(said[:MOST_NAMED], len(said))
        return Verdict(
            passed=False,
            words=f"of {len(heard):,} archives {len(failing):,} cannot be read, {len(late):,} were "
            f"not read for {unread_days} days: {named}. Mend them, or see whether "
            "their machine still runs `agentsview-assets materialize`",
            numbers=numbers,
        )

    return ask


def _heard(reader: Reader) -> list[_Heard]:
    """Every archive that was looked at, the one that was read longest ago first."""
    last_days = dict(reader.rows(_LAST_DAYS))
    # Of an archive that another one took the place of, nothing new is to come.
    followed = {found.archive_id for found in successions(reader.rows)}
    found = [
        _Heard(archive, read or "", last_days.get(identity, ""), since or "", reason)
        for archive, identity, reason, read, since in reader.rows(_READINGS)
        if identity not in followed
    ]
    return sorted(found, key=lambda heard: (heard.read_at, heard.archive))


def nothing_left_out(reader: Reader) -> Verdict:
    """Which rows of the archives cannot be read."""
    paths = {archive.archive_id: archive.path for archive in known_archives(reader.rows)}
    rows = left_out(reader.rows)
    named = held_rows(rows[:MOST_NAMED], paths)
    numbers: dict[str, Any] = {
        "rows_left_out": len(rows),
        "archives": len({row.archive_id for row in rows}),
    }
    if not rows:
        return Verdict(passed=True, words="0 rows are left out", numbers=numbers)
    return Verdict(
        passed=False,
        words=f"{len(rows):,} row(s) cannot be read and are left out: {some_of(named, len(rows))}. "
        "Mend or remove them in the archive; `agentsview-assets status` names all",
        numbers=numbers | {"rows": table(("row",), [(line,) for line in named])},
    )

"""What the reconciler sees: the archives' stamps, and what the warehouse has recorded.

What belongs here: finding it out, without reading a session and without writing. What does not:
what follows from it (`automation.wanted`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from agentsview_assets.archive_urls import ArchiveUrl
from agentsview_assets.automation.known import Known, OnItsWay
from agentsview_assets.documents.common.alarms import alarms, due_checks
from agentsview_assets.errors import AssetsError
from agentsview_assets.planning import EVERYTHING, stale_tables, window_of
from agentsview_assets.resources.archives.disk import is_unmoved
from agentsview_assets.resources.archives.observing_all import name_of
from agentsview_assets.resources.archives.sources import open_source
from agentsview_assets.resources.archives.stamps import full_stamp, known_here, read_here
from agentsview_assets.resources.warehouses.deduplicating import is_deduplicated
from agentsview_assets.resources.warehouses.known import left_out, predecessors
from agentsview_assets.resources.warehouses.reader import (
    META_TABLE,
    READINGS_TABLE,
    Reader,
    open_reader,
)
from agentsview_assets.resources.warehouses.records import ReadRecords
from agentsview_assets.rules import versions
from agentsview_assets.rules.rates import PRICE_ROWS
from agentsview_assets.rules.staleness import expected_where_priced
from agentsview_assets.settings import Settings


class Looked(NamedTuple):
    """What a look at archives and warehouse found.

    Attributes:
        known: What decides which runs are wanted.
        moved: Archives to be looked at, each with what is seen of it from outside.
        unchecked: Tables whose checks are due, each with the run that wrote it.
        wrong: What blocking checks found to be wrong, and how many rows cannot be read, in words.
        upkeep: What is to be mended in the warehouse; '' for nothing.
        read_on: The first day since which some archive that can be read was not; None where one
            never was.
    """

    known: Known
    moved: Mapping[str, str]
    unchecked: Sequence[tuple[str, str]]
    wrong: Sequence[str]
    upkeep: str
    read_on: str | None


class _Reading(NamedTuple):
    archive: str
    archive_id: str
    reason: str
    read_on: str


def look(settings: Settings, on_their_way: Iterable[OnItsWay]) -> Looked:
    """Compares archives and warehouse with what the warehouse has recorded.

    Raises:
        AssetsError: The warehouse is missing, in use, or of another version.
    """
    with open_reader(settings.warehouse) as reader:
        records = ReadRecords(reader)
        archives, readings = records.archives(), _readings(reader)
        elsewhere = [a.path for a in archives if settings.queues.of(a.path)]
        settings = settings.now([*read_here(archives), *elsewhere])
        rules = records.rules()
        is_out = rules.get("credentials") != versions.rules().digests["credentials"]
        return Looked(
            _known(settings, reader, records, readings, on_their_way),
            moved_archives(settings, records, readings),
            due_checks(reader),
            _wrong(reader),
            "credentials" if is_out else rules.get("rewrite", ""),
            _read_on(settings, readings),
        )


def _wrong(reader: Reader) -> list[str]:
    found = [f"WRONG: {alarm.asset}, {alarm.check}: {alarm.words}" for alarm in alarms(reader)]
    rows = len(left_out(reader.rows))
    if rows:
        found.append(f"{rows:,} row(s) cannot be read and are left out; `status` names them")
    return found


def moved_archives(
    settings: Settings, records: ReadRecords | None, readings: Mapping[str, _Reading]
) -> dict[str, str]:
    """The archives that are not as they were when they were last read, by name.

    One that cannot be read is among them once, until that is recorded. Those of queues are left to
    their workers, because this machine need not see them.

    Args:
        settings: The archives.
        records: What the warehouse has recorded of them; None where there is no warehouse.
        readings: What came of reading each, by name.
    """
    moved = {}
    for archive in settings.archives:
        name = name_of(archive)
        if settings.queues.of(name):
            continue
        reading = readings.get(name)
        try:
            seen, is_same = _seen(settings, archive, records)
        except AssetsError as error:
            seen, is_same = str(error), reading is not None and bool(reading.reason)
        else:
            is_same = is_same and reading is not None and not reading.reason
        if not is_same:
            moved[name] = seen
    return moved


def _seen(settings: Settings, archive: ArchiveUrl, records: ReadRecords | None) -> tuple[str, bool]:
    """What is seen of an archive from outside, and whether that is what was recorded."""
    origin = open_source(archive)
    stamp = full_stamp(origin, with_titles=settings.with_titles)
    if records is None:
        return stamp, False
    return stamp, is_unmoved(records, known_here(records, origin.key), stamp)


def _readings(reader: Reader) -> dict[str, _Reading]:
    rows = reader.rows(
        f"SELECT archive, archive_id, reason, CAST(read_at AS VARCHAR(40)) FROM {READINGS_TABLE}"
    )
    return {name: _Reading(name, who, why, (when or "")[:10]) for name, who, why, when in rows}


def _read_on(settings: Settings, readings: Mapping[str, _Reading]) -> str | None:
    found = [readings.get(name_of(archive)) for archive in settings.archives]
    if None in found:
        return None
    return min((r.read_on for r in found if r is not None and not r.reason), default=None)


def _known(
    settings: Settings,
    reader: Reader,
    records: ReadRecords,
    readings: Mapping[str, _Reading],
    on_their_way: Iterable[OnItsWay],
) -> Known:
    named = {name_of(archive) for archive in settings.archives}
    mine = [reading for name, reading in readings.items() if name in named]
    queues = {reading.archive_id: settings.queues.of(reading.archive) for reading in mine}
    archives = {reading.archive_id for reading in mine if reading.archive_id}
    archives |= predecessors(archives, records.successions())
    window = window_of(settings)
    prices = [row for row in reader.rows(PRICE_ROWS) if row[0] in archives]
    expected = expected_where_priced(records.expected(archives), prices, window)
    return Known(
        window,
        expected,
        stale_tables(records.all_partitions(), expected, EVERYTHING, records.outdated()),
        frozenset(reading.archive_id for reading in mine if not reading.reason),
        tuple(on_their_way),
        versions.rules().digests,
        is_deduplicated(records),
        int(reader.rows(f"SELECT MAX(revision) FROM {META_TABLE}")[0][0] or 0),
        {archive: queue for archive, queue in queues.items() if queue},
    )

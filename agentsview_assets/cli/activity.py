"""The `activity` commands: who was active when, and how much at once, from the warehouse alone.

What belongs here: options, the order of checks, where output goes. What does not: any figure.
Imports of the parts that work sit in the functions, so that `--help` does not wait for them.
"""

# ruff: noqa: PLC0415 - the parts that work are imported when they are needed

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from agentsview_assets.cli.reference import ReferenceCommand, ReferenceGroup
from agentsview_assets.cli.usage import reported, say_notes, warehouse_options
from agentsview_assets.cli.words import write_document
from agentsview_assets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from agentsview_assets.documents.activity.range import ReportRange
    from agentsview_assets.documents.activity.report import ActivityReport
    from agentsview_assets.documents.common.window import Zone
    from agentsview_assets.rules.timestamps import Instant

_EXAMPLES = """
\b
Examples:
  agentsview-assets activity report                                  today, every five minutes
  agentsview-assets activity report --preset month --bucket 1h --json
  agentsview-assets activity report --preset week --date 2026-07-01 --project web
  agentsview-assets activity report --preset custom \\
      --from 2026-07-01T08:00:00Z --to 2026-07-01T18:00:00Z
"""


@click.group(cls=ReferenceGroup)
def activity() -> None:
    """Activity and concurrency reporting."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of the contract, in its order, and the one that pins the clock."""
    text: dict[str, Any] = {"default": ""}
    declared: tuple[tuple[str, dict[str, Any]], ...] = (
        ("--agent", {**text, "metavar": "NAMES", "help": "Only these agents, comma-separated"}),
        ("--as-of", {**text, "metavar": "INSTANT", "help": "Report as if it were now this time"}),
        ("--bucket", {**text, "metavar": "SIZE", "help": "Bucket size: 5m, 15m, 1h, 1d, 1w"}),
        ("--date", {**text, "metavar": "DATE", "help": "Day in the range, default today"}),
        ("--format", {"type": click.Choice(["human", "json"]), "default": "human",
                      "show_default": True, "help": "Output format"}),
        ("--from", {**text, "metavar": "INSTANT", "help": "Start of a custom range, RFC 3339"}),
        ("--json", {"is_flag": True, "help": "Same as --format json"}),
        ("--machine", {**text, "metavar": "NAMES", "help": "Only these machines, comma-separated"}),
        ("--no-sync", {"is_flag": True, "help": "Accepted for compatibility; reports never sync"}),
        ("--offline", {"is_flag": True, "help": "Prefer the built-in prices to the archive's own"}),
        ("--preset", {**text, "metavar": "NAME", "help": "Range: day, week, month, custom"}),
        ("--project", {**text, "metavar": "NAME", "help": "Only this project"}),
        ("--timezone", {**text, "metavar": "NAME", "help": "IANA zone of the days; default yours"}),
        ("--to", {**text, "metavar": "INSTANT", "help": "End of a custom range, RFC 3339"}),
    )  # fmt: skip
    for name, settings in reversed(declared):
        command = click.option(name, **settings)(command)
    return command


@activity.command(cls=ReferenceCommand, epilog=_EXAMPLES)
@_options
@warehouse_options
def report(**options: Any) -> None:
    """Activity report over a date range.

    Sessions active, how many at once, their minutes and cost, bucket by bucket.
    """
    with reported(), _without_collector():
        zone, span = _period(options)
        found = _report(options, zone, span)
        if options["json"] or options["format"] == "json":
            _write_json(found)
        else:
            from agentsview_assets.cli.activity_human import activity_text

            write_document(activity_text(found, zone))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Spare hundreds of thousands of rows the search for cycles, of which a report makes none."""
    import gc

    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _period(options: Mapping[str, Any]) -> tuple[Zone, ReportRange]:
    """Return zone and range; the zone is checked first, as in agentsview."""
    from agentsview_assets.documents.activity.calendar import activity_zone
    from agentsview_assets.documents.activity.range import RangeRequest, resolve_range

    now = _now(options["as_of"])
    zone = activity_zone(options["timezone"])
    names = ("preset", "date", "from", "to", "bucket")
    return zone, resolve_range(RangeRequest(*map(options.__getitem__, names)), zone, now)


def _now(as_of: str) -> Instant:
    import time

    from agentsview_assets.rules.timestamps import Instant, parse_rfc3339

    if not as_of:
        return Instant(*divmod(time.time_ns(), 10**9))
    now = parse_rfc3339(as_of)
    if now is None:
        msg = f"invalid as-of: {as_of}"
        raise UsageError(msg)
    return now


def _report(options: Mapping[str, Any], zone: Zone, span: ReportRange) -> ActivityReport:
    from agentsview_assets.documents.activity.report import build_report
    from agentsview_assets.documents.activity.scope import ActivityFilter
    from agentsview_assets.documents.common.gaps import ACTIVITY, gaps, utc_day
    from agentsview_assets.resources.warehouses.reader import open_reader
    from agentsview_assets.settings import load_settings

    with open_reader(load_settings(warehouse=options["warehouse"]).warehouse) as reader:
        found = build_report(
            reader,
            span,
            zone=zone,
            chosen=ActivityFilter(options["project"], options["agent"], options["machine"]),
            offline=options["offline"],
            archive_id=options["archive_id"],
        )
        days = (utc_day(span.start_ns // 10**9), utc_day((span.end_ns - 1) // 10**9))
        say_notes(gaps(reader, ACTIVITY, *days, archive_id=options["archive_id"]))
    return found


def _write_json(found: ActivityReport) -> None:
    """Write the document in pieces; nothing before all but its long lists is there."""
    for chunk in found.json_chunks():
        write_document(chunk)

"""The `usage` commands: reports of tokens and cost, read from the warehouse alone.

What belongs here: options, the order of checks, where output goes. What does not: any figure.
Imports of the parts that work sit in the functions, so that `--help` does not wait for them.
"""

# ruff: noqa: PLC0415 - the parts that work are imported when they are needed

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from agentsview_assets.cli.flags import CommandFailure
from agentsview_assets.cli.reference import ReferenceCommand, ReferenceGroup
from agentsview_assets.cli.words import say, write_document
from agentsview_assets.errors import AssetsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agentsview_assets.documents.common.window import Window, Zone

_DAILY_EXAMPLES = """
\b
Examples:
  agentsview-assets usage daily                         the last 30 days as a table
  agentsview-assets usage daily --since 7d --breakdown  a week, model by model
  agentsview-assets usage daily --json --all            everything, as the v1 document
  agentsview-assets usage daily --agent claude,codex --since 2026-07-01 --until 2026-07-31
"""


@click.group(cls=ReferenceGroup)
def usage() -> None:
    """Token cost tracking and reporting."""


def warehouse_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every report takes: the warehouse and the archive in it."""
    command = click.option(
        "--archive-id", metavar="ID", help="Archive to report on, when the warehouse holds several"
    )(command)
    return click.option(
        "--warehouse",
        metavar="URL",
        help="Warehouse to read  [env: AGENTSVIEW_ASSETS_WAREHOUSE]",
    )(command)


@usage.command(cls=ReferenceCommand, epilog=_DAILY_EXAMPLES)
@click.option("--agent", default="", metavar="NAMES", help="Only these agents, comma-separated")
@click.option("--all", "everything", is_flag=True, help="No default window: all history")
@click.option("--breakdown", is_flag=True, help="Break days down by model, project and agent")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["human", "json"]),
    default="human",
    show_default=True,
    help="Output format",
)
@click.option("--json", "as_json", is_flag=True, help="Same as --format json")
@click.option("--no-sync", is_flag=True, help="Accepted for compatibility; reports never sync")
@click.option("--offline", is_flag=True, help="Prefer the built-in prices to the archive's own")
@click.option("--since", default="", metavar="POINT", help="First day: 28d, 12h or YYYY-MM-DD")
@click.option("--timezone", default="", metavar="NAME", help="IANA zone of the days; default yours")
@click.option("--until", default="", metavar="POINT", help="Last day: 28d, 12h or YYYY-MM-DD")
@warehouse_options
def daily(  # noqa: PLR0913 - one parameter an option
    *,
    agent: str,
    everything: bool,
    breakdown: bool,
    output_format: str,
    as_json: bool,
    no_sync: bool,  # noqa: ARG001 - a flag of the contract that has nothing to switch here
    offline: bool,
    since: str,
    timezone: str,
    until: str,
    warehouse: str | None,
    archive_id: str | None,
) -> None:
    """Daily cost summary.

    Tokens and cost of each day, its models most expensive first. Without a window: the last 30
    days.
    """
    with reported():
        zone, window = _period(since=since, until=until, timezone=timezone, everything=everything)
        document = _daily_document(
            warehouse,
            window=window,
            zone=zone,
            agents=agent,
            breakdown=breakdown,
            offline=offline,
            archive_id=archive_id,
        )
        if as_json or output_format == "json":
            _print_json(document)
        else:
            _print_table(document, breakdown=breakdown, agents=agent)


@usage.command(cls=ReferenceCommand)
@click.option("--agent", default="", metavar="NAMES", help="Only these agents, comma-separated")
@click.option("--no-sync", is_flag=True, help="Accepted for compatibility; reports never sync")
@click.option("--offline", is_flag=True, help="Prefer the built-in prices to the archive's own")
@warehouse_options
def statusline(
    *,
    agent: str,
    no_sync: bool,  # noqa: ARG001 - a flag of the contract that has nothing to switch here
    offline: bool,
    warehouse: str | None,
    archive_id: str | None,
) -> None:
    """Cost of today in one line, for status bars and prompts."""
    with reported():
        usd = _cost_today(warehouse, agents=agent, offline=offline, archive_id=archive_id)
    from agentsview_assets.rules.money import cost_text

    whose = f" ({agent})" if agent else ""
    write_document(f"{cost_text(usd)} today{whose}\n")


@contextmanager
def reported() -> Iterator[None]:
    """End the command with the message of whatever the user can mend."""
    try:
        yield
    except AssetsError as error:
        raise CommandFailure("error", str(error)) from error


def _period(*, since: str, until: str, timezone: str, everything: bool) -> tuple[Zone, Window]:
    """Return zone and window; the zone is checked first, as in agentsview."""
    import os
    from datetime import UTC, datetime

    from agentsview_assets.documents.common.window import (
        load_zone,
        resolve_window,
        system_zone,
    )

    zone = load_zone(timezone) if timezone else system_zone(os.environ)
    return zone, resolve_window(since, until, everything, zone, datetime.now(UTC))


def _daily_document(warehouse: str | None, **options: Any) -> dict[str, Any]:
    from agentsview_assets.documents.common.gaps import USAGE, gaps, utc_days
    from agentsview_assets.documents.usage.daily import usage_daily
    from agentsview_assets.resources.warehouses.reader import open_reader
    from agentsview_assets.settings import load_settings

    with open_reader(load_settings(warehouse=warehouse).warehouse) as reader:
        document = usage_daily(reader, **options)
        days = utc_days(options["window"], options["zone"])
        say_notes(gaps(reader, USAGE, *days, archive_id=options["archive_id"]))
    return document


def say_notes(notes: Sequence[str]) -> None:
    """Tell what a report lacks, beside its output."""
    for note in notes:
        say(f"note: {note}", err=True)


def _cost_today(warehouse: str | None, **options: Any) -> float:
    import os
    from datetime import UTC, datetime

    from agentsview_assets.documents.common.gaps import USAGE, gaps, utc_days
    from agentsview_assets.documents.common.window import Window, system_zone
    from agentsview_assets.documents.usage.today import cost_today
    from agentsview_assets.resources.warehouses.reader import open_reader
    from agentsview_assets.settings import load_settings

    zone, now = system_zone(os.environ), datetime.now(UTC)
    with open_reader(load_settings(warehouse=warehouse).warehouse) as reader:
        usd = cost_today(reader, zone=zone, now=now, **options)
        today = f"{now.astimezone(zone.tzinfo):%Y-%m-%d}"
        days = utc_days(Window(today, today), zone)
        say_notes(gaps(reader, USAGE, *days, archive_id=options["archive_id"])[:1])
    return usd


def _print_json(document: Mapping[str, Any]) -> None:
    """Write the document whole or not at all."""
    from agentsview_assets.rules.gojson import encode

    write_document(f"{encode(document, indent=2)}\n")


def _print_table(document: Mapping[str, Any], *, breakdown: bool, agents: str) -> None:
    from agentsview_assets.cli.human import agents_note, usage_table

    write_document(usage_table(document, breakdown=breakdown))
    note = agents_note(document, agents)
    if note:
        say(note, err=True)

"""The `materialize` command: options, progress and the closing summary."""

# ruff: noqa: PLC0415 - Dagster and its kin are imported when the command runs, not for its help

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING

import click

from agentsview_assets.cli.options import archive_option
from agentsview_assets.cli.words import progress_lines, say, say_json
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.shown_text import visible

if TYPE_CHECKING:
    from agentsview_assets.materializing import Summary
    from agentsview_assets.planning import Request
    from agentsview_assets.settings import Settings

_EXAMPLES = """
\b
Examples:
  agentsview-assets materialize                        ~/.agentsview into the default warehouse
  agentsview-assets materialize --archive ~/backup/agentsview --warehouse duckdb:////srv/agents.duckdb
  agentsview-assets materialize --archive ~/.agentsview --archive /mnt/laptop/agentsview
  agentsview-assets materialize --since 2026-07-01 --until 2026-07-31
  agentsview-assets materialize --select group:reports --force
  DAGSTER_HOME=/srv/dagster agentsview-assets materialize --launch
"""


@click.command(epilog=_EXAMPLES)
@archive_option
@click.option(
    "--warehouse",
    metavar="URL",
    help="Warehouse to write, a DuckDB file by default  [env: AGENTSVIEW_ASSETS_WAREHOUSE]",
)
@click.option("--since", metavar="DATE", help="First day to make, YYYY-MM-DD")
@click.option("--until", metavar="DATE", help="Last day to make, YYYY-MM-DD")
@click.option(
    "--select", metavar="ASSETS", help="Asset names, comma-separated, or a Dagster selection"
)
@click.option("--force", is_flag=True, help="Make everything again, changed or not")
@click.option(
    "--verify",
    is_flag=True,
    help="Compare everything with the archive, also what was edited behind agentsview's back",
)
@click.option(
    "--new-settings",
    is_flag=True,
    help="Go on although the warehouse was made with another START_DATE or other TITLES",
)
@click.option(
    "--forget", metavar="ID", multiple=True, help="Archive whose rows are to go; may be repeated"
)
@click.option(
    "--launch",
    is_flag=True,
    help="Hand it to the Dagster deployment that DAGSTER_HOME names, instead of running it here",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object")
def materialize(  # noqa: PLR0913 - one parameter an option
    *,
    archive: tuple[str, ...],
    warehouse: str | None,
    since: str | None,
    until: str | None,
    select: str | None,
    force: bool,
    verify: bool,
    new_settings: bool,
    forget: tuple[str, ...],
    launch: bool,
    as_json: bool,
) -> None:
    """Bring the warehouse up to date with an archive.

    Reads what changed in the archive, without touching it, and makes the days that are out of
    date again: each day whole, in one transaction. A second run with nothing changed does nothing.
    """
    started = time.perf_counter()
    _check_dates(since, until)
    from agentsview_assets.settings import load_settings

    settings = load_settings(archive=archive, warehouse=warehouse)
    _check_window(since, until, settings)
    from agentsview_assets.planning import Request

    request = Request(
        since=since,
        until=until,
        select=select,
        force=force,
        forget=forget,
        verify=verify,
        new_settings=new_settings,
    )
    if launch:
        _launch(settings, request, as_json=as_json)
        return
    from agentsview_assets.materializing import materialize as run
    from agentsview_assets.resources.dagster_home.launcher import require_own_launcher

    require_own_launcher()
    summary = run(settings, request, progress_lines(), started)
    for note in summary.unread:
        say(f"not read, its rows stay as they were: {note}", err=True)
    for note in summary.notes:
        say(f"note: {note}", err=True)
    if as_json:
        say_json({key: value for key, value in vars(summary).items() if key != "notes"})
    else:
        say(_as_text(summary))


def _launch(settings: Settings, request: Request, *, as_json: bool) -> None:
    """Hands the request to a deployment, and says what becomes of it."""
    if request.forget or request.new_settings:
        raise UsageError(
            "--forget and --new-settings change the warehouse itself: run them where it is, "
            "without --launch"
        )
    from agentsview_assets.assets.naming import Names
    from agentsview_assets.automation.asking import RECONCILER, hand_over

    reconciler = Names(settings.key_prefix).of(RECONCILER)
    asked = hand_over(settings, request)
    if as_json:
        say_json(vars(asked))
        return
    first, last = asked.days
    what = (
        f"{len(asked.tables)} assets, {first} to {last}"
        if asked.tables
        else "a look at the archives"
    )
    say(
        f"Asked for {what} (request {asked.key}): `{reconciler}` starts it, and makes whatever is "
        "out of date then. Runs are shown in the UI."
    )


def _check_dates(since: str | None, until: str | None) -> None:
    for option, text in (("--since", since), ("--until", until)):
        try:
            valid = text is None or date.fromisoformat(text).isoformat() == text
        except ValueError:
            valid = False
        if not valid:
            raise UsageError(f"{option}: expected YYYY-MM-DD, got {text!r}")
    if since is not None and until is not None and since > until:
        raise UsageError(f"--since ({since}) must not be after --until ({until})")


def _check_window(since: str | None, until: str | None, settings: Settings) -> None:
    """Refuses bounds that leave no day: doing nothing would look like being up to date."""
    from agentsview_assets.settings import START_DATE_VARIABLE

    if until is not None and until < settings.start_date:
        raise UsageError(
            f"--until ({until}) is before the first day, {settings.start_date}; "
            f"{START_DATE_VARIABLE} moves it"
        )
    if since is not None and since > settings.last_date:
        raise UsageError(f"--since ({since}) is after the last day, {settings.last_date}")


def _as_text(summary: Summary) -> str:
    if summary.up_to_date:
        return (
            f"Nothing to do: {summary.warehouse} is up to date with {summary.archive} "
            f"({summary.total_seconds:.1f} s; --force makes everything again)."
        )
    ranges = ", ".join(f"{first} to {last}" for first, last in summary.ranges) or "no days"
    unpriced = ", ".join(map(visible, summary.unpriced_models)) or "none"
    return "\n".join(
        (
            f"Materialised {visible(summary.warehouse)}",
            f"  archive          {visible(summary.archive)} ({visible(summary.archive_id)})",
            f"  days             {ranges}",
            f"  partitions       {summary.partitions:,} in {len(summary.assets)} assets",
            f"  rows             {summary.rows:,}",
            f"  bytes            {summary.bytes:,}",
            f"  changed sessions {summary.changed_sessions:,}",
            f"  unpriced models  {unpriced}",
            f"  pricing digest   {summary.pricing_digest}",
            f"  work             {summary.work_seconds:.1f} s",
            f"  history          {summary.history_seconds:.1f} s",
            f"  total            {summary.total_seconds:.1f} s",
        )
    )

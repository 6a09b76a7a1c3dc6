"""The `ui` command: the Dagster UI over the state that `materialize` writes.

What belongs here: handing our settings to the servers. What does not: anything that they do.
"""

# ruff: noqa: PLC0415 - Dagster is imported when the command runs, not for its help

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from agentsview_assets.cli.options import archive_option
from agentsview_assets.cli.words import say
from agentsview_assets.errors import WarehouseError

if TYPE_CHECKING:
    from agentsview_assets.settings import Settings
    from agentsview_assets.ui.serving import Serving

_EXAMPLES = """
\b
Examples:
  agentsview-assets ui                              on http://127.0.0.1:3000
  agentsview-assets ui --port 3999
  agentsview-assets ui --warehouse duckdb:////srv/agents.duckdb
"""


@click.command(epilog=_EXAMPLES)
@archive_option
@click.option(
    "--warehouse",
    metavar="URL",
    help="Warehouse whose state is shown  [env: AGENTSVIEW_ASSETS_WAREHOUSE]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=3000,
    show_default=True,
    help="Port to listen on",
)
@click.option(
    "--allow-host",
    metavar="NAME",
    multiple=True,
    help="Name under which a proxy before it serves it; may be repeated",
)
@click.option("--read-only", is_flag=True, help="Show everything, start and change nothing")
def ui(  # noqa: PLR0913 - one parameter an option
    *,
    archive: tuple[str, ...],
    warehouse: str | None,
    host: str,
    port: int,
    allow_host: tuple[str, ...],
    read_only: bool,
) -> None:
    """Open the Dagster UI: the graph, its days, runs, backfills and schedules.

    It shows and continues the history that `materialize` wrote, and stays until Ctrl-C. The UI has
    no log-in: whoever reaches the address can start runs, so that it listens on this machine only
    unless --host says otherwise. Pages of other sites in your browser cannot use it.
    """
    from agentsview_assets.resources.archives.sources import stamps
    from agentsview_assets.settings import load_settings
    from agentsview_assets.ui.addresses import Addresses, is_of_this_machine
    from agentsview_assets.ui.serving import Serving, listen

    settings = load_settings(archive=archive, warehouse=warehouse)
    addresses = Addresses.of(host, port, allow_host)
    if settings.seen_everywhere:
        stamps(
            settings.seen_everywhere, with_titles=True
        )  # told here, rather than as a failed run later
    listen(host, port).close()  # likewise
    _prepare(settings)
    say(
        f"Dagster UI of {settings.warehouse}\n"
        f"reading         {', '.join(_named(settings))}\n"
        f"opens in about 20 s at http://{host}:{port} - Ctrl-C ends it",
        err=True,
    )
    if not is_of_this_machine(host):
        say(
            f"warning: the UI has no log-in. Whoever reaches {host}:{port} can start runs, see "
            "what was read and delete the history; docs/deployment.md says what to put before it.\n"
            f"It answers to {addresses.home} and the addresses of this machine by number; for a "
            "name, start it with --allow-host NAME",
            err=True,
        )
    _become_server(settings, Serving(host, port, allow_host, read_only))


def _named(settings: Settings) -> list[str]:
    """The archives for people; listings where they are on machines of workers."""
    return [named.shown for named in settings.archives] or list(settings.listings)


def _prepare(settings: Settings) -> None:
    """Makes the Dagster home.

    Raises:
        WarehouseError: The folder beside the warehouse cannot be written.
    """
    from agentsview_assets.resources.dagster_home.history import open_history

    try:
        with open_history(settings.state_dir):
            pass  # told here, rather than by the processes of Dagster
    except OSError as error:
        raise WarehouseError(
            f"warehouse {settings.warehouse}: its state folder {settings.state_dir} cannot be "
            f"written: {error.strerror}"
        ) from None


def _become_server(settings: Settings, serving: Serving) -> None:
    """Replaces this process, so that signals reach the server and nothing loaded here stays."""
    from agentsview_assets.settings import ARCHIVE_VARIABLE, WAREHOUSE_VARIABLE
    from agentsview_assets.ui.safe_path import safe_environment

    environ = safe_environment(os.environ)
    named = settings.listings or [archive.with_password() for archive in settings.archives]
    environ[ARCHIVE_VARIABLE] = "\n".join(named)
    environ[WAREHOUSE_VARIABLE] = " ".join(url.with_password() for url in settings.warehouses)
    command = [sys.executable, "-P", "-m", "agentsview_assets.ui.server", *serving.arguments()]
    os.execve(sys.executable, command, environ)  # noqa: S606

"""The `ui` command: the Dagster UI over the state that `materialize` writes.

What belongs here: handing our settings to `dagster dev`. What does not: anything that it shows.
"""

# ruff: noqa: PLC0415 - Dagster is imported when the command runs, not for its help

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

import click

from agentsview_assets.cli.options import archive_option
from agentsview_assets.errors import ConfigError, WarehouseError

if TYPE_CHECKING:
    from pathlib import Path

    from agentsview_assets.settings import Settings

LOCATION = "agentsview_assets"
_WORKSPACE = {
    "load_from": [
        {
            "python_module": {
                "module_name": "agentsview_assets.definitions",
                "location_name": LOCATION,
            }
        }
    ]
}
# Dagster advises its newer launcher, which cannot be given a workspace.
_WARNINGS = "ignore:Function `dev_command` is superseded:FutureWarning"

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
def ui(*, archive: tuple[str, ...], warehouse: str | None, host: str, port: int) -> None:
    """Open the Dagster UI: the graph, its days, runs, backfills and schedules.

    It shows and continues the history that `materialize` wrote, and stays until Ctrl-C. The UI has
    no log-in: whoever reaches the address can start runs, so that it listens on this machine only
    unless --host says otherwise.
    """
    from agentsview_assets.settings import load_settings
    from resources.sources import stamps

    settings = load_settings(archive=archive, warehouse=warehouse)
    stamps(settings.archives, with_titles=True)  # told here, rather than as a failed run later
    _require_free(host, port)
    workspace = _prepare(settings)
    click.echo(
        f"Dagster UI of {settings.warehouse}\n"
        f"reading         {', '.join(named.shown for named in settings.archives)}\n"
        f"opens in about 20 s at http://{host}:{port} - Ctrl-C ends it",
        err=True,
    )
    _become_dagster(settings, workspace, host, port)


def _require_free(host: str, port: int) -> None:
    """Dagster would take any free port instead, and nobody would find it.

    Raises:
        ConfigError: Something listens there, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigError(
                    f"port {port} is taken, perhaps by another UI; close it or choose another "
                    "port with --port"
                ) from None
            raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from None


def _prepare(settings: Settings) -> Path:
    """Makes the Dagster home and a workspace file that does not depend on where we are.

    Raises:
        WarehouseError: The folder beside the warehouse cannot be written.
    """
    from resources.history import prepare_home

    try:
        prepare_home(settings.state_dir)
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        workspace = settings.state_dir / "workspace.yaml"
        workspace.write_text(json.dumps(_WORKSPACE), encoding="utf-8")
    except OSError as error:
        raise WarehouseError(
            f"warehouse {settings.warehouse}: its state folder {settings.state_dir} cannot be "
            f"written: {error.strerror}"
        ) from None
    return workspace


def _become_dagster(settings: Settings, workspace: Path, host: str, port: int) -> None:
    """Replaces this process, so that Ctrl-C and signals reach Dagster itself."""
    from agentsview_assets.settings import ARCHIVE_VARIABLE, WAREHOUSE_VARIABLE

    os.environ[ARCHIVE_VARIABLE] = "\n".join(a.with_password() for a in settings.archives)
    os.environ[WAREHOUSE_VARIABLE] = " ".join(url.with_password() for url in settings.warehouses)
    # A shell that starts a background job has it ignore SIGINT, without which Dagster never ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    command = [sys.executable, "-W", _WARNINGS, "-m", "dagster", "dev", "-w", str(workspace)]
    os.execv(sys.executable, [*command, "--host", host, "--port", str(port)])  # noqa: S606

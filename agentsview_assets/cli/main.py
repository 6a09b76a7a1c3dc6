"""The command tree and how it ends: every user's mistake one message, never a traceback."""

from __future__ import annotations

import os
import sys
import time

import click

from agentsview_assets import __version__
from agentsview_assets.cli.activity import activity
from agentsview_assets.cli.export import export
from agentsview_assets.cli.flags import CommandFailure
from agentsview_assets.cli.materialize import materialize
from agentsview_assets.cli.reference import ReferenceGroup
from agentsview_assets.cli.reprice import reprice
from agentsview_assets.cli.serve import serve
from agentsview_assets.cli.status import status
from agentsview_assets.cli.ui import ui
from agentsview_assets.cli.usage import usage
from agentsview_assets.cli.words import complain
from agentsview_assets.errors import AssetsError, is_disk_full
from agentsview_assets.files import trouble
from agentsview_assets.settings import keep_private

STARTED = time.perf_counter()
PROGRAM = "agentsview-assets"

_EXAMPLES = """
\b
Examples:
  agentsview-assets materialize                  read ~/.agentsview into the warehouse
  agentsview-assets reprice --dry-run            what changed prices would move
  agentsview-assets usage daily --since 7d       what the last week cost
  agentsview-assets status                       what is there, and can it be trusted
  agentsview-assets ui                           the graph, its days and runs in Dagster

\b
Shell completion:
  eval "$(_AGENTSVIEW_ASSETS_COMPLETE=bash_source agentsview-assets)"
"""


@click.group(cls=ReferenceGroup, epilog=_EXAMPLES)
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """A warehouse of coding-agent usage, cost and activity, built from agentsview archives."""


for command in (materialize, reprice, status, serve, ui, usage, activity, export):
    cli.add_command(command)


def run(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits."""
    umask = keep_private()
    try:
        cli.main(args=arguments, prog_name=PROGRAM)
    except AssetsError as error:
        _fail(str(error), error.exit_code)
    except OSError as error:
        # What names a file is the machine's trouble; anything else is a defect of ours.
        if error.filename is None and not is_disk_full(error):
            raise
        named = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        _fail(f"{named}{trouble(error)}", 1)
    finally:
        os.umask(umask)


def _fail(message: str, code: int) -> None:
    from agentsview_assets.rules.credentials.secrets import clean  # noqa: PLC0415 - for failures alone

    complain("error", clean(message))
    sys.exit(code)


__all__ = ["CommandFailure", "cli", "run"]

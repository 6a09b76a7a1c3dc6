"""Options that several commands take."""

from __future__ import annotations

import click

archive_option = click.option(
    "--archive",
    metavar="PATH",
    multiple=True,
    help="agentsview data folder or sessions.db; may be repeated  [env: AGENTSVIEW_ASSETS_ARCHIVE]",
)
"""The archives to read, each named by an option of its own."""

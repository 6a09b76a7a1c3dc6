"""Everything in `defs`, as Dagster loads it."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """The team's assets, and those of the component."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)

"""A worker of an older release than the warehouse: it takes no run, and ends after one it refused.

What belongs here: finding out. What does not: refusing, which the run does
(`resources.warehouses`).
"""

from __future__ import annotations

import dagster as dg

from agentsview_assets.errors import OutdatedError, WarehouseError
from agentsview_assets.resources.failures import OUTDATED_TAG
from agentsview_assets.resources.warehouses.placing import require_no_newer
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.resources.warehouses.records import ReadRecords
from agentsview_assets.settings import Settings


def require_release(settings: Settings) -> None:
    """Refuses a warehouse that a newer release has written; runs say what else is wrong with it.

    Raises:
        OutdatedError: It was written by a newer release.
    """
    try:
        with open_reader(settings.warehouse) as reader:
            require_no_newer(ReadRecords(reader).rules())
    except OutdatedError:
        raise
    except WarehouseError:
        return  # not there yet, or out of reach now


def was_refused(run_id: str) -> bool:
    """Whether a run ended because this release is older than the warehouse."""
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        return run is not None and OUTDATED_TAG in run.tags

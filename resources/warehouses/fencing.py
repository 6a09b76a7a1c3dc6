"""The fence before a commit: a run that was declared dead writes nothing any more.

A worker may be cut off or stopped for so long that its run is failed, and tried again elsewhere.
When it wakes up, it must not put what it read then over what was read since. The token is the run's
own state, asked for inside the transaction, after all rows are in and before they are committed.
"""

from __future__ import annotations

import dagster as dg

from agentsview_assets.errors import WarehouseError

_DEAD = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def require_alive(instance: dg.DagsterInstance, run_id: str) -> None:
    """Lets a run go on that nobody has declared dead.

    Raises:
        WarehouseError: It has failed or was ended, as its instance knows.
    """
    run = instance.get_run_by_id(run_id)
    if run is not None and run.status in _DEAD:
        raise WarehouseError(
            f"run {run_id} was declared dead ({run.status.value.lower()}) while it worked; nothing "
            "more of it is written"
        )

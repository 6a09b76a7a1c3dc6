"""Runs of the graph as a worker makes them, by their steps: what was done, what failed, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.reconstruct import build_reconstructable_job

from agentsview_assets.automation.jobs import executor_of
from agentsview_assets.build import build_definitions
from agentsview_assets.settings import load_settings
from tests.support.machines import QUIET, Machine

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Ran:
    """How a run ended.

    Attributes:
        run_id: Its id.
        done: Steps that succeeded.
        failed: Steps that failed, each with the message that a person sees first.
        made: Names of the assets that were made.
    """

    run_id: str
    done: frozenset[str]
    failed: Mapping[str, str]
    made: frozenset[str]


_JOB = "everything_that_is_made"


def whole_graph(environ: str, checked: str) -> dg.JobDefinition:
    """Every asset that is made, as the UI's own job has them, or the reconciler's.

    Args:
        environ: The settings, as a JSON object: a process for each step builds it anew.
        checked: Whether the checks are asked as well: "yes" in the UI.
    """
    settings = load_settings(json.loads(environ))
    chosen = dg.AssetSelection.all()
    if checked != "yes":
        chosen = chosen.without_checks()
    job = dg.define_asset_job(_JOB, chosen, executor_def=executor_of(settings))
    definitions = dg.Definitions.merge(build_definitions(settings), dg.Definitions(jobs=[job]))
    return definitions.resolve_job_def(_JOB)


def carry_out(
    machine: Machine,
    instance: dg.DagsterInstance,
    *assets: str,
    day: str | None = None,
    again: str | None = None,
    checks: bool = True,
    **settings: str,
) -> Ran:
    """Makes assets, all if none are named, by the executor that the settings name.

    Args:
        machine: Whose archives and warehouse.
        instance: Keeps the history.
        assets: Names.
        day: The partition.
        again: Id of a run of which what failed is made again, as the UI does "from failure".
        checks: Whether the checks are asked as well.
        settings: More of the machine's settings.
    """
    retried = dg.ReexecutionOptions.from_failure(again, instance) if again else None
    environ = json.dumps({**machine.environ, **settings})
    with dg.execute_job(
        build_reconstructable_job(__name__, "whole_graph", (environ, "yes" if checks else "")),
        instance=instance,
        run_config=QUIET if again is None else None,
        tags={"dagster/partition": day} if day else {},
        raise_on_error=False,
        asset_selection=[*map(dg.AssetKey, assets)] or None,
        reexecution_options=retried,
    ) as result:
        events = instance.all_logs(result.run_id)
    happened = [entry.dagster_event for entry in events if entry.dagster_event is not None]
    return Ran(
        result.run_id,
        frozenset(str(event.step_key) for event in happened if event.is_step_success),
        {str(e.step_key): _message(e.step_failure_data) for e in happened if e.is_step_failure},
        frozenset(
            event.asset_key.path[-1]
            for event in happened
            if event.is_step_materialization and event.asset_key is not None
        ),
    )


def _message(failure: dg.StepExecutionFailure) -> str:
    """What stands first on a failed step."""
    if failure.user_failure_data is not None:
        return failure.user_failure_data.description or ""
    return failure.error.message if failure.error is not None else ""

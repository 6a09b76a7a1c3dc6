"""The reconciler over a desk, its runs carried out in the tests' process instead of a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from agentsview_assets.assets.common import RANGE_END, RANGE_START
from agentsview_assets.automation.reconciler import Evaluation, evaluate
from agentsview_assets.build import build_definitions
from agentsview_assets.settings import load_settings

if TYPE_CHECKING:
    from agentsview_assets.settings import Settings
    from tests.support.in_process import Desk

MOST_ROUNDS = 30


class Ran(NamedTuple):
    """A run that was asked for and carried out."""

    job: str
    assets: frozenset[str]
    days: tuple[str, str] | None
    succeeded: bool
    run_id: str


def settings_of(desk: Desk, **more: str) -> Settings:
    """The settings of a desk."""
    environ = {
        "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
        "AGENTSVIEW_ASSETS_WAREHOUSE": str(desk.warehouse),
        **desk.settings,
        **more,
    }
    return load_settings(environ)


def carry_out(
    definitions: dg.Definitions, instance: dg.DagsterInstance, request: dg.RunRequest
) -> Ran:
    """Carries a request out, as the daemon does with what a sensor or a schedule returns."""
    job = definitions.resolve_job_def(request.job_name or "materialize")
    if request.asset_selection is not None:
        checks = request.asset_check_keys
        job = job.get_subset(
            asset_selection={*request.asset_selection},
            asset_check_selection=None if checks is None else {*checks},
        )
    done: Any = job.execute_in_process(
        instance=instance,
        run_config=request.run_config or None,
        tags=dict(request.tags),
        raise_on_error=False,
    )
    days = (
        (request.tags[RANGE_START], request.tags[RANGE_END])
        if RANGE_START in request.tags
        else None
    )
    assets = frozenset(key.path[-1] for key in request.asset_selection or ())
    return Ran(request.job_name or "materialize", assets, days, done.success, done.run_id)


def queue(definitions: dg.Definitions, instance: dg.DagsterInstance, request: dg.RunRequest) -> str:
    """Puts a request into the queue, as the daemon does; the run's id."""
    repository = RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("localhost", port=1), "here")
    run = instance.create_run_for_job(
        definitions.resolve_job_def(request.job_name or ""),
        run_config=request.run_config or None,
        status=dg.DagsterRunStatus.QUEUED,
        tags=dict(request.tags),
        asset_selection=frozenset(request.asset_selection or ()),
        remote_job_origin=RemoteJobOrigin(repository, request.job_name or ""),
    )
    return run.run_id


def reconcile(
    settings: Settings, instance: dg.DagsterInstance, definitions: dg.Definitions | None = None
) -> tuple[list[Ran], Evaluation]:
    """Evaluates and carries out until nothing is asked for; the runs, and what is said then.

    Args:
        settings: Of the reconciler.
        instance: Keeps the runs.
        definitions: The project that it is part of; it has it to itself if not given.
    """
    definitions, ran = definitions or build_definitions(settings), list[Ran]()
    for _ in range(MOST_ROUNDS):
        found = evaluate(settings, instance)
        if not found.requests:
            return ran, found
        ran += [carry_out(definitions, instance, request) for request in found.requests]
    message = f"it goes on for ever: {ran[-3:]}"
    raise AssertionError(message)

"""A deployment that requests can be handed to: its reconciler is on, and its daemon lives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus
from dagster._daemon.types import DaemonHeartbeat

if TYPE_CHECKING:
    import dagster as dg


def turn_on(instance: dg.DagsterInstance, sensor: str) -> None:
    """Has a sensor be on."""
    repository = RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("localhost", port=1), "here")
    origin = RemoteInstigatorOrigin(repository, sensor)
    instance.add_instigator_state(
        InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING)
    )


def beat(instance: dg.DagsterInstance, seconds_ago: float = 0) -> None:
    """A daemon was seen."""
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - seconds_ago, "SENSOR", "a daemon"))

"""A deployment as people run it: web server, daemon and code location as `ui` starts them."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.served_ui import PATIENCE_SECONDS, ServedUi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tests.support.in_process import Desk

REPOSITORY = {
    "repositoryName": "__repository__",
    "repositoryLocationName": "agentsview_assets",
}
_START = """mutation($sensor: SensorSelector!) {
  startSensor(sensorSelector: $sensor) { __typename } }"""
_STATE = """query($sensor: SensorSelector!) {
  runsOrError { ... on Runs { results {
    runId jobName status assetSelection { path } tags { key value } creationTime } } }
  sensorOrError(sensorSelector: $sensor) { __typename ... on PythonError { message }
    ... on Sensor { sensorState {
    ticks(limit: 3) { status skipReason timestamp error { message } } } } }
}"""
_BACKFILL = """mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
_BACKFILL_STATUS = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
  __typename ... on PartitionBackfill { status } } }"""
_TROUBLE = """query($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events {
  ... on ErrorEvent { __typename error { message } }
  ... on RunFailureEvent { __typename message } } } } }"""
_ENDED = ("SUCCESS", "FAILURE", "CANCELED")
_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class LiveRun:
    """A run as the web server tells of it."""

    run_id: str
    job: str
    status: str
    assets: frozenset[str]
    tags: Mapping[str, str]

    @property
    def days(self) -> tuple[str, str] | None:
        """First and last day."""
        start, end = (f"dagster/asset_partition_range_{end}" for end in ("start", "end"))
        return (self.tags[start], self.tags[end]) if start in self.tags else None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.status in _ENDED


@dataclass
class Live:
    """A running deployment whose reconciler is on.

    Attributes:
        ui: Its processes.
        known: Runs that earlier steps have seen.
        first: The runs of the first load.
    """

    ui: ServedUi
    known: set[str] = field(default_factory=set)
    first: list[LiveRun] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        """Archive and warehouse."""
        return self.ui.desk

    def _ask(self) -> dict[str, Any]:
        return self.ui.graphql(_STATE, sensor={**REPOSITORY, "sensorName": "reconcile"})

    def runs(self) -> list[LiveRun]:
        """The runs since the last step, the first one first."""
        found = [
            LiveRun(
                run["runId"],
                run["jobName"],
                run["status"],
                frozenset(key["path"][-1] for key in run["assetSelection"] or ()),
                {tag["key"]: tag["value"] for tag in run["tags"]},
            )
            for run in reversed(self._ask()["runsOrError"]["results"])
        ]
        return [run for run in found if run.run_id not in self.known]

    def troubles(self, runs: list[LiveRun]) -> dict[str, list[str]]:
        """Runs that did not end well: the tags of each, and the words of its errors."""
        return {
            run.run_id: [f"{run.status} {run.job} {dict(run.tags)}", *self._errors(run)]
            for run in runs
            if run.status != "SUCCESS"
        }

    def _errors(self, run: LiveRun) -> list[str]:
        events = self.ui.graphql(_TROUBLE, run=run.run_id)["logsForRun"]["events"]
        return [
            str((event.get("error") or event).get("message"))
            for event in events
            if "error" in event or "message" in event
        ]

    def backfill(self, assets: Iterable[str], days: Sequence[str]) -> str:
        """Has days of assets made as the UI's button does; the backfill's id."""
        keys = [{"path": [name]} for name in assets]
        params = {"assetSelection": keys, "partitionNames": [*days]}
        answer = self.ui.graphql(_BACKFILL, params=params)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return str(answer["backfillId"])

    def has_made(self, backfill: str) -> bool:
        """Whether a backfill has completed, and well."""
        answer = self.ui.graphql(_BACKFILL_STATUS, id=backfill)["partitionBackfillOrError"]
        return answer.get("status") == "COMPLETED_SUCCESS"

    def until(
        self, is_so: Callable[[Live], bool], what: str, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Waits until something is so."""
        pause, deadline = threading.Event(), time.monotonic() + patience_seconds
        while not is_so(self):
            assert time.monotonic() < deadline, f"{what}: {self.runs()} {self._ask()}"
            pause.wait(_PAUSE_SECONDS)

    def until_quiet(
        self, said: str = "everything is up to date", patience_seconds: float = PATIENCE_SECONDS
    ) -> list[LiveRun]:
        """Waits until the reconciler, looking anew, asks for nothing; the runs of this step."""
        since = time.time()

        def is_quiet(_: Live) -> bool:
            # While the server loads the code anew, there is no sensor.
            sensor = self._ask()["sensorOrError"]
            ticks = sensor.get("sensorState", {}).get("ticks", [])
            calm = [
                tick
                for tick in ticks
                if tick["timestamp"] > since and said in str(tick["skipReason"])
            ]
            return bool(calm) and all(run.has_ended for run in self.runs())

        self.until(is_quiet, f"no tick says {said!r}", patience_seconds)
        step = self.runs()
        self.known |= {run.run_id for run in step}
        return step


@contextlib.contextmanager
def living(desk: Desk, **environ: str) -> Iterator[Live]:
    """Starts a deployment, and turns its reconciler on."""
    with ServedUi(desk, environ={"AGENTSVIEW_ASSETS_WAIT": "600", **environ}) as ui:
        answer = ui.graphql(_START, sensor={**REPOSITORY, "sensorName": "reconcile"})
        assert answer["startSensor"]["__typename"] == "Sensor", answer
        yield Live(ui)

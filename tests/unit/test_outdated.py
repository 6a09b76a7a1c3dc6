"""Workers of an older release than the warehouse: what their runs count for, and that they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from agentsview_assets.assets.naming import UNPREFIXED
from agentsview_assets.automation.runs import MAKE_JOB, REQUEST_TAG, Runs
from agentsview_assets.errors import OutdatedError, WarehouseError
from agentsview_assets.resources.failures import OUTDATED_TAG, failures_in_words
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import META_TABLE, SCHEMA_VERSION
from agentsview_assets.rules.versions import rules
from agentsview_assets.worker.release import require_release
from tests.support.in_process import Desk
from tests.support.reconciling import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUEST = "a request"


@dg.op
def nothing() -> None:
    """A run needs something to do."""


@dg.job(name=MAKE_JOB)
def job() -> None:
    """A run needs a job."""
    nothing()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def _failed(instance: dg.DagsterInstance, times: int, **tags: str) -> None:
    for _ in range(times):
        run = instance.create_run_for_job(job, tags={REQUEST_TAG: REQUEST, **tags})
        instance.report_run_failed(run)


class TestTries:
    def test_a_run_that_an_older_release_refused_counts_as_no_try(self, instance):
        _failed(instance, 5, **{OUTDATED_TAG: "true"})
        before = Runs(instance, UNPREFIXED).tries(REQUEST)
        assert (before.failed, before.ended, before.is_hopeless) == (0, 5, False)

    def test_other_failures_count_beside_them(self, instance):
        _failed(instance, 2, **{OUTDATED_TAG: "true"})
        _failed(instance, 3)
        assert Runs(instance, UNPREFIXED).tries(REQUEST).is_hopeless

    def test_workers_that_refuse_for_ever_are_noticed(self, instance):
        _failed(instance, 23, **{OUTDATED_TAG: "true"})
        assert Runs(instance, UNPREFIXED).tries(REQUEST).is_hopeless


@pytest.mark.parametrize(
    ("error", "is_tagged"), [(OutdatedError("newer"), True), (WarehouseError("in use"), False)]
)
def test_a_run_that_is_refused_is_recorded_so(instance, error, is_tagged):
    run = instance.create_run_for_job(job)
    with pytest.raises(dg.Failure), failures_in_words((instance, run.run_id)):
        raise error
    found = instance.get_run_by_id(run.run_id)
    assert (OUTDATED_TAG in found.tags) is is_tagged


class TestAWorkerThatStarts:
    @pytest.fixture
    def desk(self, tmp_path: Path) -> Desk:
        return Desk.with_sample(tmp_path / "desk")

    def _change(self, desk: Desk, sql: str) -> None:
        with open_store(f"duckdb:///{desk.warehouse}") as store:
            store.execute(sql)

    def test_where_there_is_no_warehouse_yet_or_one_of_its_own_it_does(self, desk):
        require_release(settings_of(desk))
        with open_store(f"duckdb:///{desk.warehouse}"):
            pass
        require_release(settings_of(desk))

    def test_on_one_of_a_newer_schema_it_does_not(self, desk):
        self._change(desk, f"UPDATE {META_TABLE} SET schema_version = {SCHEMA_VERSION + 1}")
        with pytest.raises(OutdatedError, match="upgrade agentsview-assets"):
            require_release(settings_of(desk))

    def test_on_one_of_newer_rules_it_does_not(self, desk):
        newer = str(rules().generation + 1)
        with open_store(f"duckdb:///{desk.warehouse}") as store:
            store.record_rules({"rules_generation": newer})
        with pytest.raises(OutdatedError, match="newer release"):
            require_release(settings_of(desk))

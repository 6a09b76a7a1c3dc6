"""A check that blocks goes on alarming until its cause is gone, whatever is run meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import dagster as dg
import duckdb
import pytest

from agentsview_assets.automation.runs import CHECK_JOB
from agentsview_assets.build import build_definitions
from agentsview_assets.checks import BLOCKING
from agentsview_assets.documents.common import alarms as recorded
from agentsview_assets.documents.common.alarms import alarms, due_checks
from agentsview_assets.materializing import materialize
from agentsview_assets.planning import Request
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import open_reader
from agentsview_assets.resources.warehouses.run_records import Answer
from agentsview_assets.resources.warehouses.store import Partition, Slices
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.settings import load_settings
from tests.support.contract_rows import ARCHIVE, DAY, frame
from tests.support.in_process import Desk
from tests.support.reconciling import reconcile
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from pathlib import Path

    from agentsview_assets.settings import Settings

USAGE = CONTRACTS["usage_rows"]
SLICES = Slices((ARCHIVE,), [DAY])
ONE_MORE = "UPDATE daily_usage SET input_tokens = input_tokens + 1"
ONE_LESS = "UPDATE daily_usage SET input_tokens = input_tokens - 1"
WORDS = "input_tokens: 1001 instead of 1000"


def unchecked_tables(url: str) -> frozenset[str]:
    """The tables of a warehouse with failed checks, or with checks that are due."""
    with open_reader(url) as reader:
        return recorded.unchecked_tables(reader)


@pytest.mark.hostile
class TestTheRecord:
    """Of every kind of warehouse."""

    def test_writing_rows_makes_their_checks_due_until_they_are_asked(self, warehouse: str) -> None:
        with open_store(warehouse) as store:
            noted = [Partition(ARCHIVE, DAY, 2, "v1", "", "run-1")]
            store.replace(USAGE, [frame(USAGE, 2)], SLICES, noted)
        assert unchecked_tables(warehouse) == {"usage_rows", "duplicates"}
        with open_reader(warehouse) as reader:
            assert due_checks(reader) == [("duplicates", "run-1"), ("usage_rows", "run-1")]
            assert alarms(reader) == []
        with open_store(warehouse) as store:
            store.record_answers([], [("usage_rows", "another run"), ("daily_usage", "run-1")])
        assert unchecked_tables(warehouse) == {"usage_rows", "duplicates"}
        with open_store(warehouse) as store:
            store.record_answers([], [("usage_rows", "run-1")])
        assert unchecked_tables(warehouse) == {"duplicates"}
        with open_store(warehouse) as store:
            store.record_answers([], [("duplicates", "run-1")])
        assert unchecked_tables(warehouse) == frozenset()

    def test_rows_that_are_taken_back_make_nothing_due(self, warehouse: str) -> None:
        def broken() -> object:
            yield frame(USAGE, 2)
            raise KeyboardInterrupt

        with open_store(warehouse) as store, pytest.raises(KeyboardInterrupt):
            noted = [Partition(ARCHIVE, DAY, 2, "v1", "", "run-1")]
            store.replace(USAGE, broken(), SLICES, noted)
        assert unchecked_tables(warehouse) == frozenset()

    def test_a_failure_stays_until_the_same_check_finds_all_well(self, warehouse: str) -> None:
        def answered(*answers: tuple[str, str, str, str]) -> list[tuple[str, str, str]]:
            with open_store(warehouse) as store:
                store.record_answers([Answer(*answer) for answer in answers], [])
            with open_reader(warehouse) as reader:
                return [alarm[:3] for alarm in alarms(reader)]

        wrong = ("usage_rows", "contract", "2 rows 'wrong'")
        assert answered((*wrong, "run-1")) == [wrong]
        others = (("usage_rows", "duplicates_removed", ""), ("sessions", "contract", ""))
        assert answered(*((*other, "run-2") for other in others)) == [wrong]
        other_words = (*wrong[:2], "other words")
        assert answered((*other_words, "run-3")) == [other_words]
        assert answered((*wrong[:2], "", "run-4")) == []


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A warehouse of a single row, shared: each test leaves it well."""
    made = Desk(tmp_path_factory.mktemp("alarms"))
    with TinyArchive(made.archive) as archive:
        archive.session("one")
        archive.message("one", 0, "2026-11-01T10:00:00Z")
    made.materialize()
    return made


def write(desk: Desk, *statements: str) -> None:
    with duckdb.connect(str(desk.warehouse)) as warehouse:
        for statement in statements:
            warehouse.execute(statement)


def killed_before_the_checks(desk: Desk, table: str) -> None:
    """What a run that is killed between a table's rows and its checks leaves behind."""
    write(desk, f"INSERT INTO warehouse_checks VALUES ('{table}', '', '', 'killed', now())")


def settings_of(desk: Desk) -> Settings:
    return load_settings(
        {
            "AGENTSVIEW_ASSETS_ARCHIVE": str(desk.archive),
            "AGENTSVIEW_ASSETS_WAREHOUSE": str(desk.warehouse),
        }
    )


@pytest.mark.hostile
class TestRuns:
    def test_every_run_fails_while_a_failure_stands_however_it_is_restricted(
        self, desk: Desk
    ) -> None:
        write(desk, ONE_MORE)
        killed_before_the_checks(desk, "daily_usage")
        for options in ((), (), ("--select", "sessions"), ("--since", "2026-11-20"), ("--json",)):
            done = desk.run("materialize", *options)
            assert done.code == 1, options
            assert "daily_usage, totals_agree" in done.err
            assert WORDS in done.err
            assert not done.out
        shown = desk.run("status")
        assert "WRONG     daily_usage, totals_agree: " in shown.out
        [alarm] = desk.run("status", "--json").json["alarms"]
        assert WORDS in alarm["words"]
        write(desk, ONE_LESS)
        assert desk.run("materialize").out.startswith("Nothing to do")
        assert desk.run("status", "--json").json["alarms"] == []

    def test_a_run_killed_before_its_checks_has_them_asked_by_the_next(self, desk: Desk) -> None:
        killed_before_the_checks(desk, "usage_rows")
        assert desk.run("status", "--json").json["unchecked"] == ["usage_rows"]
        assert desk.run("materialize").code == 0
        assert desk.run("status", "--json").json["unchecked"] == []

    def test_making_the_table_again_ends_the_alarm(self, desk: Desk) -> None:
        write(desk, ONE_MORE)
        killed_before_the_checks(desk, "daily_usage")
        assert desk.run("materialize").code == 1
        assert desk.run("materialize", "--force", "--select", "daily_usage").code == 0
        assert desk.run("materialize").code == 0

    def test_the_job_of_the_ui_fails_likewise(self, desk: Desk) -> None:
        write(desk, ONE_MORE)
        killed_before_the_checks(desk, "daily_usage")
        settings = settings_of(desk)
        check = build_definitions(settings).get_repository_def().get_job(CHECK_JOB)
        with dg.DagsterInstance.ephemeral() as instance:
            # Whatever is written meanwhile, the checks that follow it find the failure again.
            for table in ("sessions", "activity_buckets"):
                ran, _ = reconcile(settings, instance)
                assert [(run.job, run.succeeded) for run in ran] == [(CHECK_JOB, False)]
                [alarm] = desk.run("status", "--json").json["alarms"]
                assert WORDS in alarm["words"]
                killed_before_the_checks(desk, table)
        for _ in range(2):
            assert not check.execute_in_process(raise_on_error=False).success
        # The job that only asks the checks records what it finds, too.
        write(desk, ONE_LESS)
        check.execute_in_process()
        assert unchecked_tables(str(desk.warehouse)) == frozenset()

    def test_all_warehouses_know_of_it(self, desk: Desk, tmp_path: Path) -> None:
        copy = tmp_path / "copy.db"
        both = f"{desk.warehouse} sqlite:///{copy}"
        two = Desk(desk.folder, {"AGENTSVIEW_ASSETS_WAREHOUSE": both})
        two.materialize()
        write(desk, ONE_MORE)
        killed_before_the_checks(desk, "daily_usage")
        assert two.run("materialize").code == 1
        with open_reader(f"sqlite:///{copy}") as reader:
            assert [alarm.check for alarm in alarms(reader)] == ["totals_agree"]
        write(desk, ONE_LESS)
        assert two.run("materialize").code == 0
        assert unchecked_tables(f"sqlite:///{copy}") == frozenset()


@pytest.mark.hostile
def test_a_first_run_that_is_killed_before_its_checks_loses_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was written before the kill, its checks are asked by the next run."""
    desk = Desk(tmp_path)
    with TinyArchive(desk.archive) as archive:
        archive.session("one")
        archive.message("one", 0, "2026-11-01T10:00:00Z")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("agentsview_assets.running.Runner.check", killed)
        with pytest.raises(KeyboardInterrupt):
            materialize(settings_of(desk), Request(), lambda _: None, time.perf_counter())
    written = {table for (table,) in desk.rows("SELECT DISTINCT asset FROM warehouse_partitions")}
    assert written & BLOCKING.keys() <= unchecked_tables(str(desk.warehouse))
    write(desk, ONE_MORE)
    done = desk.run("materialize")
    assert done.code == 1
    assert WORDS in done.err

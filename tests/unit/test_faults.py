"""What may go wrong while running: kills at any moment, two runs at once, a day of bad rows."""

from __future__ import annotations

import random
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from agentsview_assets.errors import ContractError
from agentsview_assets.resources.dagster_home.history import prepare_home
from agentsview_assets.resources.warehouses.opening import open_store
from agentsview_assets.resources.warehouses.reader import PARTITIONS_TABLE
from agentsview_assets.rules.staleness import DAILY_TABLES, REPORTS
from agentsview_assets.schemas import CONTRACTS, HISTORIES
from agentsview_assets.schemas.contract import TableContract
from tests.support import forked
from tests.support.command import OurCommand
from tests.support.in_process import Desk

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

TABLES = sorted(set(CONTRACTS) - set(HISTORIES))
# In one worker, which makes once what they all compare with.
pytestmark = pytest.mark.xdist_group("faults")
Contents = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        return str(prepare_home(tmp_path_factory.mktemp("history")))


def _contents(desk: Desk) -> Contents:
    return {t: desk.rows(f"SELECT * FROM {t} ORDER BY ALL") for t in TABLES}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, home: str) -> Contents:
    desk = Desk.with_sample(tmp_path_factory.mktemp("undisturbed"), DAGSTER_HOME=home)
    desk.materialize()
    return _contents(desk)


@pytest.fixture(scope="module")
def lasts(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds that a run takes in a process of its own, from when it begins to work."""
    desk = Desk.with_sample(tmp_path_factory.mktemp("rehearsal"))
    with forked.started(["materialize"], _command(desk).environment()) as process:
        _wait_until_it_works(process)
        began = time.perf_counter()
        assert process.wait() == 0
        return time.perf_counter() - began


def _command(desk: Desk) -> OurCommand:
    return OurCommand(desk.archive, desk.folder / "home", str(desk.warehouse))


def _wait_until_it_works(process: forked.Started) -> None:
    for line in process.stderr:
        if "observing" in line:
            return


def _has_tables(desk: Desk) -> bool:
    """Whether a warehouse file is more than the file: its tables come in one transaction."""
    with duckdb.connect(str(desk.warehouse), read_only=True) as opened:
        return bool(opened.execute("SHOW TABLES").fetchall())


class TestAKill:
    def _kill_at(self, desk: Desk, moment: float) -> None:
        """Starts a run in a process of its own and kills it so long after it began to work."""
        with forked.started(["materialize"], _command(desk).environment()) as process:
            _wait_until_it_works(process)
            try:
                process.wait(moment)
            except subprocess.TimeoutExpired:
                process.kill()

    def _require_whole_days(self, desk: Desk, expected: Contents) -> None:
        """Every day of every table is there as it should be, or not at all."""
        if not desk.warehouse.exists() or not _has_tables(desk):
            return
        noted: dict[str, dict[str, int]] = {}
        for table, day, rows in desk.rows(
            f"SELECT asset, partition_date, row_count FROM {PARTITIONS_TABLE}"
        ):
            noted.setdefault(table, {})[day] = rows
        for table in DAILY_TABLES:
            place = CONTRACTS[table].column_names.index("partition_date")
            found = desk.rows(f"SELECT * FROM {table} ORDER BY ALL")
            days = {str(row[place]) for row in found}
            assert days <= set(noted.get(table, {})), table
            whole = [row for row in expected[table] if str(row[place]) in noted.get(table, {})]
            # Until every day is observed a report may be made of sessions that go on later.
            if table in DAILY_TABLES[:3]:
                assert found == whole, table

    def _story(self, folder: Path, seed: int, kills: int, lasts: float, expected: Contents) -> None:
        desk = Desk.with_sample(folder)
        draw = random.Random(seed)
        for _ in range(kills):
            self._kill_at(desk, draw.uniform(0, lasts))
            self._require_whole_days(desk, expected)
        desk.materialize()
        assert _contents(desk) == expected
        assert desk.materialize()["up_to_date"] is True

    def test_a_few_leave_whole_days_and_the_next_run_finishes(self, tmp_path, lasts, undisturbed):
        self._story(tmp_path, seed=20261122, kills=4, lasts=lasts, expected=undisturbed)

    @pytest.mark.endurance
    @pytest.mark.parametrize("seed", range(10))
    def test_fifty_at_random_moments(self, tmp_path, lasts, undisturbed, seed):
        self._story(tmp_path, seed=seed, kills=5, lasts=lasts, expected=undisturbed)


class TestTwoRunsAtOnce:
    def test_the_second_is_refused_in_words_and_changes_nothing(self, tmp_path, home, undisturbed):
        desk = Desk.with_sample(tmp_path, DAGSTER_HOME=home)
        with open_store(str(desk.warehouse)):  # as the first run has it open
            second = _command(desk).run("materialize")
        assert second.returncode == 1
        assert "in use by another process" in second.stderr
        assert "Traceback" not in second.stderr
        assert desk.rows("SELECT * FROM warehouse_archives") == []
        desk.materialize()
        assert _contents(desk) == undisturbed

    def test_started_together_one_of_them_makes_everything(self, tmp_path, undisturbed):
        desk = Desk.with_sample(tmp_path)
        command = _command(desk)
        with ExitStack() as running:
            both = [
                running.enter_context(forked.started(["materialize"], command.environment()))
                for _ in range(2)
            ]
            said = [process.communicate()[1] for process in both]
            codes = [process.wait() for process in both]
        assert sorted(codes) in ([0, 0], [0, 1]), said
        assert all("Traceback" not in text for text in said)
        refused = [text for text, code in zip(said, codes, strict=True) if code]
        assert all("in use" in text for text in refused)
        assert _contents(desk) == undisturbed


class TestADayOfBadRows:
    """A contract stands between a defect (ours, or a new release's) and the warehouse."""

    BAD = "2026-11-05"

    @pytest.fixture
    def spoiled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        validate = TableContract.validate

        def refuse(
            contract: TableContract, frame: pd.DataFrame, days: list[str] | None = None
        ) -> pd.DataFrame:
            if contract.name == "usage_rows" and (frame["partition_date"] == self.BAD).any():
                message = "usage_rows: the frame breaks its contract and was not written"
                raise ContractError(message)
            return validate(contract, frame, days)

        monkeypatch.setattr(TableContract, "validate", refuse)

    @pytest.mark.usefixtures("spoiled")
    def test_the_good_days_are_published_and_the_bad_one_is_named(
        self, tmp_path, home, undisturbed
    ):
        desk = Desk.with_sample(tmp_path, DAGSTER_HOME=home)
        shown = desk.run("materialize")
        assert shown.code == 1
        assert f"error: not made: {self.BAD};" in shown.err
        assert "usage_rows: the frame breaks its contract" in shown.err
        assert "Traceback" not in shown.err
        for table in ("usage_rows", "daily_usage"):
            place = CONTRACTS[table].column_names.index("partition_date")
            good = [row for row in undisturbed[table] if str(row[place]) != self.BAD]
            assert desk.rows(f"SELECT * FROM {table} ORDER BY ALL") == good, table
        for table in REPORTS:
            assert self.BAD not in desk.noted(table), table

    def test_once_mended_the_next_run_makes_what_is_missing(
        self, tmp_path, home, undisturbed, monkeypatch
    ):
        desk = Desk.with_sample(tmp_path, DAGSTER_HOME=home)
        validate = TableContract.validate
        with monkeypatch.context() as patch:

            def refuse(
                contract: TableContract, frame: pd.DataFrame, days: list[str] | None = None
            ) -> pd.DataFrame:
                if contract.name == "sessions" and (frame["partition_date"] == self.BAD).any():
                    raise ContractError("sessions: spoiled")
                return validate(contract, frame, days)

            patch.setattr(TableContract, "validate", refuse)
            assert desk.run("materialize").code == 1
        desk.materialize()
        assert _contents(desk) == undisturbed
        assert desk.materialize()["up_to_date"] is True

    def test_where_every_day_is_bad_it_gives_up_soon_and_says_why(
        self, tmp_path, home, monkeypatch
    ):
        desk = Desk.with_sample(tmp_path, DAGSTER_HOME=home)
        tries = []

        def refuse(contract: TableContract, *_: object) -> None:
            tries.append(contract.name)
            raise ContractError(f"{contract.name}: spoiled")

        monkeypatch.setattr(TableContract, "validate", refuse)
        shown = desk.run("materialize")
        assert shown.code == 1
        assert "spoiled" in shown.err
        assert len(tries) < 120

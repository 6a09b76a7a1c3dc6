"""What may go wrong while running: kills at any moment, two runs at once, a day of bad rows."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from agentsview_assets.errors import ContractError
from agentsview_assets.resources.history import prepare_home
from agentsview_assets.resources.observations import ObservationStore
from agentsview_assets.resources.warehouse import PARTITIONS_TABLE
from agentsview_assets.schemas import CONTRACTS, HISTORIES
from agentsview_assets.schemas.contract import TableContract
from agentsview_assets.transforms.staleness import DAILY_TABLES, REPORTS
from tests.support.command import OurCommand
from tests.support.in_process import Desk
from tests.support.oracle import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

FIRST, LAST = "2026-10-29", "2026-11-10"
TABLES = sorted(set(CONTRACTS) - set(HISTORIES))
PATIENCE_SECONDS = 300
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


def _has_tables(desk: Desk) -> bool:
    """Whether a warehouse file is more than the file: its tables come in one transaction."""
    with duckdb.connect(str(desk.warehouse), read_only=True) as opened:
        return bool(opened.execute("SHOW TABLES").fetchall())


class TestAKill:
    def _kill_at(self, desk: Desk, moment: float) -> None:
        """Starts a run in a process of its own and kills it so long after it began to work."""
        command = OurCommand(desk.archive, desk.folder / "home", str(desk.warehouse))
        with subprocess.Popen(
            [sys.executable, "-m", "agentsview_assets", "materialize"],
            env=command.environment(),
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            for line in process.stderr or ():
                if "observing" in line:
                    break
            try:
                process.wait(timeout=moment)
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

    def _story(self, folder: Path, seed: int, kills: int, expected: Contents) -> None:
        desk = Desk.with_sample(folder)
        draw = random.Random(seed)
        started = time.perf_counter()
        rehearsal = Desk.with_sample(folder / "rehearsal")
        rehearsal.materialize()
        lasts = time.perf_counter() - started
        for _ in range(kills):
            self._kill_at(desk, draw.uniform(0, lasts))
            self._require_whole_days(desk, expected)
        desk.materialize()
        assert _contents(desk) == expected
        assert desk.materialize()["up_to_date"] is True

    def test_a_few_leave_whole_days_and_the_next_run_finishes(self, tmp_path, undisturbed):
        self._story(tmp_path, seed=20261122, kills=4, expected=undisturbed)

    @pytest.mark.endurance
    @pytest.mark.parametrize("seed", range(10))
    def test_fifty_at_random_moments(self, tmp_path, undisturbed, seed):
        self._story(tmp_path, seed=seed, kills=5, expected=undisturbed)


class TestTwoRunsAtOnce:
    def test_the_second_is_refused_in_words_and_changes_nothing(self, tmp_path, home, undisturbed):
        desk = Desk.with_sample(tmp_path, DAGSTER_HOME=home)
        command = OurCommand(desk.archive, desk.folder / "home", str(desk.warehouse))
        store = desk.warehouse.with_name(f"{desk.warehouse.name}.state") / "observations.duckdb"
        with ObservationStore(store):  # as the first run has it open
            second = command.run("materialize")
        assert second.returncode == 1
        assert "in use by another run" in second.stderr
        assert "Traceback" not in second.stderr
        assert not desk.warehouse.exists()
        desk.materialize()
        assert _contents(desk) == undisturbed

    def test_started_together_one_of_them_makes_everything(self, tmp_path, undisturbed):
        desk = Desk.with_sample(tmp_path)
        command = OurCommand(desk.archive, desk.folder / "home", str(desk.warehouse))
        both = [
            subprocess.Popen(
                [sys.executable, "-m", "agentsview_assets", "materialize"],
                env=command.environment(),
                cwd=REPOSITORY,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        said = [process.communicate(timeout=PATIENCE_SECONDS)[1] for process in both]
        codes = sorted(process.returncode for process in both)
        assert codes in ([0, 0], [0, 1]), said
        assert all("Traceback" not in text for text in said)
        refused = [t for t, p in zip(said, both, strict=True) if p.returncode]
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

"""Whatever happens to archives and runs, in whatever order: the tables are those made afresh."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.dagster_home.history import prepare_home
from agentsview_assets.resources.warehouses.duckdb.store import DuckDBStore
from tests.support.further import further
from tests.support.machines import Machine, archive, everything
from tests.support.tiny_archives import TinyArchive

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.in_process import Finished

DAYS = tuple(f"2026-11-{day:02}" for day in range(1, 6))
TABLES = ("sessions", "usage_rows", "activity_intervals", "daily_usage", "session_model_usage")


class Walk:
    """Two machines, an archive each, one warehouse.

    Attributes:
        steps: What may happen, by name.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, seed: int) -> None:
        self._rng = random.Random(seed)
        self._folder = folder
        self._patch = patch
        self._made = 0
        home = prepare_home(folder / "history")
        url = f"duckdb:///{folder}/warehouse.duckdb"
        self.machines = [
            Machine(
                folder / name,
                url,
                (archive(folder / name / "data", f"{name}-0", [(f"{name}-s", DAYS[0])]),),
                {"DAGSTER_HOME": str(home)},
            )
            for name in ("one", "two")
        ]
        self.steps: dict[str, Callable[[Machine], None]] = {
            "sync": self._sync,
            "sync what both have": lambda _: self._copy(),
            "edit": self._edit,
            "trash": lambda machine: self._set(machine, "deleted_at = '2026-11-20T00:00:00Z'"),
            "restore": lambda machine: self._set(machine, "deleted_at = NULL"),
            "rename": lambda machine: self._set(machine, f"project = 'p{self._number()}'"),
            "remove": self._remove,
            "resync": self._resync,
            "upgrade": self._upgrade,
            "run": lambda machine: self._run(machine.run("materialize")),
            "run a day": lambda machine: self._run(machine.start(day=self._day())),
            "run a table": lambda machine: self._run(
                machine.start(self._rng.choice(TABLES), day=self._day()), may_fail=True
            ),
            "killed": self._killed,
        }

    def go(self, steps: int) -> list[str]:
        """Takes so many steps, and says which."""
        taken = []
        for _ in range(steps):
            name = self._rng.choice(list(self.steps))
            machine = self._rng.choice(self.machines)
            taken.append(f"{machine.folder.name}: {name}")
            self.steps[name](machine)
        return taken

    def settled(self) -> dict[str, list[str]]:
        """Every row of the warehouse once both machines have brought it up to date."""
        for _ in range(2):
            for machine in self.machines:
                self._run(machine.run("materialize"))
        for machine in self.machines:
            assert machine.run("materialize", "--json").json["up_to_date"]
        return everything(self.machines[0].warehouse)

    def fresh(self) -> dict[str, list[str]]:
        """Every row of a warehouse that one machine makes of both archives now."""
        folder = self._folder / f"fresh-{self._number()}"
        both = tuple(place for machine in self.machines for place in machine.archives)
        url = f"duckdb:///{folder}.duckdb"
        machine = replace(self.machines[0], folder=folder, warehouse=url, archives=both)
        self._run(machine.run("materialize"))
        old = self.machines[0].warehouse
        return {
            name: [row.replace(url, old) for row in rows] for name, rows in everything(url).items()
        }

    @staticmethod
    def _run(done: Finished, *, may_fail: bool = False) -> None:
        assert done.code == 0 or may_fail, done.err

    def _number(self) -> int:
        self._made += 1
        return self._made

    def _day(self) -> str:
        return self._rng.choice(DAYS)

    def _execute(self, machine: Machine, *statements: str) -> None:
        with closing(sqlite3.connect(machine.archives[0] / "sessions.db")) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()

    def _session(self, machine: Machine) -> str:
        with closing(sqlite3.connect(machine.archives[0] / "sessions.db")) as database:
            found = [name for (name,) in database.execute("SELECT id FROM sessions ORDER BY id")]
        return self._rng.choice(found) if found else "none"

    def _set(self, machine: Machine, change: str) -> None:
        moved = f"local_modified_at = 'moved {self._number()}'"
        name = self._session(machine)
        self._execute(machine, f"UPDATE sessions SET {change}, {moved} WHERE id = '{name}'")

    def _sync(self, machine: Machine, name: str | None = None) -> None:
        first, last = sorted((self._day(), self._day()))
        with TinyArchive(machine.archives[0]) as found:
            name = name or f"{machine.folder.name}-{self._number()}"
            found.session(name, first)
            for number, day in enumerate((first, last)):
                key = self._rng.randint(1, 12)
                found.message(
                    name, number, f"{day}T10:1{number}:00Z",
                    claude_message_id=f"m{key}", claude_request_id=f"r{key}",
                )  # fmt: skip

    def _copy(self) -> None:
        name = f"both-{self._number()}"
        for each in self.machines:
            self._sync(each, name)

    def _edit(self, machine: Machine) -> None:
        name, tokens = self._session(machine), self._rng.randint(1, 5000)
        self._execute(
            machine,
            "UPDATE messages SET token_usage = json_set(token_usage, '$.input_tokens', "
            f"{tokens}) WHERE session_id = '{name}' AND token_usage <> ''",
        )
        self._set_moved(machine, name)

    def _set_moved(self, machine: Machine, name: str) -> None:
        moved = f"local_modified_at = 'moved {self._number()}'"
        self._execute(machine, f"UPDATE sessions SET {moved} WHERE id = '{name}'")

    def _remove(self, machine: Machine) -> None:
        name = self._session(machine)
        self._execute(
            machine,
            f"DELETE FROM messages WHERE session_id = '{name}'",
            f"DELETE FROM sessions WHERE id = '{name}'",
        )

    def _resync(self, machine: Machine) -> None:
        self._execute(machine, "UPDATE sessions SET data_version = data_version + 1")
        with closing(sqlite3.connect(machine.archives[0] / "sessions.db")) as database:
            database.execute("VACUUM")

    def _upgrade(self, machine: Machine) -> None:
        # What a run has not seen goes cannot be told from what another archive had.
        self._run(machine.run("materialize"))
        identity = f"{machine.folder.name}-{self._number()}"
        self._execute(machine, f"UPDATE archive_metadata SET value = '{identity}'")
        # Seen at once: an archive that is replaced twice between two runs leaves nothing to follow.
        self._run(machine.run("materialize"))

    def _killed(self, machine: Machine) -> None:
        step, left = self._rng.choice(["insert", "record", "execute"]), self._rng.randint(0, 40)
        original = getattr(DuckDBStore, step)
        with self._patch.context() as patch:

            def dying(store: DuckDBStore, *arguments: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    raise WarehouseError("struck down")
                return original(store, *arguments)

            patch.setattr(DuckDBStore, step, dying)
            machine.run("materialize")


def walk(folder: Path, patch: pytest.MonkeyPatch, seed: int, legs: int, steps: int) -> None:
    """Walks, and compares with a fresh warehouse after each leg."""
    found = Walk(folder, patch, seed)
    taken: list[str] = []
    for _ in range(legs):
        taken += found.go(steps)
        held, fresh = found.settled(), found.fresh()
        assert held == fresh, taken


@pytest.mark.hostile
@pytest.mark.parametrize("seed", [0, *further(1, 2)])
def test_a_short_walk(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk(tmp_path, monkeypatch, seed, legs=2, steps=8)


@pytest.mark.endurance
def test_two_hundred_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk(tmp_path, monkeypatch, 11, legs=10, steps=20)

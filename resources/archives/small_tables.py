"""The small tables of an archive, read whole at every look: projects, machines, stars, prices.

What belongs here: how their rows land. What does not: sessions and what they say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.resources.archives import schema as source
from agentsview_assets.resources.archives.checkouts import LocalDisk
from agentsview_assets.resources.archives.price_tables import all_prices
from agentsview_assets.rules.disk_evidence import RecordingDisk
from agentsview_assets.rules.identities import ProjectObservation
from agentsview_assets.rules.identity_rows import identity_rows
from agentsview_assets.rules.machines import machines
from agentsview_assets.rules.paths import file_directory
from agentsview_assets.rules.remotes import presentable_remote
from agentsview_assets.rules.worktrees import Place, worktrees_of
from agentsview_assets.schemas import CONTRACTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    import pyarrow as pa

    from agentsview_assets.resources.archives.scratch import Scratch

TABLES = (
    source.CURSOR_USAGE_EVENTS,
    source.MODEL_PRICING,
    source.PROJECT_OBSERVATIONS,
    source.WORKTREE_MAPPINGS,
    source.STARRED_SESSIONS,
)
PROJECT_TABLES = ("project_observations", "machines")
"""Tables that have one version."""


class SmallTables(NamedTuple):
    """What was read of an archive's small tables.

    Attributes:
        tables: Rows by name of the table.
        machine_state: What the archive knows of machines.
    """

    tables: Mapping[str, pa.Table]
    machine_state: pa.Table

    @classmethod
    def read(cls, read: Callable[..., pa.Table]) -> SmallTables:
        """Reads them, in a transaction of the caller's.

        Args:
            read: Reads a table, or the rows of a condition.
        """
        return cls(
            {table.name: read(table) for table in TABLES},
            read(source.SYNC_STATE, source.MACHINE_KEYS),
        )

    @property
    def cursor_events(self) -> pa.Table:
        """Usage without a session."""
        return self.tables[source.CURSOR_USAGE_EVENTS.name]

    def land(self, scratch: Scratch, archive_id: str, config_dir: Path | None) -> None:
        """Lands all but Cursor events; the sessions of the archive are in `seen_session`.

        Raises:
            ConfigError: Its `config.toml` cannot be used.
        """
        places = scratch.rows(
            "SELECT DISTINCT project, machine, cwd, file_path FROM seen_session "
            "WHERE deleted_at IS NULL"
        )
        self._land_projects(scratch, archive_id, places)
        self._land_worktrees(scratch, archive_id, {place[:3] for place in places})
        self._land_machines(scratch, archive_id)
        starred = self.tables[source.STARRED_SESSIONS.name].to_pylist()
        scratch.replace("starred", archive_id, [(archive_id, *row.values()) for row in starred])
        stored = self.tables[source.MODEL_PRICING.name].to_pylist()
        prices = all_prices(archive_id, stored, config_dir)
        scratch.replace("model_pricing", archive_id, prices)

    def _observations(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.tables[source.PROJECT_OBSERVATIONS.name].to_pylist()
        return found

    def _land_projects(
        self, scratch: Scratch, archive_id: str, places: list[tuple[str, str, str, str]]
    ) -> None:
        rows: set[tuple[str, ...]] = {
            ("observation", r["project"], r["machine"], r["root_path"],
             presentable_remote(r["git_remote"]), r["worktree_name"], r["worktree_root_path"], "")
            for r in self._observations()
        }  # fmt: skip
        rows |= {
            ("worktree_mapping", r["project"], r["machine"], r["path_prefix"], "", "", "",
             r["layout"])
            for r in self.tables[source.WORKTREE_MAPPINGS.name].to_pylist()
            if r["enabled"] == 1
        }  # fmt: skip
        rows |= {
            ("session_place", project, machine, cwd, "", "", file_directory(file_path), "")
            for project, machine, cwd, file_path in places
        }
        rows |= _said_by_disk(archive_id, rows)
        # Remotes that differ in their credentials alone have become the same row.
        distinct = {(*row[:5], row[6]): (archive_id, *row) for row in sorted(rows)}
        scratch.replace("project_observations", archive_id, list(distinct.values()))

    def _land_worktrees(self, scratch: Scratch, archive_id: str, places: set[Place]) -> None:
        seen = [ProjectObservation(**row) for row in self._observations()]
        found = worktrees_of(places, seen)
        rows = [(archive_id, *place, *worktree) for place, worktree in sorted(found.items())]
        scratch.replace("worktree", archive_id, rows)

    def _land_machines(self, scratch: Scratch, archive_id: str) -> None:
        found = scratch.rows("SELECT DISTINCT machine FROM seen_session")
        known = {row["key"]: row["value"] for row in self.machine_state.to_pylist()}
        rows = [(archive_id, *row) for row in machines((m for (m,) in found), known)]
        scratch.replace("machines", archive_id, rows)


_EVIDENCE = CONTRACTS["project_observations"].column_names[1:]


def _said_by_disk(archive_id: str, rows: Collection[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """What the disk of this machine says of the paths that identities depend on."""
    disk = RecordingDisk(LocalDisk())
    evidence = [dict(zip(_EVIDENCE, row, strict=True)) for row in sorted(rows)]
    identity_rows([{"archive_id": archive_id, **row} for row in evidence], disk)
    return {
        (answer.evidence, "", "", answer.path, answer.remote, "", answer.root, "")
        for answer in disk.answers.values()
    }

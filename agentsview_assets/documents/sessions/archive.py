"""What the session export reads of an archive in the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.documents.common.lookups import load_prices, project_map, resolve_archive
from agentsview_assets.documents.sessions.cursor import Position
from agentsview_assets.documents.sessions.rows import SESSION_COLUMNS, SessionRow
from agentsview_assets.documents.sessions.usage import (
    USAGE_COLUMNS,
    ModelUsage,
    SessionUsage,
    model_usage,
)
from agentsview_assets.documents.usage.query import Sql
from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.reader import ARCHIVES_TABLE
from agentsview_assets.rules.text import trim

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.rules.pricing import PricingTable


class ExportArchive(NamedTuple):
    """An archive in the warehouse.

    Attributes:
        reader: The warehouse.
        archive_id: What its rows are marked with.
        database_id: Identity that agentsview knows it by.
        path: The `sessions.db` that it was read from.
    """

    reader: Reader
    archive_id: str
    database_id: str
    path: str

    @classmethod
    def find(cls, reader: Reader, archive_id: str | None) -> ExportArchive:
        """Find an archive; None takes the only one in the warehouse.

        Raises:
            WarehouseError: It is ambiguous, absent or without an identity.
        """
        found = resolve_archive(reader, archive_id)
        query = f"SELECT database_id, path FROM {ARCHIVES_TABLE} WHERE archive_id = ?"
        known = reader.rows(query, (found,))
        if not known:
            raise WarehouseError(
                "the warehouse holds no archive to export; run `agentsview-assets materialize`"
            )
        database_id, path = trim(known[0][0]), known[0][1]
        if not database_id:
            raise WarehouseError(
                "database id missing; restart agentsview serve to initialize export metadata: "
                "database id is missing"
            )
        return cls(reader, found, database_id, path)

    def prices(self) -> PricingTable:
        """Return the price rows in force for exports."""
        return load_prices(self.reader, self.archive_id, offline=False)

    def projects(self, labels: Iterable[str]) -> dict[str, Any]:
        """Return the `projects` object for the labels of an export's rows."""
        return project_map(self.reader, self.archive_id, labels, with_empty=True)

    def order_by(self) -> str:
        """Return the SQL of the export order."""
        return f"ORDER BY last_activity_julian DESC, {self.reader.binary_order('session_id')}"

    def positions(self, condition: Sql) -> list[Position]:
        """Return the places of the sessions that satisfy a condition, in export order."""
        found = self.reader.rows(
            "SELECT last_activity_julian, session_id, last_activity_text FROM sessions "
            f"WHERE {condition.text} {self.order_by()}",
            condition.params,
        )
        return list(map(Position._make, found))

    def rows(self, condition: Sql, prices: PricingTable) -> list[SessionRow]:
        """Return the sessions that satisfy a condition with their usage, in export order."""
        used: dict[str, list[ModelUsage]] = {}
        for stored in self.reader.rows(
            f"SELECT {', '.join(USAGE_COLUMNS)} FROM session_model_usage WHERE archive_id = ? "
            f"AND session_id IN (SELECT session_id FROM sessions WHERE {condition.text}) "
            f"ORDER BY {self.reader.binary_order('model')}",
            (self.archive_id, *condition.params),
        ):
            used.setdefault(stored[0], []).append(model_usage(stored, prices))
        return [
            SessionRow.of(stored, SessionUsage.of(used.get(stored[0], ())))
            for stored in self.reader.rows(
                f"SELECT {', '.join(SESSION_COLUMNS)} FROM sessions "
                f"WHERE {condition.text} {self.order_by()}",
                condition.params,
            )
        ]

    def named(self, positions: Sequence[Position], prices: PricingTable) -> list[SessionRow]:
        """Return the sessions at some places, in export order."""
        if not positions:
            return []
        marks = ", ".join("?" * len(positions))
        ids = (position.session_id for position in positions)
        return self.rows(
            Sql(f"archive_id = ? AND session_id IN ({marks})", (self.archive_id, *ids)), prices
        )


def archive_path(reader: Reader, archive_id: str | None) -> str:
    """Return the `sessions.db` that an archive in the warehouse was read from.

    Raises:
        WarehouseError: The archive is ambiguous, absent or without an identity.
    """
    return ExportArchive.find(reader, archive_id).path

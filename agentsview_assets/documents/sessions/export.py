"""The v1 session export: one page with a cursor to the next, or everything at once.

    with open_reader(url) as reader:
        for session in session_export_all(reader).document()["sessions"]:
            ...

What belongs here: paging and the shape of the document. What does not: which sessions
(`session_scope`), what a row looks like (`session_rows`), what cursors are made of.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from agentsview_assets.documents.common.pricing_block import pricing_block
from agentsview_assets.documents.sessions.archive import ExportArchive
from agentsview_assets.documents.sessions.cursor import Cursor
from agentsview_assets.documents.sessions.filters import SessionFilters
from agentsview_assets.documents.sessions.paging import turn_page
from agentsview_assets.documents.sessions.rows import SessionRow, rows_text
from agentsview_assets.documents.sessions.scope import SessionScope
from agentsview_assets.documents.usage.query import Sql
from agentsview_assets.errors import UnwritableNumberError
from agentsview_assets.rules.gojson import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.rules.pricing import PricingTable

SCHEMA_VERSION = 1
MAX_LIMIT = 500
_SAFE_USD = 1e290
"""Costs up to this add up to a number, however many there are."""
BATCH_ROWS = 4_000
"""Rows of a complete export that are in memory at once."""


@dataclass(frozen=True, slots=True)
class SessionExport:
    """A v1 document whose rows are still to be read: once, and while the reader is open.

    Attributes:
        database_id: Identity of the archive.
        next_cursor: Where the next page begins; empty when there is none.
        pricing: The prices used; empty without rows.
        projects: Project label -> resolution and identity.
        batches: The rows, in export order.
        require_finite: Raises `UnwritableNumberError` where a cost of any row is no finite number.
    """

    database_id: str
    next_cursor: str
    pricing: Mapping[str, Any]
    projects: Mapping[str, Any]
    batches: Iterable[Sequence[SessionRow]]
    require_finite: Callable[[], None]

    def head(self) -> dict[str, Any]:
        """Return the document without its rows."""
        return {
            "schema_version": SCHEMA_VERSION,
            "database_id": self.database_id,
            "cursor": {"next": self.next_cursor},
            "pricing": dict(self.pricing),
            "projects": dict(self.projects),
        }

    def document(self) -> dict[str, Any]:
        """Return the whole document, its keys in the contract's order."""
        rows = [row.as_object() for batch in self.batches for row in batch]
        return {**self.head(), "sessions": rows}

    def json_text(self) -> Iterator[str]:
        """Return the document's JSON text in pieces.

        Raises:
            UnwritableNumberError: A cost is not a finite number; then there is no first piece.
        """
        self.require_finite()
        yield f'{encode(self.head())[:-1]},"sessions":['
        separator = ""
        for batch in self.batches:
            if batch:
                yield f"{separator}{rows_text(batch, ',')}"
                separator = ","
        yield "]}\n"

    def ndjson_text(self) -> Iterator[str]:
        """Return the lines of the NDJSON form in pieces: a meta line, then one a session.

        Raises:
            UnwritableNumberError: A cost is not a finite number; the lines before it are there.
        """
        yield f"{encode({'type': 'meta', **self.head()})}\n"
        for batch in self.batches:
            good = list(takewhile(_is_finite, batch))
            if good:
                yield f"{rows_text(good, chr(10))}\n"
            _require_finite(batch[len(good) :])


def session_export_page(  # noqa: PLR0913 - what a page can be asked for, all by name
    reader: Reader,
    *,
    secret: Callable[[], bytes],
    filters: SessionFilters = SessionFilters(),  # noqa: B008 - it cannot be changed
    cursor: str = "",
    limit: int = MAX_LIMIT,
    archive_id: str | None = None,
) -> SessionExport:
    """Return a page of the export.

    Args:
        reader: The warehouse.
        secret: Gives the key that cursors are signed with; called only when there is one.
        filters: Filters of a first page; a cursor brings its own.
        cursor: Where to go on; empty for the first page.
        limit: Most rows of the page, 1 to `MAX_LIMIT`.
        archive_id: Archive to export; None takes the only one in the warehouse.

    Raises:
        CursorReset: The cursor holds no longer.
        CursorConflict: The cursor is genuine but of another order.
        WarehouseError: The warehouse cannot be read, or its archive is ambiguous or absent.
    """
    archive = ExportArchive.find(reader, archive_id)
    state = Cursor(database_id=archive.database_id, filters=filters.canonical())
    if cursor:
        state = Cursor.read(cursor, secret(), archive.database_id)
    scope = SessionScope(reader, archive.archive_id, state.filters)
    page = turn_page(archive.positions(scope.eligible), state, limit)
    prices = archive.prices()
    rows = archive.named(page.positions, prices)
    return SessionExport(
        archive.database_id,
        page.following.sign(secret()) if page.following else "",
        pricing_block(prices, _models(rows)) if rows else {},
        archive.projects(row.project for row in rows),
        [rows],
        partial(_require_finite, rows),
    )


def session_export_all(
    reader: Reader,
    *,
    filters: SessionFilters = SessionFilters(),  # noqa: B008 - it cannot be changed
    archive_id: str | None = None,
) -> SessionExport:
    """Return the export without pages; its rows are read in batches of about `BATCH_ROWS`.

    Args:
        reader: The warehouse; it has to stay open until the rows are read.
        filters: Which sessions.
        archive_id: Archive to export; None takes the only one in the warehouse.

    Raises:
        WarehouseError: The warehouse cannot be read, or its archive is ambiguous or absent.
    """
    archive = ExportArchive.find(reader, archive_id)
    scope = SessionScope(reader, archive.archive_id, filters)
    labels = reader.rows(
        f"SELECT DISTINCT project FROM sessions WHERE {scope.eligible.text}", scope.eligible.params
    )
    prices = archive.prices()
    models, is_safe = _all_models(archive, scope)

    def require_finite() -> None:
        if not is_safe:
            for batch in _batches(archive, scope, prices):
                _require_finite(batch)

    return SessionExport(
        archive.database_id,
        "",
        pricing_block(prices, models) if labels else {},
        archive.projects(label for (label,) in labels),
        _batches(archive, scope, prices) if labels else (),
        require_finite,
    )


def _models(rows: Iterable[SessionRow]) -> dict[str, tuple[bool, bool]]:
    """Return for each model whether it has computed costs, and whether it has reported ones."""
    costs: dict[str, tuple[bool, bool]] = {}
    for row in rows:
        for used in row.model_usage.by_model:
            computed, reported = costs.get(used.model, (False, False))
            costs[used.model] = (
                computed or used.cost_source != "reported",
                reported or used.cost_source != "computed",
            )
    return costs


def _all_models(
    archive: ExportArchive, scope: SessionScope
) -> tuple[dict[str, tuple[bool, bool]], bool]:
    """Return the same for all sessions of a scope, and whether no sum of costs can be infinite."""
    eligible = scope.eligible
    found = archive.reader.rows(
        f"""
        SELECT model, MAX(CASE WHEN reported_row_count < usage_row_count THEN 1 ELSE 0 END),
               MAX(CASE WHEN reported_row_count > 0 THEN 1 ELSE 0 END),
               MAX(ABS(reported_cost_usd)), MAX(ABS(cost_usd))
        FROM session_model_usage WHERE archive_id = ?
            AND session_id IN (SELECT session_id FROM sessions WHERE {eligible.text})
        GROUP BY model
        """,
        (archive.archive_id, *eligible.params),
    )
    is_safe = all(cost <= _SAFE_USD for _, _, _, *costs in found for cost in costs)
    return {model: (bool(some), bool(told)) for model, some, told, *_ in found}, is_safe


def _is_finite(row: SessionRow) -> bool:
    return math.isfinite(row.model_usage.cost_usd)


def _require_finite(rows: Iterable[SessionRow]) -> None:
    for row in rows:
        if not _is_finite(row):
            raise UnwritableNumberError(row.model_usage.cost_usd)


def _batches(
    archive: ExportArchive, scope: SessionScope, prices: PricingTable
) -> Iterator[list[SessionRow]]:
    """Read the rows between times that lie about `BATCH_ROWS` candidates apart."""
    members = scope.members()
    numbered = f"SELECT last_activity_julian AS sort, ROW_NUMBER() OVER ({archive.order_by()}) AS n"
    bounds = archive.reader.rows(
        f"SELECT DISTINCT sort FROM ({numbered} FROM sessions WHERE {scope.candidates.text}) "
        f"AS numbered WHERE n % {BATCH_ROWS} = 0 ORDER BY sort DESC",
        scope.candidates.params,
    )
    newest = math.inf
    for (oldest,) in (*bounds, (-math.inf,)):
        between = Sql(
            f"{scope.candidates.text} AND last_activity_julian < ? AND last_activity_julian >= ?",
            (*scope.candidates.params, newest, oldest),
        )
        rows = archive.rows(between, prices)
        yield rows if members is None else [row for row in rows if row.id in members]
        newest = oldest

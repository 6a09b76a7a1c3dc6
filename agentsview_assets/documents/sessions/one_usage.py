"""What one session used: the document of `GET /api/v1/sessions/{id}/usage`.

What belongs here: which of a session's rows count, their order, and the money that they make. What
does not: HTTP. The rules, as the original's server answers them, are in docs/http-session-usage.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from agentsview_assets.documents.common.counting import NO_COPY
from agentsview_assets.documents.common.lookups import (
    load_prices,
    of_archive,
    resolve_archives,
)
from agentsview_assets.documents.usage.parts import CREDIT_AGENTS, USD_PER_CREDIT
from agentsview_assets.rules.gojson import utf8_bytes
from agentsview_assets.rules.integers import int64
from agentsview_assets.rules.money import added_up
from agentsview_assets.rules.pricing import row_cost
from agentsview_assets.rules.text import displayable, storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agentsview_assets.resources.warehouses.reader import Reader
    from agentsview_assets.rules.pricing import PricingTable


class _Found(NamedTuple):
    """The session as it is stored."""

    archive_id: str
    session_id: str
    agent: str
    project: str
    total_output_tokens: int
    peak_context_tokens: int
    has_total_output_tokens: object
    has_peak_context_tokens: object


class _Row(NamedTuple):
    """A usage row of the session; its fields are columns of `usage_rows`."""

    row_id: str
    row_kind: str
    source: str
    ordinal: int | None
    timestamp_text: str | None
    model: str
    dedup_key: str | None
    event_key_order: int | None
    input_tokens: int
    output_tokens: int
    cache_creation_tokens: int
    cache_read_tokens: int
    reasoning_tokens: int
    billable_output_tokens: int
    reported_cost_usd: float | None

    @property
    def is_empty(self) -> bool:
        """Whether it has neither tokens of any kind nor a cost that was reported."""
        return self.reported_cost_usd is None and not any((*self[8:12], self.reasoning_tokens))

    @property
    def label(self) -> str:
        """What people are shown: which prompt or step it was, else where it came from."""
        if self.ordinal is None:
            return self.source or "usage"
        word = "Prompt" if self.source == "message" else "Step"
        return f"{word} {int64(self.ordinal + 1)}"


class _Priced(NamedTuple):
    """A row that counts, and its cost in USD; None where its model has no price."""

    row: _Row
    usd: float | None


def session_usage(
    reader: Reader, session_id: str, *, breakdown: bool, archive_id: str | None = None
) -> dict[str, Any] | None:
    """Return the document, its keys in the order of agentsview's; None without such a session.

    Args:
        reader: The warehouse.
        session_id: Exact id of the session. In the trash it is no session.
        breakdown: Whether to tell of every row; they are counted all the same.
        archive_id: Archive of the session, whose own prices hold then. None takes the session of
            the least archive id, of copies the one that counts, and the prices of all archives.

    Raises:
        WarehouseError: The warehouse cannot be read, or the archive asked for is absent.
    """
    archive = resolve_archives(reader, archive_id)
    session = _find(reader, archive, session_id)
    if session is None:
        return None
    rows = list(_counting(_rows(reader, session)))
    prices = load_prices(reader, archive, offline=False)
    priced = [_Priced(row, _cost(row, prices)) for row in rows]
    unpriced = {row.model for row, usd in priced if usd is None}
    has_cost = bool(priced) and not unpriced
    # Without a price for all of it there is no total, however much of it has one.
    usd = added_up(cost for _, cost in priced if cost is not None) if has_cost else 0.0
    return {
        # As it was asked for: keys of some warehouses hold a long name shortened.
        "session_id": displayable(session_id),
        "agent": session.agent,
        "project": session.project,
        "total_output_tokens": session.total_output_tokens,
        "peak_context_tokens": session.peak_context_tokens,
        "has_token_data": bool(session.has_total_output_tokens or session.has_peak_context_tokens),
        "cost_usd": usd,
        "has_cost": has_cost,
        **({"ai_credits": usd / USD_PER_CREDIT} if usd and session.agent in CREDIT_AGENTS else {}),
        "models": sorted({row.model for row in rows}, key=utf8_bytes),
        "unpriced_models": sorted(unpriced, key=utf8_bytes),
        "breakdown_count": len(rows),
        "breakdown": [_entry(*numbered) for numbered in enumerate(priced, 1)] if breakdown else [],
        "server_running": True,
    }


def _find(reader: Reader, archive: str, session_id: str) -> _Found | None:
    """Return the session of an id; of several the copy that counts, of the least archive id."""
    test, params = of_archive(archive)
    name = displayable(session_id)
    found = reader.rows(
        f"SELECT {', '.join(_Found._fields)} FROM sessions WHERE {test} AND session_id IN (?, ?) "
        f"AND deleted_at_text IS NULL ORDER BY CASE WHEN {NO_COPY} THEN 0 ELSE 1 END, "
        f"{reader.binary_order('archive_id')} LIMIT 1",
        (*params, name, storable(name)),
    )
    return _Found(*found[0]) if found else None


def _rows(reader: Reader, session: _Found) -> list[_Row]:
    """Return the session's rows in the order in which agentsview takes them."""
    found = reader.rows(
        f"SELECT {', '.join(_Row._fields)} FROM usage_rows "
        "WHERE archive_id = ? AND session_id = ? AND row_kind <> 'cursor_event'",
        (session.archive_id, session.session_id),
    )
    prefix = f"usage:{session.session_id}:"
    return sorted(map(_Row._make, found), key=lambda row: _place(row, prefix))


def _place(row: _Row, prefix: str) -> tuple[Any, ...]:
    """What rows are ordered by: time text, ordinal, source and the event's own key.

    An event without a key has `id:` and its number for one; the warehouse has how those go as
    texts, other keys that begin like that among them.
    """
    key, order = "", -1
    if row.event_key_order is not None:
        key, order = "id:", row.event_key_order
    elif row.row_kind == "usage_event":
        key = (row.dedup_key or "").removeprefix(f"{prefix}{row.source}:") or "id:"
    moment = utf8_bytes(row.timestamp_text or ""), -1 if row.ordinal is None else row.ordinal
    return (*moment, utf8_bytes(row.source), utf8_bytes(key), order, len(row.row_id), row.row_id)


def _counting(rows: Iterable[_Row]) -> Iterator[_Row]:
    """Yield the first row of each key, unless it is empty: then none of them counts."""
    seen = set()
    for row in rows:
        if row.dedup_key is not None:
            if row.dedup_key in seen:
                continue
            seen.add(row.dedup_key)
        if not row.is_empty:
            yield row


def _cost(row: _Row, prices: PricingTable) -> float | None:
    if row.reported_cost_usd is not None:
        return row.reported_cost_usd
    price = prices.price(row.model)
    if price is None:
        return None
    return row_cost(
        price.rates,
        input_tokens=row.input_tokens,
        billable_output_tokens=row.billable_output_tokens,
        cache_creation_tokens=row.cache_creation_tokens,
        cache_read_tokens=row.cache_read_tokens,
    )


def _entry(number: int, priced: _Priced) -> dict[str, Any]:
    row, usd = priced
    return {
        "ordinal": number,
        **({} if row.ordinal is None else {"message_ordinal": row.ordinal}),
        "source": row.source,
        "label": row.label,
        "timestamp": row.timestamp_text or "",
        "model": row.model,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cache_creation_input_tokens": row.cache_creation_tokens,
        "cache_read_input_tokens": row.cache_read_tokens,
        "cost_usd": 0.0 if usd is None else usd,
        "has_cost": usd is not None,
    }

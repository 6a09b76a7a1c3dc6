"""How usage events go that have a number for a key, worked out one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    Row = dict[str, Any]


def in_key_order(events: Iterable[Row]) -> list[Row]:
    """Fills in `event_key_order`, and takes out `own_key`: the key that the session knows."""
    rows = [(row, row.pop("own_key")) for row in events]
    alike: dict[tuple[Any, ...], set[bytes]] = {}
    for row, key in rows:
        if key.startswith("id:"):
            alike.setdefault(_moment(row), set()).add(key.encode())
    for row, key in rows:
        if key.startswith("id:"):
            row["event_key_order"] = sum(k < key.encode() for k in alike[_moment(row)])
    return [row for row, _ in rows]


def _moment(row: Row) -> tuple[Any, ...]:
    ordinal = -1 if row["ordinal"] is None else row["ordinal"]
    return row["session_id"], row["timestamp_text"] or "", ordinal, row["source"]

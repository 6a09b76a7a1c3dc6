"""What became of published figures: the table `restatements`, page by page, the latest first.

The table is only ever added to, and a page goes on from a row rather than from a number, so that
what is added meanwhile moves nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

from agentsview_assets.documents.common.completeness import utc_text
from agentsview_assets.documents.common.gaps import moment
from agentsview_assets.documents.common.lookups import of_archive, resolve_archives
from agentsview_assets.documents.common.sql import Sql, all_of, any_of, comparable
from agentsview_assets.errors import UsageError
from agentsview_assets.rules.gojson import canonical_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentsview_assets.resources.warehouses.reader import Reader

SCHEMA_VERSION: Final = 1
MAX_LIMIT: Final = 1000

# As text, in UTC, times of every backend sort as they are.
_TIME: Final = "CAST(restated_at AS VARCHAR(40))"
_DAY: Final = "CAST(partition_date AS VARCHAR(10))"
_KEY: Final = (_TIME, "archive_id", _DAY, "project", "model", "reason")
_FIGURES: Final = ("old_cost_usd", "new_cost_usd", "old_tokens", "tokens")
_DIGESTS: Final = ("old_pricing_digest", "new_pricing_digest")
_RATES: Final = (
    *("matched_pattern", "source", "input_usd_per_mtok", "output_usd_per_mtok"),
    *("cache_write_usd_per_mtok", "cache_read_usd_per_mtok"),
)


def restatements(  # noqa: PLR0913 - what can be asked for, all by name
    reader: Reader,
    *,
    from_: str = "",
    to: str = "",
    limit: int = 100,
    cursor: str = "",
    archive_id: str | None = None,
) -> dict[str, Any]:
    """Return a page of restatements, the latest first, and the rates that they are about.

    Args:
        reader: The warehouse.
        from_: First UTC day whose figures were restated, `YYYY-MM-DD`; empty for the first of all.
        to: Last such day; empty for the last of all.
        limit: Most restatements of the page, 1 to 1,000.
        cursor: Where to go on: `next_cursor` of the page before, with the same days and archive.
        archive_id: The only archive to tell of; None for all.

    Raises:
        UsageError: The days stand in the wrong order, the limit is beyond its bounds, or the
            cursor is none.
        WarehouseError: The warehouse cannot be read, or the archive asked for is absent.
    """
    if from_ and to and from_ > to:
        message = "from must not be after to"
        raise UsageError(message)
    if not 1 <= limit <= MAX_LIMIT:
        message = f"limit must be from 1 to {MAX_LIMIT}"
        raise UsageError(message)
    tests = [
        *([] if archive_id is None else [Sql(*of_archive(resolve_archives(reader, archive_id)))]),
        *([Sql(f"{_DAY} >= ?", (from_,))] if from_ else []),
        *([Sql(f"{_DAY} <= ?", (to,))] if to else []),
        *([_after(reader, _read(cursor))] if cursor else []),
    ]
    rows = _rows(reader, all_of(tests), limit + 1)
    page = rows[:limit]
    return {
        "schema_version": SCHEMA_VERSION,
        "restatements": [_entry(row) for row in page],
        "price_changes": _price_changes(reader, page),
        "next_cursor": _written(page[-1][: len(_KEY)]) if len(rows) > limit else "",
    }


def _rows(reader: Reader, test: Sql, limit: int) -> list[tuple[Any, ...]]:
    time, *others = (reader.binary_order(column) for column in _KEY)
    return reader.rows(
        f"SELECT {', '.join((*_KEY, *_FIGURES, *_DIGESTS, 'run_id'))} FROM restatements "
        f"WHERE {test.text} ORDER BY {time} DESC, {', '.join(others)} LIMIT {limit}",
        test.params,
    )


def _after(reader: Reader, key: Sequence[str]) -> Sql:
    """Return the condition that a row comes after one of a key: earlier, or equal up to some."""
    either = []
    for at, column in enumerate(_KEY):
        equal = [
            Sql(f"{name} = ?", (value,)) for name, value in zip(_KEY[:at], key[:at], strict=True)
        ]
        operator = "<" if column == _TIME else ">"
        beyond = Sql(f"{reader.binary_order(column)} {operator} ?", (key[at],))
        either.append(all_of([*equal, beyond]))
    return any_of([test._replace(text=f"({test.text})") for test in either])


def _entry(row: Sequence[Any]) -> dict[str, Any]:
    restated_at, archive, day, project, model, reason = row[: len(_KEY)]
    rest = dict(zip((*_FIGURES, *_DIGESTS, "run_id"), row[len(_KEY) :], strict=True))
    return {
        "archive_id": archive,
        "date": day,
        "project": project,
        "model": model,
        "restated_at": utc_text(moment(restated_at)),
        "reason": reason,
        **rest,
    }


def _price_changes(reader: Reader, page: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """The rates, past and present, of the models that other prices restated on a page."""
    priced = sorted({(row[1], row[4]) for row in page if row[5] == "price"})
    if not priced:
        return []
    test = any_of([Sql("(archive_id = ? AND model = ?)", pair) for pair in priced])
    binary = reader.binary_order
    rows = reader.rows(
        "SELECT archive_id, model, CAST(valid_from AS VARCHAR(40)), "
        f"CAST(valid_to AS VARCHAR(40)), {', '.join(_RATES)}, pricing_digest FROM price_changes "
        f"WHERE {test.text} ORDER BY {binary('archive_id')}, {binary('model')}, 3",
        test.params,
    )
    return [
        {
            "archive_id": archive,
            "model": model,
            "valid_from": utc_text(moment(begin)),
            "valid_to": None if end is None else utc_text(moment(end)),
            **dict(zip((*_RATES, "pricing_digest"), rest, strict=True)),
        }
        for archive, model, begin, end, *rest in rows
    ]


def _written(key: Sequence[str]) -> str:
    """Return a key as a cursor."""
    text = canonical_json(list(key)).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _read(cursor: str) -> list[str]:
    """Return the key that a cursor holds."""
    message = "invalid cursor"
    try:
        padded = f"{cursor}{'=' * (-len(cursor) % 4)}"
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise UsageError(message) from None
    if not isinstance(key, list) or len(key) != len(_KEY) or not all(map(_is_text, key)):
        raise UsageError(message)
    return [comparable(value) for value in key]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value

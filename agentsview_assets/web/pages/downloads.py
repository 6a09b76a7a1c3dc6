"""A table as a file: CSV, JSON or Parquet.

CSV is opened by programs that run what a cell begins with: such texts get an apostrophe before
them. The other two hold every value as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from starlette.responses import Response

from agentsview_assets.errors import UsageError
from agentsview_assets.rules.gojson import encode
from agentsview_assets.rules.shown_text import visible
from agentsview_assets.web.pages.formats import Kind
from agentsview_assets.web.pages.table import Column, Row, Table

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
_ACTING = ("=", "+", "-", "@", "\t", "\r")
_WHOLE: frozenset[Kind] = frozenset({"whole", "tokens"})


def downloaded(tables: Sequence[Table], name: str, format_: str, rows: Sequence[Row]) -> Response:
    """The file of one of a page's tables.

    Args:
        tables: The tables of the page.
        name: Which of them.
        format_: One of `FORMATS`.
        rows: Its rows in the order asked for.

    Raises:
        UsageError: There is no such format.
    """
    if format_ not in FORMATS:
        raise UsageError(f"format: expected one of {', '.join(FORMATS)}")
    table = chosen(tables, name)
    content = _WRITERS[format_](table, rows)
    headers = {
        "content-type": FORMATS[format_],
        "content-disposition": f'attachment; filename="{table.name}.{format_}"',
        "cache-control": "private, no-cache",
    }
    return Response(content, 200, headers)


def chosen(tables: Sequence[Table], name: str) -> Table:
    """The table of a name; of a page with one table, that one.

    Raises:
        UsageError: There is none of this name.
    """
    if not name and len(tables) == 1:
        return tables[0]
    for table in tables:
        if table.name == name:
            return table
    names = ", ".join(table.name for table in tables) or "none"
    raise UsageError(f"table: this page has {names}")


def csv_file(table: Table, rows: Sequence[Row]) -> bytes:
    """Rows as CSV with a head, in UTF-8 and with the line ends that the format asks for."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([defused(column.file_name) for column in table.columns])
    writer.writerows([defused(value) for value in row] for row in rows)
    return text.getvalue().encode()


def defused(value: Any) -> Any:
    """A value as a cell that no program takes for a formula."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    is_acting = value.lstrip().startswith(_ACTING) or value.startswith(_ACTING)
    return f"{chr(39) if is_acting else ''}{visible(value)}"


def json_file(table: Table, rows: Sequence[Row]) -> bytes:
    """Rows as a JSON array of objects."""
    names = [column.file_name for column in table.columns]
    return f"{encode([dict(zip(names, row, strict=True)) for row in rows])}\n".encode()


def parquet_file(table: Table, rows: Sequence[Row]) -> bytes:
    """Rows as a Parquet file, every column of its own type."""
    import pyarrow as pa  # noqa: PLC0415 - it takes longer to load than a page to make
    import pyarrow.parquet as pq  # noqa: PLC0415

    arrays = [
        pa.array([row[place] for row in rows], type=_type(pa, column, place, rows))
        for place, column in enumerate(table.columns)
    ]
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays, names=[column.file_name for column in table.columns]), sink)
    return sink.getvalue()


def _type(pa: Any, column: Column, place: int, rows: Sequence[Row]) -> Any:
    if column.kind in _WHOLE:
        is_long = any(abs(row[place] or 0) >= 2**63 for row in rows)
        return pa.decimal128(38) if is_long else pa.int64()
    return pa.float64() if column.is_number else pa.string()


_WRITERS: dict[str, Callable[[Table, Sequence[Row]], bytes]] = {
    "csv": csv_file,
    "json": json_file,
    "parquet": parquet_file,
}

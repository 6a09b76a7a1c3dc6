"""Taking credentials out of what was read of an archive, before anything else sees it.

What belongs here: which columns of a frame are texts, and finding the few suspects fast. What does
not: what a credential looks like, which is in `rules.credentials.secrets`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from agentsview_assets.rules.credentials.secrets import SUSPECT, clean, clean_identifier

IDENTIFIERS = frozenset(
    {"id", "session_id", "parent_session_id", "claude_message_id", "claude_request_id",
     "source_uuid", "dedup_key", "database_id", "archive_id"}
)  # fmt: skip
"""Columns that tell rows apart: what is taken out of them leaves a digest."""

UNTOUCHED = frozenset({"token_usage", "role", "git_remote"})
"""Columns of which no text is kept, or (remotes) that have a rule of their own."""


FEW_ROWS = 5_000
"""Rows up to which reading the pattern of suspects takes longer than matching it."""


class Cleaned(NamedTuple):
    """A table without credentials.

    Attributes:
        table: It, in the same shape.
        texts: How many values were changed.
    """

    table: pa.Table
    texts: int


def cleaned(table: pa.Table) -> Cleaned:
    """Takes credentials out of every text column but `UNTOUCHED`."""
    places = [
        place
        for place, field in enumerate(table.schema)
        if pa.types.is_string(field.type) and field.name not in UNTOUCHED
    ]
    if table.num_rows < FEW_ROWS and not _is_suspect([table.column(place) for place in places]):
        return Cleaned(table, 0)
    texts = 0
    for place in places:
        field = table.schema.field(place)
        rule = clean_identifier if field.name in IDENTIFIERS else clean
        column = _cleaned_column(table.column(place), rule)
        if column is not None:
            texts += pc.sum(pc.not_equal(column, table.column(place))).as_py() or 0
            table = table.set_column(place, field, column)
    return Cleaned(table, texts)


def _is_suspect(columns: list[pa.ChunkedArray]) -> bool:
    """Whether any text of some columns is a suspect, with one reading of the pattern for all."""
    if not columns:
        return False
    rows = pc.binary_join_element_wise(*columns, "\n", null_handling="replace", null_replacement="")
    return bool(pc.any(pc.match_substring_regex(rows, SUSPECT, ignore_case=True)).as_py())


def _cleaned_column(column: pa.ChunkedArray, rule: Callable[[str], str]) -> pa.ChunkedArray | None:
    """The column with its suspects cleaned; None when it is clean as it is."""
    suspects = pc.fill_null(pc.match_substring_regex(column, SUSPECT, ignore_case=True), False)
    if not pc.any(suspects).as_py():
        return None
    found = pc.unique(column.filter(suspects)).to_pylist()
    changed = {text: new for text in found if (new := rule(text)) != text}
    if not changed:
        return None
    values = [changed.get(text, text) for text in column.to_pylist()]
    return pa.chunked_array([pa.array(values, column.type)])

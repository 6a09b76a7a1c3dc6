"""Texts as a PostgreSQL server can take them.

It refuses U+0000, and rows whose key is longer than a third of an index page. What belongs here:
what such texts become, so that one of them holds back no other row. What does not: writing them.
"""

from __future__ import annotations

from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from agentsview_assets.rules.text import LONGEST_NAME, NUL_SYMBOL, storable
from agentsview_assets.schemas import CONTRACTS

_LONGEST_ROW_ID = 3 * LONGEST_NAME
_PATHS = ("root_path", "git_remote", "worktree_root_path")
# What an index holds beside the keys, and what must stay equal to a key.
_ALSO = ("timestamp_text", "parent_session_id", "matched_pattern")
_ROW_IDS = frozenset({"row_id", "counting_row_id"})
_NAMES = frozenset(chain(_ALSO, *(contract.key for contract in CONTRACTS.values()))) - {
    *("archive_id", *_PATHS, *_ROW_IDS)
}


def storable_table(table: pa.Table) -> pa.Table:
    """The table with a symbol for U+0000, and with names in keys as long as they may be.

    The same text becomes the same everywhere, and different ones stay different. Only the paths of
    `project_observations` are looked at together: deep folders are longer than names, and fit
    as long as not all of them are.
    """
    paths_are_long = _are_long_together(table)
    for place, field in enumerate(table.schema):
        if not pa.types.is_string(field.type):
            continue
        column = table.column(place)
        if pc.any(pc.match_substring(column, "\0")).as_py():
            column = pc.replace_substring(column, "\0", NUL_SYMBOL)
        if field.name in _NAMES:
            column = _shortened(column, LONGEST_NAME)
        elif field.name in _ROW_IDS:
            column = _shortened(column, _LONGEST_ROW_ID)
        elif paths_are_long is not None and field.name in _PATHS:
            column = pc.if_else(paths_are_long, _shortened(column, LONGEST_NAME), column)
        if column is not table.column(place):
            table = table.set_column(place, field, column)
    return table


def _shortened(column: pa.ChunkedArray, longest: int) -> pa.ChunkedArray:
    is_long = pc.greater(pc.binary_length(column), longest)
    if not pc.any(is_long).as_py():
        return column
    texts = (None if text is None else storable(text, longest) for text in column.to_pylist())
    return pa.chunked_array([pa.array(texts, column.type)])


def _are_long_together(table: pa.Table) -> pa.ChunkedArray | None:
    """Which rows have paths in their key that are too long together; None where none is one."""
    if not {*_PATHS} <= {*table.column_names}:
        return None
    lengths = [pc.fill_null(pc.binary_length(table.column(name)), 0) for name in _PATHS]
    return pc.greater(pc.add(pc.add(*lengths[:2]), lengths[2]), len(_PATHS) * LONGEST_NAME)

"""Kinds of frames that assets hand over and ask for: pandas, Arrow, polars, DuckDB.

What belongs here: turning Arrow into them and back. What does not: which rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa


def as_annotated(wanted: Any, found: pa.Table, to_frame: Callable[[pa.Table], Any]) -> Any:
    """Rows as an input is annotated: pandas unless it names Arrow, polars or a DuckDB relation.

    Args:
        wanted: The annotation.
        found: The rows.
        to_frame: Makes the pandas frame.
    """
    if wanted is pa.Table:
        return found
    if _library(wanted) == "polars":
        import polars as pl  # noqa: PLC0415 - of whoever asks for it

        frame = pl.DataFrame(found)
        return frame.lazy() if wanted is pl.LazyFrame else frame
    if getattr(wanted, "__name__", "") == "DuckDBPyRelation":
        import duckdb  # noqa: PLC0415 - likewise

        return duckdb.from_arrow(found)
    return to_frame(found)


def as_rows(obj: Any) -> pd.DataFrame | pa.Table | None:
    """What an asset returned, as pandas or Arrow; None for what is no frame of a known kind."""
    if isinstance(obj, pd.DataFrame | pa.Table):
        return obj
    if _library(type(obj)) == "polars":
        eager = obj.collect() if type(obj).__name__ == "LazyFrame" else obj
        return eager.to_arrow() if type(eager).__name__ == "DataFrame" else None
    if type(obj).__name__ == "DuckDBPyRelation":
        return obj.to_arrow_table()
    return None


def _library(kind: Any) -> str:
    return str(getattr(kind, "__module__", "")).partition(".")[0]

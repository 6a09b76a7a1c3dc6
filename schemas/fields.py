"""Column builders for table contracts: one call declares type, rule, meaning and unit of a column.

What belongs here: the vocabulary of column kinds. What does not: any particular table.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

import pandas as pd
import pandera.pandas as pa

Kind = Literal["text", "date", "bigint", "double", "boolean", "timestamptz"]

Instant = Annotated[pd.DatetimeTZDtype, "us", "UTC"]
NullableInt = pd.Int64Dtype

# Not `$`, which also matches before a last line feed.
SHA256_KEY = r"^sha256:[0-9a-f]{64}\Z"


def _field(kind: Kind, description: str, unit: str | None, **rules: Any) -> Any:
    metadata = {"kind": kind, "unit": unit}
    return cast("Any", pa.Field(description=description, metadata=metadata, **rules))


def text(
    description: str,
    *,
    nullable: bool = False,
    closed: tuple[str, ...] | None = None,
    pattern: str | None = None,
) -> Any:
    """A text column; `closed` lists the only values allowed, `pattern` is a full-match regex."""
    rules: dict[str, Any] = {"nullable": nullable}
    if closed is not None:
        rules["isin"] = list(closed)
    if pattern is not None:
        rules["str_matches"] = pattern
    return _field("text", description, None, **rules)


def day(description: str, *, nullable: bool = False) -> Any:
    """A calendar day: `YYYY-MM-DD` text in frames, DATE in stores."""
    return _field("date", description, None, nullable=nullable)


def count(description: str, unit: str, *, nullable: bool = False, signed: bool = False) -> Any:
    """A 64-bit integer with its unit; never negative unless `signed`."""
    rules: dict[str, Any] = {"nullable": nullable}
    if not signed:
        rules["ge"] = 0
    return _field("bigint", description, unit, **rules)


def real(description: str, unit: str, *, nullable: bool = False, signed: bool = True) -> Any:
    """A double with its unit."""
    rules: dict[str, Any] = {"nullable": nullable}
    if not signed:
        rules["ge"] = 0.0
    return _field("double", description, unit, **rules)


def flag(description: str) -> Any:
    """A boolean that is never null."""
    return _field("boolean", description, None)


def instant(description: str, *, nullable: bool = False) -> Any:
    """A UTC instant in microseconds."""
    return _field("timestamptz", description, "UTC, microseconds", nullable=nullable)

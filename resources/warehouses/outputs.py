"""What an asset hands to the IO manager: rows in parts, and what is to be recorded of them.

What belongs here: plain values, known without Dagster. What does not: writing them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from agentsview_assets.rules.staleness import Slice
    from agentsview_assets.rules.windows import Span
    from agentsview_assets.schemas import TableContract


@dataclass(frozen=True)
class HistoryRows:
    """Rows to add to a history in the transaction of the rows that make them true.

    Attributes:
        contract: The history.
        frame: Validated rows.
        metadata: What its asset is to say of them.
    """

    contract: TableContract
    frame: pd.DataFrame
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Frames:
    """An asset's output in parts, each validated and written before the next is made.

    Attributes:
        frames: The rows, all of the slices being written.
        archives: The archives whose slices are replaced.
        input_versions: Version of what each slice was made from ('' for the day of a table that
            has none); slices without rows and version are not recorded.
        rates_versions: Version of the rates by slice; empty where nothing is priced.
        additions: Rows for histories that these rows make true, with what to report of them.
        outdated: Slices of other days that are out of date; rows of these may lie there still.
        span: First and last day of the rows, where they may lie beyond the partitions written.
        rules: By which rules the rows were made, where that is to be recorded.
    """

    frames: Iterable[pd.DataFrame]
    archives: tuple[str, ...] = ()
    input_versions: Mapping[Slice, str] = field(default_factory=dict)
    rates_versions: Mapping[Slice, str] = field(default_factory=dict)
    additions: Sequence[HistoryRows] = ()
    outdated: Sequence[Slice] = ()
    span: Span | None = None
    rules: Mapping[str, str] = field(default_factory=dict)

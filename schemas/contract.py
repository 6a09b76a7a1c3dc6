"""The table contract: one declaration from which DDL, validation and empty frames derive.

What belongs here: what a table promises. What does not: how frames are made and checked, which
needs packages that take a second or more to import (`schemas.frames`).
"""

# ruff: noqa: PLC0415 - frames are imported by whoever has one

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from agentsview_assets.schemas.fields import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pandera.pandas as pa
    import pyarrow as arrow  # noqa: ICN001 - pa is pandera here

    from agentsview_assets.schemas.fields import TableModel


@dataclass(frozen=True)
class TableContract:
    """What one table promises.

    Attributes:
        name: Table name, equal to the asset's name.
        group: Asset group that the table belongs to.
        description: What one row is, for people.
        model: Class that declares the columns, which every written frame must satisfy.
        key: Natural key; unique within the table.
        partition_column: Name of the DATE column that places a row in its day, or None.
    """

    name: str
    group: str
    description: str
    model: type[TableModel]
    key: tuple[str, ...]
    partition_column: str | None = None

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns in table order."""
        declared = vars(self.model).items()
        return tuple(replace(c, name=name) for name, c in declared if isinstance(c, Column))

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """The column names in table order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def schema(self) -> pa.DataFrameSchema:
        """The pandera schema, columns closed and the key unique."""
        from agentsview_assets.schemas.frames import pandera_schema

        return pandera_schema(self)

    @cached_property
    def arrow_schema(self) -> arrow.Schema:
        """The Arrow schema that frames travel in."""
        from agentsview_assets.schemas.arrow_types import arrow_schema

        return arrow_schema(self.columns)

    def frame(self, table: arrow.Table) -> pd.DataFrame:
        """Turns an Arrow table holding the contract's columns into a frame of its dtypes.

        Raises:
            ContractError: A sum is beyond what a column can hold; the message names the rows.
        """
        from agentsview_assets.schemas.frames import frame_of

        return frame_of(self, table)

    def arrow(self, frame: pd.DataFrame) -> arrow.Table:
        """Turns a validated frame into the Arrow table that stores take, its days as dates.

        Raises:
            ContractError: A day is no calendar day.
        """
        from agentsview_assets.schemas.frames import arrow_of

        return arrow_of(self, frame)

    def empty(self) -> pd.DataFrame:
        """An empty frame that satisfies the contract."""
        return self.frame(self.arrow_schema.empty_table())

    def validate(self, frame: pd.DataFrame, days: Sequence[str] | None = None) -> pd.DataFrame:
        """Checks a frame against the contract.

        Args:
            frame: Rows to be written.
            days: The days being replaced: a list of all, or a tuple of the first and the last;
                rows of other days are refused. None for an unpartitioned table.

        Returns:
            The frame, columns in table order.

        Raises:
            ContractError: The frame breaks a rule; the message names column, rule, number of
                rows and the first keys.
        """
        from agentsview_assets.schemas.frames import validated

        return validated(self, frame, days)

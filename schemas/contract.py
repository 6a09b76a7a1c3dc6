"""The table contract: one declaration from which DDL, validation and empty frames derive.

What belongs here: what a table promises. What does not: how frames are made and checked, which
needs packages that take a second or more to import (`schemas.frames`).
"""

# ruff: noqa: PLC0415 - frames are imported by whoever has one

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from agentsview_assets.schemas.fields import Column, TableModel, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pandera.pandas as pa
    import pyarrow as arrow  # noqa: ICN001 - pa is pandera here


SHARED = "price_table"
"""Names the rows that archives share."""
_ARCHIVE = "archive_id"


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
        shared_by: Columns that part an archive's rows into tables which archives share, each
            stored once; None where every row is an archive's own. See `stored`.
    """

    name: str
    group: str
    description: str
    model: type[TableModel]
    key: tuple[str, ...]
    partition_column: str | None = None
    shared_by: tuple[str, ...] | None = None

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
    def stored(self) -> tuple[TableContract, ...]:
        """The tables of a warehouse that hold its rows.

        Itself; or where archives share rows, those without an archive, and who uses which of them.
        """
        return (self,) if self.shared_by is None else _shared(self)

    @property
    def owners(self) -> str:
        """The table of a warehouse that says which archives there are rows of."""
        return self.stored[-1].name

    @cached_property
    def relation(self) -> str:
        """SQL of all rows with the contract's columns, for a FROM clause."""
        if self.shared_by is None:
            return self.name
        rows, users = self.stored
        columns = ", ".join(f"t.{name}" for name in self.column_names if name != _ARCHIVE)
        return (
            f"(SELECT u.{_ARCHIVE}, {columns} FROM {users.name} u "
            f"JOIN {rows.name} t ON t.{SHARED} = u.{SHARED}) AS {self.name}"
        )

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


def _shared(contract: TableContract) -> tuple[TableContract, TableContract]:
    """The rows that archives share, and which archive uses which of them."""
    digest: Any = text("Digest of the rows that are stored together, whoever uses them")
    own = {column.name: column for column in contract.columns if column.name != _ARCHIVE}
    archive = next(column for column in contract.columns if column.name == _ARCHIVE)
    rows = replace(
        contract,
        model=_model(contract.model.__name__, {SHARED: digest, **own}),
        key=(SHARED, *(name for name in contract.key if name != _ARCHIVE)),
        shared_by=None,
    )
    users = replace(
        rows,
        name=f"{contract.name}_archives",
        description=f"Which rows of {contract.name} hold for an archive.",
        model=_model(f"{contract.model.__name__}Archives", {_ARCHIVE: archive, SHARED: digest}),
        key=(_ARCHIVE, SHARED),
    )
    return rows, users


def _model(name: str, columns: dict[str, Column]) -> type[TableModel]:
    return type(name, (TableModel,), dict(columns))

"""The table contract: one declaration from which DDL, validation and empty frames derive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow  # noqa: ICN001 - pa is pandera here
import pyarrow.compute as pc
from pandera.dtypes import DataType, immutable
from pandera.engines.pandas_engine import STRING
from pandera.errors import SchemaErrors

from agentsview_assets.errors import ContractError

if TYPE_CHECKING:
    from agentsview_assets.schemas.fields import Kind

ARROW_TYPES: dict[Kind, arrow.DataType] = {
    "text": arrow.string(),
    "date": arrow.string(),
    "bigint": arrow.int64(),
    "double": arrow.float64(),
    "boolean": arrow.bool_(),
    "timestamptz": arrow.timestamp("us", tz="UTC"),
}
_KEYS_SHOWN = 5


@immutable(init=True)
class _Text(STRING):
    """pandera's text type, with one answer for a column of that type instead of one for each row.

    pandera describes the rows whose answer is no even where there are none, which takes as long as
    all else that it does for a frame of a few hundred rows.
    """

    def check(
        self, pandera_dtype: DataType, data_container: pd.Series | pd.DataFrame | None = None
    ) -> bool | Iterable[bool]:
        """Whether a column is of this type, or which of its rows are."""
        if isinstance(pandera_dtype, STRING) and pandera_dtype.type == self.type:
            return True
        return super().check(pandera_dtype, data_container)


@dataclass(frozen=True)
class Column:
    """One column of a table: its name, kind, nullability, meaning and unit."""

    name: str
    kind: Kind
    nullable: bool
    description: str
    unit: str | None


@dataclass(frozen=True)
class TableContract:
    """What one table promises.

    Attributes:
        name: Table name, equal to the asset's name.
        group: Asset group that the table belongs to.
        description: What one row is, for people.
        model: Pandera model that every written frame must satisfy.
        key: Natural key; unique within the table.
        partition_column: Name of the DATE column that places a row in its day, or None.
    """

    name: str
    group: str
    description: str
    model: type[pa.DataFrameModel]
    key: tuple[str, ...]
    partition_column: str | None = None

    @cached_property
    def schema(self) -> pa.DataFrameSchema:
        """The compiled pandera schema, columns closed and the key unique."""
        schema = self.model.to_schema()
        schema.strict = True
        schema.unique = list(self.key)
        for column in schema.columns.values():
            if isinstance(column.dtype, STRING):
                column.dtype = _Text()  # type: ignore[call-arg]
        return schema

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns in table order."""
        return tuple(
            Column(
                name=str(name),
                kind=column.metadata["kind"],
                nullable=column.nullable,
                description=column.description or "",
                unit=column.metadata["unit"],
            )
            for name, column in self.schema.columns.items()
        )

    @property
    def column_names(self) -> tuple[str, ...]:
        """The column names in table order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def arrow_schema(self) -> arrow.Schema:
        """The Arrow schema that frames travel in."""
        return arrow.schema(
            [arrow.field(c.name, ARROW_TYPES[c.kind], c.nullable) for c in self.columns]
        )

    def frame(self, table: arrow.Table) -> pd.DataFrame:
        """Turns an Arrow table holding the contract's columns into a frame of its dtypes.

        Raises:
            ContractError: A sum is beyond what a column can hold; the message names the rows.
        """
        self._require_numbers(table)
        series = {}
        for column in self.columns:
            values = table.column(column.name).cast(ARROW_TYPES[column.kind])
            mapper = _nullable_int if column.kind == "bigint" and column.nullable else None
            series[column.name] = values.to_pandas(types_mapper=mapper)
        return pd.DataFrame(series)

    def _require_numbers(self, table: arrow.Table) -> None:
        """A frame would turn a whole number that is missing into a fraction that is none."""
        for column in self.columns:
            values = table.column(column.name)
            if column.kind != "bigint" or column.nullable or not values.null_count:
                continue
            rows = pc.indices_nonzero(values.is_null()).to_pylist()
            names = [name for name in self.key if name in table.column_names]
            keys = "; ".join(
                _key_text((name, table.column(name)[row].as_py()) for name in names)
                for row in rows[:_KEYS_SHOWN]
            )
            raise ContractError(
                f"{self.name}: column {column.name} has {len(rows)} row(s) whose number is beyond "
                f"what 64 bits hold, first keys: {keys}; nothing was written"
            )

    def arrow(self, frame: pd.DataFrame) -> arrow.Table:
        """Turns a validated frame into the Arrow table that stores take, its days as dates.

        Raises:
            ContractError: A day is no calendar day.
        """
        table = arrow.Table.from_pandas(frame, schema=self.arrow_schema, preserve_index=False)
        for place, column in enumerate(self.columns):
            if column.kind == "date":
                try:
                    days = table.column(place).cast(arrow.date32())
                except arrow.ArrowInvalid as error:
                    raise ContractError(f"{self.name}: column {column.name}: {error}") from None
                table = table.set_column(place, column.name, days)
        return table

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
        # Rules report index labels; keys are looked up by position, so both have to be the same.
        frame = frame.reset_index(drop=True)
        try:
            valid = self.schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            raise ContractError(self._explain(frame, error)) from None
        self._refuse_strays(valid, days)
        return valid[list(self.column_names)]

    def _refuse_strays(self, frame: pd.DataFrame, days: Sequence[str] | None) -> None:
        if self.partition_column is None or days is None:
            return
        column = frame[self.partition_column]
        is_span = isinstance(days, tuple)
        outside = ~(column.between(days[0], days[-1]) if is_span else column.isin(days))
        if not outside.any():
            return
        strays = frame.loc[outside, self.partition_column]
        keys = "; ".join(self._key_of(frame, row) for row in strays.index[:_KEYS_SHOWN])
        raise ContractError(
            f"{self.name}: column {self.partition_column} has {int(outside.sum())} row(s) outside "
            f"the partitions being written ({days[0]} to {days[-1]}), first days: "
            f"{', '.join(sorted(strays.unique())[:_KEYS_SHOWN])}, first keys: {keys}; nothing was "
            "written"
        )

    def _explain(self, frame: pd.DataFrame, error: SchemaErrors) -> str:
        cases = error.failure_cases.drop_duplicates(["column", "index", "failure_case"])
        lines = []
        for (column, check), group in cases.groupby(["column", "check"], dropna=False, sort=False):
            rows = [int(i) for i in group["index"].dropna().unique()]
            where = f"{len(rows)} row(s)" if rows else f"found {group['failure_case'].iloc[0]}"
            keys = [self._key_of(frame, row) for row in rows[:_KEYS_SHOWN]]
            shown = f", first keys: {'; '.join(keys)}" if keys else ""
            lines.append(f"  column {column}, rule {check}: {where}{shown}")
        return f"{self.name}: the frame breaks its contract and was not written\n" + "\n".join(
            lines
        )

    def _key_of(self, frame: pd.DataFrame, row: int) -> str:
        known = [name for name in self.key if name in frame.columns]
        return _key_text((name, frame[name].iloc[row]) for name in known)


def _key_text(values: Iterable[tuple[str, object]]) -> str:
    """A row's key for people, on one line whatever an archive has in it."""
    shown = ((name, str(value)) for name, value in values)
    texts = (f"{name}={text if text.isprintable() else repr(text)}" for name, text in shown)
    return f"({', '.join(texts)})"


def _nullable_int(_type: arrow.DataType) -> pd.api.extensions.ExtensionDtype:
    return pd.Int64Dtype()

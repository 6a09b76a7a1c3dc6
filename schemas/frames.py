"""Data frames under a contract: made, checked, and turned into what stores take.

What belongs here: all of the contracts that needs pandas and pandera, which are imported once a
frame is there. What does not: any rule, which a column declares (`schemas.fields`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow  # noqa: ICN001 - pa is pandera here
import pyarrow.compute as pc
from pandera.dtypes import DataType, immutable
from pandera.engines.pandas_engine import STRING
from pandera.errors import SchemaErrors

from agentsview_assets.errors import ContractError
from agentsview_assets.schemas.arrow_types import ARROW_TYPES

if TYPE_CHECKING:
    from agentsview_assets.schemas.contract import TableContract
    from agentsview_assets.schemas.fields import Column

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


_DTYPES = {
    "text": _Text(),  # type: ignore[call-arg]
    "date": _Text(),  # type: ignore[call-arg]
    "bigint": int,
    "double": float,
    "boolean": bool,
    "timestamptz": pd.DatetimeTZDtype("us", "UTC"),
}
_NULLABLE = {"bigint": pd.Int64Dtype(), "boolean": pd.BooleanDtype()}


def pandera_schema(contract: TableContract) -> pa.DataFrameSchema:
    """The pandera schema of a table, columns closed and the key unique."""
    columns = {
        column.name: pa.Column(
            _nullable_dtype(column) or _DTYPES[column.kind],
            _checks(column),
            nullable=column.nullable,
            description=column.description,
        )
        for column in contract.columns
    }
    return pa.DataFrameSchema(
        columns, strict=True, unique=list(contract.key), name=contract.model.__name__
    )


def _checks(column: Column) -> list[pa.Check]:
    checks = []
    if column.closed is not None:
        checks.append(pa.Check.isin(list(column.closed)))
    if column.pattern is not None:
        checks.append(pa.Check.str_matches(column.pattern))
    if column.least is not None:
        checks.append(pa.Check.ge(column.least))
    return checks


def _nullable_dtype(column: Column) -> pd.api.extensions.ExtensionDtype | None:
    """The type of pandas' own for a column of which numpy's type knows no missing values."""
    return _NULLABLE.get(column.kind) if column.nullable else None


def frame_of(contract: TableContract, table: arrow.Table) -> pd.DataFrame:
    """Turns an Arrow table into a frame; see `TableContract.frame`."""
    _require_numbers(contract, table)
    series = {}
    for column in contract.columns:
        values = table.column(column.name).cast(ARROW_TYPES[column.kind])
        dtype = _nullable_dtype(column)
        mapper = {ARROW_TYPES[column.kind]: dtype}.get if dtype else None
        series[column.name] = values.to_pandas(types_mapper=mapper)
    return pd.DataFrame(series)


def _require_numbers(contract: TableContract, table: arrow.Table) -> None:
    """A frame would turn a whole number that is missing into a fraction that is none."""
    for column in contract.columns:
        values = table.column(column.name)
        if column.kind != "bigint" or column.nullable or not values.null_count:
            continue
        rows = pc.indices_nonzero(values.is_null()).to_pylist()
        names = [name for name in contract.key if name in table.column_names]
        keys = "; ".join(
            _key_text((name, table.column(name)[row].as_py()) for name in names)
            for row in rows[:_KEYS_SHOWN]
        )
        raise ContractError(
            f"{contract.name}: column {column.name} has {len(rows)} row(s) whose number is beyond "
            f"what 64 bits hold, first keys: {keys}; nothing was written"
        )


def arrow_of(contract: TableContract, frame: pd.DataFrame) -> arrow.Table:
    """Turns a validated frame into an Arrow table; see `TableContract.arrow`."""
    table = arrow.Table.from_pandas(frame, schema=contract.arrow_schema, preserve_index=False)
    for place, column in enumerate(contract.columns):
        if column.kind == "date":
            try:
                days = table.column(place).cast(arrow.date32())
            except arrow.ArrowInvalid as error:
                raise ContractError(f"{contract.name}: column {column.name}: {error}") from None
            table = table.set_column(place, column.name, days)
    return table


def validated(
    contract: TableContract, frame: pd.DataFrame, days: Sequence[str] | None
) -> pd.DataFrame:
    """Checks a frame against its contract; see `TableContract.validate`."""
    # Rules report index labels; keys are looked up by position, so both have to be the same.
    frame = frame.reset_index(drop=True)
    try:
        valid = contract.schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        raise ContractError(broken_rules(contract, frame, error)) from None
    refuse_strays(contract, valid, days)
    return valid[list(contract.column_names)]


def refuse_strays(contract: TableContract, frame: pd.DataFrame, days: Sequence[str] | None) -> None:
    """Refuses rows of days that are not being replaced; see `TableContract.validate`.

    Args:
        contract: The table; without a partition column, nothing is refused.
        frame: Rows, their days as text.
        days: A list of all days, or a tuple of the first and the last one.

    Raises:
        ContractError: There are some; the message names the first.
    """
    if contract.partition_column is None or days is None:
        return
    column = frame[contract.partition_column]
    is_span = isinstance(days, tuple)
    outside = ~(column.between(days[0], days[-1]) if is_span else column.isin(days))
    if not outside.any():
        return
    strays = frame.loc[outside, contract.partition_column]
    keys = "; ".join(_key_of(contract, frame, row) for row in strays.index[:_KEYS_SHOWN])
    raise ContractError(
        f"{contract.name}: column {contract.partition_column} has {int(outside.sum())} row(s) "
        f"outside the partitions being written ({days[0]} to {days[-1]}), first days: "
        f"{', '.join(sorted(strays.unique())[:_KEYS_SHOWN])}, first keys: {keys}; nothing was "
        "written"
    )


def broken_rules(contract: TableContract, frame: pd.DataFrame, error: SchemaErrors) -> str:
    """Says which columns break which rules, in how many rows, and which rows come first.

    Args:
        contract: The table; its key names the rows.
        frame: What was checked, its rows numbered from 0.
        error: What pandera found.
    """
    cases = error.failure_cases.drop_duplicates(["column", "index", "failure_case"])
    lines = []
    for (column, check), group in cases.groupby(["column", "check"], dropna=False, sort=False):
        rows = [int(i) for i in group["index"].dropna().unique()]
        where = f"{len(rows)} row(s)" if rows else f"found {group['failure_case'].iloc[0]}"
        keys = [_key_of(contract, frame, row) for row in rows[:_KEYS_SHOWN]]
        shown = f", first keys: {'; '.join(keys)}" if keys else ""
        lines.append(f"  column {column}, rule {check}: {where}{shown}")
    return f"{contract.name}: the frame breaks its contract and was not written\n" + "\n".join(
        lines
    )


def _key_of(contract: TableContract, frame: pd.DataFrame, row: int) -> str:
    known = [name for name in contract.key if name in frame.columns]
    # A table of somebody else's need not have a key: its first columns tell what row it is.
    shown = known or list(frame.columns[:_KEYS_SHOWN])
    return _key_text((str(name), frame[name].iloc[row]) for name in shown)


def _key_text(values: Iterable[tuple[str, object]]) -> str:
    """A row's key for people, on one line whatever an archive has in it."""
    shown = ((name, str(value)) for name, value in values)
    texts = (f"{name}={text if text.isprintable() else repr(text)}" for name, text in shown)
    return f"({', '.join(texts)})"

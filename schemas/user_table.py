"""Tables of somebody else's: a pandera schema of theirs, as a table that a warehouse can keep.

What belongs here: which schemas can be kept, and turning their frames into rows and back. What does
not: writing them (`resources.warehouses.user_tables`), and any table of ours.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow  # noqa: ICN001 - pa is pandera here
from pandera import dtypes
from pandera.errors import SchemaErrors

from agentsview_assets.errors import ConfigError, ContractError
from agentsview_assets.schemas import CONTRACTS, STORED
from agentsview_assets.schemas.arrow_types import ARROW_TYPES
from agentsview_assets.schemas.contract import TableContract
from agentsview_assets.schemas.fields import Column, Kind, TableModel
from agentsview_assets.schemas.frames import broken_rules, refuse_strays

UserContract = type[pa.DataFrameModel] | pa.DataFrameSchema
"""How others declare a table: pandera's model class, or its schema."""
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_BOOKKEEPING = ("warehouse_", "sqlite_", "pg_", "duckdb_")
"""How names of tables begin that stores and engines keep for themselves."""
_TYPES: dict[Kind, arrow.DataType] = {**ARROW_TYPES, "date": arrow.date32()}
_WHAT_CAN_BE_KEPT = (
    "a text, whole number, float, bool, pandera.pandas.Date, or an instant in UTC "
    "(pandas.DatetimeTZDtype with tz='UTC')"
)


@dataclass(frozen=True)
class UserTable:
    """A table of somebody else's.

    Attributes:
        contract: Its columns and key, as messages name them.
        schema: What pandera checks.
    """

    contract: TableContract
    schema: pa.DataFrameSchema

    @cached_property
    def in_sql(self) -> TableContract:
        """The same with quoted names: `user` or `group` are words of SQL otherwise."""
        known = self.contract
        day = known.partition_column
        return _contract(
            f'"{known.name}"',
            {f'"{column.name}"': column for column in known.columns},
            tuple(f'"{name}"' for name in known.key),
            f'"{day}"' if day else None,
        )

    @property
    def shape(self) -> list[list[str]]:
        """Name, kind and nullability of every column, as they can be compared later."""
        return [
            [column.name, column.kind, "NULL" if column.nullable else "NOT NULL"]
            for column in self.contract.columns
        ]

    def validated(self, found: pd.DataFrame | arrow.Table, days: Sequence[str] | None) -> Any:
        """Checks rows as pandera does, and turns them into the Arrow table that stores take.

        Args:
            found: The rows. Arrow's have no dtypes of pandas: columns of the kind that the schema
                asks for take the schema's.
            days: The days being replaced; rows of others are refused. None for all rows.

        Returns:
            An Arrow table with the contract's columns.

        Raises:
            ContractError: A rule is broken; the message names column, rule and the first rows.
        """
        frame = self.frame(found) if isinstance(found, arrow.Table) else found
        # Rules report index labels; rows are looked up by position, so both have to be the same.
        frame = frame.reset_index(drop=True)
        try:
            valid = self.schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            raise ContractError(broken_rules(self.contract, frame, error)) from None
        rows = arrow.table({c.name: self._column(c, valid[c.name]) for c in self.contract.columns})
        if (day := self.contract.partition_column) is not None:
            texts = rows.column(day).cast(arrow.string()).to_pandas()
            refuse_strays(self.contract, valid.assign(**{day: texts.to_numpy()}), days)
        return rows

    def _column(self, column: Column, values: pd.Series) -> arrow.Array:
        wanted = _TYPES[column.kind]
        try:
            found = arrow.Array.from_pandas(values)
            return found.cast(wanted) if found.type != wanted else found
        except (arrow.ArrowInvalid, arrow.ArrowTypeError, arrow.ArrowNotImplementedError) as error:
            raise ContractError(
                f"{self.contract.name}: column {column.name} cannot be kept as {column.kind}: "
                f"{error}; nothing was written"
            ) from None

    def frame(self, rows: arrow.Table) -> pd.DataFrame:
        """Rows as a frame of the schema's dtypes, as far as columns are of the schema's kinds."""
        wanted = {column.name: column for column in self.contract.columns}
        return pd.DataFrame(
            {name: self._series(wanted.get(name), rows.column(name)) for name in rows.column_names}
        )

    def _series(self, column: Column | None, values: arrow.ChunkedArray) -> pd.Series:
        mapper = _NULLABLE.get if values.null_count else None
        series: pd.Series = values.to_pandas(types_mapper=mapper)
        if column is None or _kind_of_arrow(values.type) != column.kind:
            return series
        try:
            coerced: pd.Series = self.schema.columns[column.name].dtype.coerce(series)
        except (TypeError, ValueError):
            return series  # a NULL where none may be: pandera says so
        return coerced


_NULLABLE = {
    arrow.int64(): pd.Int64Dtype(),
    arrow.int32(): pd.Int32Dtype(),
    arrow.int16(): pd.Int16Dtype(),
    arrow.int8(): pd.Int8Dtype(),
    arrow.bool_(): pd.BooleanDtype(),
}
"""What keeps a NULL where pandas would make a fraction or an object of the whole column."""


def user_table(name: str, declared: UserContract, day: str | None = None) -> UserTable:
    """The table that a pandera schema declares.

    Args:
        name: Its name in the warehouse.
        declared: A pandera model class or schema.
        day: Column that says on which day a row is; None for a table without days.

    Raises:
        ConfigError: The name is one of ours, or the schema is of a shape that no warehouse keeps;
            the message names the table and the column, and says what to declare instead.
    """
    _require_free(name)
    schema = _closed(name, declared)
    columns = {column: _declared(name, column, rule) for column, rule in schema.columns.items()}
    if day is not None and (day not in columns or columns[day].kind not in ("text", "date")):
        raise ConfigError(
            f"table {name}: its days are to be in the column {day!r}, which its contract does not "
            "have as a text (YYYY-MM-DD) or a pandera.pandas.Date; declare it, or name another "
            "column as partition_expr in the asset's metadata"
        )
    return UserTable(_contract(name, columns, _key(schema, columns), day), schema)


def _require_free(name: str) -> None:
    if name in STORED or name in CONTRACTS or name.startswith(_BOOKKEEPING):
        raise ConfigError(
            f"table {name}: the warehouse keeps a table of its own under this name; give the asset "
            "another name"
        )
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"table {name!r}: not a name that every warehouse knows; use small letters, digits and "
            "_, 63 at most"
        )


def _closed(name: str, declared: Any) -> pa.DataFrameSchema:
    """A schema of whose frames nothing is left out in silence."""
    is_model = isinstance(declared, type) and issubclass(declared, pa.DataFrameModel)
    schema = declared.to_schema() if is_model else declared
    if not isinstance(schema, pa.DataFrameSchema):
        raise ConfigError(
            f"table {name}: its contract is {type(declared).__name__}; use a DataFrameModel or a "
            "DataFrameSchema of pandera.pandas (frames of Arrow and polars are checked by it, too)"
        )
    if schema.index is not None:
        raise ConfigError(f"table {name}: an index is not kept; declare its levels as columns")
    if schema.drop_invalid_rows:
        raise ConfigError(
            f"table {name}: drop_invalid_rows would leave rows out in silence; filter them in the "
            "asset"
        )
    schema = copy.deepcopy(schema)
    # `filter` is the wish that further columns are left out; otherwise they are an error.
    schema.strict = schema.strict or True
    return schema


def _declared(name: str, column: Any, rule: pa.Column) -> Column:
    """A column of the warehouse's table."""
    if not isinstance(column, str) or rule.regex or not _NAME.fullmatch(column):
        raise ConfigError(
            f"table {name}: column {column!r}: not a name that every warehouse knows; use small "
            "letters, digits and _, 63 at most, and no pattern"
        )
    if not rule.required:
        raise ConfigError(
            f"table {name}: column {column} may be missing; declare it nullable instead"
        )
    kind = _kind(rule.dtype)
    if kind is None:
        raise ConfigError(
            f"table {name}: column {column} is {rule.dtype or 'of no type'}, which cannot be kept "
            f"alike in every warehouse; declare {_WHAT_CAN_BE_KEPT}"
        )
    words = rule.description or rule.title or ""
    return Column(name=column, kind=kind, nullable=bool(rule.nullable), description=words)


def _kind(dtype: Any) -> Kind | None:
    """The kind of a column of a pandera type; None for those that no warehouse keeps."""
    if dtype is None or isinstance(dtype, dtypes.Decimal):
        return None
    if dtypes.is_datetime(dtype):
        return "timestamptz" if getattr(dtype.type, "tz", None) is not None else None
    kinds: dict[type, Kind] = {
        dtypes.Bool: "boolean",
        dtypes.Int: "bigint",
        dtypes.Float: "double",
        dtypes.Category: "text",
        dtypes.String: "text",
        dtypes.Date: "date",
    }
    return next((kind for known, kind in kinds.items() if isinstance(dtype, known)), None)


def _kind_of_arrow(found: arrow.DataType) -> Kind | None:
    tests: dict[Kind, Any] = {
        "boolean": arrow.types.is_boolean,
        "bigint": arrow.types.is_integer,
        "double": arrow.types.is_floating,
        "date": arrow.types.is_date,
        "timestamptz": lambda t: arrow.types.is_timestamp(t) and t.tz is not None,
        "text": lambda t: arrow.types.is_string(t) or arrow.types.is_large_string(t),
    }
    return next((kind for kind, is_one in tests.items() if is_one(found)), None)


def _key(schema: pa.DataFrameSchema, columns: dict[str, Column]) -> tuple[str, ...]:
    """What the schema says is unique; a column that may be NULL is no key of a database."""
    alone = [[name] for name, rule in schema.columns.items() if rule.unique]
    together = schema.unique if isinstance(schema.unique, list) else [schema.unique]
    names = together if schema.unique else next(iter(alone), [])
    return tuple(names) if all(not columns[name].nullable for name in names) else ()


def _contract(
    name: str, columns: dict[str, Column], key: tuple[str, ...], day: str | None
) -> TableContract:
    model = type(name, (TableModel,), dict(columns))
    return TableContract(
        name=name, group="", description="", model=model, key=key, partition_column=day
    )

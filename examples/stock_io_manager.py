"""Dagster's own DuckDB IO manager with pandas 3, as dagster-duckdb-pandas wants pandas below 3.

Assets that are read with it name it: `AssetIn(input_manager_key="stock")`.
"""

from collections.abc import Sequence

import dagster as dg
import duckdb
import pandas as pd
import pyarrow as pa
from dagster._core.storage.db_io_manager import DbTypeHandler, TableSlice
from dagster_duckdb import DuckDBIOManager
from dagster_duckdb.io_manager import DuckDbClient

Frame = pd.DataFrame | pa.Table


class FrameHandler(DbTypeHandler[Frame]):
    """Stores and loads frames of pandas and Arrow; Dagster deletes what is replaced before."""

    @property
    def supported_types(self) -> Sequence[type]:
        """What assets may return and ask for."""
        return [pd.DataFrame, pa.Table]

    def handle_output(
        self,
        context: dg.OutputContext,
        table_slice: TableSlice,
        obj: Frame,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        """Adds the rows, by the names of their columns; the first ones make the table."""
        name = f"{table_slice.schema}.{table_slice.table}"
        connection.register("rows_to_add", obj)
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} AS FROM rows_to_add LIMIT 0")
        connection.execute(f"INSERT INTO {name} BY NAME FROM rows_to_add")
        connection.unregister("rows_to_add")
        context.add_output_metadata({"dagster/row_count": len(obj)})

    def load_input(
        self,
        context: dg.InputContext,
        table_slice: TableSlice,
        connection: duckdb.DuckDBPyConnection,
    ) -> Frame:
        """Reads the rows of the days that are asked for."""
        found = connection.sql(DuckDbClient.get_select_statement(table_slice)).to_arrow_table()
        return found if context.dagster_type.typing_type is pa.Table else found.to_pandas()


class FramesIOManager(DuckDBIOManager):
    """Dagster's DuckDB IO manager for frames; `database` names a file, `schema` one in it."""

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler[Frame]]:
        """The one above."""
        return [FrameHandler()]

    @staticmethod
    def default_load_type() -> type:
        """What an input without an annotation gets."""
        return pd.DataFrame

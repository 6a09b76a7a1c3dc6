"""Assets of a team's own that are made from ours: in the same deployment, with their lineage.

Run it with `dagster dev -f examples/downstream.py`, with the settings of the deployment.
"""

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from agentsview_assets.build import build_definitions
from agentsview_assets.partitions import daily_partitions
from agentsview_assets.settings import load_settings

settings = load_settings()
daily = daily_partitions(settings)


@dg.asset(partitions_def=daily, group_name="finance")
def cost_of_day(daily_usage: pa.Table) -> dg.MaterializeResult[None]:
    """What a day cost: the same day's rows, as Arrow."""
    return dg.MaterializeResult(metadata={"usd": pc.sum(daily_usage["cost_usd"]).as_py() or 0.0})


@dg.asset(group_name="finance", io_manager_key="io_manager")
def cost_by_project(daily_usage: duckdb.DuckDBPyRelation) -> dg.MaterializeResult[None]:
    """What each project cost in all: every day's rows, as a DuckDB relation."""
    by_project = daily_usage.aggregate("project, SUM(cost_usd) AS usd").order("usd DESC").fetchall()
    return dg.MaterializeResult(metadata={"projects": len(by_project), "most": str(by_project[:1])})


defs = dg.Definitions.merge(
    build_definitions(settings), dg.Definitions(assets=[cost_of_day, cost_by_project])
)

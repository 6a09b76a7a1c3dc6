"""Assets of a team's own that are made from ours: in the same deployment, with their lineage.

Run it with `dagster dev -f examples/downstream.py`, with the settings of the deployment.
"""

import dagster as dg
import duckdb
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from agentsview_assets.build import build_definitions
from agentsview_assets.partitions import daily_partitions
from agentsview_assets.resources.warehouses.user_tables.io_manager import UserTablesIOManager
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


class ProjectCosts(pandera.DataFrameModel):
    """What a project cost on a day."""

    day: str
    project: str
    usd: float = pandera.Field(ge=0)

    class Config:
        """A row for each day and project."""

        unique = ["day", "project"]  # noqa: RUF012 - as pandera's own pages write it


@dg.asset(
    partitions_def=daily,
    group_name="finance",
    backfill_policy=dg.BackfillPolicy.single_run(),
    io_manager_key="finance_tables",
    metadata={"partition_expr": "day"},
)
def project_costs(daily_usage: pd.DataFrame) -> pd.DataFrame:
    """A table of the team's own in the same warehouse: each day is replaced as ours are."""
    by_project = daily_usage.groupby(["partition_date", "project"], as_index=False)
    costs = by_project["cost_usd"].sum()
    return costs.rename(columns={"partition_date": "day", "cost_usd": "usd"})


@dg.asset(
    group_name="finance", ins={"project_costs": dg.AssetIn(input_manager_key="finance_tables")}
)
def dearest_project(project_costs: pa.Table) -> dg.MaterializeResult[None]:
    """What reads it gets it as our tables are got: here all days, as Arrow."""
    totals = project_costs.group_by("project").aggregate([("usd", "sum")])
    [dearest] = totals.sort_by([("usd_sum", "descending")]).slice(0, 1).to_pylist() or [{}]
    return dg.MaterializeResult(metadata={"project": str(dearest.get("project"))})


defs = dg.Definitions.merge(
    build_definitions(settings),
    dg.Definitions(
        assets=[cost_of_day, cost_by_project, project_costs, dearest_project],
        resources={
            "finance_tables": UserTablesIOManager(
                settings.warehouse, {"project_costs": ProjectCosts}
            )
        },
    ),
)

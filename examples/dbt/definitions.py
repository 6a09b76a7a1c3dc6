"""Models of dbt over our tables, in the same deployment: ours are upstream of theirs in the graph.

Run it with `dagster dev -f examples/dbt/definitions.py`, with the settings of the deployment.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from agentsview_assets.build import build_definitions
from agentsview_assets.settings import load_settings

settings = load_settings()
os.environ["AGENTSVIEW_WAREHOUSE_FILE"] = str(settings.warehouses[0].file)
project = DbtProject(project_dir=Path(__file__).parent)
project.prepare_if_dev()


@dbt_assets(manifest=project.manifest_path)
def marts(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Every model and its tests, in runs of their own: ours hold a DuckDB file to their end."""
    yield from dbt.cli(["build"], context=context).stream()


defs = dg.Definitions.merge(
    build_definitions(settings),
    dg.Definitions(assets=[marts], resources={"dbt": DbtCliResource(project_dir=project)}),
)

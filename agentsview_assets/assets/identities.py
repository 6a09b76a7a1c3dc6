"""Identities: which repository each project label stands for, recomputed from what was seen."""

import dagster as dg
import pandas as pd
import pyarrow as pa

from agentsview_assets.assets.common import table_asset
from agentsview_assets.assets.looking import archives_of, copied_versions
from agentsview_assets.assets.naming import Names
from agentsview_assets.resources.warehouses.io_manager import Days
from agentsview_assets.resources.warehouses.outputs import Frames
from agentsview_assets.resources.work import METER
from agentsview_assets.rules.identity_rows import identity_rows
from agentsview_assets.schemas import CONTRACTS


def identity_assets(names: Names) -> list[dg.AssetsDefinition]:
    """The project identities."""

    @table_asset(names, "project_identities")
    def project_identities(context: dg.AssetExecutionContext, project_observations: Days) -> Frames:
        contract = CONTRACTS["project_identities"]
        archives = archives_of(context)
        versions = copied_versions(context, "project_observations", archives)
        with METER.measure():
            evidence = project_observations.of(archives).read_all()
            rows = identity_rows(evidence.to_pylist())
            table = pa.Table.from_pylist(rows, schema=contract.arrow_schema)
            frames: list[pd.DataFrame] = [contract.frame(table)]
        return Frames(frames, archives, input_versions=versions)

    return [project_identities]

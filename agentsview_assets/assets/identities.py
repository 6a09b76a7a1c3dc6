"""Identities: which repository each project label stands for, recomputed from what was seen."""

import dagster as dg
import pandas as pd
import pyarrow as pa

from agentsview_assets.assets.common import table_asset
from agentsview_assets.resources.checkouts import LocalDisk
from agentsview_assets.resources.io_manager import Frames
from agentsview_assets.resources.work import METER
from agentsview_assets.schemas import CONTRACTS
from agentsview_assets.transforms.identity_rows import identity_rows


def identity_assets() -> list[dg.AssetsDefinition]:
    """The project identities."""

    @table_asset("project_identities")
    def project_identities(project_observations: pa.Table) -> Frames:
        contract = CONTRACTS["project_identities"]
        with METER.measure():
            rows = identity_rows(project_observations.to_pylist(), LocalDisk())
            table = pa.Table.from_pylist(rows, schema=contract.arrow_schema)
            frames: list[pd.DataFrame] = [contract.frame(table)]
        return Frames(frames, follows=("project_observations",))

    return [project_identities]

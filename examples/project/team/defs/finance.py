"""What the team makes of the coding agents' usage."""

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc


@dg.asset(
    group_name="finance",
    partitions_def=dg.DailyPartitionsDefinition("2026-10-29", end_offset=1),
    ins={"usage": dg.AssetIn(key=["agents", "daily_usage"])},
)
def cost_of_day(usage: pa.Table) -> dg.MaterializeResult[None]:
    """What a day cost: the same day's rows of `agents/daily_usage`, as Arrow."""
    return dg.MaterializeResult(metadata={"usd": pc.sum(usage["cost_usd"]).as_py() or 0.0})

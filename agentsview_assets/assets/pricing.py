"""Pricing: the rates in force and what they make of each model seen."""

import dagster as dg
import pyarrow as pa

from agentsview_assets.assets.common import IO_MANAGER_KEY, table_asset
from agentsview_assets.assets.histories import record_rates
from agentsview_assets.assets.looking import archives_of, copied_versions
from agentsview_assets.resources.warehouses.io_manager import Days
from agentsview_assets.resources.warehouses.outputs import Frames
from agentsview_assets.resources.work import METER
from agentsview_assets.rules.rates import model_rates as rate_models
from agentsview_assets.rules.rates import price_tables, rates_version
from agentsview_assets.rules.timestamps import Instant
from agentsview_assets.schemas import CONTRACTS

_YEAR_1, _YEAR_10000 = -62_135_596_800, 253_402_300_800


def pricing_assets() -> list[dg.AssetsDefinition]:
    """The effective price rows and the rates of the models seen."""
    return [_effective_pricing(), _model_rates()]


def _effective_pricing() -> dg.AssetsDefinition:
    @table_asset("effective_pricing", required_resource_keys={IO_MANAGER_KEY})
    def effective_pricing(context: dg.AssetExecutionContext, model_pricing: Days) -> Frames:
        contract = CONTRACTS["effective_pricing"]
        archives = archives_of(context)
        versions = copied_versions(context, "model_pricing", archives)
        with METER.measure():
            prices = _tuples(model_pricing.of(archives).read_all())
            rows = [
                {
                    "archive_id": archive_id,
                    "model_pattern": pattern,
                    "source": row.source,
                    "input_usd_per_mtok": row.rates.input,
                    "output_usd_per_mtok": row.rates.output,
                    "cache_write_usd_per_mtok": row.rates.cache_write,
                    "cache_read_usd_per_mtok": row.rates.cache_read,
                    "updated_at": _microseconds(row.updated_at),
                    "pricing_digest": table.digest,
                }
                for archive_id, table in price_tables(prices).items()
                for pattern, row in sorted(table.rows.items())
            ]
            frame = contract.frame(pa.Table.from_pylist(rows, schema=contract.arrow_schema))
        return Frames([frame], archives, input_versions=versions)

    return effective_pricing


def _microseconds(instant: Instant | None) -> int | None:
    """The instant for a column; None outside the years 1 to 9999, which not every store has."""
    if instant is None or not _YEAR_1 <= instant.epoch_seconds < _YEAR_10000:
        return None
    return instant.epoch_seconds * 1_000_000 + instant.nanosecond // 1000


def _model_rates() -> dg.AssetsDefinition:
    @table_asset(
        "model_rates",
        ins={
            "usage_rows": dg.AssetIn(
                metadata={"count_by": ["archive_id", "model"]},
                partition_mapping=dg.AllPartitionMapping(),
            )
        },
        deps=["effective_pricing"],
        required_resource_keys={IO_MANAGER_KEY},
    )
    def model_rates(
        context: dg.AssetExecutionContext, usage_rows: Days, model_pricing: Days
    ) -> Frames:
        contract = CONTRACTS["model_rates"]
        archives = archives_of(context)
        versions = copied_versions(context, "model_pricing", archives)
        with METER.measure():
            seen = [
                (row["archive_id"], row["model"], row["row_count"])
                for row in usage_rows.of(archives).read_all().to_pylist()
            ]
            prices = _tuples(model_pricing.of(archives).read_all())
            rates = rate_models(seen, price_tables(prices))
            table = pa.Table.from_pylist([r._asdict() for r in rates], schema=contract.arrow_schema)
            by_model = {(r.archive_id, r.model): r for r in rates}
            of_archive = {
                archive: [pair for pair in by_model if pair[0] == archive] for archive in archives
            }
            rated = {
                (archive, ""): rates_version(pairs, by_model)
                for archive, pairs in of_archive.items()
            }
        record_rates(context, rates, archives)
        return Frames(
            [contract.frame(table)], archives, input_versions=versions, rates_versions=rated
        )

    return model_rates


def _tuples(table: pa.Table) -> list[tuple[object, ...]]:
    """Rows of `model_pricing` in contract order."""
    names = CONTRACTS["model_pricing"].column_names
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))

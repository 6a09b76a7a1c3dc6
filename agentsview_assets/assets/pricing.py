"""Pricing: the rates in force and what they make of each model seen."""

from collections.abc import Mapping

import dagster as dg
import pyarrow as pa

from agentsview_assets.assets.common import table_asset
from agentsview_assets.assets.histories import record_rates
from agentsview_assets.assets.looking import archives_of, copied_versions, store_of
from agentsview_assets.assets.naming import Names
from agentsview_assets.errors import ContractError
from agentsview_assets.resources.warehouses.fencing import require_alive
from agentsview_assets.resources.warehouses.outputs import Frames
from agentsview_assets.resources.warehouses.placing import generation, require_no_newer
from agentsview_assets.resources.warehouses.store import Partition, Selection, Slices, Store
from agentsview_assets.resources.work import METER
from agentsview_assets.rules.rates import ModelRate, price_tables, rates_version
from agentsview_assets.rules.rates import model_rates as rate_models
from agentsview_assets.rules.staleness import Slice
from agentsview_assets.rules.timestamps import Instant
from agentsview_assets.rules.versions import recorded_rules
from agentsview_assets.schemas import CONTRACTS

_YEAR_1, _YEAR_10000 = -62_135_596_800, 253_402_300_800


def pricing_assets(names: Names) -> list[dg.AssetsDefinition]:
    """The effective price rows and the rates of the models seen."""
    return [_effective_pricing(names), _model_rates(names)]


def _effective_pricing(names: Names) -> dg.AssetsDefinition:
    @table_asset(names, "effective_pricing", deps=["model_pricing"])
    def effective_pricing(context: dg.AssetExecutionContext) -> Frames:
        contract = CONTRACTS["effective_pricing"]
        archives = archives_of(context)
        versions = copied_versions(context, "model_pricing", archives)
        with METER.measure():
            prices = store_of(context).price_rows(archives)
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


def _model_rates(names: Names) -> dg.AssetsDefinition:
    # A leaf: reports look rates up for themselves (see `assets.reports`).
    @table_asset(
        names,
        "model_rates",
        deps=[
            "effective_pricing",
            dg.AssetDep(names.key("usage_rows"), partition_mapping=_ALL_DAYS),
        ],
    )
    def model_rates(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        rates = rates_in_force(context, archives_of(context), is_asked_for=True)
        METER.report(f"wrote model_rates: {len(rates):,} rows")
        return dg.MaterializeResult(metadata={"dagster/row_count": len(rates)})

    return model_rates


_ALL_DAYS = dg.AllPartitionMapping()


def rates_in_force(
    context: dg.AssetExecutionContext, archives: tuple[str, ...], *, is_asked_for: bool = False
) -> list[ModelRate]:
    """The rates of the models seen in some archives, which `model_rates` then holds, too.

    Args:
        context: The step that needs them.
        archives: Whose models.
        is_asked_for: Whether to write the table even where it holds just that.

    Raises:
        ContractError: The prices of an archive have not been read yet.
    """
    store, contract = store_of(context), CONTRACTS["model_rates"]
    versions = copied_versions(context, "model_pricing", archives)
    with METER.measure():
        seen = store.read(
            CONTRACTS["usage_rows"], Selection(count_by=_BY_MODEL, archives=archives)
        ).to_pylist()
        _require_prices(seen, versions)
        counts = [(row["archive_id"], row["model"], row["row_count"]) for row in seen]
        found = store.read(contract, Selection(archives=archives)).to_pylist()
        held = [ModelRate(**row) for row in found]
        if not is_asked_for and _are_current(store, held, counts, versions):
            return held
        rates = rate_models(counts, price_tables(store.price_rows(archives)))
    record_rates(context, rates, archives)
    with METER.measure():
        _write(context, rates, archives, versions)
    return rates


def _are_current(
    store: Store,
    held: list[ModelRate],
    counts: list[tuple[str, str, int]],
    versions: Mapping[Slice, str],
) -> bool:
    """Whether `model_rates` was made by these rules, of these prices, for just these models."""
    recorded = store.records("model_rates")
    made_by = recorded_rules("model_rates", is_report=False)
    return all(
        place in recorded and (recorded[place].content, recorded[place].rules) == (version, made_by)
        for place, version in versions.items()
    ) and {(r.archive_id, r.model, r.usage_row_count) for r in held} == {*counts}


def as_table(rates: list[ModelRate]) -> pa.Table:
    """Rates as rows of `model_rates`."""
    schema = CONTRACTS["model_rates"].arrow_schema
    return pa.Table.from_pylist([rate._asdict() for rate in rates], schema=schema)


_BY_MODEL = ("archive_id", "model")


def _require_prices(seen: list[dict[str, object]], versions: Mapping[Slice, str]) -> None:
    missing = {str(row["archive_id"]) for row in seen} - {archive for archive, _ in versions}
    if missing:
        raise ContractError(
            f"model_pricing: not materialised for {len(missing)} archive(s) yet; materialise "
            "model_pricing and effective_pricing together with this table"
        )


def _write(
    context: dg.AssetExecutionContext,
    rates: list[ModelRate],
    archives: tuple[str, ...],
    versions: Mapping[Slice, str],
) -> None:
    store, contract = store_of(context), CONTRACTS["model_rates"]
    require_no_newer(store.rules())
    require_alive(context.instance, context.run.run_id)
    by_model = {(rate.archive_id, rate.model): rate for rate in rates}
    pairs: dict[str, list[tuple[str, str]]] = {archive: [] for archive in archives}
    for pair in by_model:
        pairs[pair[0]].append(pair)
    partitions = [
        Partition(
            archive_id=archive,
            partition_date=day,
            row_count=len(pairs[archive]),
            input_version=version,
            rates_version=rates_version(pairs[archive], by_model),
            run_id=context.run.run_id,
            rules_version=recorded_rules(contract.name, is_report=False),
        )
        for (archive, day), version in sorted(versions.items())
    ]
    store.record_rules(generation())
    frame = contract.validate(contract.frame(as_table(rates)))
    store.replace(contract, [frame], Slices(archives), partitions)

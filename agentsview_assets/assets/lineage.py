"""From which columns each column of a table is made, as the UI draws it.

What belongs here: where columns come from. What does not: how they are made.
"""

from collections.abc import Iterable

import dagster as dg

from agentsview_assets.assets.naming import Names
from agentsview_assets.schemas import CONTRACTS

_TOKENS = ("input_tokens", "output_tokens", "cache_creation_tokens", "cache_read_tokens")
_RATES = (
    "input_usd_per_mtok", "output_usd_per_mtok", "cache_write_usd_per_mtok",
    "cache_read_usd_per_mtok",
)  # fmt: skip
_PRICED = {
    "priced_input_tokens": ("usage_rows.input_tokens", "usage_rows.reported_cost_usd"),
    "priced_output_tokens": ("usage_rows.billable_output_tokens", "usage_rows.reported_cost_usd"),
    "priced_cache_creation_tokens": (
        "usage_rows.cache_creation_tokens", "usage_rows.reported_cost_usd",
    ),
    "priced_cache_read_tokens": ("usage_rows.cache_read_tokens", "usage_rows.reported_cost_usd"),
    "computed_cost_usd": (
        *(f"usage_rows.{name}" for name in _TOKENS), "usage_rows.billable_output_tokens",
        *(f"model_rates.{name}" for name in _RATES),
    ),
    "unpriced_tokens": (
        *(f"usage_rows.{name}" for name in _TOKENS), "model_rates.matched_pattern",
    ),
    "usage_row_count": ("usage_rows.row_id",),
    "reported_row_count": ("usage_rows.reported_cost_usd",),
    "pricing_digest": ("model_rates.pricing_digest",),
}  # fmt: skip
_COST = {
    "cost_usd": ("usage_rows.reported_cost_usd", *_PRICED["computed_cost_usd"]),
}
_SOURCES = {
    "duplicates": ("usage_rows",),
    "session_copies": ("archive_sessions",),
    "effective_pricing": ("model_pricing",),
    "model_rates": ("usage_rows", "effective_pricing"),
    "project_identities": ("project_observations",),
    "daily_usage": ("usage_rows", "model_rates"),
    "activity_buckets": ("activity_intervals", "usage_rows", "model_rates"),
    "session_model_usage": ("usage_rows", "model_rates"),
    "session_summaries": ("sessions", "session_model_usage"),
}
"""Tables whose columns of the same name are taken over, the first that has one."""
_MADE: dict[str, dict[str, tuple[str, ...]]] = {
    "duplicates": {
        name: tuple(
            f"usage_rows.{of}"
            for of in ("archive_id", "dedup_key", "timestamp_text", "session_id", "ordinal")
        )
        for name in ("counting_archive_id", "counting_row_id")
    },
    "session_copies": {
        "canonical_archive_id": ("archive_sessions.archive_id", "archive_sessions.session_id"),
    },
    "effective_pricing": {
        "source": ("model_pricing.layer",),
        "updated_at": ("model_pricing.updated_at_text",),
        "pricing_digest": tuple(f"model_pricing.{name}" for name in ("model_pattern", *_RATES)),
    },
    "model_rates": {
        "matched_pattern": ("usage_rows.model", "effective_pricing.model_pattern"),
        "usage_row_count": ("usage_rows.row_id",),
    },
    "project_identities": {
        "key": ("project_observations.git_remote", "project_observations.root_path"),
        "normalized_remote": ("project_observations.git_remote",),
        "resolution": ("project_observations.git_remote", "project_observations.root_path"),
    },
    "daily_usage": {
        **_PRICED,
        **_COST,
        "usage_date_text": ("usage_rows.timestamp_text", "usage_rows.epoch_seconds"),
        "duplicate_row_count": ("duplicates.counting_row_id",),
        "cache_savings_usd": (
            "usage_rows.cache_creation_tokens", "usage_rows.cache_read_tokens",
            *(f"model_rates.{name}" for name in _RATES),
        ),
    },
    "activity_buckets": {
        **{name: _PRICED[name] for name in ("unpriced_tokens", "pricing_digest")},
        **_COST,
        "bucket_start": ("activity_intervals.epoch_seconds", "usage_rows.epoch_seconds"),
        "max_agents": ("activity_intervals.epoch_seconds", "activity_intervals.duration_ns"),
        "session_count": ("activity_intervals.session_id",),
        "active_minutes": ("activity_intervals.duration_ns",),
        "agent_minutes": ("activity_intervals.duration_ns",),
        "automated_agent_minutes": (
            "activity_intervals.duration_ns", "activity_intervals.is_automated",
        ),
        "interactive_agent_minutes": (
            "activity_intervals.duration_ns", "activity_intervals.is_automated",
        ),
    },
    "session_model_usage": {
        **_PRICED,
        **_COST,
        "partition_date": ("usage_rows.session_date",),
        "cost_source": ("usage_rows.reported_cost_usd",),
    },
    "session_summaries": {
        "model_count": ("session_model_usage.model",),
        "classification": ("sessions.is_automated",),
        "is_deleted": ("sessions.deleted_at_text",),
        "duration_seconds": (
            "sessions.started_at_text", "sessions.ended_at_text", "sessions.last_activity_text",
        ),
        "has_cost": (
            "session_model_usage.reported_row_count", "session_model_usage.usage_row_count",
        ),
    },
}  # fmt: skip


def column_lineage(table: str, names: Names) -> dg.TableColumnLineage | None:
    """The columns that each column of a table is made from; None for what is read from outside."""
    if table not in _SOURCES:
        return None
    made = _MADE.get(table, {})
    found: dict[str, list[dg.TableColumnDep]] = {}
    for column in CONTRACTS[table].column_names:
        of = made.get(column) or _taken_over(table, column)
        if of:
            found[column] = [_dep(names, *name.split(".")) for name in of]
    return dg.TableColumnLineage(found)


def _taken_over(table: str, column: str) -> Iterable[str]:
    for source in _SOURCES[table]:
        if column in CONTRACTS[source].column_names:
            return (f"{source}.{column}",)
    return ()


def _dep(names: Names, table: str, column: str) -> dg.TableColumnDep:
    return dg.TableColumnDep(asset_key=names.key(table), column_name=column)

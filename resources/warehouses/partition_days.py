"""The days of a step, as Dagster hands them to an IO manager.

What belongs here: which days are written, and that they can be. What does not: rows.
"""

from __future__ import annotations

from datetime import date

import dagster as dg

from agentsview_assets.errors import ContractError


def days_of(context: dg.OutputContext) -> list[str] | None:
    """The days that a step writes, in order; None for a table without days.

    Raises:
        ContractError: The asset is partitioned, and not by days.
    """
    if not context.has_asset_partitions:
        return None
    if not isinstance(context.asset_partitions_def, dg.DailyPartitionsDefinition):
        raise ContractError(
            f"{context.asset_key.to_user_string()}: tables are kept whole or by days; give the "
            "asset a DailyPartitionsDefinition, or none"
        )
    return list(context.asset_partition_keys)


def require_contiguous(context: dg.OutputContext, days: list[str] | None) -> None:
    """Refuses days with gaps: what is replaced is a range.

    Raises:
        ContractError: There is one.
    """
    if days is None or len(days) < 2:  # noqa: PLR2004 - one day is contiguous
        return
    ordinals = [date.fromisoformat(day).toordinal() for day in days]
    if ordinals != list(range(ordinals[0], ordinals[0] + len(days))):
        raise ContractError(f"{context.asset_key.path[-1]}: the days written are not contiguous")

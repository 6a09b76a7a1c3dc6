"""The `reprice` command: what changed prices move, shown first and then done.

What belongs here: options and how the outcome is printed. What does not: working it out.
"""

# ruff: noqa: PLC0415 - the parts that work are imported when they are needed

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from agentsview_assets.cli.options import archive_option
from agentsview_assets.cli.tables import aligned
from agentsview_assets.cli.words import progress_lines, say, say_json
from agentsview_assets.rules.shown_text import visible

if TYPE_CHECKING:
    from agentsview_assets.repricing import Impact, ModelImpact

_EXAMPLES = """
\b
Examples:
  agentsview-assets reprice --dry-run          what the prices that hold now would move
  agentsview-assets reprice                    the same, and do it
  agentsview-assets reprice --json
"""
_HEAD = ("MODEL", "INPUT", "OUTPUT", "CACHE_WR", "CACHE_RD", "DAYS", "OLD", "NEW")


@click.command(epilog=_EXAMPLES)
@archive_option
@click.option(
    "--warehouse", metavar="URL", help="Warehouse to price anew  [env: AGENTSVIEW_ASSETS_WAREHOUSE]"
)
@click.option("--dry-run", is_flag=True, help="Print what would move and write nothing")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object")
def reprice(
    *, archive: tuple[str, ...], warehouse: str | None, dry_run: bool, as_json: bool
) -> None:
    """Price the warehouse anew after prices changed, without reading any session.

    Prices are those stored in the archive, your own in its config.toml, and the embedded table.
    Only days with a model whose rates moved are made again, from the warehouse's own observations.
    What moved is kept in the tables price_changes and restatements.
    """
    from agentsview_assets.repricing import assess
    from agentsview_assets.repricing import reprice as run
    from agentsview_assets.resources.dagster_home.launcher import require_own_launcher
    from agentsview_assets.settings import load_settings

    settings = load_settings(archive=archive, warehouse=warehouse)
    if not dry_run:
        require_own_launcher()
    impact = assess(settings, dry_run=dry_run)
    for reason in impact.unread:
        say(f"note: not read, with the prices that it had before: {reason}", err=True)
    if not as_json:
        say(describe(impact))
    if not dry_run and not impact.up_to_date:
        run(settings, impact, progress_lines())
        if not as_json:
            say(f"Priced anew: {impact.partitions:,} partitions in {impact.seconds:.1f} s")
    if as_json:
        say_json(asdict(impact))


def describe(impact: Impact) -> str:
    """What a price change moves, as text."""
    if impact.up_to_date:
        return (
            f"Nothing to do: {visible(impact.warehouse)} is priced with the prices that hold now."
        )
    if not impact.models:
        return "No model that was used has other rates; only the price tables are made again."
    lines = [aligned([_HEAD, *map(_row, impact.models)]).removesuffix("\n")]
    days = impact.days
    span = f"{len(days):,} days, {days[0]} to {days[-1]}" if days else "no day"
    lines.append(f"{span}: ${impact.old_cost_usd:,.2f} becomes ${impact.new_cost_usd:,.2f}")
    lines.append(f"pricing digest {impact.old_pricing_digest}")
    lines.append(f"       becomes {impact.new_pricing_digest}")
    return "\n".join(lines)


def _row(model: ModelImpact) -> tuple[str, ...]:
    rates = (_rate(model.old_rates, n, model.new_rates) for n in range(4))
    costs = (f"${model.old_cost_usd:,.2f}", f"${model.new_cost_usd:,.2f}")
    return (visible(model.model), *rates, f"{model.days:,}", *costs)


def _rate(old: tuple[float, ...] | None, place: int, new: tuple[float, ...] | None) -> str:
    before, after = (f"{rates[place]:g}" if rates else "-" for rates in (old, new))
    return before if before == after else f"{before} > {after}"

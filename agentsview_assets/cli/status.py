"""The `status` command: what is in the warehouse, and whether it can be trusted."""

# ruff: noqa: PLC0415 - the parts that work are imported when they are needed

from __future__ import annotations

from typing import Any

import click

from agentsview_assets.cli.options import archive_option
from agentsview_assets.cli.words import say, say_json
from agentsview_assets.rules.shown_text import visible

_EXAMPLES = """
\b
Examples:
  agentsview-assets status
  agentsview-assets status --json --warehouse duckdb:////srv/agents.duckdb
"""


@click.command(epilog=_EXAMPLES)
@archive_option
@click.option(
    "--warehouse", metavar="URL", help="Warehouse to look at  [env: AGENTSVIEW_ASSETS_WAREHOUSE]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object")
def status(*, archive: tuple[str, ...], warehouse: str | None, as_json: bool) -> None:
    """Show archives, partitions, row counts, prices and how complete they are."""
    from agentsview_assets.documents.common.status import warehouse_status
    from agentsview_assets.settings import load_settings

    found = warehouse_status(load_settings(archive=archive, warehouse=warehouse))
    if as_json:
        say_json(found)
    else:
        say("\n".join(map(visible, _lines(found))))


def _held(held: dict[str, Any]) -> str:
    """An archive that is in the warehouse and not named."""
    if "succeeded_by" in held:
        return (
            f"{held['path']}: {held['archive_id']} was there before {held['succeeded_by']}; what "
            f"the new one does not hold stays. `materialize --forget {held['archive_id']}` gives "
            "it up"
        )
    return f"{held['path']}: not named now; its rows stay as written {held['written_at']}"


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"Warehouse {found['warehouse']}"]
    lines += [f"Copy      {copy['warehouse']}: {copy['note']}" for copy in found["copies"]]
    for source in found["sources"]:
        lines.append(f"Archive   {source['note']}")
        if "lacks" in source:
            lines.append(f"          a mirror, without {', '.join(source['lacks'])}")
    lines += [f"Archive   {_held(held)}" for held in found["held"] if held["state"] == "kept"]
    if found["shared"]["sessions"]:
        lines.append(
            f"Shared    {found['shared']['sessions']:,} sessions are in several archives; they "
            "count once where all are reported together"
        )
    from agentsview_assets.resources.archives.held_rows import MOST_NAMED

    lines += [f"Left out  {row}" for row in found["left_out"][:MOST_NAMED]]
    if len(found["left_out"]) > MOST_NAMED:
        lines.append(
            f"          and {len(found['left_out']) - MOST_NAMED:,} more; --json names all"
        )
    lines.append("")
    lines.append(f"{'TABLE':<22}{'ROWS':>12}{'DAYS':>8}{'STALE':>8}  LAST WRITTEN")
    lines += [
        f"{name:<22}{table['rows']:>12,}{table['partitions']:>8,}"
        f"{table['stale'] if table['stale'] is not None else '?':>8}  {table['written_at'] or '-'}"
        for name, table in found["tables"].items()
    ]
    lines += [""] if found["alarms"] or found["unchecked"] or found["clock"] else []
    lines += [
        f"WRONG     {alarm['asset']}, {alarm['check']}: {visible(alarm['words'])}"
        for alarm in found["alarms"]
    ]
    if found["unchecked"]:
        lines.append(f"Unchecked {', '.join(found['unchecked'])}: run materialize, which asks")
    lines += [f"Clock     {note}" for note in found["clock"]]
    complete, last = found["completeness"], found["last_run"]
    share = complete["priced_tokens"] / max(1, complete["tokens"])
    lines += [
        "",
        f"Tokens    {complete['tokens']:,}, of which {share:.1%} have a price or a reported cost",
        f"Unpriced  {', '.join(complete['unpriced_models']) or 'no model'}",
        f"Pricing   {found['pricing_digest'] or 'not materialised'}",
        f"Last run  {last['run_id'] or 'none'} {last['written_at'] or ''}",
    ]
    return lines

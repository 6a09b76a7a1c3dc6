"""Archives whose rows are to go: given up by their owner, or another archive's now.

What belongs here: who may be given up, and seeing to it that nothing of them is left. What does
not: the days of such an archive, which are out of date and made anew like any others.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import dagster as dg

from agentsview_assets.assets.looking import note_observed
from agentsview_assets.connections import build_resources
from agentsview_assets.errors import UsageError
from agentsview_assets.planning import NO_DAYS, Plan, window_of
from agentsview_assets.resources.archive_resource import ArchiveResource
from agentsview_assets.resources.observing import Observed
from agentsview_assets.resources.store import Store
from agentsview_assets.resources.warehouses import open_existing, open_store
from agentsview_assets.running import Tell, history, run_plan
from agentsview_assets.settings import Settings
from agentsview_assets.transforms import staleness
from agentsview_assets.transforms.succession import FORGOTTEN


def keep_archives(
    settings: Settings, source: ArchiveResource, seen: Observed, forget: Sequence[str], tell: Tell
) -> None:
    """Gives up the archives that are to go, and refuses to lose any other.

    Raises:
        UsageError: One that is to go cannot be given up.
        WarehouseError: A warehouse holds rows of archives that are not observed here.
    """
    with open_existing(settings.warehouse) as warehouse:
        if forget:
            _require_forgettable(source, warehouse, seen, forget)
            source.forget(forget, warehouse)
        taken = source.require_kept(warehouse) if warehouse is not None else seen.taken
    for found in taken:
        tell(f"note: {found.told()}")


def _require_forgettable(
    source: ArchiveResource, warehouse: Store | None, seen: Observed, forget: Sequence[str]
) -> None:
    """Refuses to forget what is not there, or what is being read.

    Raises:
        UsageError: An id is not that of an archive that can be given up.
    """
    held = source.observed().may_replace()
    known = held | {a for a, _ in warehouse.strangers(held)} if warehouse is not None else held
    unknown = [archive_id for archive_id in forget if archive_id not in known]
    if unknown:
        listed = ", ".join(
            f"{archive_id} (read by this run)" if archive_id in seen.archive_ids else archive_id
            for archive_id in sorted(known)
        )
        raise UsageError(
            f"--forget {', '.join(unknown)}: there is no such archive; there are {listed or 'none'}"
        )
    named = [archive_id for archive_id in forget if archive_id in seen.archive_ids]
    if named:
        raise UsageError(
            f"--forget {', '.join(named)}: that archive is read by this very run; leave it out of "
            "--archive to give it up"
        )


def finish_leaving(
    settings: Settings, source: ArchiveResource, tell: Tell, instance: dg.DagsterInstance | None
) -> None:
    """Lets the prices of archives go once their rows have, and tells what became of those.

    As long as there are rows of an archive, they need its prices. What a run leaves of it goes
    with the next one, whoever starts it.
    """
    leaving = source.observed().leaving()
    if not leaving:
        return
    with open_existing(settings.warehouse) as warehouse:
        left = {
            archive_id
            for archive_id in leaving
            if warehouse is not None and warehouse.holds(archive_id, beside_prices=True)
        }
    _let_go(settings, source, sorted(leaving.keys() - left), tell, instance)
    for archive_id, why in sorted(leaving.items()):
        if archive_id in left:
            tell(
                f"note: rows of archive {archive_id} ({why}) are left on days or in tables that "
                "this run did not make; materialize without --since, --until and --select takes "
                "them away"
            )
        elif why == FORGOTTEN:
            tell(f"note: archive {archive_id} is forgotten; no rows of it are left")


def _let_go(
    settings: Settings,
    source: ArchiveResource,
    gone: Collection[str],
    tell: Tell,
    instance: dg.DagsterInstance | None,
) -> None:
    """Makes the price tables without archives of which nothing else is left."""
    if not gone:
        return
    source.drop_prices(gone)
    with open_store(settings.warehouse) as warehouse:
        is_priced = any(warehouse.holds(archive_id) for archive_id in gone)
        if is_priced:
            note_observed(warehouse, source, source.observed().expected(window_of(settings)))
    if is_priced:
        plan = Plan(frozenset({*staleness.PRICE_TABLES, staleness.RATES_TABLE}), [NO_DAYS])
        with history(settings, instance) as kept:
            run_plan(settings, plan, build_resources(settings), kept, tell).require_whole()
    with open_store(settings.warehouse) as warehouse:
        warehouse.remove_notes(sorted(gone))
    source.have_left(sorted(gone))

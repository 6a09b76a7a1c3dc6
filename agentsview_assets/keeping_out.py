"""Keeping out of a warehouse what must not be in it, whoever put it there, and saying so.

What belongs here: when rows are mended and files written anew. What does not: how.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agentsview_assets.errors import WarehouseError
from agentsview_assets.resources.warehouses.opening import each, open_store
from agentsview_assets.resources.warehouses.store import Store
from agentsview_assets.rules import versions
from agentsview_assets.rules.outdated import stale_slices
from agentsview_assets.rules.staleness import observed_slices
from agentsview_assets.rules.windows import DayWindow
from agentsview_assets.settings import Settings

Progress = Callable[[str], None]


def take_out_credentials(store: Store, progress: Progress) -> None:
    """Takes credentials out of rows that were not made by the rules of today.

    Those are rows of an earlier version, and rows in which the check `content_free` found some.
    """
    if store.rules().get("credentials") == versions.rules().digests["credentials"]:
        return
    from agentsview_assets.resources.warehouses.keeping_out import take_out  # noqa: PLC0415 - rarely needed

    texts = sum(take_out(single) for single in each(store))
    store.record_rules(
        {"credentials": versions.rules().digests["credentials"]}
        | ({"rewrite": "credentials were taken out"} if texts else {})
    )
    if texts:
        progress(f"took credentials out of {texts:,} texts that the warehouse held")


def is_due(settings: Settings, rules: Mapping[str, str]) -> bool:
    """Whether something is left to do for a warehouse where no day is out of date."""
    wants_labels = not settings.with_titles and rules.get("titles") != "labels"
    return wants_labels or "rewrite" in rules


def finish(store: Store, settings: Settings, progress: Progress) -> str | None:
    """Does, once rows are written, what cannot be done before: see the functions below.

    Returns:
        Why the warehouse's files are to be written anew once they are closed, if they are.
    """
    take_out_credentials(store, progress)
    if not settings.with_titles:
        forget_titles(store, settings, progress)
    return store.rules().get("rewrite")


def forget_titles(store: Store, settings: Settings, progress: Progress) -> None:
    """Notes that no title is a first message any more, once every day was made so."""
    if store.rules().get("titles") == "labels":
        return
    window = DayWindow(settings.start_date, settings.last_date)
    observed = observed_slices(store.expected(), window)
    expected = {place: (version, "") for place, version in observed.items()}
    stale = stale_slices(expected, store.partitions("sessions"))
    if stale:
        progress(
            f"note: {len({day for _, day in stale}):,} days may still hold titles; materialize "
            "without bounds"
        )
        return
    store.record_rules({"titles": "labels", "rewrite": "titles were replaced by labels"})


def rewrite_files(settings: Settings, reason: str, progress: Progress) -> None:
    """Writes files anew that hold bytes of what was taken out; what fails is told, and due."""
    from agentsview_assets.resources.warehouses.rewriting import rewrite  # noqa: PLC0415 - rarely needed

    try:
        for warehouse in settings.warehouses:
            if warehouse.path is not None:
                progress(f"writing {warehouse.shown} anew, because {reason}")
                rewrite(warehouse)
    except WarehouseError as error:
        progress(
            f"note: {error}. Rows are right; the file still has bytes of what was there before, "
            "and the next run writes it anew"
        )
        return
    with open_store(settings.warehouse) as store:
        store.record_rules({"rewrite": None})

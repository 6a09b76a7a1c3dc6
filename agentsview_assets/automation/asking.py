"""Requests that a command hands to a deployment: `materialize --launch`.

They lie in the deployment's own Dagster storage, where the reconciler finds them. Only commands
write there; that one was carried out is known by its runs.

What belongs here: handing over and finding. What does not: what follows (`automation.reconciler`).
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import asdict, dataclass

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType

from agentsview_assets.assets.naming import Names
from agentsview_assets.errors import ConfigError
from agentsview_assets.planning import NO_DAYS, Range, Request, select_tables, window_of
from agentsview_assets.resources.dagster_home.history import open_history
from agentsview_assets.rules.staleness import DAILY_TABLES
from agentsview_assets.settings import Settings

RECONCILER = "reconcile"
"""Name of the sensor that asks for runs."""
SCHEDULE = "daily"
_KEY = "agentsview_assets/asked"
_KEPT_SECONDS = 86_400.0
_MOST_ATTEMPTS = 20
_ALIVE_SECONDS = 120.0


@dataclass(frozen=True)
class Asked:
    """A look at the archives that was asked for, or tables to make again whatever their state.

    Attributes:
        key: Names it.
        at: When, in seconds since 1970.
        verify: Whether to compare all contents.
        tables: What to make again; empty for whatever is out of date.
        days: Of which days.
    """

    key: str
    at: float
    verify: bool = False
    tables: tuple[str, ...] = ()
    days: Range = NO_DAYS


def ask(
    instance: dg.DagsterInstance,
    names: Names,
    *,
    verify: bool = False,
    tables: frozenset[str] = frozenset(),
    days: Range = NO_DAYS,
) -> Asked:
    """Hands a request to the reconciler of a deployment.

    Raises:
        ConfigError: The reconciler is off, or nobody's daemon runs it.
    """
    require_reconciler(instance, names)
    _require_daemon(instance)
    asked = Asked(uuid.uuid4().hex[:16], time.time(), verify, tuple(sorted(tables)), days)
    # Another command may write at the same moment: what did not stay is written again.
    for _ in range(_MOST_ATTEMPTS):
        found = asked_for(instance, names)
        if asked in found:
            return asked
        text = json.dumps([asdict(other) for other in (*found, asked)])
        instance.daemon_cursor_storage.set_cursor_values({_key(names): text})
    raise ConfigError("the deployment's storage does not keep the request; try again")


def _key(names: Names) -> str:
    """Where the requests to a reconciler lie."""
    return "/".join([_KEY, *names.prefix])


def asked_for(instance: dg.DagsterInstance, names: Names) -> list[Asked]:
    """The requests of the last day to a reconciler, whether or not they were carried out.

    That one was carried out is known by its runs of the last day: older ones would look new.
    """
    key = _key(names)
    found = instance.daemon_cursor_storage.get_cursor_values({key}).get(key, "[]")
    entries = [
        Asked(**{**entry, "tables": tuple(entry["tables"]), "days": tuple(entry["days"])})
        for entry in json.loads(found)
    ]
    return [entry for entry in entries if time.time() - entry.at < _KEPT_SECONDS]


def require_reconciler(instance: dg.DagsterInstance, names: Names) -> None:
    """Makes sure that somebody makes what is asked for.

    Raises:
        ConfigError: The reconciler is off.
    """
    name = names.of(RECONCILER)
    states = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    if not any(state.is_running for state in states if state.instigator_name == name):
        raise ConfigError(
            f"nothing is made while `{name}` is off: turn it on under Automation in the UI, "
            "or run it here (`agentsview-assets materialize`, `agentsview-assets reprice`)"
        )


def _require_daemon(instance: dg.DagsterInstance) -> None:
    """Makes sure that a daemon evaluates sensors.

    Raises:
        ConfigError: None has been seen for some time.
    """
    beat = instance.get_daemon_heartbeats().get("SENSOR")
    if beat is None or time.time() - beat.timestamp > _ALIVE_SECONDS:
        raise ConfigError(
            "no Dagster daemon works on this deployment: start one (`agentsview-assets ui`, or "
            "`dagster-daemon run`)"
        )


def hand_over(settings: Settings, request: Request) -> Asked:
    """Hands what `materialize` was asked for to the deployment that keeps this history.

    Everything that is out of date is made by the reconciler in any case; what is added is a look
    now, and with `force` the tables and days that are made whatever their state.

    Raises:
        AssetsError: The deployment cannot be reached, or nobody works on it.
    """
    window = window_of(settings)
    tables, days = frozenset[str](), NO_DAYS
    if request.force:
        tables = select_tables(settings, request.select)
        if tables & {*DAILY_TABLES}:
            first, last = request.since or window.first, request.until or window.last
            days = window.clamp(first), window.clamp(last)
    with open_history(settings.state_dir) as instance:
        return ask(
            instance,
            Names(settings.key_prefix),
            verify=request.verify or request.force,
            tables=tables,
            days=days,
        )

"""Putting the graph together from settings: assets, checks, automation, and how they run.

What belongs here: the function that builds. What does not: anything that happens on import.
"""

from __future__ import annotations

import dagster as dg

from agentsview_assets.assets import all_assets
from agentsview_assets.assets.located import located
from agentsview_assets.assets.naming import Names
from agentsview_assets.automation.jobs import buttons, executor_of, reconciled_jobs
from agentsview_assets.automation.triggers import schedules, sensors
from agentsview_assets.checks import all_checks
from agentsview_assets.connections import build_resources
from agentsview_assets.partitions import daily_partitions
from agentsview_assets.settings import Settings

__all__ = ["build_definitions", "build_resources"]


def build_definitions(settings: Settings) -> dg.Definitions:
    """The graph over the settings' archive, warehouse and days, and all that can start it.

    With a key prefix it can be merged with the definitions of others: it then says nothing of what
    a project has once, its executor and Dagster's own IO manager.
    """
    names = Names(settings.key_prefix)
    asked_for = reconciled_jobs(settings)
    return dg.Definitions(
        assets=located(all_assets(daily_partitions(settings), names), settings.warehouses),
        asset_checks=all_checks(names, settings.unread_days),
        resources=build_resources(settings),
        jobs=[*asked_for, *buttons(settings)],
        schedules=schedules(settings),
        sensors=sensors(settings, asked_for),
        executor=None if settings.key_prefix else executor_of(settings),
    )

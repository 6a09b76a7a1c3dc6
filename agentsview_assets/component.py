"""The graph as a Dagster component: a few lines of YAML in somebody else's project.

What belongs here: the attributes, and what is said of wrong ones. What does not: what they mean,
which is that of the settings. Dagster's tools import this module of every installed package, so
that it imports no more than it must.
"""

from __future__ import annotations

import dagster as dg
from dagster.components.core.context import ComponentLoadContext
from pydantic import Field

from agentsview_assets import settings as known
from agentsview_assets.errors import ConfigError
from agentsview_assets.settings import Settings, load_settings

__all__ = ["AgentsviewAssets"]

DEFAULT_PREFIX = "agents"
_VARIABLES = {
    "start_date": known.START_DATE_VARIABLE,
    "titles": known.TITLES_VARIABLE,
    "schedule_hour": known.SCHEDULE_HOUR_VARIABLE,
    "schedule_timezone": known.SCHEDULE_TIMEZONE_VARIABLE,
    "executor": known.EXECUTOR_VARIABLE,
    "key_prefix": known.KEY_PREFIX_VARIABLE,
}
"""Attributes, each with the variable that says the same where this project stands alone."""


class AgentsviewAssets(dg.Component, dg.Resolvable, dg.Model):
    """Tables of coding-agent usage, cost and activity, over archives of agentsview.

    Only what stands here counts: the variables of the environment that settings otherwise come
    from say nothing, because several components in one project share it.
    """

    archive: str | list[str] = Field(
        description="Data folder of agentsview, a mirror, a listing such as /archives/*, or several"
    )
    warehouse: str = Field(
        description="duckdb:///PATH, sqlite:///PATH, postgresql://USER@HOST/DB?schema=NAME, or "
        "several separated by spaces"
    )
    key_prefix: str = Field(
        DEFAULT_PREFIX, description="What all keys and names begin with: agents, or team/agents"
    )
    start_date: str = Field(
        known.DEFAULT_START_DATE, description="First day of the partitions, YYYY-MM-DD"
    )
    titles: str = Field(
        "full", description="labels leaves out titles that are a session's first message"
    )
    schedule_hour: int | str = Field(3, description="Hour of the daily schedule")
    schedule_timezone: str = Field("UTC", description="Zone of that hour, such as Europe/Berlin")
    executor: str = Field(
        known.EXECUTORS[0], description="How steps of our own jobs run: in_process or multiprocess"
    )

    def build_defs(self, context: ComponentLoadContext) -> dg.Definitions:
        """The graph, which can be merged with the definitions of others.

        Raises:
            ConfigError: An attribute cannot be used; the message names it.
        """
        # A second or more, which whoever only lists components does without.
        from agentsview_assets.build import build_definitions  # noqa: PLC0415

        try:
            return build_definitions(self.settings())
        except ConfigError as error:
            raise ConfigError(f"{context.path}: {error}") from None

    def settings(self) -> Settings:
        """What the attributes say.

        Raises:
            ConfigError: One of them cannot be used; the message names it.
        """
        archives = [self.archive] if isinstance(self.archive, str) else self.archive
        texts = {name: str(getattr(self, name)) for name in _VARIABLES}
        for name, given in {**texts, "archive": archives}.items():
            # A setting that is empty is not set; an attribute that is empty is a mistake.
            if not given:
                raise ConfigError(f"{name}: is empty; give it a value")
        environ = {_VARIABLES[name]: text for name, text in texts.items()}
        try:
            return load_settings(environ, archive=archives, warehouse=self.warehouse)
        except ConfigError as error:
            raise ConfigError(_by_attribute(str(error))) from None


def _by_attribute(words: str) -> str:
    """What is said of a variable, said of the attribute."""
    for name, variable in _VARIABLES.items():
        words = words.replace(variable, name)
    return words

"""What a run works with, fixed by the deployment: no run's configuration can say otherwise.

What belongs here: how Dagster gets an object that was settled when the process started. What does
not: which object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

import dagster as dg


class Closing(Protocol):
    """Something that is open during a run."""

    def close(self) -> None:
        """Lets go of everything."""


Opened = TypeVar("Opened", bound=Closing)
# An empty shape refuses every value; no shape at all would take any.
NOTHING_TO_CONFIGURE: dict[str, Any] = {}


def for_each_run(make: Callable[[], Opened]) -> Callable[[dg.InitResourceContext], Any]:
    """The function that Dagster calls for a run: makes the object, and closes it at the end."""

    def opened(_context: dg.InitResourceContext) -> Iterator[Opened]:
        made = make()
        try:
            yield made
        finally:
            made.close()

    return opened


def fixed_resource(make: Callable[[], Opened], description: str) -> dg.ResourceDefinition:
    """A resource without any field: an address in a run's configuration is an error."""
    return dg.ResourceDefinition(
        for_each_run(make), config_schema=NOTHING_TO_CONFIGURE, description=description
    )


def kept_resource(made: Closing, description: str) -> dg.ResourceDefinition:
    """An object that is open before a run and after it, likewise without any field."""
    return dg.ResourceDefinition(
        lambda _context: made, config_schema=NOTHING_TO_CONFIGURE, description=description
    )


class KeepsNothing(dg.IOManager):
    """In the place of Dagster's own IO manager, which pickles to a folder of a run's choice.

    Steps outside of the tables, those of the jobs, hand nothing over.
    """

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Forgets what a step of a job returned."""

    def load_input(self, context: dg.InputContext) -> None:
        """There is never anything."""


def keeps_nothing() -> dg.IOManagerDefinition:
    """The IO manager of steps that make no table."""
    return dg.IOManagerDefinition(
        lambda _context: KeepsNothing(),
        config_schema=NOTHING_TO_CONFIGURE,
        input_config_schema=NOTHING_TO_CONFIGURE,
        description="keeps nothing: the steps of jobs return nothing",
    )

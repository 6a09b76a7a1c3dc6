"""Names of one instance of the graph: of its assets, resources, jobs, sensors, schedules and pools.

With a key prefix they are its own, so that several instances, and a project of somebody else's,
stand in one set of definitions. Tables keep their names: each instance has its own warehouse.

What belongs here: how a name is put together. What does not: which names there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

BETWEEN = "__"
"""Between the parts of a name; no part of a prefix has it, so that no two names are the same."""


@dataclass(frozen=True)
class Names:
    """How an instance calls its parts.

    Attributes:
        prefix: The parts that all of its names begin with; empty without a prefix.
    """

    prefix: tuple[str, ...] = ()

    @classmethod
    def beside(cls, key: dg.AssetKey) -> Names:
        """The names of the instance that an asset belongs to."""
        return cls(tuple(key.path[:-1]))

    def key(self, name: str) -> dg.AssetKey:
        """The key of an asset."""
        return dg.AssetKey([*self.prefix, name])

    def of(self, name: str) -> str:
        """The name of anything else: Dagster takes letters, digits and underscores."""
        return BETWEEN.join([*self.prefix, name])

    def asset(self, key: dg.AssetKey) -> str:
        """The name of an asset without the prefix; '' of another instance's."""
        return key.path[-1] if self.beside(key) == self else ""


UNPREFIXED = Names()
"""The names of an instance that has a project to itself."""

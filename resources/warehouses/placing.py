"""By which settings and rules a warehouse's rows are made: a run that differs is refused.

What belongs here: comparing them, at no import cost. What does not: placing rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agentsview_assets.errors import ConfigError, OutdatedError
from agentsview_assets.rules.versions import rules as release_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

_START_DATE, _TITLES, _GENERATION = "start_date", "titles_setting", "rules_generation"
_VARIABLES = {
    _START_DATE: "AGENTSVIEW_ASSETS_START_DATE",
    _TITLES: "AGENTSVIEW_ASSETS_TITLES",
}


def generation() -> dict[str, str]:
    """By which generation of rules this release makes rows, as a warehouse records it."""
    return {_GENERATION: str(release_rules().generation)}


def require_no_newer(recorded: Mapping[str, str]) -> None:
    """Refuses to replace rows that a newer release of ours made.

    Args:
        recorded: The rules that the warehouse has recorded.

    Raises:
        OutdatedError: Its rows were made by newer rules.
    """
    found, ours = int(recorded.get(_GENERATION, "0")), release_rules().generation
    if found > ours:
        raise OutdatedError(
            f"the warehouse was made by a newer release of agentsview-assets (rules of generation "
            f"{found}, here {ours}); upgrade this one, which would put older rows in their place"
        )


class Placing(NamedTuple):
    """Settings that decide where rows are, and what they say.

    Attributes:
        start_date: The first day that has a partition, which holds all earlier rows.
        titles: `full` where titles may be first messages, `labels` where none is; None where no
            titles are written.
    """

    start_date: str
    titles: str | None = None

    def rules(self) -> dict[str, str]:
        """As a warehouse records them."""
        found = {_START_DATE: self.start_date}
        return found if self.titles is None else {**found, _TITLES: self.titles}

    def require_same(self, rules: Mapping[str, str]) -> None:
        """Refuses to write rows beside others that were placed or shaped by other settings.

        Args:
            rules: What the warehouse has recorded; a setting that is not among it is new to it.

        Raises:
            ConfigError: They differ.
        """
        others = [
            f"{_VARIABLES[name]}={rules[name]} (here: {value})"
            for name, value in self.rules().items()
            if rules.get(name, value) != value
        ]
        if others:
            raise ConfigError(
                f"the warehouse was made with {' and '.join(others)}; use the same, or run "
                "`agentsview-assets materialize --new-settings` once, which makes anew what is "
                "placed or worded by it"
            )

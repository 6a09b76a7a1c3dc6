"""What became of a plan: known without Dagster.

What belongs here: plain values. What does not: running (`agentsview_assets.running`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agentsview_assets.errors import ContractError

Progress = Callable[[str], None]


@dataclass
class Outcome:
    """What became of a plan.

    Attributes:
        partitions: Partitions written.
        refused: Why, by day ('' for tables without days), rows were refused by their contract.
    """

    partitions: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    def require_whole(self) -> None:
        """Names the days that were not made.

        Raises:
            ContractError: There are some.
        """
        if not self.refused:
            return
        days = ", ".join(day for day in sorted(self.refused) if day) or "tables without days"
        why = "\n".join(dict.fromkeys(self.refused.values()))
        raise ContractError(
            f"not made: {days}; everything else was. Mend this and run it again:\n{why}"
        )

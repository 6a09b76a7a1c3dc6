"""Which rules make a row: the digests of the rules of this release, at no import cost.

They stand in a generated file (`docs/make_rules.py`), so that nothing has to be imported to find
out that nothing is to do.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from agentsview_assets.rules.rule_digests import DIGESTS, GENERATION


class Rules(NamedTuple):
    """The rules of a release.

    Attributes:
        generation: Rises with every release in which a rule changed.
        digests: By table; `landing` for what sessions land by, `credentials` for what is taken out.
    """

    generation: int
    digests: dict[str, str]


@lru_cache(maxsize=1)
def rules() -> Rules:
    """The rules of this release."""
    return Rules(GENERATION, dict(DIGESTS))


def recorded_rules(table: str, *, is_report: bool) -> str:
    """What a slice records of its rules: their digest, and of a report that of the landing, too.

    A report is out of date by its own rules alone. The others tell why its numbers moved.
    """
    digests = rules().digests
    return f"{digests[table]} {digests['landing']}" if is_report else digests[table]


def own_rules(recorded: str) -> str:
    """The digest of a slice's own rules, of what it has recorded."""
    return recorded.partition(" ")[0]

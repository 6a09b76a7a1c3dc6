"""Money as people read it."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterable

_SMALLEST_SHOWN_USD = 0.005


def added_up(costs: Iterable[float]) -> float:
    """Return the sum of costs in USD, added one after the other; no costs are 0.0.

    agentsview adds so. `sum` does on Python 3.11 alone: later ones carry what rounding loses, and a
    report would depend on the Python that makes it.
    """
    return functools.reduce(operator.add, costs, 0.0)


def cost_text(usd: float) -> str:
    """Return a cost to the cent, such as `$12.30`; less than half a cent is `<$0.01`."""
    if 0 < usd < _SMALLEST_SHOWN_USD:
        return "<$0.01"
    if math.isinf(usd):
        return "$+Inf" if usd > 0 else "$-Inf"
    return "$NaN" if math.isnan(usd) else f"${usd:.2f}"

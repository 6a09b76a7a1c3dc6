"""Money as people read it."""

from __future__ import annotations

import math

_SMALLEST_SHOWN_USD = 0.005


def cost_text(usd: float) -> str:
    """Return a cost to the cent, such as `$12.30`; less than half a cent is `<$0.01`."""
    if 0 < usd < _SMALLEST_SHOWN_USD:
        return "<$0.01"
    if math.isinf(usd):
        return "$+Inf" if usd > 0 else "$-Inf"
    return "$NaN" if math.isnan(usd) else f"${usd:.2f}"
